package dev.s3llm.testkit;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.IntToLongFunction;

/**
 * A reference executor whose next token is a hash of the sequence's KV contents, and whose KV at a
 * position depends on the token there and on the KV before it. Any fault in a sequence's KV (a
 * write by another sequence, a wrong resume, a copy to a wrong block, a block that another
 * beginning computed) changes its tokens, and {@link #expected} returns the correct ones. The
 * executor does its work when the step completes, not when it is launched, so a test detects memory
 * that is given back too early. Features, if the profile has them, are hashes of the same contents,
 * from 0 to 1; so are the log probabilities. Masks, biases, and penalties for tokens of the output
 * change which token is drawn ({@link HashLogits}); other sampling parameters but the seed do not.
 *
 * <p>It decodes token by token, or in a way that commits several tokens in a step ({@link
 * Decoding}).
 *
 * <p>Not thread-safe.
 */
public final class HashExecutor implements Executor {
  private static final long EMPTY = 0xDEADL;

  /** How the tokens of an answer come about. */
  public enum Decoding {
    /** One token in each step. */
    TOKEN,
    /** Up to four tokens in a step, in slots for drafts; the tokens are those of {@link #TOKEN}. */
    DRAFTS,
    /**
     * A few passes over a canvas, and for a quarter of the seeds one token in each step. Needs
     * growth {@code FIXED_CANVAS}.
     */
    CANVAS
  }

  private final ExecutorProfile profile;
  private final Decoding decoding;
  private final Map<Long, HashCanvas> canvases = new HashMap<>();
  private final long[] device;
  private final long[] host;
  private StepBatch pending;
  private CompletableFuture<StepResult> completion;
  private boolean closed;

  /**
   * Creates the executor with empty memory, which decodes token by token.
   *
   * @param profile memory and limits
   */
  public HashExecutor(ExecutorProfile profile) {
    this(profile, Decoding.TOKEN);
  }

  /**
   * Creates the executor with empty memory.
   *
   * @param profile memory and limits
   * @param decoding how it decodes
   */
  public HashExecutor(ExecutorProfile profile, Decoding decoding) {
    this.profile = profile;
    this.decoding = decoding;
    this.device = new long[profile.blockCount() * profile.blockTokens()];
    this.host = new long[profile.hostBlockCount() * profile.blockTokens()];
    Arrays.fill(device, EMPTY);
  }

  @Override
  public ExecutorProfile profile() {
    return profile;
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    if (pending != null) {
      throw new AssertionError("a second step was launched while a step is in flight");
    }
    pending = batch;
    completion = new CompletableFuture<>();
    return completion;
  }

  /** Returns whether the executor was closed. */
  public boolean closed() {
    return closed;
  }

  /** Returns whether a step is in flight. */
  public boolean busy() {
    return pending != null;
  }

  /** Runs the step in flight and completes it. */
  public void complete() {
    StepBatch batch = pending;
    CompletableFuture<StepResult> stage = completion;
    StepResult result = run(batch);
    pending = null;
    stage.complete(result);
  }

  /**
   * Completes the step in flight with an error, without doing any of its work.
   *
   * @param error the failure of the step
   */
  public void fail(Throwable error) {
    CompletableFuture<StepResult> stage = completion;
    pending = null;
    stage.completeExceptionally(error);
  }

  /** Drops the canvas of a sequence that has lost its KV. */
  @Override
  public void released(long sequenceId) {
    canvases.remove(sequenceId);
  }

  /** Returns the number of sequences whose canvas the executor keeps. */
  public int canvases() {
    return canvases.size();
  }

  /**
   * Does the work of a step now.
   *
   * @param batch the step
   * @return its result
   * @throws AssertionError if a canvas is used that was lost, or is kept though its sequence starts
   *     over
   */
  public StepResult run(StepBatch batch) {
    batch.swapOuts().forEach(copy -> copy(device, copy.deviceBlock(), host, copy.hostBlock()));
    for (StepBatch.BlockCopy copy : batch.swapIns()) {
      copy(host, copy.hostBlock(), device, copy.deviceBlock());
    }
    batch.sequences().forEach(this::write);
    float[] features = features(batch); // before drafts are written
    StepResult result = decoding == Decoding.TOKEN ? plain(batch) : several(batch);
    StepResult.LogProbabilities values = logProbabilities(batch, result);
    if (features.length > 0) {
      result = result.withFeatures(features);
    }
    return values.values().length == 0 ? result : result.withLogProbabilities(values);
  }

