package dev.s3llm.simulate;

import com.google.common.base.Preconditions;
import dev.s3llm.error.TraceFormatException;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.support.KvBlocks;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Requests in order of arrival. Immutable and thread-safe.
 *
 * @param requests the requests, at least one, by ascending arrival
 */
public record Trace(List<Request> requests) {
  private static final double NANOS_PER_SECOND = 1e9;

  /**
   * Copies the list and validates the order.
   *
   * @throws IllegalArgumentException if the list is empty, or an arrival is before the one above it
   */
  public Trace {
    requests = List.copyOf(requests);
    Preconditions.checkArgument(
        !requests.isEmpty(), "requests must hold at least one request, but is empty");
    for (int i = 1; i < requests.size(); i++) {
      long earlier = requests.get(i - 1).arrivalNanos();
      long arrival = requests.get(i).arrivalNanos();
      Preconditions.checkArgument(
          arrival >= earlier,
          "requests must ascend by arrival, but number %s comes at %s ns after %s ns",
          i,
          arrival,
          earlier);
    }
  }

  /**
   * Reads a trace from a CSV file in UTF-8 with at most 1,000,000 rows. The header is {@code
   * arrival_s,prompt_tokens,output_tokens}, followed by any of {@code predicted_tokens}, {@code
   * limit}, {@code priority}, {@code deadline_s}, {@code tenant}, {@code cancelled_s} and {@code
   * blocks}, the ids of {@link Request#blocks} with spaces between; blank lines are skipped.
   * Deadline and cancellation count from the arrival. An empty value of the last six means that the
   * request has none. A {@linkplain Recorder recording} that was not closed is sorted by arrival.
   *
   * @param file the CSV file
   * @throws TraceFormatException if the content is not valid; the message names line, column, value
   *     and limit of the first mistake
   * @throws IOException if the file cannot be read
   */
  public static Trace read(Path file) throws IOException {
    return TraceReader.read(file);
  }

  /**
   * Reads a trace in the CSV format of {@link #read(Path)}. The reader stays open.
   *
   * @param in reads the CSV text
   * @param name name of the source, for error messages
   * @param maxRows largest number of rows, at least 1
   * @throws TraceFormatException if the content is not valid; the message names line, column, value
   *     and limit of the first mistake
   * @throws IOException if reading fails
   */
  public static Trace read(Reader in, String name, int maxRows) throws IOException {
    return TraceReader.read(in, name, maxRows);
  }

  /**
   * Returns a recorder that writes at most four files of 16 MiB; see {@link #recorder(Path, long,
   * int)}.
   *
   * @param file the CSV file
   * @throws IOException if the file cannot be created, or an existing one cannot be renamed
   */
  public static Recorder recorder(Path file) throws IOException {
    return recorder(file, 16L << 20, 4);
  }

  /**
   * Returns a recorder that writes the requests of an engine to a CSV file. A file that would grow
   * beyond the limit is renamed, and so is a file that exists before: {@code trace.csv} to {@code
   * trace.1.csv}, that to {@code trace.2.csv} and so on. The oldest file is deleted when there are
   * too many.
   *
   * @param file the CSV file
   * @param maxBytes limit of a file in bytes, at least 4,096
   * @param files how many files to keep, at least 1
   * @throws IllegalArgumentException if a number is out of range
   * @throws IOException if the file cannot be created, or an existing one cannot be renamed
   */
  public static Recorder recorder(Path file, long maxBytes, int files) throws IOException {
    return new TraceRecorder(file, maxBytes, files);
  }

  /**
   * Writes the requests of an engine as a trace that {@link Trace#read(Path)} reads: arrival,
   * prompt and output tokens, the median of the first prediction (the limit before there is one),
   * limit, priority, deadline, tenant and cancellation. Arrivals count from that of the first
   * request. A request that the engine refused at once is a line that begins with {@code #}, with
   * its arrival and the reason; it is no request of the trace.
   *
   * <p>Each row is written when its request ends, so that a crash of the process loses the live
   * requests alone. The file is sorted by arrival when it is closed or renamed. The length of an
   * answer that was cut off by a cancellation, a failure or the deadline is not known; its row has
   * the median of the lengths that the latest prediction leaves possible. A failure is recorded as
   * a cancellation. In tenant names, {@code %} and {@code ,} become {@code %25} and {@code %2C}.
   *
   * <p>An error of the file never reaches the engine: it is logged, and recording stops. Memory
   * does not grow with the number of requests. Thread-safe.
   */
  public interface Recorder extends EngineListener, AutoCloseable {

    /** Returns how many requests were recorded. */
    long recorded();

    /** Returns why recording has stopped, or empty if it goes on. */
    Optional<String> failure();

