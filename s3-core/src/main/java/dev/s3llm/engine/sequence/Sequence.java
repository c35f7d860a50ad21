package dev.s3llm.engine.sequence;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.schedule.SequenceView;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The engine's record of one request: its tokens, its leases, its state. It is also the view that
 * planners and policies get of it ({@link SequenceView}), and the view that the executor gets of
 * its part in a step ({@link SequenceStep}); both only read.
 *
 * <p>Not thread-safe: the loop is the only writer, and the executor reads while a step is in
 * flight.
 */
public final class Sequence implements SequenceView, SequenceStep {
  private final long id;
  private final SequenceSpec spec;
  private final RequestHistory history;
  private int[] tokens;
  private int generated;

  private SequenceState state = SequenceState.PREDICTING;
  private @Nullable LengthPrediction prediction;
  private long predictionEpoch;
  private KvBlockPool.@Nullable Lease deviceLease;
  private KvBlockPool.@Nullable Lease hostLease;

  /** Tokens in device KV, those that the step in flight writes included. */
  int kvTokens;

  int swappedTokens;
  private boolean tokenPending;
  private int stepStart;
  private int stepTokens;
  private boolean stepSamples;

  private int generatedAtAdmission;
  int outputFloor;
  int preemptions;
  private int maxPreemptions = Integer.MAX_VALUE;
  private long queueAge;

  private int firstReservedTokens;
  private long admittedNanos = -1;
  private long firstTokenNanos = -1;

  /**
   * Creates the record of a new request.
   *
   * @param id unique within the engine; ascends with arrival
   * @param spec the request
   */
  public Sequence(long id, SequenceSpec spec) {
    this.id = id;
    this.spec = spec;
    this.tokens = spec.promptTokens();
    this.history = new RequestHistory(spec.times().arrivalNanos());
  }

  /** Returns the request. */
  public SequenceSpec spec() {
    return spec;
  }

  /** Returns what happened to the request so far. */
  public RequestHistory history() {
    return history;
  }

  /** Returns where the sequence is. */
  public SequenceState state() {
    return state;
  }

  /** Returns whether the sequence has ended. */
  public boolean ended() {
    return state == SequenceState.ENDED;
  }

  // ---- prediction

  /**
   * Sets the predicted output length.
   *
   * @param length the prediction; capped at the output limit
   * @param epoch how much had been learned from answers when it was made
   */
  public void predict(LengthPrediction length, long epoch) {
    prediction = length.cappedAt(maxNewTokens());
    predictionEpoch = epoch;
  }

  /** Returns how much had been learned from answers when the prediction was made. */
  public long predictionEpoch() {
    return predictionEpoch;
  }

  /** Returns the prediction, or null before there is one. */
  public @Nullable LengthPrediction predictionIfKnown() {
    return prediction;
  }

  // ---- memory

  /**
   * Returns the lease of its device blocks.
   *
   * @throws IllegalStateException if it holds none
   */
  public KvBlockPool.Lease device() {
    if (deviceLease == null) {
      throw new IllegalStateException("sequence " + id + " holds no device blocks");
    }
    return deviceLease;
  }

  /** Returns the lease of its device blocks, or null. */
  public KvBlockPool.@Nullable Lease deviceIfHeld() {
    return deviceLease;
  }

  /** Sets the lease of its device blocks, of which it held none. */
  public void holdDevice(KvBlockPool.Lease lease) {
    deviceLease = lease;
  }

  /** Forgets the lease of its device blocks, which no step reads any more. */
  public void dropDevice() {
    deviceLease = null;
  }

  /** Sets the lease of the host blocks that its swapped KV is in. */
  public void holdHost(KvBlockPool.Lease lease) {
    hostLease = lease;
  }

  /** Takes the lease of its host blocks from it; null if it holds none. */
  public KvBlockPool.@Nullable Lease takeHost() {
    KvBlockPool.Lease lease = hostLease;
    hostLease = null;
    return lease;
  }

  /** Returns the lease of its host blocks, or null. */
  public KvBlockPool.@Nullable Lease host() {
    return hostLease;
  }

  // ---- progress

  /** Notes that the sequence waits for memory, for the first time or again. */
  public void queued() {
    state = SequenceState.WAITING;
  }

  /**
   * Notes an admission; swapped tokens are in device KV again once the step has run.
   *
   * @param now the engine's time, in nanoseconds
   * @param reservedTokens KV slots set aside
   */
  public void admitted(long now, int reservedTokens) {
    history.admitted(now, reservedTokens);
    state = SequenceState.RUNNING;
    kvTokens = swappedTokens;
    swappedTokens = 0;
    generatedAtAdmission = generated;
    if (admittedNanos < 0) {
      admittedNanos = now;
      firstReservedTokens = reservedTokens;
    }
  }

  /** Returns whether it was admitted before. */
  public boolean startedBefore() {
    return admittedNanos >= 0;
  }

  /**
   * Sets how often it may be preempted; unbounded until then.
   *
   * @param most 0 or more
   */
  public void limitPreemptions(int most) {
    maxPreemptions = most;
  }