  /** Returns the log probabilities of the tokens of each sequence that requests them. */
  private StepResult.LogProbabilities logProbabilities(StepBatch batch, StepResult result) {
    float[] values = new float[0];
    int[] tokens = new int[0];
    for (int i = 0; i < batch.sequences().size(); i++) {
      SequenceStep sequence = batch.sequences().get(i);
      int most = sequence.logProbabilities();
      if (most >= 0) {
        int context = sequence.promptTokens() + sequence.committedTokens();
        int[] committed = result.committed(i);
        for (int n = 0; n < committed.length; n++) {
          int first = values.length;
          values = Arrays.copyOf(values, first + 1 + most);
          tokens = Arrays.copyOf(tokens, first + 1 + most);
          logits(sequence, context + n).report(committed[n], values, tokens, first, most);
        }
      }
    }
    return new StepResult.LogProbabilities(values, tokens);
  }

  /** Returns hashes of the known positions of each sequence that requests features. */
  private float[] features(StepBatch batch) {
    int width = profile.featureWidth();
    float[] features = new float[0];
    for (SequenceStep sequence : batch.sequences()) {
      if (sequence.wantsFeatures()) {
        int first = features.length;
        features = Arrays.copyOf(features, first + width);
        long hash = hash(sequence, sequence.promptTokens() + sequence.committedTokens());
        for (int i = 0; i < width; i++) {
          features[first + i] = (mix(hash + i) >>> 40) / (float) (1 << 24);
        }
      }
    }
    return features;
  }

  private StepResult plain(StepBatch batch) {
    int[] tokens = new int[batch.sequences().size()];
    for (int i = 0; i < tokens.length; i++) {
      SequenceStep sequence = batch.sequences().get(i);
      tokens[i] = sequence.samples() ? next(sequence, end(sequence)) : StepResult.NO_TOKEN;
    }
    return StepResult.of(tokens);
  }

  private StepResult several(StepBatch batch) {
    int size = batch.sequences().size();
    int[] tokens = new int[0];
    int[] counts = new int[size];
    int[] slots = new int[size];
    int[] left = new int[size];
    for (int i = 0; i < size; i++) {
      SequenceStep sequence = batch.sequences().get(i);
      if (sequence.samples()) {
        int[] committed = decode(sequence, slots, left, i);
        counts[i] = committed.length;
        int before = tokens.length;
        tokens = Arrays.copyOf(tokens, before + committed.length);
        System.arraycopy(committed, 0, tokens, before, committed.length);
      }
    }
    return StepResult.committing(tokens, counts).slots(slots).stepsLeft(left).build();
  }

  private int[] decode(SequenceStep sequence, int[] slots, int[] left, int i) {
    if (decoding == Decoding.DRAFTS) {
      return decodeDrafts(sequence, slots, i);
    }
    return onCanvas(sequence.sampling())
        ? decodeCanvas(sequence, slots, left, i)
        : new int[] {next(sequence, end(sequence))};
  }

  /** Accepts every draft, and drafts up to three tokens for the next step. */
  private int[] decodeDrafts(SequenceStep sequence, int[] slots, int i) {
    int context = sequence.promptTokens() + sequence.committedTokens();
    boolean one = sequence.allowedTokens() != null; // the mask is of the next token alone
    int[] tokens = new int[one ? 1 : end(sequence) - context + 1];
    for (int n = 0; n < tokens.length; n++) {
      tokens[n] = logits(sequence, context + n).draw(sequence, Arrays.copyOf(tokens, n));
      if (context + n < end(sequence)) {
        device[slot(sequence, context + n)] =
            content(null, tokens[n], context + n, before(sequence, context + n));
      }
    }
    int after = context + tokens.length;
    int drafts =
        one
            ? 0
            : Math.min(tokens[0] & 3, sequence.promptTokens() + sequence.maxNewTokens() - after);
    slots[i] = drafts > 0 ? after + drafts : 0;
    return tokens;
  }

