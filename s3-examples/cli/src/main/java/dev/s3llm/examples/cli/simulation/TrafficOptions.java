package dev.s3llm.examples.cli.simulation;

import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.simulate.SimulatedPredictor;
import dev.s3llm.simulate.Trace;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The requests of a simulation, their arrivals, and the predictions of their lengths. */
public final class TrafficOptions {
  private static final String POISSON = "poisson:";
  private static final double MAX_SPEEDUP = 1e9;

  @Option(
      names = "--trace",
      required = true,
      paramLabel = "FILE",
      description =
          "CSV: arrival_s,prompt_tokens,output_tokens, then any of predicted_tokens, limit, "
              + "priority, deadline_s, tenant, cancelled_s; or measured answers without arrivals as "
              + "FILE.jsonl or FILE.jsonl.gz.")
  private String trace;

  @Option(
      names = "--arrivals",
      defaultValue = "recorded",
      description = "recorded, at-once, or poisson:RATE (requests per second).")
  private String arrivals;

  @Option(
      names = "--speedup",
      defaultValue = "1",
      paramLabel = "X",
      description = "Divides the gaps between arrivals; 2 doubles the load.")
  private double speedup;

  @Option(
      names = "--predictor",
      defaultValue = "exact",
      description = "exact, column, calibrated or empirical.")
  private String predictor;

  @Option(
      names = "--error",
      paramLabel = "KIND:X",
      description =
          "Spoils the predictions: bias:-0.5 halves them, noise:S multiplies each by a lognormal "
              + "factor with sigma S, swap:P takes that of another request with probability P. "
              + "Spoils the trace's column, or the true length with --predictor exact or without a "
              + "column.")
  private @Nullable String error;

  @Option(names = "--seed", defaultValue = "1", description = "Seed of random arrivals and errors.")
  private long seed;

  /** Created by a command; picocli sets the fields. */
  @SuppressWarnings("NullAway.Init")
  public TrafficOptions() {}

  /**
   * Returns the trace to replay, with its arrivals and predictions.
   *
   * @throws UsageException if an option is out of range, or the file is wrong
   */
  public Trace requests() {
    SimulatedPredictor source = named(predictor);
    Trace.PredictionError spoiling = error == null ? null : parseError(error);
    if (spoiling != null && source == SimulatedPredictor.EMPIRICAL) {
      throw new UsageException("--error " + error + ": --predictor empirical reads no predictions");
    }
    Trace requests = atSpeed(arriving(TraceFile.read(trace)));
    if (spoiling != null) {
      boolean truth = source == SimulatedPredictor.EXACT || !requests.predicted();
      return (truth ? requests.predictedExactly() : requests).mispredicted(spoiling, seed);
    }
    if (source.readsColumn() && !requests.predicted()) {
      throw new UsageException(
          "--predictor %s: needs the column predicted_tokens (or prompt.mean), which %s lacks"
              .formatted(predictor, trace));
    }
    return requests;
  }

  /** Returns the predictor that reads the requests of {@link #requests}. */
  public SimulatedPredictor predictor() {
    SimulatedPredictor source = named(predictor);
    boolean spoilt = source == SimulatedPredictor.EXACT && error != null;
    return spoilt ? SimulatedPredictor.COLUMN : source;
  }

  /** Returns the trace's file name. */
  public String traceName() {
    Path name = Path.of(trace).getFileName();
    return name == null ? trace : name.toString();
  }

  /** Describes the arrivals. */
  public String arrivals() {
    return speedup == 1 ? arrivals : arrivals + ", sped up " + speedup + " times";
  }

  /** Describes the predictions. */
  public String predictions() {
    return error == null ? predictor : predictor + ", spoiled by " + error;
  }

  private static SimulatedPredictor named(String name) {
    return switch (name) {
      case "exact" -> SimulatedPredictor.EXACT;
      case "column" -> SimulatedPredictor.COLUMN;
      case "calibrated" -> SimulatedPredictor.CALIBRATED;
      case "empirical" -> SimulatedPredictor.EMPIRICAL;
      default ->
          throw new UsageException(
              "--predictor " + name + ": must be exact, column, calibrated or empirical");
    };
  }

  private static Trace.PredictionError parseError(String text) {
    int colon = text.indexOf(':');
    String kind = colon < 0 ? text : text.substring(0, colon);
    double value = Numbers.orNaN(text.substring(colon + 1));
    try {
      return switch (kind) {
        case "bias" -> new Trace.PredictionError.Bias(value);
        case "noise" -> new Trace.PredictionError.Noise(value);
        case "swap" -> new Trace.PredictionError.Swap(value);
        default ->
            throw new UsageException("--error " + text + ": must be bias:X, noise:S or swap:P");
      };
    } catch (IllegalArgumentException e) {
      throw new UsageException("--error " + text + ": " + e.getMessage());
    }
  }

  private Trace arriving(Trace recorded) {
    if (arrivals.equals("recorded")) {
      if (LengthsFile.named(trace)) {
        throw new UsageException(
            "--arrivals recorded: " + trace + " has no arrivals; use at-once or poisson:RATE");
      }
      return recorded;
    }
    if (arrivals.equals("at-once")) {
      return recorded.atOnce();
    }
    double rate =
        arrivals.startsWith(POISSON) ? Numbers.orNaN(arrivals.substring(POISSON.length())) : 0;
    if (!(rate >= 1e-6 && rate <= 1e9)) {
      throw new UsageException(
          "--arrivals "
              + arrivals
              + ": must be recorded, at-once or poisson:RATE with a rate from 0.000001 to 1e9");
    }
    return recorded.poisson(rate, seed);
  }

  private Trace atSpeed(Trace requests) {
    if (!(speedup >= 1 / MAX_SPEEDUP && speedup <= MAX_SPEEDUP)) {
      throw new UsageException("--speedup " + speedup + ": must be from 1e-9 to 1e9");
    }
    return speedup == 1 ? requests : requests.spedUp(speedup);
  }
}
