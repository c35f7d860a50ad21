package dev.s3llm.engine;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.memory.KvBlockPool;
import dev.s3llm.memory.SequenceView;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The engine's record of one request: its tokens, its leases, its state. Also the view that
 * planners get of it, and the view that the executor gets of its part in a step; both only read.
 */
final class Sequence implements SequenceView, SequenceStep {
  private final long id;
  private final SequenceSpec spec;
  private final boolean fixedCanvas;
  final RequestHistory history;
  private int[] tokens;
  private int generated;

  SequenceState state = SequenceState.PREDICTING;
  @Nullable LengthPrediction prediction;
  KvBlockPool.@Nullable Lease deviceLease;
  KvBlockPool.@Nullable Lease hostLease;

  /** Tokens in device KV, those that the step in flight writes included. */
  private int kvTokens;

  private int swappedTokens;
  private boolean tokenPending;
  private int stepStart;
  private int stepTokens;
  private boolean stepSamples;

  private int generatedAtAdmission;
  private int outputFloor;
  private int preemptions;
  private int maxPreemptions = Integer.MAX_VALUE;
  long age;

  /** How much had been learned when it was predicted last. */
  long lesson;

  private int firstReservedTokens;
  private long admittedNanos = -1;
  private long firstTokenNanos = -1;

  /**
   * Creates the record of a new request.
   *
   * @param fixedCanvas whether KV is taken whole at admission, so that it is never preempted
   */
  Sequence(long id, SequenceSpec spec, boolean fixedCanvas) {
    this.id = id;
    this.spec = spec;
    this.fixedCanvas = fixedCanvas;
    this.tokens = spec.promptTokens();
    this.history = new RequestHistory(spec.arrivalNanos());
  }

  SequenceSpec spec() {
    return spec;
  }

  LengthPrediction knownPrediction() {
    if (prediction == null) {
      throw new IllegalStateException("sequence " + id + " has no prediction yet");
    }
    return prediction;
  }

  KvBlockPool.Lease device() {
    if (deviceLease == null) {
      throw new IllegalStateException("sequence " + id + " holds no device blocks");
    }
    return deviceLease;
  }

  boolean ended() {
    return state == SequenceState.ENDED;
  }

  // ---- progress

  /** Notes an admission; restored tokens are in KV again once the step has run. */
  void admitted(long now, int reservedTokens) {
    history.admitted(now, reservedTokens);
    state = SequenceState.RUNNING;
    kvTokens = swappedTokens;
    swappedTokens = 0;
    generatedAtAdmission = generated;
    if (admittedNanos < 0) {
      admittedNanos = now;
      firstReservedTokens = reservedTokens;
      int initialOutput = Math.max(1, reservedTokens - promptTokens());
      maxPreemptions = doublings(maxNewTokens(), initialOutput) + 1;
    }
  }

  /** Whether it has produced a token since it was admitted last. */
  boolean progressed() {
    return generatedTokens() > generatedAtAdmission;
  }

  /** Doublings that take {@code from} to at least {@code to}: ceil(log2(to / from)). */
  static int doublings(int to, int from) {
    int count = 0;
    for (long reach = from; reach < to; reach *= 2) {
      count++;
    }
    return count;
  }

  /** Notes that the next step computes this many tokens. */
  void launched(int count) {
    stepStart = kvTokens;
    stepTokens = count;
    kvTokens += count;
    stepSamples = kvTokens == contextTokens();
    tokenPending = stepSamples;
  }

  /** Takes the token that the step sampled. */
  void append(int token, long now) {
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

  /** Notes the loss of its blocks; the next reservation covers at least twice this one's output. */
  void preempted(int reservedTokens, boolean swapped) {
    state = SequenceState.WAITING;
    preemptions++;
    int covered = Math.max(1, reservedTokens - promptTokens());
    outputFloor = (int) Math.min(maxNewTokens(), Math.max(outputFloor, 2L * covered));
    swappedTokens = swapped ? kvTokens : 0;
    kvTokens = 0;
  }

  /** The swapped copy is lost; what it held is computed again. */
  void dropSwapped() {
    swappedTokens = 0;
  }

  boolean isStop(int token) {
    return Arrays.binarySearch(spec.stopTokens(), token) >= 0;
  }

  int generatedForSure() {
    return generated;
  }

  /**
   * How it ended.
   *
   * @param waiting whether it was waiting for memory until now
   */
  SequenceOutcome outcome(
      FinishReason reason, @Nullable Failure failure, boolean waiting, long now) {
    long arrival = spec.arrivalNanos();
    return new SequenceOutcome(
        reason,
        failure,
        prediction,
        firstReservedTokens,
        preemptions,
        (admittedNanos < 0 ? now : admittedNanos) - arrival,
        firstTokenNanos < 0 ? -1 : firstTokenNanos - arrival,
        now - arrival,
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
    return knownPrediction();
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
  public boolean entitled() {
    return fixedCanvas || preemptions >= maxPreemptions;
  }

  @Override
  public int swappedTokens() {
    return swappedTokens;
  }

  @Override
  public int priority() {
    return spec.priority();
  }

  @Override
  public String tenant() {
    return spec.tenant();
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