    /**
     * Sorts the file and closes it. Later events are ignored. Close the engine first, so that the
     * last requests are recorded. Does nothing if the recorder is closed.
     */
    @Override
    void close();
  }

  /** Returns the same requests, all with arrival at time 0. */
  public Trace atOnce() {
    return new Trace(requests.stream().map(request -> request.at(0)).toList());
  }

  /**
   * Returns the same requests in the same order, with arrivals of a Poisson process that starts at
   * time 0.
   *
   * @param ratePerSecond mean number of requests per second, above 0 and finite
   * @param seed seed of the random gaps
   * @throws IllegalArgumentException if the rate is out of range
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
   * Returns the same requests with all gaps between arrivals divided by a factor.
   *
   * @param speedup the factor, above 0 and finite; with 2 the arrival rate doubles
   * @throws IllegalArgumentException if the factor is out of range
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
   * Returns the mean number of requests per second, from the first arrival to the last.
   *
   * @throws IllegalArgumentException if all requests arrive at once
   */
  public double meanRatePerSecond() {
    int gaps = requests.size() - 1;
    long nanos = requests.get(gaps).arrivalNanos() - requests.get(0).arrivalNanos();
    Preconditions.checkArgument(
        nanos > 0, "all requests arrive at once, so they have no arrival rate");
    return gaps * NANOS_PER_SECOND / nanos;
  }

  /** Returns the same requests, with their true output lengths as predictions. */
  public Trace predictedExactly() {
    return predicting(requests.stream().mapToInt(Request::outputTokens).toArray());
  }

  /**
   * Returns the same requests with errors in their predictions. Equal seeds give equal predictions.
   *
   * @param error the kind and the size of the errors
   * @param seed seed of the random errors
   * @throws IllegalArgumentException if a request has no prediction
   */
  public Trace mispredicted(PredictionError error, long seed) {
    Preconditions.checkArgument(
        predicted(), "every request must have a prediction, but some lack it");
    int[] predictions = requests.stream().mapToInt(Request::predictedTokens).toArray();
    // Another stream than that of poisson(rate, seed), so that errors do not depend on arrivals.
    return predicting(error.spoil(predictions, new SplittableRandom(seed).split()));
  }

  private Trace predicting(int[] tokens) {
    List<Request> changed = new ArrayList<>(requests.size());
    for (Request request : requests) {
      changed.add(request.predicting(tokens[changed.size()]));
    }
    return new Trace(changed);
  }

  /** Returns whether each request has a prediction. */
  public boolean predicted() {
    return requests.stream().allMatch(request -> request.predictedTokens() > 0);
  }

  /** Returns whether each request has recorded predictions. */
  public boolean recorded() {
    return requests.stream().noneMatch(request -> request.recorded().isEmpty());
  }

