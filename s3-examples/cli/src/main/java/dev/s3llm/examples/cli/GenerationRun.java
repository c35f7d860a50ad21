package dev.s3llm.examples.cli;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.RequestRefusedException;
import dev.s3llm.S3Engine;
import dev.s3llm.examples.cli.PromptFile.Prompt;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.jcuda.model.TextStream;
import dev.s3llm.jcuda.model.TextTokenizer;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.predict.LengthPredictor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/** Serves a list of prompts with one planner and gathers answers and figures. */
final class GenerationRun {
  /** Long: a file of prompts is submitted at once, and its predictions queue up. */
  private static final Duration PREDICTION_BUDGET = Duration.ofSeconds(30);

  private final Path model;
  private final TextTokenizer tokenizer;
  private final GenerateOptions options;

  GenerationRun(Path model, TextTokenizer tokenizer, GenerateOptions options) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.options = options;
  }

  /**
   * What a run produced.
   *
   * @param tokens the output token ids of each answer
   * @param meanKvUse mean share of KV blocks that held tokens, sampled while it ran
   */
  record Outcome(
      List<Answer> answers,
      List<int[]> tokens,
      double seconds,
      double meanKvUse,
      EngineSnapshot end) {

    long outputTokens() {
      return answers.stream().mapToLong(Answer::outputTokens).sum();
    }
  }

  /**
   * Runs the prompts.
   *
   * @param predictor closed at the end
   * @param ratePerSecond arrivals a second, Poisson; 0 submits all at once
   * @param pieces receives pieces of text as they come, where there is one prompt only
   * @param onAnswer is told of each answer when it ends, in order of the prompts
   */
  Outcome run(
      List<Prompt> prompts,
      PlannerChoice planner,
      LengthPredictor predictor,
      double ratePerSecond,
      Consumer<String> pieces,
      Consumer<Answer> onAnswer)
      throws InterruptedException {
    LoadedModel loaded = LoadedModel.load(model, options);
    try (S3Engine engine = engine(loaded.executor(), planner, predictor)) {
      Thread hook = new Thread(engine::closeNow);
      Runtime.getRuntime().addShutdownHook(hook);
      try {
        return serve(engine, loaded, prompts, ratePerSecond, pieces, onAnswer);
      } finally {
        Runtime.getRuntime().removeShutdownHook(hook);
      }
    }
  }

  private S3Engine engine(Executor executor, PlannerChoice planner, LengthPredictor predictor) {
    return S3Engine.builder(executor)
        .predictor(predictor)
        .predictionBudget(PREDICTION_BUDGET)
        .planner(planner.planner())
        .order(options.order.order())
        .recovery(planner.recovery(options.recomputeOnly))
        .maxLiveRequests(1_000_000)
        .build();
  }

  private Outcome serve(
      S3Engine engine,
      LoadedModel loaded,
      List<Prompt> prompts,
      double ratePerSecond,
      Consumer<String> pieces,
      Consumer<Answer> onAnswer)
      throws InterruptedException {
    List<GenerationRequest> requests = requests(loaded, prompts);
    try (KvUse use = new KvUse(engine)) {
      long start = System.nanoTime();
      List<Generation> generations = submit(engine, requests, ratePerSecond);
      if (generations.size() == 1) {
        generations.get(0).tokens().subscribe(new TextPrinter(tokenizer, pieces));
      }
      List<Answer> answers = new ArrayList<>();
      List<int[]> tokens = new ArrayList<>();
      for (int i = 0; i < generations.size(); i++) {
        GenerationResult result = generations.get(i).result().join();
        int[] output = result.tokens();
        Answer answer = Answer.of(prompts.get(i).text(), tokenizer.decode(output), result);
        answers.add(answer);
        tokens.add(output);
        onAnswer.accept(answer);
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      return new Outcome(answers, tokens, seconds, use.mean(), engine.snapshot());
    }
  }

  /** All requests, so that one that can never be served is found before any is started. */
  private List<GenerationRequest> requests(LoadedModel loaded, List<Prompt> prompts) {
    List<GenerationRequest> requests = new ArrayList<>();
    ExecutorProfile profile = loaded.executor().profile();
    long limit = Math.min(profile.maxContextTokens(), profile.capacityTokens());
    for (Prompt prompt : prompts) {
      int[] tokens = tokenizer.encode(prompt.text());
      if (tokens.length + (long) options.maxNewTokens > limit) {
        throw new UsageException(
            "prompt %s has %d tokens, and --max-new-tokens is %d: together more than the %d tokens of %s"
                .formatted(
                    prompt.id(),
                    tokens.length,
                    options.maxNewTokens,
                    limit,
                    limit == profile.maxContextTokens() ? "the model's context" : "--kv-budget"));
      }
      requests.add(
          GenerationRequest.builder(tokens)
              .id(prompt.id())
              .promptText(prompt.text())
              .maxNewTokens(options.maxNewTokens)
              .sampling(options.sampling())
              .stopTokens(loaded.config().stopTokens())
              .build());
    }
    return requests;
  }

  private List<Generation> submit(
      S3Engine engine, List<GenerationRequest> requests, double ratePerSecond)
      throws InterruptedException {
    Random arrivals = new Random(options.seed);
    List<Generation> generations = new ArrayList<>();
    for (GenerationRequest request : requests) {
      if (ratePerSecond > 0 && !generations.isEmpty()) {
        double gap = -Math.log(1 - arrivals.nextDouble()) / ratePerSecond;
        Thread.sleep((long) (gap * 1e3));
      }
      try {
        generations.add(engine.submit(request));
      } catch (RequestRefusedException e) {
        throw new UsageException(String.valueOf(e.getMessage()));
      }
    }
    return generations;
  }

  /** Samples how full KV memory is. */
  private static final class KvUse implements AutoCloseable {
    private final S3Engine engine;
    private final Thread thread = new Thread(this::sample, "kv-use");
    private volatile boolean stopped;
    private final DoubleAdder sum = new DoubleAdder();
    private final LongAdder samples = new LongAdder();

    KvUse(S3Engine engine) {
      this.engine = engine;
      thread.setDaemon(true);
      thread.start();
    }

    private void sample() {
      while (!stopped) {
        EngineSnapshot now = engine.snapshot();
        if (now.running() > 0) {
          sum.add((double) now.allocatedBlocks() / now.capacityBlocks());
          samples.increment();
        }
        try {
          Thread.sleep(5);
        } catch (InterruptedException e) {
          return;
        }
      }
    }

    double mean() {
      return samples.sum() == 0 ? 0 : sum.sum() / samples.sum();
    }

    @Override
    public void close() {
      stopped = true;
      thread.interrupt();
    }
  }

  /** Prints tokens as text while they come. */
  private static final class TextPrinter implements Flow.Subscriber<Integer> {
    private final TextStream stream;
    private final Consumer<String> pieces;

    TextPrinter(TextTokenizer tokenizer, Consumer<String> pieces) {
      this.stream = tokenizer.stream();
      this.pieces = pieces;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(Integer token) {
      pieces.accept(stream.append(token));
    }

    @Override
    public void onError(Throwable throwable) {
      pieces.accept(stream.finish());
    }

    @Override
    public void onComplete() {
      pieces.accept(stream.finish() + System.lineSeparator());
    }
  }
}
