package dev.s3llm.examples.cli.simulation;

import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.simulate.SimulatedPredictor;
import dev.s3llm.simulate.Trace;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The source of the predictions of a trace, and the errors that spoil them. The names of the
 * sources are those of {@link SimulatedPredictor}, in lower case.
 *
 * @param predictor the source
 * @param error the errors; null for none
 * @param text the two options as the user wrote them
 */
public record Predictions(
    SimulatedPredictor predictor, Trace.@Nullable PredictionError error, String text) {
  /** The description of the option {@code --error}. */
  public static final String ERROR_HELP =
      "Spoils the predictions: bias:-0.5 halves them, noise:S multiplies each by a lognormal "
          + "factor with sigma S, swap:P takes that of another request with probability P. "
          + "Spoils the trace's column, or the true length with --predictor exact or without a "
          + "column.";

  /**
   * Parses the two options.
   *
   * @param predictor the value of {@code --predictor}; upper and lower case are the same
   * @param error the value of {@code --error}; null if the user did not give it
   * @throws UsageException if a value is wrong, or the source reads no predictions that an error
   *     could spoil
   */
  public static Predictions parse(String predictor, @Nullable String error) {
    SimulatedPredictor source = named(predictor);
    if (error == null) {
      return new Predictions(source, null, predictor);
    }
    if (!source.readsColumn() && source != SimulatedPredictor.EXACT) {
      throw new UsageException(
          "--error " + error + ": --predictor " + predictor + " reads no predictions to spoil");
    }
    return new Predictions(source, parseError(error), predictor + ", spoiled by " + error);
  }

  /**
   * Returns a trace with the predictions that {@link #source} reads.
   *
   * @param trace the requests
   * @param seed seed of the errors
   * @param file the trace's file, for messages
   * @throws UsageException if the source reads predictions that the trace lacks
   */
  public Trace in(Trace trace, long seed, String file) {
    if (error != null) {
      boolean truth = predictor == SimulatedPredictor.EXACT || !trace.predicted();
      return (truth ? trace.predictedExactly() : trace).mispredicted(error, seed);
    }
    if (predictor.readsColumn() && !trace.predicted()) {
      throw new UsageException(
          "--predictor %s: needs the column predicted_tokens (or prompt.mean) in every row, which %s lacks"
              .formatted(predictor.name().toLowerCase(Locale.ROOT), file));
    }
    if (predictor == SimulatedPredictor.RECORDED && !trace.recorded()) {
      throw new UsageException(
          "--predictor recorded: needs prompt, at, mean, p50 and p90 in every row, which %s lacks"
              .formatted(file));
    }
    return trace;
  }

  /** Returns the predictor that reads the requests of {@link #in}. */
  public SimulatedPredictor source() {
    boolean spoilt = predictor == SimulatedPredictor.EXACT && error != null;
    return spoilt ? SimulatedPredictor.COLUMN : predictor;
  }

  private static SimulatedPredictor named(String name) {
    return Arrays.stream(SimulatedPredictor.values())
        .filter(source -> source.name().equalsIgnoreCase(name))
        .findFirst()
        .orElseThrow(
            () -> new UsageException("--predictor " + name + ": must be one of " + labels()));
  }

  private static String labels() {
    return Arrays.stream(SimulatedPredictor.values())
        .map(source -> source.name().toLowerCase(Locale.ROOT))
        .collect(Collectors.joining(", "));
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

  /** The names of all sources, for the help of an option. */
  public static final class Names implements Iterable<String> {
    /** Created by picocli. */
    public Names() {}

    @Override
    public Iterator<String> iterator() {
      return Arrays.asList(labels().split(", ")).iterator();
    }
  }
}
