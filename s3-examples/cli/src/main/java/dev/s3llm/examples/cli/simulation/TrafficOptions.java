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
  private static final String RECORDED = "recorded";
  private static final String POISSON = "poisson:";
  private static final double MAX_SPEEDUP = 1e9;

  @Option(
      names = "--trace",
      required = true,
      paramLabel = "FILE",
      description =
          "CSV: arrival_s,prompt_tokens,output_tokens, then any of predicted_tokens, limit, "
              + "priority, deadline_s, tenant, cancelled_s; or JSON lines, FILE.jsonl or "
              + "FILE.jsonl.gz, with prompt_tokens, output_tokens, and any of arrival_s, blocks (ids "
              + "of the prompt's blocks of 512 tokens, by which prompts begin alike).")
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
      names = "--requests",
      paramLabel = "N",
      description = "Take the first N requests of the trace alone.")
  private @Nullable Integer most;

  @Option(
      names = "--predictor",
      defaultValue = "exact",
      completionCandidates = Predictions.Names.class,
      description = "Source of the predictions: ${COMPLETION-CANDIDATES}.")
  private String predictor;

  @Option(names = "--error", paramLabel = "KIND:X", description = Predictions.ERROR_HELP)
  private @Nullable String error;

  @Option(names = "--seed", defaultValue = "1", description = "Seed of random arrivals and errors.")
  private long seed;

  private @Nullable Trace read;

  /** Created by a command; picocli sets the fields. */
  @SuppressWarnings("NullAway.Init")
  public TrafficOptions() {}

  /**
   * Returns the trace to replay, with its arrivals and predictions.
   *
   * @throws UsageException if an option is out of range, or the file is wrong
   */
  public Trace requests() {
    return requests(seed);
  }

  /**
   * Returns the trace to replay, with its arrivals and predictions.
   *
   * @param randomSeed seed of random arrivals and errors, in place of {@code --seed}
   * @throws UsageException if an option is out of range, or the file is wrong
   */
  public Trace requests(long randomSeed) {
    Predictions predictions = parsedPredictions();
    Trace requests = atSpeed(arriving(read(), randomSeed));
    return predictions.in(requests, randomSeed, trace);
  }

  /**
   * Returns the trace with its predictions, all requests at once, for a command that sets the
   * arrivals.
   *
   * @param randomSeed seed of random errors
   * @param option the option that sets the arrivals, for messages
   * @throws UsageException if an option is out of range, another option sets the arrivals, or the
   *     file is wrong
   */
  public Trace withoutArrivals(long randomSeed, String option) {
    if (!arrivals.equals(RECORDED) || speedup != 1) {
      throw new UsageException(option + ": sets the arrivals; remove --arrivals and --speedup");
    }
    return parsedPredictions().in(read().atOnce(), randomSeed, trace);
  }

  private Predictions parsedPredictions() {
    return Predictions.parse(predictor, error);
  }

  /** Returns the seed of random arrivals and errors. */
  public long seed() {
    return seed;
  }

  /** Returns the predictor that reads the requests of {@link #requests}. */
  public SimulatedPredictor predictor() {
    return parsedPredictions().source();
  }

  private Trace read() {
    if (read == null) {
      read = TraceFile.read(trace, most == null ? Integer.MAX_VALUE : most);
    }
    return read;
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
    return parsedPredictions().text();
  }

  private Trace arriving(Trace recorded, long randomSeed) {
    if (arrivals.equals(RECORDED)) {
      if (LengthsFile.withoutArrivals(trace, recorded)) {
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
    return recorded.poisson(rate, randomSeed);
  }

  private Trace atSpeed(Trace requests) {
    if (!(speedup >= 1 / MAX_SPEEDUP && speedup <= MAX_SPEEDUP)) {
      throw new UsageException("--speedup " + speedup + ": must be from 1e-9 to 1e9");
    }
    return speedup == 1 ? requests : requests.spedUp(speedup);
  }
}
