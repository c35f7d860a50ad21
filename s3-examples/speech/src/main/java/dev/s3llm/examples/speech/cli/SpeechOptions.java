package dev.s3llm.examples.speech.cli;

import dev.s3llm.examples.speech.transcribe.LengthEstimator;
import dev.s3llm.examples.speech.transcribe.SpeechExecutors;
import dev.s3llm.examples.speech.transcribe.SpeechModel;
import dev.s3llm.examples.speech.transcribe.Transcriber;
import dev.s3llm.execute.Executor;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.Decoding.Strategy;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of all commands: the model, its device, its memory, and how texts are decoded. */
final class SpeechOptions {
  @Option(
      names = "--model",
      paramLabel = "FOLDER",
      description =
          "folder of a speech model (default: the embedded one, for spelled letters, numbers and"
              + " short commands in English)")
  private @Nullable Path model;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      description = "cpu or cuda (default: ${DEFAULT-VALUE})",
      defaultValue = "cpu")
  private Device device = Device.CPU;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads of the model on the CPU (default: one for each processor)",
      defaultValue = "0")
  private int threads;

  @Option(
      names = "--kv-budget",
      paramLabel = "SIZE",
      converter = ByteSize.Converter.class,
      description = "KV memory, such as 64MiB (default: ${DEFAULT-VALUE})",
      defaultValue = "256MiB")
  private ByteSize kvBudget = new ByteSize(256L << 20);

  @Option(
      names = "--limit",
      paramLabel = "N",
      description =
          "most positions of a canvas, and of a text (default: the canvas for the longest text that"
              + " the model was trained on, 512 for the embedded model)",
      defaultValue = "0")
  private int limit;

  @Option(
      names = "--longest",
      paramLabel = "SECONDS",
      description = "longest recording that is accepted, to 3600 (default: ${DEFAULT-VALUE})",
      defaultValue = "60")
  private int longestSeconds;

  @Option(
      names = "--predictor",
      paramLabel = "NAME",
      description =
          "what the length is predicted from before the encoder runs: duration or flux (default:"
              + " ${DEFAULT-VALUE})",
      defaultValue = "flux")
  private PredictorChoice predictor = PredictorChoice.FLUX;

  /** Where the model runs. */
  enum Device {
    CPU,
    CUDA;

    @Override
    public String toString() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** What the length is predicted from. */
  enum PredictorChoice {
    DURATION,
    FLUX;

    LengthEstimator create() {
      return this == FLUX ? LengthEstimator.flux() : LengthEstimator.duration();
    }

    @Override
    public String toString() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /**
   * Checks the numbers.
   *
   * @throws UsageException if one is out of range
   */
  void check() {
    requireBetween("--threads", threads, 0, 1024);
    requireBetween("--limit", limit, 0, 1 << 20);
    requireBetween("--longest", longestSeconds, 1, 3600);
  }

  static void requireBetween(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw new UsageException(
          "%s must be from %d to %d, but is %d".formatted(option, least, most, value));
    }
  }

  /** Opens the model that the user named, or the embedded one. */
  SpeechModel open() {
    return model == null ? SpeechModel.embedded() : SpeechModel.open(model);
  }

  /**
   * Returns the most positions of a canvas.
   *
   * @throws UsageException if they are fewer than the smallest canvas of the model has
   */
  int limit(SpeechModel opened) {
    int least = opened.config().canvasSmallest();
    if (limit > 0 && limit < least) {
      throw new UsageException(
          "--limit must be at least %d, the smallest canvas of the model, but is %d"
              .formatted(least, limit));
    }
    return limit > 0 ? limit : opened.config().canvasFor(opened.config().maxTargetPositions());
  }

  /**
   * Loads a model onto the device, and starts an engine.
   *
   * @param opened the model
   * @param decoding how texts are decoded
   * @param planner the memory planner
   */
  Transcriber start(SpeechModel opened, Decoding decoding, PlannerChoice planner) {
    int canvasLimit = limit(opened);
    return Transcriber.builder(opened, executor(opened))
        .decoding(decoding)
        .canvasLimit(canvasLimit)
        .longest(Duration.ofSeconds(longestSeconds))
        .estimator(predictor.create())
        .engine(
            engine -> {
              planner.apply(engine);
              engine.maxLiveRequests(1_000_000);
            })
        .build();
  }

  private Executor executor(SpeechModel opened) {
    if (device == Device.CUDA) {
      try {
        return SpeechExecutors.cuda(opened, kvBudget.bytes());
      } catch (IllegalStateException e) {
        throw new UsageException("--device cuda: " + e.getMessage());
      } catch (IllegalArgumentException e) {
        throw new UsageException("--kv-budget: " + e.getMessage());
      }
    }
    try {
      return SpeechExecutors.cpu(opened, kvBudget.bytes(), threads);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--kv-budget: " + e.getMessage());
    }
  }

  /**
   * Returns a decoding.
   *
   * @param strategy the strategy
   * @param passes number of passes, at least 1
   * @param underLoad number of passes while requests wait; 0 for the same
   * @throws UsageException if a number is out of range
   */
  static Decoding decoding(Strategy strategy, int passes, int underLoad) {
    requireBetween("--passes", passes, 1, 1 << 20);
    requireBetween("--passes-under-load", underLoad, 0, passes);
    return new Decoding(strategy, passes, underLoad == 0 ? passes : underLoad);
  }
}
