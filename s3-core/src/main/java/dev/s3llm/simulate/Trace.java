package dev.s3llm.simulate;

import dev.s3llm.error.TraceFormatException;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Requests in order of arrival. Immutable.
 *
 * @param requests at least one, by ascending arrival
 */
public record Trace(List<Request> requests) {
  private static final double NANOS_PER_SECOND = 1e9;

  /** Copies the list and validates the order. */
  public Trace {
    requests = List.copyOf(requests);
    if (requests.isEmpty()) {
      throw new IllegalArgumentException("requests must hold at least one request, but is empty");
    }
    for (int i = 1; i < requests.size(); i++) {
      long earlier = requests.get(i - 1).arrivalNanos();
      if (requests.get(i).arrivalNanos() < earlier) {
        throw new IllegalArgumentException(
            "requests must ascend by arrival, but number %d comes at %d ns after %d ns"
                .formatted(i, requests.get(i).arrivalNanos(), earlier));
      }
    }
  }

  /**
   * Reads a trace from a CSV file in UTF-8 with at most 1,000,000 rows. The header is {@code
   * arrival_s,prompt_tokens,output_tokens} and optionally {@code ,predicted_tokens}; blank lines
   * are skipped.
   *
   * @param file the CSV file
   * @throws TraceFormatException naming line, column, value and limit of the first mistake
   * @throws IOException if the file cannot be read
   */
  public static Trace read(Path file) throws IOException {
    return TraceReader.read(file);
  }

  /**
   * Reads a trace in CSV, as {@link #read(Path)} does.
   *
   * @param in the CSV text
   * @param name of the source, for error messages
   * @param maxRows the most rows; at least 1
   * @throws TraceFormatException naming line, column, value and limit of the first mistake
   * @throws IOException if reading fails
   */
  public static Trace read(Reader in, String name, int maxRows) throws IOException {
    return TraceReader.read(in, name, maxRows);
  }

  /** The same requests, all at time 0. */
  public Trace atOnce() {
    return new Trace(requests.stream().map(request -> request.at(0)).toList());
  }

  /**
   * The same requests in the same order, as a Poisson process that starts at time 0.
   *
   * @param ratePerSecond requests per second on average
   * @param seed of the random gaps
   */
  public Trace poisson(double ratePerSecond, long seed) {
    CostModel.GpuProfile.requirePositive("ratePerSecond", ratePerSecond);
    SplittableRandom random = new SplittableRandom(seed);
    List<Request> moved = new ArrayList<>(requests.size());
    double seconds = 0;
    for (Request request : requests) {
      moved.add(request.at(Math.round(seconds * NANOS_PER_SECOND)));
      seconds -= Math.log1p(-random.nextDouble()) / ratePerSecond;
    }
    return new Trace(moved);
  }

  /**
   * The same requests with the gaps between arrivals divided.
   *
   * @param speedup above 0; 2 makes the requests come twice as fast
   */
  public Trace spedUp(double speedup) {
    CostModel.GpuProfile.requirePositive("speedup", speedup);
    long first = requests.get(0).arrivalNanos();
    return new Trace(
        requests.stream()
            .map(r -> r.at(first + Math.round((r.arrivalNanos() - first) / speedup)))
            .toList());
  }

  /**
   * Requests per second between the first arrival and the last.
   *
   * @throws IllegalArgumentException if all arrive at once
   */
  public double meanRatePerSecond() {
    int gaps = requests.size() - 1;
    long nanos = requests.get(gaps).arrivalNanos() - requests.get(0).arrivalNanos();
    if (nanos == 0) {
      throw new IllegalArgumentException("all requests arrive at once, so that they have no rate");
    }
    return gaps * NANOS_PER_SECOND / nanos;
  }

  /** The same requests, each predicted to be as long as it was. */
  public Trace predictedExactly() {
    return predicting(requests.stream().mapToInt(Request::outputTokens).toArray());
  }

  /**
   * The same requests with their predictions spoiled. The same seed gives the same predictions.
   *
   * @throws IllegalArgumentException if a request has no prediction
   */
  public Trace mispredicted(PredictionError error, long seed) {
    if (!predicted()) {
      throw new IllegalArgumentException("every request must have a prediction, but some lack it");
    }
    int[] predictions = requests.stream().mapToInt(Request::predictedTokens).toArray();
    return predicting(error.spoil(predictions, new SplittableRandom(seed)));
  }