  /**
   * One request of a trace. Immutable.
   *
   * @param arrivalNanos arrival, in nanoseconds from the trace's start; 0 or more
   * @param promptTokens length of the prompt in tokens, at least 1
   * @param outputTokens true length of the answer in tokens, at least 1
   * @param predictedTokens a prediction of that length in tokens; 0 if there is none
   * @param terms limit, priority, deadline, tenant and cancellation
   * @param recorded predictions of the whole length that were recorded while the answer grew, by
   *     the number of tokens generated until then; that for 0 is of the prompt alone; empty if none
   *     were recorded
   * @param blocks ids of the prompt's blocks of {@link #BLOCK_TOKENS} tokens, of which the last may
   *     be shorter; two requests with the same id at the same place begin alike up to there. Empty
   *     if not known: then the prompt begins like no other
   * @param thinkingTokens how many tokens of the answer are thinking, at the begin, with its
   *     markers; 0 if the answer does not think, or if that is not known
   */
  public record Request(
      long arrivalNanos,
      int promptTokens,
      int outputTokens,
      int predictedTokens,
      Terms terms,
      NavigableMap<Integer, LengthPrediction> recorded,
      List<Long> blocks,
      int thinkingTokens) {
    /** Tokens of a block of {@link #blocks}. */
    public static final int BLOCK_TOKENS = EngineEvent.Request.BLOCK_TOKENS;

    static int blocksFor(int promptTokens) {
      return KvBlocks.blocksFor(promptTokens, BLOCK_TOKENS);
    }

    /**
     * Creates a request whose answer does not think.
     *
     * @param arrivalNanos arrival, in nanoseconds from the trace's start; 0 or more
     * @param promptTokens length of the prompt in tokens, at least 1
     * @param outputTokens true length of the answer in tokens, at least 1
     * @param predictedTokens a prediction of that length in tokens; 0 if there is none
     * @param terms limit, priority, deadline, tenant and cancellation
     * @param recorded predictions by the number of tokens generated until then; may be empty
     * @param blocks ids of the prompt's blocks; empty if not known
     * @throws IllegalArgumentException if a number is out of range
     */
    public Request(
        long arrivalNanos,
        int promptTokens,
        int outputTokens,
        int predictedTokens,
        Terms terms,
        NavigableMap<Integer, LengthPrediction> recorded,
        List<Long> blocks) {
      this(arrivalNanos, promptTokens, outputTokens, predictedTokens, terms, recorded, blocks, 0);
    }

    /**
     * Creates a request without recorded predictions.
     *
     * @param arrivalNanos arrival, in nanoseconds from the trace's start; 0 or more
     * @param promptTokens length of the prompt in tokens, at least 1
     * @param outputTokens true length of the answer in tokens, at least 1
     * @param predictedTokens a prediction of that length in tokens; 0 if there is none
     * @param terms limit, priority, deadline, tenant and cancellation
     * @throws IllegalArgumentException if a number is out of range
     */
    public Request(
        long arrivalNanos, int promptTokens, int outputTokens, int predictedTokens, Terms terms) {
      this(
          arrivalNanos,
          promptTokens,
          outputTokens,
          predictedTokens,
          terms,
          Collections.emptyNavigableMap(),
          List.of(),
          0);
    }

    /**
     * Creates a request of a tenant, without further terms.
     *
     * @param arrivalNanos arrival, in nanoseconds from the trace's start; 0 or more
     * @param promptTokens length of the prompt in tokens, at least 1
     * @param outputTokens true length of the answer in tokens, at least 1
     * @param predictedTokens a prediction of that length in tokens; 0 if there is none
     * @param tenant name of its tenant; empty if it has none
     * @throws IllegalArgumentException if a number is out of range
     */
    public Request(
        long arrivalNanos, int promptTokens, int outputTokens, int predictedTokens, String tenant) {
      this(
          arrivalNanos,
          promptTokens,
          outputTokens,
          predictedTokens,
          tenant.isEmpty() ? Terms.NONE : new Terms(0, 0, Long.MAX_VALUE, tenant, Long.MAX_VALUE));
    }

    /**
     * Creates a request of the unnamed tenant.
     *
     * @param arrivalNanos arrival, in nanoseconds from the trace's start; 0 or more
     * @param promptTokens length of the prompt in tokens, at least 1
     * @param outputTokens true length of the answer in tokens, at least 1
     * @param predictedTokens a prediction of that length in tokens; 0 if there is none
     * @throws IllegalArgumentException if a number is out of range
     */
    public Request(long arrivalNanos, int promptTokens, int outputTokens, int predictedTokens) {
      this(arrivalNanos, promptTokens, outputTokens, predictedTokens, Terms.NONE);
    }

    /**
     * Validates the numbers.
     *
     * @throws IllegalArgumentException if a number is out of range
     */
    public Request {
      Objects.requireNonNull(terms, "terms must not be null");
      recorded = Collections.unmodifiableNavigableMap(new TreeMap<>(recorded));
      blocks = List.copyOf(blocks);
      Preconditions.checkArgument(
          blocks.isEmpty() || blocks.size() == blocksFor(promptTokens),
          "blocks must be the blocks of %s tokens of a prompt of %s, but are %s",
          BLOCK_TOKENS,
          promptTokens,
          blocks.size());
      Preconditions.checkArgument(
          thinkingTokens >= 0 && thinkingTokens <= outputTokens,
          "thinkingTokens must be from 0 to outputTokens, but they are %s and %s",
          thinkingTokens,
          outputTokens);
      Preconditions.checkArgument(
          recorded.isEmpty() || recorded.firstKey() == 0,
          "recorded predictions must begin with that of the prompt, for 0 tokens");
      Preconditions.checkArgument(
          arrivalNanos >= 0 && promptTokens >= 1 && outputTokens >= 1 && predictedTokens >= 0,
          "promptTokens and outputTokens must be at least 1, arrivalNanos and predictedTokens at"
              + " least 0, but are %s, %s, %s, %s",
          promptTokens,
          outputTokens,
          arrivalNanos,
          predictedTokens);
    }

    /**
     * Returns the same request with another arrival.
     *
     * @param nanos arrival, in nanoseconds from the trace's start; 0 or more
     * @throws IllegalArgumentException if the arrival is negative
     */
    public Request at(long nanos) {
      return new Request(
          nanos,
          promptTokens,
          outputTokens,
          predictedTokens,
          terms,
          recorded,
          blocks,
          thinkingTokens);
    }

    /**
     * Returns the same request with another length of its thinking.
     *
     * @param tokens tokens of thinking at the begin of the answer, from 0 to its length
     * @throws IllegalArgumentException if the number is out of range
     */
    public Request thinking(int tokens) {
      return new Request(
          arrivalNanos,
          promptTokens,
          outputTokens,
          predictedTokens,
          terms,
          recorded,
          blocks,
          tokens);
    }

    /** Returns the name of its tenant; empty if it has none. */
    public String tenant() {
      return terms.tenant();
    }

    /** Returns the tokens that the engine may generate at most, of {@code most} possible ones. */
    int maxNewTokens(int most) {
      return terms.limitTokens() == 0 ? most : Math.min(most, terms.limitTokens());
    }

    private Request predicting(int tokens) {
      return new Request(
          arrivalNanos,
          promptTokens,
          outputTokens,
          tokens,
          terms,
          recorded,
          blocks,
          thinkingTokens);
    }
  }