  private int[] decodeCanvas(SequenceStep sequence, int[] slots, int[] left, int i) {
    int prompt = sequence.promptTokens();
    HashCanvas canvas = canvases.get(sequence.sequenceId());
    if (canvas == null) {
      throw new AssertionError("sequence " + sequence.sequenceId() + " has no canvas");
    }
    int[] tokens = new int[0];
    if (sequence.startPosition() >= prompt) {
      int before = canvas.settled();
      int[] settled = canvas.fill(hash(sequence, end(sequence)));
      int known = Math.min(settled.length, Math.max(0, sequence.committedTokens() - before));
      tokens = Arrays.copyOfRange(settled, known, settled.length);
    }
    slots[i] = prompt + canvas.length();
    left[i] = canvas.passesLeft();
    return tokens;
  }

  private static boolean onCanvas(SamplingParameters sampling) {
    return (sampling.seed() & 3) != 0;
  }

  /**
   * Does a part of the work of a step, like a step that fails before its end.
   *
   * @param batch the step
   * @param copies number of copies to host memory to do, 0 or more
   * @param writes number of sequences whose KV to write, 0 or more
   */
  public void runPartly(StepBatch batch, int copies, int writes) {
    for (StepBatch.BlockCopy copy :
        batch.swapOuts().subList(0, Math.min(copies, batch.swapOuts().size()))) {
      copy(device, copy.deviceBlock(), host, copy.hostBlock());
    }
    for (SequenceStep s :
        batch.sequences().subList(0, Math.min(writes, batch.sequences().size()))) {
      write(s);
    }
  }

  private void copy(long[] from, int fromBlock, long[] to, int toBlock) {
    int size = profile.blockTokens();
    System.arraycopy(from, fromBlock * size, to, toBlock * size, size);
  }

  private void write(SequenceStep sequence) {
    int context = sequence.promptTokens() + sequence.committedTokens();
    boolean masked = decoding == Decoding.CANVAS && onCanvas(sequence.sampling());
    if (masked && sequence.startPosition() >= sequence.promptTokens()) {
      HashCanvas canvas = canvases.get(sequence.sequenceId());
      for (int p = sequence.startPosition(); canvas != null && p < end(sequence); p++) {
        device[slot(sequence, p)] = canvas.content(p);
      }
      return;
    }
    for (int p = sequence.startPosition(); p < Math.min(end(sequence), context); p++) {
      device[slot(sequence, p)] =
          content(sequence.input(), sequence.token(p), p, before(sequence, p));
    }
    if (masked && end(sequence) == sequence.promptTokens()) {
      HashCanvas canvas =
          new HashCanvas(
              hash(sequence, end(sequence)), sequence.maxNewTokens(), profile.vocabularySize());
      if (canvases.put(sequence.sequenceId(), canvas) != null) {
        throw new AssertionError("sequence " + sequence.sequenceId() + " kept its canvas");
      }
    }
  }

  /** Returns the KV before a position, on which that of the position depends. */
  private long before(SequenceStep sequence, int position) {
    return position == 0 ? 0 : device[slot(sequence, position - 1)];
  }

  private static int end(SequenceStep sequence) {
    return sequence.startPosition() + sequence.tokenCount();
  }

  private int next(SequenceStep sequence, int end) {
    return logits(sequence, end).draw(sequence);
  }

  private HashLogits logits(SequenceStep sequence, int end) {
    return new HashLogits(hash(sequence, end), profile.vocabularySize());
  }

  private long hash(SequenceStep sequence, int end) {
    return hash(sequence.sampling().seed(), end, p -> device[slot(sequence, p)]);
  }

  static long hash(long seed, int end, IntToLongFunction contents) {
    long hash = seed;
    for (int position = 0; position < end; position++) {
      hash = mix(hash ^ contents.applyAsLong(position));
    }
    return hash;
  }

  private int slot(SequenceStep sequence, int position) {
    int size = profile.blockTokens();
    return sequence.block(position / size) * size + position % size;
  }

  /**
   * Returns the tokens that a request must produce, whatever other requests the engine runs.
   *
   * @param prompt token ids of the prompt
   * @param sampling sampling parameters
   * @param maxNew output limit in tokens, at least 1
   * @param stops ids of the stop tokens, ascending
   * @param vocabulary size of the vocabulary, at least 1
   */
  public static int[] expected(
      int[] prompt, SamplingParameters sampling, int maxNew, int[] stops, int vocabulary) {
    return expected(Decoding.TOKEN, null, prompt, sampling, maxNew, stops, vocabulary);
  }

