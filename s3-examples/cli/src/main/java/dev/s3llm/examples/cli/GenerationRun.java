package dev.s3llm.examples.cli;

import dev.s3llm.EngineBuilder;
import dev.s3llm.RequestRefusedException;
import dev.s3llm.S3Engine;
import dev.s3llm.examples.cli.PromptFile.Prompt;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.predict.LengthPredictor;
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
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Serves a list of prompts with one planner and gathers answers and figures. */
final class GenerationRun {
  /** Long: a file of prompts is submitted at once, and its predictions queue up. */
  private static final Duration PREDICTION_BUDGET = Duration.ofSeconds(30);

  private final Path model;
  private final GenerateOptions options;
  private final List<EngineListener> listeners = new ArrayList<>();
  private @Nullable ExecutorProfile profile;

  GenerationRun(Path model, GenerateOptions options) {
    this.model = model;
    this.options = options;
  }

  /** Lets somebody hear the events of all runs to come. */
  void observe(EngineListener listener) {
    listeners.add(listener);
  }

  /** What the executor of the latest run offered. */
  ExecutorProfile profile() {
    return Objects.requireNonNull(profile, "nothing was run");
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
    TextModel text = TextModel.load(model);
    Executor executor = ModelLoader.load(model, options);
    profile = executor.profile();
    try (TextGenerator generator = TextGenerator.of(engine(executor, planner, predictor), text)) {
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
        .order(options.order.order())
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
      List<TextGeneration> generations = submit(generator, requests, ratePerSecond);
      if (generations.size() == 1) {
        generations.get(0).text().subscribe(new TextPrinter(pieces));
      }
      List<Answer> answers = new ArrayList<>();
      List<int[]> tokens = new ArrayList<>();
      for (int i = 0; i < generations.size(); i++) {
        TextResult result = generations.get(i).result().join();
        Answer answer = Answer.of(prompts.get(i).text(), result.text(), result.generation());
        answers.add(answer);
        tokens.add(result.generation().tokens());
        onAnswer.accept(answer);
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      return new Outcome(answers, tokens, seconds, use.mean(), engine.snapshot());
    }
  }

  /** All requests, so that one that can never be served is found before any is started. */
  private List<TextRequest> requests(
      TextModel text, ExecutorProfile profile, List<Prompt> prompts) {
    List<TextRequest> requests = new ArrayList<>();
    long limit = Math.min(profile.maxContextTokens(), profile.capacityTokens());
    for (Prompt prompt : prompts) {
      int tokens = text.encode(prompt.text()).length;
      if (tokens + (long) options.maxNewTokens > limit) {
        throw new UsageException(
            "prompt %s has %d tokens, and --max-new-tokens is %d: together more than the %d tokens of %s"
                .formatted(
                    prompt.id(),
                    tokens,
                    options.maxNewTokens,
                    limit,
                    limit == profile.maxContextTokens() ? "the model's context" : "--kv-budget"));
      }
      requests.add(
          TextRequest.builder()
              .prompt(prompt.text())
              .maxNewTokens(options.maxNewTokens)
              .configure(request -> request.id(prompt.id()).sampling(options.sampling()))
              .build());
    }
    return requests;
  }

  private List<TextGeneration> submit(
      TextGenerator generator, List<TextRequest> requests, double ratePerSecond)
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

  /** Prints text while it comes. */
  private record TextPrinter(Consumer<String> pieces) implements Flow.Subscriber<String> {

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
      // the result says so
    }

    @Override
    public void onComplete() {
      pieces.accept(System.lineSeparator());
    }
  }
}