  /**
   * What the caller of a request asks for. Immutable.
   *
   * @param limitTokens output limit in tokens; 0 for as many as the maximum length allows
   * @param priority among the requests of a tenant, a higher priority goes first
   * @param deadlineNanos nanoseconds from the arrival to the timeout, above 0; {@link
   *     Long#MAX_VALUE} for never
   * @param tenant name of the tenant; empty if there is none
   * @param cancelledNanos nanoseconds from the arrival to the cancellation by the caller, 0 or
   *     more; {@link Long#MAX_VALUE} for never
   */
  public record Terms(
      int limitTokens, int priority, long deadlineNanos, String tenant, long cancelledNanos) {
    /** No limit, priority 0, no deadline, no tenant, no cancellation. */
    public static final Terms NONE = new Terms(0, 0, Long.MAX_VALUE, "", Long.MAX_VALUE);

    /**
     * Validates the numbers.
     *
     * @throws IllegalArgumentException if a number is out of range
     */
    public Terms {
      Objects.requireNonNull(tenant, "tenant must not be null");
      Preconditions.checkArgument(
          limitTokens >= 0 && deadlineNanos > 0 && cancelledNanos >= 0,
          "limitTokens and cancelledNanos must be at least 0 and deadlineNanos at least 1, but are"
              + " %s, %s, %s",
          limitTokens,
          cancelledNanos,
          deadlineNanos);
    }
  }

  /** A kind of error in predictions, to measure policies with wrong predictions. Immutable. */
  public sealed interface PredictionError {
    /** Largest prediction that an error produces, in tokens. */
    int MAX_TOKENS = 1 << 24;

    /**
     * Returns predictions with errors.
     *
     * @param tokens predicted lengths in tokens, each at least 1; the array is not changed
     * @param random source of random numbers
     * @return as many lengths in tokens, each at least 1
     */
    int[] spoil(int[] tokens, SplittableRandom random);

    /**
     * An equal relative error of all predictions.
     *
     * @param share relative error, above -1 and at most 16,777,216; -0.5 halves all predictions
     */
    record Bias(double share) implements PredictionError {
      /**
       * Validates the share.
       *
       * @throws IllegalArgumentException if the share is out of range
       */
      public Bias {
        Preconditions.checkArgument(
            share > -1 && share <= MAX_TOKENS,
            "bias must be above -1 and at most " + MAX_TOKENS + ", but is %s",
            share);
      }

      @Override
      public int[] spoil(int[] tokens, SplittableRandom random) {
        return Arrays.stream(tokens).map(length -> scaled(length, 1 + share)).toArray();
      }
    }

    /**
     * Multiplication of each prediction by a log-normal factor with median 1.
     *
     * @param sigma standard deviation of the factor's logarithm, from 0 to 10
     */
    record Noise(double sigma) implements PredictionError {
      private static final double MAX_SIGMA = 10;

      /**
       * Validates the deviation.
       *
       * @throws IllegalArgumentException if the deviation is out of range
       */
      public Noise {
        Preconditions.checkArgument(
            sigma >= 0 && sigma <= MAX_SIGMA, "noise must be from 0 to 10, but is %s", sigma);
      }

      @Override
      public int[] spoil(int[] tokens, SplittableRandom random) {
        return Arrays.stream(tokens)
            .map(length -> scaled(length, Math.exp(sigma * random.nextGaussian())))
            .toArray();
      }
    }

    /**
     * Replacement of some predictions by those of other requests, chosen at random.
     *
     * @param probability probability that a request gets another request's prediction, from 0 to 1
     */
    record Swap(double probability) implements PredictionError {
      /**
       * Validates the probability.
       *
       * @throws IllegalArgumentException if the probability is out of range
       */
      public Swap {
        Preconditions.checkArgument(
            probability >= 0 && probability <= 1,
            "swap must be from 0 to 1, but is %s",
            probability);
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