  private Trace predicting(int[] tokens) {
    List<Request> changed = new ArrayList<>(requests.size());
    for (Request request : requests) {
      changed.add(
          new Request(
              request.arrivalNanos(),
              request.promptTokens(),
              request.outputTokens(),
              tokens[changed.size()],
              request.tenant()));
    }
    return new Trace(changed);
  }

  /** Whether each request has a prediction. */
  public boolean predicted() {
    return requests.stream().allMatch(request -> request.predictedTokens() > 0);
  }

  /**
   * One request of a trace.
   *
   * @param arrivalNanos when it came, from the trace's start
   * @param promptTokens length of the prompt
   * @param outputTokens length that the answer had
   * @param predictedTokens a prediction of that length; 0 if the trace has none
   * @param tenant on whose behalf it ran; empty if the trace has none
   */
  public record Request(
      long arrivalNanos, int promptTokens, int outputTokens, int predictedTokens, String tenant) {

    /** A request of the unnamed tenant. */
    public Request(long arrivalNanos, int promptTokens, int outputTokens, int predictedTokens) {
      this(arrivalNanos, promptTokens, outputTokens, predictedTokens, "");
    }

    /** Validates that the counts are in range. */
    public Request {
      if (arrivalNanos < 0 || promptTokens < 1 || outputTokens < 1 || predictedTokens < 0) {
        throw new IllegalArgumentException(
            ("promptTokens and outputTokens must be at least 1, arrivalNanos and predictedTokens at"
                    + " least 0, but are %d, %d, %d, %d")
                .formatted(promptTokens, outputTokens, arrivalNanos, predictedTokens));
      }
    }

    /** The same request at another time. */
    public Request at(long nanos) {
      return new Request(nanos, promptTokens, outputTokens, predictedTokens, tenant);
    }
  }

  /** A way to spoil predicted lengths, to see what a policy does when predictions are wrong. */
  public sealed interface PredictionError {
    /** No prediction is made longer than this. */
    int MAX_TOKENS = 1 << 24;

    /**
     * Spoils predictions.
     *
     * @param tokens predicted lengths, which stay as they are
     * @param random decides where chance is asked for
     * @return as many lengths, each at least 1
     */
    int[] spoil(int[] tokens, SplittableRandom random);

    /**
     * Every prediction is off by the same share.
     *
     * @param share above -1; -0.5 halves all predictions
     */
    record Bias(double share) implements PredictionError {
      /** Validates the share. */
      public Bias {
        if (!(share > -1 && share <= MAX_TOKENS)) {
          throw new IllegalArgumentException(
              "bias must be above -1 and at most %d, but is %s".formatted(MAX_TOKENS, share));
        }
      }

      @Override
      public int[] spoil(int[] tokens, SplittableRandom random) {
        return Arrays.stream(tokens).map(length -> scaled(length, 1 + share)).toArray();
      }
    }

    /**
     * Each prediction is multiplied by a lognormal factor with median 1.
     *
     * @param sigma standard deviation of the factor's logarithm, from 0 to 10
     */
    record Noise(double sigma) implements PredictionError {
      private static final double MAX_SIGMA = 10;

      /** Validates the deviation. */
      public Noise {
        if (!(sigma >= 0 && sigma <= MAX_SIGMA)) {
          throw new IllegalArgumentException("noise must be from 0 to 10, but is " + sigma);
        }
      }

      @Override
      public int[] spoil(int[] tokens, SplittableRandom random) {
        return Arrays.stream(tokens)
            .map(length -> scaled(length, Math.exp(sigma * random.nextGaussian())))
            .toArray();
      }
    }

    /**
     * Some predictions are those of other requests, chosen at random.
     *
     * @param probability that a request gets another's prediction, from 0 to 1
     */
    record Swap(double probability) implements PredictionError {
      /** Validates the probability. */
      public Swap {
        if (!(probability >= 0 && probability <= 1)) {
          throw new IllegalArgumentException("swap must be from 0 to 1, but is " + probability);
        }
      }

      @Override
      public int[] spoil(int[] tokens, SplittableRandom random) {
        int[] spoilt = tokens.clone();
        for (int i = 0; i < tokens.length && tokens.length > 1; i++) {
          if (random.nextDouble() < probability) {
            int other = random.nextInt(tokens.length - 1);
            spoilt[i] = tokens[other < i ? other : other + 1];
          }
        }
        return spoilt;
      }
    }

    private static int scaled(int tokens, double factor) {
      return (int) Math.max(1, Math.min(MAX_TOKENS, Math.round(tokens * factor)));
    }
  }
}