  /**
   * Returns the tokens that a request must produce, whatever other requests the engine runs.
   *
   * @param decoding how the executor decodes
   * @param input the opaque input, or null
   * @param prompt token ids of the prompt after the input
   * @param sampling sampling parameters
   * @param maxNew output limit in tokens, at least 1
   * @param stops ids of the stop tokens, ascending
   * @param vocabulary size of the vocabulary, at least 1
   */
  public static int[] expected(
      Decoding decoding,
      SequenceStep.Input input,
      int[] prompt,
      SamplingParameters sampling,
      int maxNew,
      int[] stops,
      int vocabulary) {
    int first = input == null ? 0 : input.slots();
    long[] kv = new long[first + prompt.length];
    for (int i = 0; i < kv.length; i++) {
      int token = i < first ? StepResult.NO_TOKEN : prompt[i - first];
      kv[i] = content(input, token, i, i == 0 ? 0 : kv[i - 1]);
    }
    return decoding == Decoding.CANVAS && onCanvas(sampling)
        ? HashCanvas.expected(kv, sampling.seed(), maxNew, stops, vocabulary)
        : tokenByToken(kv, sampling.seed(), maxNew, stops, vocabulary);
  }

  /**
   * Returns the tokens that a request with a constraint must produce, whatever other requests the
   * engine runs.
   *
   * @param constraint the constraint, with masks for the whole vocabulary
   * @param prompt token ids of the prompt
   * @param sampling sampling parameters
   * @param maxNew output limit in tokens, at least 1
   * @param stops ids of the stop tokens, ascending
   * @param vocabulary size of the vocabulary, at least 1
   */
  public static int[] expected(
      SequenceStep.TokenConstraint constraint,
      int[] prompt,
      SamplingParameters sampling,
      int maxNew,
      int[] stops,
      int vocabulary) {
    long[] kv = new long[prompt.length + maxNew];
    for (int i = 0; i < prompt.length; i++) {
      kv[i] = content(null, prompt[i], i, i == 0 ? 0 : kv[i - 1]);
    }
    SequenceStep.TokenConstraint.State state = constraint.start();
    int[] output = new int[maxNew];
    for (int n = 0; n < maxNew; n++) {
      long[] mask = state.mask(maxNew - n).clone();
      Arrays.stream(stops).forEach(stop -> mask[stop / 64] &= ~(1L << stop % 64));
      if (Arrays.stream(mask).allMatch(word -> word == 0)) {
        return Arrays.copyOf(output, n); // complete, or the request fails
      }
      if (state.complete()) {
        Arrays.stream(stops).forEach(stop -> mask[stop / 64] |= 1L << stop % 64);
      }
      int context = prompt.length + n;
      output[n] =
          new HashLogits(hash(sampling.seed(), context, i -> kv[i]), vocabulary).drawAllowed(mask);
      if (Arrays.binarySearch(stops, output[n]) >= 0) {
        return Arrays.copyOf(output, n + 1);
      }
      state = state.after(output[n]);
      kv[context] = content(null, output[n], context, kv[context - 1]);
    }
    return output;
  }

  private static int[] tokenByToken(
      long[] prompt, long seed, int maxNew, int[] stops, int vocabulary) {
    int[] output = new int[maxNew];
    long[] kv = Arrays.copyOf(prompt, prompt.length + maxNew);
    for (int n = 0; n < maxNew; n++) {
      int context = prompt.length + n;
      output[n] = (int) Long.remainderUnsigned(hash(seed, context, i -> kv[i]), vocabulary);
      if (Arrays.binarySearch(stops, output[n]) >= 0) {
        return Arrays.copyOf(output, n + 1);
      }
      kv[context] = content(null, output[n], context, kv[context - 1]);
    }
    return output;
  }

  private static long content(SequenceStep.Input input, int token, int position, long before) {
    boolean opaque = input != null && position < input.slots();
    return mix((opaque ? input.hashCode() : token) * 1_000_003L + position + before * 31);
  }

  static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  @Override
  public void close() {
    closed = true;
  }
}
