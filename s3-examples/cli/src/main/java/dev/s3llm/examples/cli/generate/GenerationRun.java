package dev.s3llm.examples.cli.generate;

import dev.s3llm.EngineBuilder;
import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.examples.cli.options.Prompt;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.onnx.HiddenStatePredictor;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.simulate.Trace;
import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.ChatTemplateException;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.TextResult;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Serves a list of prompts with one planner, and collects the answers and the figures of the run.
 */
final class GenerationRun {
  /** Long, because all prompts of a file are submitted at once and their predictions queue up. */
  private static final Duration PREDICTION_BUDGET = Duration.ofSeconds(30);

  private final Path model;
  private final GenerateOptions options;
  private final List<EngineListener> listeners = new ArrayList<>();
  private @Nullable ExecutorProfile profile;

  GenerationRun(Path model, GenerateOptions options) {
    this.model = model;
    this.options = options;
  }

  /** Adds a listener to the engines of all later runs. */
  void observe(EngineListener listener) {
    listeners.add(listener);
  }

  /** Returns the profile of the executor of the latest run. */
  ExecutorProfile profile() {
    return Objects.requireNonNull(profile, "nothing was run");
  }

  /**
   * The answers and the figures of one run.
   *
   * @param answers the answers, in the order of the prompts
   * @param seconds from the first submission to the last answer
   * @param meanKvUse mean share of KV blocks that held tokens, from 0 to 1, sampled while it ran
   * @param end the engine's counters at the end
   */
  record Outcome(List<Answer> answers, double seconds, double meanKvUse, EngineSnapshot end) {

    long outputTokens() {
      return answers.stream().mapToLong(Answer::outputTokens).sum();
    }
  }

  /**
   * Runs the prompts.
   *
   * @param prompts one or more prompts
   * @param planner the memory planner, with its recovery
   * @param predictor the length predictor; the run closes it
   * @param ratePerSecond mean arrivals per second of a Poisson process; 0 submits all at once
   * @param pieces receives the text piece by piece if there is only one prompt
   * @param onAnswer receives each answer after its end, in the order of the prompts
   */
  Outcome run(
      List<Prompt> prompts,
      PlannerChoice planner,
      LengthPredictor predictor,
      double ratePerSecond,
      Consumer<String> pieces,
      Consumer<Answer> onAnswer)
      throws InterruptedException {
    TextModel text = TextModel.load(model);
    HiddenStatePredictor.Builder head = options.head(model);
    Executor executor =
        options.model.load(model, options.kvBudget, head == null ? 0 : head.layer());
    profile = executor.profile();
    LengthPredictor revised = head == null ? predictor : head.build(predictor);
    try (TextGenerator generator = TextGenerator.of(engine(executor, planner, revised), text)) {
      Thread hook = new Thread(generator.engine()::closeNow);
      Runtime.getRuntime().addShutdownHook(hook);
      try {
        List<TextRequest> requests = requests(text, executor.profile(), prompts);
        return serve(generator, requests, prompts, ratePerSecond, pieces, onAnswer);
      } finally {
        Runtime.getRuntime().removeShutdownHook(hook);
      }
    }
  }

  private S3Engine engine(Executor executor, PlannerChoice planner, LengthPredictor predictor) {
    EngineBuilder builder = S3Engine.builder(executor);
    listeners.forEach(builder::listener);
    return builder
        .predictor(predictor)
        .predictionBudget(PREDICTION_BUDGET)
        .planner(planner.planner())
        .schedulingPolicy(options.order.policy())
        .recovery(planner.recovery(options.recomputeOnly))
        .maxLiveRequests(1_000_000)
        .build();
  }

  private Outcome serve(
      TextGenerator generator,
      List<TextRequest> requests,
      List<Prompt> prompts,
      double ratePerSecond,
      Consumer<String> pieces,
      Consumer<Answer> onAnswer)
      throws InterruptedException {
    S3Engine engine = generator.engine();
    try (KvUse use = new KvUse(engine)) {
      long start = System.nanoTime();
      List<TextGeneration> generations = submit(generator, requests, prompts, ratePerSecond);
      TextPrinter printer = new TextPrinter(pieces, new CompletableFuture<>());
      if (generations.size() == 1) {
        generations.get(0).text().subscribe(printer);
      } else {
        printer.ended.complete(null);
      }
      List<Answer> answers = new ArrayList<>();
      for (int i = 0; i < generations.size(); i++) {
        TextResult result = generations.get(i).result().join();
        Answer answer = Answer.of(prompts.get(i), result.text(), result.generation());
        answers.add(answer);
        onAnswer.accept(answer);
      }
      printer.ended.join(); // its pieces come on another thread than the results
      double seconds = (System.nanoTime() - start) / 1e9;
      return new Outcome(answers, seconds, use.mean(), engine.snapshot());
    }
  }

