package dev.s3llm.examples.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.S3Engine;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.memory.PrefixSharing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Runs a {@link PrefixWorkload} on an engine of its own, with or without sharing. */
final class PrefixBench {
  private static final double NANOS_PER_SECOND = 1e9;

  private final Executor executor;
  private final int maxTokensPerStep;
  private final int maxRunning;

  PrefixBench(Executor executor, int maxTokensPerStep, int maxRunning) {
    this.executor = executor;
    this.maxTokensPerStep = Math.min(maxTokensPerStep, executor.profile().maxTokensPerStep());
    this.maxRunning = Math.min(maxRunning, executor.profile().maxSequencesPerStep());
  }

  /**
   * What a run took.
   *
   * @param workload name of the workload
   * @param prefix name of the order of forgetting, or none
   * @param seconds time of the run
   * @param promptTokens tokens of all prompts
   * @param cachedTokens prompt tokens that were not computed
   * @param outputTokens tokens of all answers
   * @param firstTokenMean mean time to the first token, in seconds
   * @param firstTokenP99 99th percentile of that time, in seconds
   */
  record Row(
      String workload,
      String prefix,
      double seconds,
      long promptTokens,
      long cachedTokens,
      long outputTokens,
      double firstTokenMean,
      double firstTokenP99) {
    ObjectNode json() {
      return Json.object()
          .put("workload", workload)
          .put("prefix", prefix)
          .put("seconds", seconds)
          .put("prompt_tokens", promptTokens)
          .put("cached_tokens", cachedTokens)
          .put("output_tokens", outputTokens)
          .put("ttft_mean_s", firstTokenMean)
          .put("ttft_p99_s", firstTokenP99);
    }
  }

  /** A session with the call that runs. */
  private static final class Session {
    private int[] prompt;
    private Generation generation;
    private int call;

    Session(int[] prompt, Generation generation) {
      this.prompt = prompt;
      this.generation = generation;
    }
  }

  /** Runs all sessions to their ends. */
  Row run(PrefixWorkload work, String name, PrefixSharing sharing) {
    List<GenerationResult> results = new ArrayList<>();
    long start = System.nanoTime();
    try (S3Engine engine =
        S3Engine.builder(new KeptOpen(executor))
            .prefixSharing(sharing)
            .maxTokensPerStep(maxTokensPerStep)
            .maxRunning(maxRunning)
            .build()) {
      List<Session> open = new ArrayList<>();
      for (int i = 0; i < work.sessions(); i++) {
        int[] prompt = work.firstPrompt(i, executor.profile().vocabularySize());
        open.add(new Session(prompt, submit(engine, prompt, work)));
      }
      while (!open.isEmpty()) {
        advance(engine, work, open, results);
      }
    }
    return row(work, name, (System.nanoTime() - start) / NANOS_PER_SECOND, results);
  }

  /** Waits for the next call that ends, and makes the calls that follow those that have ended. */
  private void advance(
      S3Engine engine, PrefixWorkload work, List<Session> open, List<GenerationResult> results) {
    CompletableFuture.anyOf(
            open.stream()
                .map(session -> session.generation.result())
                .toArray(CompletableFuture<?>[]::new))
        .join();
    for (Session session : List.copyOf(open)) {
      if (session.generation.result().isDone()) {
        GenerationResult result = session.generation.result().join();
        results.add(result);
        if (++session.call == work.calls()) {
          open.remove(session);
        } else {
          session.prompt =
              work.nextPrompt(
                  session.prompt,
                  result.tokens(),
                  session.call,
                  executor.profile().vocabularySize());
          session.generation = submit(engine, session.prompt, work);
        }
      }
    }
  }

  private static Generation submit(S3Engine engine, int[] prompt, PrefixWorkload work) {
    return engine.submit(
        GenerationRequest.builder(prompt)
            .maxNewTokens(work.answer())
            .lengthHint(work.answer())
            .build());
  }

  private static Row row(
      PrefixWorkload work, String name, double seconds, List<GenerationResult> results) {
    double[] first =
        results.stream()
            .mapToDouble(r -> r.timeToFirstToken().orElseThrow().toNanos() / NANOS_PER_SECOND)
            .sorted()
            .toArray();
    return new Row(
        work.name(),
        name,
        seconds,
        results.stream().mapToLong(GenerationResult::promptTokens).sum(),
        results.stream().mapToLong(GenerationResult::cachedTokens).sum(),
        results.stream().mapToLong(GenerationResult::outputTokens).sum(),
        Arrays.stream(first).average().orElse(0),
        first[(int) Math.ceil(0.99 * first.length) - 1]);
  }

  /** Stays open when an engine closes it. */
  private static final class KeptOpen extends ForwardingExecutor {
    KeptOpen(Executor executor) {
      super(executor);
    }

    @Override
    public void close() {}
  }
}