  /** Returns whether it has produced a token since it was admitted last. */
  public boolean progressed() {
    return generatedTokens() > generatedAtAdmission;
  }

  /**
   * Notes that the next step computes tokens of the sequence.
   *
   * @param count how many, at least 1
   */
  public void launched(int count) {
    stepStart = kvTokens;
    stepTokens = count;
    kvTokens += count;
    stepSamples = kvTokens == contextTokens();
    tokenPending = stepSamples;
  }

  /** Adds the token that the step sampled. */
  public void append(int token, long now) {
    int length = promptTokens() + generated;
    if (length == tokens.length) {
      int grown = Math.max(length + 1, (int) Math.min(2L * length, worstCaseTokens()));
      tokens = Arrays.copyOf(tokens, grown);
    }
    tokens[length] = token;
    generated++;
    tokenPending = false;
    if (firstTokenNanos < 0) {
      firstTokenNanos = now;
    }
  }

  /**
   * Notes the loss of its blocks; the next reservation covers at least twice this one's output.
   *
   * @param reservedTokens KV slots that it had
   * @param swapped whether its KV is copied to host memory
   */
  public void preempted(int reservedTokens, boolean swapped) {
    preemptions++;
    int covered = Math.max(1, reservedTokens - promptTokens());
    outputFloor = (int) Math.min(maxNewTokens(), Math.max(outputFloor, 2L * covered));
    swappedTokens = swapped ? kvTokens : 0;
    kvTokens = 0;
  }

  /** Notes that the swapped copy is lost; its tokens are computed again. */
  public void dropSwapped() {
    swappedTokens = 0;
  }

  /** Notes the end; returns where the sequence was until now. */
  public SequenceState end() {
    SequenceState before = state;
    state = SequenceState.ENDED;
    return before;
  }

  /** Returns whether a token ends the answer. */
  public boolean isStop(int token) {
    return Arrays.binarySearch(spec.stopTokens(), token) >= 0;
  }

  /** Returns the tokens generated so far, without the one that a step in flight may add. */
  public int generatedForSure() {
    return generated;
  }

  /** Returns how often it was passed while it waited, as of when it last left the queue. */
  public long queueAge() {
    return queueAge;
  }

  /** Sets how often it was passed while it waited. */
  public void setQueueAge(long age) {
    queueAge = age;
  }

  /**
   * Returns how it ended.
   *
   * @param reason why it ended
   * @param failure what failed, or null
   * @param waiting whether it was waiting for memory until now
   * @param now the engine's time, in nanoseconds
   */
  public SequenceOutcome outcome(
      FinishReason reason, @Nullable Failure failure, boolean waiting, long now) {
    long arrival = spec.times().arrivalNanos();
    return new SequenceOutcome(
        reason,
        failure,
        prediction,
        firstReservedTokens,
        preemptions,
        new SequenceOutcome.Timing(
            (admittedNanos < 0 ? now : admittedNanos) - arrival,
            firstTokenNanos < 0 ? -1 : firstTokenNanos - arrival,
            now - arrival),
        history.explain(waiting, prediction, promptTokens() + generated, now));
  }

  // ---- SequenceView

  @Override
  public long sequenceId() {
    return id;
  }

  @Override
  public String requestId() {
    return spec.requestId();
  }

  @Override
  public int promptTokens() {
    return spec.query().promptTokens();
  }

  @Override
  public int generatedTokens() {
    return generated + (tokenPending ? 1 : 0);
  }

  @Override
  public int maxNewTokens() {
    return spec.query().maxNewTokens();
  }

  @Override
  public int kvTokens() {
    return kvTokens;
  }

  @Override
  public LengthPrediction prediction() {
    if (prediction == null) {
      throw new IllegalStateException("sequence " + id + " has no prediction yet");
    }
    return prediction;
  }

  @Override
  public int reservedBlocks() {
    return deviceLease == null ? 0 : deviceLease.reserved();
  }

  @Override
  public int outputFloorTokens() {
    return outputFloor;
  }

  @Override
  public int preemptions() {
    return preemptions;
  }

  @Override
  public boolean preemptionExempt() {
    return preemptions >= maxPreemptions;
  }

  @Override
  public int swappedTokens() {
    return swappedTokens;
  }

  @Override
  public int priority() {
    return spec.standing().priority();
  }

  @Override
  public String tenant() {
    return spec.standing().tenant();
  }

  // ---- SequenceStep

  @Override
  public int startPosition() {
    return stepStart;
  }

  @Override
  public int tokenCount() {
    return stepTokens;
  }

  @Override
  public int token(int position) {
    return tokens[position];
  }

  @Override
  public int block(int index) {
    return device().block(index);
  }

  @Override
  public int blockCount() {
    return device().allocated();
  }

  @Override
  public boolean samples() {
    return stepSamples;
  }

  @Override
  public SamplingParameters sampling() {
    return spec.sampling();
  }

  @Override
  public String toString() {
    return "sequence " + id + " (" + spec.requestId() + ", " + state + ")";
  }
}