  /**
   * Makes all requests before the first starts, so that one that can never fit is refused first.
   */
  private List<TextRequest> requests(
      TextModel text, ExecutorProfile profile, List<Prompt> prompts) {
    List<TextRequest> requests = new ArrayList<>();
    for (Prompt prompt : prompts) {
      requireFits(prompt, promptTokens(text, prompt), profile);
      requests.add(
          request(prompt)
              .maxNewTokens(limit(prompt))
              .configure(
                  request -> {
                    options.configure(request.id(prompt.id()));
                    set(request, prompt.terms());
                  })
              .build());
    }
    return requests;
  }

  private int limit(Prompt prompt) {
    int limit = prompt.terms().limitTokens();
    return limit == 0 ? options.maxNewTokens : limit;
  }

  private static void set(GenerationRequest.Builder request, Trace.Terms terms) {
    request.priority(terms.priority());
    if (!terms.tenant().isEmpty()) {
      request.tenant(terms.tenant());
    }
    if (terms.deadlineNanos() != Long.MAX_VALUE) {
      request.deadline(Duration.ofNanos(terms.deadlineNanos()));
    }
  }

  private TextRequest.Builder request(Prompt prompt) {
    return options.raw
        ? TextRequest.builder().prompt(prompt.text())
        : TextRequest.builder().messages(ChatMessage.user(prompt.text()));
  }

  private int promptTokens(TextModel text, Prompt prompt) {
    try {
      return options.raw
          ? text.encode(prompt.text()).length
          : text.encode(List.of(ChatMessage.user(prompt.text()))).length;
    } catch (ChatTemplateException e) {
      throw new UsageException(
          "prompt %s: %s; --raw runs without the chat template"
              .formatted(prompt.id(), e.getMessage()));
    }
  }

  private void requireFits(Prompt prompt, int tokens, ExecutorProfile profile) {
    long limit = Math.min(profile.maxContextTokens(), profile.capacityTokens());
    if (tokens + (long) limit(prompt) > limit) {
      String memory = limit == profile.maxContextTokens() ? "the model's context" : "--kv-budget";
      throw new UsageException(
          ("prompt %s has %d tokens, and --max-new-tokens is %d: together more than the %d tokens"
                  + " of %s")
              .formatted(prompt.id(), tokens, limit(prompt), limit, memory));
    }
  }

  private List<TextGeneration> submit(
      TextGenerator generator,
      List<TextRequest> requests,
      List<Prompt> prompts,
      double ratePerSecond)
      throws InterruptedException {
    Random arrivals = new Random(options.seed);
    List<TextGeneration> generations = new ArrayList<>();
    for (TextRequest request : requests) {
      if (ratePerSecond > 0 && !generations.isEmpty()) {
        double gap = -Math.log(1 - arrivals.nextDouble()) / ratePerSecond;
        Thread.sleep((long) (gap * 1e3));
      }
      try {
        generations.add(generator.submit(request));
        cancelLater(
            generations.get(generations.size() - 1), prompts.get(generations.size() - 1).terms());
      } catch (RequestRefusedException e) {
        throw new UsageException(String.valueOf(e.getMessage()));
      }
    }
    return generations;
  }

  private static void cancelLater(TextGeneration generation, Trace.Terms terms) {
    if (terms.cancelledNanos() != Long.MAX_VALUE) {
      CompletableFuture.delayedExecutor(terms.cancelledNanos(), TimeUnit.NANOSECONDS)
          .execute(generation::cancel);
    }
  }

  /** Passes on the text piece by piece, and completes a future after the last one. */
  private record TextPrinter(Consumer<String> pieces, CompletableFuture<Void> ended)
      implements Flow.Subscriber<String> {

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(String piece) {
      pieces.accept(piece);
    }

    @Override
    public void onError(Throwable throwable) {
      ended.complete(null); // the result has the failure
    }

    @Override
    public void onComplete() {
      pieces.accept(System.lineSeparator());
      ended.complete(null);
    }
  }
}
