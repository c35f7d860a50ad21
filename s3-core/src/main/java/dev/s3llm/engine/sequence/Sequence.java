package dev.s3llm.engine.sequence;

import dev.s3llm.engine.constraint.AnswerRules;
import dev.s3llm.engine.constraint.ConstraintProgress;
import dev.s3llm.engine.constraint.EndingMasks;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.schedule.SequenceView;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The engine's record of one request: its tokens, its leases, its state. Planners and policies read
 * it as a {@link SequenceView}, the executor reads its part in a step as a {@link SequenceStep}.
 *
 * <p>Not thread-safe: the loop is the only writer; the executor reads while a step is in flight,
 * during which the loop does not change what the step uses.
 */
public final class Sequence implements SequenceView, SequenceStep {
  private static final int[] NO_TOKENS = {};
  private static final double NOT_QUEUED = -1;

  private final long id;
  private final SequenceSpec spec;
  private final int promptTokens;
  private final int maxNewTokens;
  private final RequestHistory history;
  private final PreemptionRecord preemptions = new PreemptionRecord();
  private final LongSupplier clock;
  private final Progress progress;
  private final ExpectedRemaining remaining = new ExpectedRemaining();
  private final FeatureRequest features = new FeatureRequest();
  private int[] tokens;
  private long queueAge;
  private double queueTurns = NOT_QUEUED;

  private SequenceState state = SequenceState.PREDICTING;
  private @Nullable LengthPrediction prediction;
  private @Nullable LengthPrediction revised;
  private int revision;
  private long predictionEpoch;
  private int firstPredictedTokens;
  private KvBlockPool.@Nullable Lease deviceLease;
  private KvBlockPool.@Nullable Lease hostLease;
  private @Nullable SequencePrefix prefix;
  private @Nullable ConstraintProgress constraint;
  private @Nullable Phases phases;
  private int cachedTokens;
  private int sharedAtAdmission;

  /** Consecutive plans that left the sequence out because the step's budget was used up. */
  private int leftOut;

  /**
   * Creates the record of a new request, for which no time passes while it waits.
   *
   * @param id unique within the engine; ascends with arrival
   * @param spec the request
   */
  public Sequence(long id, SequenceSpec spec) {
    this(id, spec, () -> spec.times().arrivalNanos());
  }

  /**
   * Creates the record of a new request.
   *
   * @param id unique within the engine; ascends with arrival
   * @param spec the request
   * @param clock returns the engine's time, in nanoseconds
   */
  public Sequence(long id, SequenceSpec spec, LongSupplier clock) {
    this.id = id;
    this.spec = spec;
    this.clock = clock;
    this.promptTokens = spec.query().promptTokens();
    this.maxNewTokens = spec.query().maxNewTokens();
    this.tokens = spec.promptTokens();
    this.history = new RequestHistory(spec.times().arrivalNanos());
    this.progress = new Progress(promptTokens, spec.input() != null);
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

  /** Returns how far the computation is. */
  Progress progress() {
    return progress;
  }

  // ---- prediction

  /**
   * Sets the predicted output length.
   *
   * @param length the prediction; kept within the bounds of the answer
   * @param epoch the epoch of the predictor in which it was made; see {@link #predictionEpoch}
   */
  public void setPrediction(LengthPrediction length, long epoch) {
    boolean first = prediction == null;
    prediction = bounded(length);
    if (first) {
      firstPredictedTokens = prediction.quantile(0.5);
    }
    predictionEpoch = epoch;
  }

  /**
   * Returns the predictor's epoch of the prediction: how many answers it had observed, coarsely.
   */
  public long predictionEpoch() {
    return predictionEpoch;
  }

  /**
   * Sets a prediction that was made while the answer grew. It replaces the earlier one for
   * planning, but not in the feedback about predictions.
   *
   * @param length the prediction of the whole length; kept within the bounds of the answer
   * @param number how many revisions the predictor wants up to now
   */
  public void revise(LengthPrediction length, int number) {
    revised = bounded(length);
    revision = number;
  }

  /**
   * Starts to follow the phases of the output, if it may think.
   *
   * @param predictsParts whether the predictor predicts thinking and answer apart
   */
  public void followPhases(boolean predictsParts) {
    LengthQuery.Thinking thinking = spec.output().thinking();
    if (thinking != null) {
      LengthQuery query = spec.query();
      phases = new Phases(thinking, query, predictsParts && query.hintTokens() == 0);
    }
  }

  /** Returns the phases of the output; null if it does not think. */
  public @Nullable Phases phases() {
    return phases;
  }

  /** Returns the output tokens of the thinking so far, with its markers; 0 without thinking. */
  public int thinkingTokens() {
    return phases == null ? 0 : phases.thinkingTokens();
  }

  /** Returns the phases of the output if their lengths are predicted apart, or else null. */
  public @Nullable Phases phasesApart() {
    return phases != null && phases.predictedApart() ? phases : null;
  }

  /**
   * Sets the predicted lengths of the output's parts.
   *
   * @param lengths the predictions
   * @param epoch the epoch of the predictor in which they were made; see {@link #predictionEpoch}
   */
  public void setPrediction(Phases.Lengths lengths, long epoch) {
    if (phases != null) {
      phases.predicted(lengths);
    }
    setPrediction(lengths.whole(), epoch);
  }

  /** Replaces the prediction by what the phases say now, if that has changed. */
  public void revisePhases() {
    LengthPrediction whole = phases == null ? null : phases.revised(committedTokens());
    if (whole != null) {
      revise(whole, revision);
    }
  }

  /** Returns a prediction that knows the shortest answer of the constraint and the limit. */
  private LengthPrediction bounded(LengthPrediction length) {
    int less = Math.min(spec.output().shortest(), maxNewTokens()) - 1;
    return length.given(Math.min(less, Integer.MAX_VALUE / 2)).cappedAt(maxNewTokens());
  }

  /** Returns the number of the latest revision; 0 before the first. */
  public int revision() {
    return revision;
  }

  /** Returns what is requested of the sequence's features. */
  public FeatureRequest features() {
    return features;
  }

  /** Returns the prediction before the answer began, or null before there is one. */
  public @Nullable LengthPrediction predictionIfKnown() {
    return prediction;
  }

  /** Returns what the request asks for, for events. */
  public EngineEvent.Request asked() {
    long arrival = spec.times().arrivalNanos();
    long deadline = spec.times().deadlineNanos();
    return new EngineEvent.Request(
        arrival,
        promptTokens(),
        maxNewTokens(),
        spec.standing().priority(),
        deadline == Long.MAX_VALUE ? Long.MAX_VALUE : deadline - arrival,
        spec.standing().tenant(),
        firstPredictedTokens,
        prefix == null ? List.of() : prefix.hashes(EngineEvent.Request.BLOCK_TOKENS));
  }

  // ---- memory

  /**
   * Returns the lease of the sequence's device blocks.
   *
   * @throws IllegalStateException if it holds none
   */
  public KvBlockPool.Lease device() {
    if (deviceLease == null) {
      throw new IllegalStateException("sequence " + id + " holds no device blocks");
    }
    return deviceLease;
  }

  /** Returns the lease of the sequence's device blocks, or null. */
  public KvBlockPool.@Nullable Lease deviceIfHeld() {
    return deviceLease;
  }

  /** Sets the lease of the sequence's device blocks. */
  public void holdDevice(KvBlockPool.Lease lease) {
    deviceLease = lease;
  }

  /** Removes the lease of the sequence's device blocks. No step may read it any more. */
  public void dropDevice() {
    deviceLease = null;
  }

  /** Sets the lease of the host blocks that contain the sequence's swapped KV. */
  public void holdHost(KvBlockPool.Lease lease) {
    hostLease = lease;
  }

  /** Removes and returns the lease of the sequence's host blocks; null if there is none. */
  public KvBlockPool.@Nullable Lease takeHost() {
    KvBlockPool.Lease lease = hostLease;
    hostLease = null;
    return lease;
  }

  /** Returns the lease of the sequence's host blocks, or null. */
  public KvBlockPool.@Nullable Lease host() {
    return hostLease;
  }

  /**
   * Lets the sequence share blocks with others.
   *
   * @param own the blocks of its prompt by their tokens; null if it shares none
   */
  public void sharePrefix(@Nullable SequencePrefix own) {
    prefix = own;
  }

  /** Returns the sequence's blocks by their tokens; null if it shares none. */
  public @Nullable SequencePrefix prefix() {
    return prefix;
  }

  /** Returns the number of blocks that the sequence has found when it was admitted. */
  public int adoptedBlocks() {
    return prefix == null ? 0 : prefix.length();
  }

  /** Returns the token ids by position, of prompt and output; not to be changed. */
  public int[] tokens() {
    return tokens;
  }

  /**
   * Sets the tokens of a waiting sequence whose KV is on the device, because other sequences have
   * computed it.
   */
  public void setReusable(int count) {
    progress.setReusable(count);
  }

  /** Sets how many blocks of a waiting sequence others own. */
  public void setSharedAtAdmission(int blocks) {
    sharedAtAdmission = blocks;
  }

  /** Returns the prompt tokens that were on the device at the first admission; 0 before it. */
  public int cachedTokens() {
    return cachedTokens;
  }

  /** Returns the known tokens whose KV is on the device, if a step in flight succeeds. */
  public int knownKvTokens() {
    return Math.min(kvTokens(), promptTokens() + committedTokens());
  }

  // ---- constraint

  /**
   * Starts to follow the request's constraint, if it has one.
   *
   * @param vocabularySize number of token ids, at least 1
   * @param endings the masks with stop tokens, which the engine's requests share
   */
  public void constrain(int vocabularySize, EndingMasks endings) {
    TokenConstraint rule = spec.output().constraint();
    if (rule != null) {
      SequenceSpec.Stops stops = spec.stops();
      constraint =
          new ConstraintProgress(
              new AnswerRules(
                  rule, stops.tokens(), stops.least(), maxNewTokens, vocabularySize, endings));
    }
  }

  /** Returns how far the answer is in its constraint; null without one. */
  public @Nullable ConstraintProgress constraint() {
    return constraint;
  }

  /** Returns whether the sequence cannot run before the mask of its constraint is there. */
  public boolean awaitsMask() {
    return constraint != null && constraint.awaitsMask();
  }

  /** Records that the sequence will wait, but not before the mask of its constraint is there. */
  public void park() {
    state = SequenceState.PARKED;
  }

  // ---- progress

  /**
   * Records that the sequence joins the waiting queue, for the first time or again.
   *
   * @param turns turns that the queue has made, 0 or more; the first value is kept
   */
  public void queued(double turns) {
    state = SequenceState.WAITING;
    queueTurns = queueTurns == NOT_QUEUED ? turns : queueTurns;
  }

  /**
   * Records an admission. Swapped tokens count as device KV from now on: the next step copies them
   * back first.
   *
   * @param now the engine's time, in nanoseconds
   * @param reservedTokens KV slots reserved
   */
  public void admitted(long now, int reservedTokens) {
    if (!startedBefore()) {
      cachedTokens = progress.reusableTokens();
    }
    history.admitted(now, reservedTokens);
    state = SequenceState.RUNNING;
    progress.admitted();
    preemptions.admitted(committedTokens());
  }

  /** Returns whether the sequence was admitted before. */
  public boolean startedBefore() {
    return history.admittedBefore();
  }

  /**
   * Sets that KV does not grow step by step.
   *
   * @param usualPasses passes over a canvas that the executor's profile names; 0 if it expects none
   */
  public void fixSlots(int usualPasses) {
    progress.fixSlots(usualPasses);
  }

  /** Returns whether KV does not grow step by step. */
  public boolean slotsFixed() {
    return progress.slotsFixed();
  }

  /**
   * Sets how often the sequence may be preempted; unbounded until then.
   *
   * @param most 0 or more
   */
  public void limitPreemptions(int most) {
    preemptions.limitTo(most);
  }

  /** Returns whether the sequence has generated a token since its latest admission. */
  public boolean progressed() {
    return preemptions.progressed(generatedTokens());
  }

  /**
   * Records that a step, which starts now, computes positions of the sequence.
   *
   * @param count how many positions, at least 1
   */
  public void startStep(int count) {
    progress.startStep(count);
  }

  /**
   * Records what the step reports for the sequence, before its tokens are appended.
   *
   * @param count tokens that it committed, 0 or more
   * @param reportedSlots slots for the next step; 0 for the context, or for the canvas as it is
   * @param stepsLeft steps left by the executor's estimate; 0 if unknown
   * @return whether the sequence goes on as the plans made during the step assume
   */
  public boolean stepped(int count, int reportedSlots, int stepsLeft) {
    return progress.stepped(count, reportedSlots, stepsLeft);
  }

  /** Returns whether the executor has reported a canvas for the sequence. */
  public boolean canvasReported() {
    return progress.canvasReported();
  }

  /** Returns the steps since the latest admission that sampled without committing a token. */
  public int silentSteps() {
    return progress.silentSteps();
  }

  /** Returns the positions to which the latest step computes: the blocks must cover them. */
  public int stepEnd() {
    return progress.stepStart() + progress.stepTokens();
  }

  /**
   * Returns the number of positions that the next step must compute at least: the whole canvas, an
   * opaque input with the whole prompt, or 1.
   */
  public int leastStepTokens() {
    return progress.leastStepTokens();
  }

  /** Returns whether the next step decodes: a token, drafts after it, or a pass over the canvas. */
  public boolean decodes() {
    return progress.decodes();
  }

  /** Returns the output tokens that a step is expected to commit: 1 without a canvas. */
  public double tokensPerStep() {
    return canvas()
        ? Math.max(1, (slotsNeeded() - promptTokens() - committedTokens()) / stepsLeft())
        : 1;
  }

  /** Returns how many plans in a row have left the sequence out of their steps. */
  public int leftOut() {
    return leftOut;
  }

  /** Records whether the step that starts now leaves the sequence out although it could run. */
  public void setLeftOut(boolean out) {
    leftOut = out ? leftOut + 1 : 0;
  }

  /** Returns the output slots that the sequence has used: of its canvas, or one for each token. */
  public int outputSlots() {
    return Math.max(committedTokens(), progress.canvasSlots());
  }

  /**
   * Appends a token that the step commits.
   *
   * @param token the token's id
   * @param now the engine's time, in nanoseconds
   */
  public void append(int token, long now) {
    int length = promptTokens() + committedTokens();
    if (length == tokens.length) {
      int grown = Math.max(length + 1, (int) Math.min(2L * length, worstCaseTokens()));
      tokens = Arrays.copyOf(tokens, grown);
    }
    tokens[length] = token;
    progress.appended();
    if (phases != null) {
      phases.appended(tokens, promptTokens(), committedTokens());
    }
    history.tokenGenerated(now);
  }

  /**
   * Records a preemption: the sequence loses its device blocks. The next reservation covers at
   * least twice the output that this one covered.
   *
   * @param reservedTokens KV slots of the lost reservation
   * @param swapped whether the KV is copied to host memory
   */
  public void preempted(int reservedTokens, boolean swapped) {
    preemptions.preempted(reservedTokens - promptTokens(), maxNewTokens());
    progress.preempted(swapped);
  }

  /**
   * Records that the sequence loses its device blocks because another one takes its place. Its next
   * reservation is not enlarged: the one that it had was not too small.
   *
   * @param swapped whether the KV is copied to host memory
   */
  public void displaced(boolean swapped) {
    preemptions.displaced();
    progress.preempted(swapped);
  }

  /** Returns how often another sequence took the sequence's place. */
  public int displacements() {
    return preemptions.displacements();
  }

  /** Records that the swapped copy is lost, so that its tokens must be computed again. */
  public void dropSwapped() {
    progress.dropSwapped();
  }

  /** Records the end; returns the state until now. */
  public SequenceState end() {
    SequenceState before = state;
    state = SequenceState.ENDED;
    return before;
  }

  @Override
  public int[] forbiddenTokens() {
    return committedTokens() < spec.stops().least() ? spec.stops().tokens() : NO_TOKENS;
  }

  @Override
  public long @Nullable [] allowedTokens() {
    return constraint == null || !samples() ? null : constraint.allowed();
  }

  @Override
  public int logProbabilities() {
    return samples() ? spec.output().logProbabilities() : -1;
  }

  /** Returns whether a token ends the answer. */
  public boolean isStop(int token) {
    return Arrays.binarySearch(spec.stops().tokens(), token) >= 0;
  }

  /** Returns the number of tokens generated so far, without those that a step in flight may add. */
  @Override
  public int committedTokens() {
    return progress.committed();
  }

  /**
   * Returns the sequence's age in the waiting queue when it last left it; see {@code WaitingQueue}.
   */
  public long queueAge() {
    return queueAge;
  }

  /** Sets the age that the sequence has on leaving the waiting queue. */
  public void setQueueAge(long age) {
    queueAge = age;
  }

  /**
   * Returns how the sequence ended.
   *
   * @param reason why it ended
   * @param failure what failed, or null
   * @param waiting whether it was in the waiting queue until now
   * @param now the engine's time, in nanoseconds
   */
  public SequenceOutcome outcome(
      FinishReason reason, @Nullable Failure failure, boolean waiting, long now) {
    return new SequenceOutcome(
        reason,
        failure,
        prediction,
        history.firstReservedTokens(),
        preemptions.count(),
        progress.canvasSlots(),
        progress.canvasPasses(),
        history.timing(now),
        history.explain(waiting, prediction, promptTokens() + outputSlots(), cachedTokens(), now));
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
    return promptTokens;
  }

  @Override
  public int generatedTokens() {
    return progress.generated();
  }

  @Override
  public int maxNewTokens() {
    return maxNewTokens;
  }

  @Override
  public int kvTokens() {
    return progress.kvTokens();
  }

  @Override
  public LengthPrediction prediction() {
    if (prediction == null) {
      throw new IllegalStateException("sequence " + id + " has no prediction yet");
    }
    return revised == null ? prediction : revised;
  }

  @Override
  public int reservedBlocks() {
    return deviceLease == null ? 0 : deviceLease.reserved();
  }

  @Override
  public int sharedBlocks() {
    if (prefix == null) {
      return 0;
    }
    return deviceLease == null ? sharedAtAdmission : deviceLease.shared();
  }

  @Override
  public int reusableTokens() {
    return progress.reusableTokens();
  }

  @Override
  public int outputFloorTokens() {
    return preemptions.outputFloorTokens();
  }

  @Override
  public int preemptions() {
    return preemptions.count();
  }

  @Override
  public boolean preemptionExempt() {
    return preemptions.exempt();
  }

  @Override
  public int swappedTokens() {
    return progress.swappedTokens();
  }

  @Override
  public int priority() {
    return spec.standing().priority();
  }

  @Override
  public String tenant() {
    return spec.standing().tenant();
  }

  @Override
  public long arrivalNanos() {
    return spec.times().arrivalNanos();
  }

  @Override
  public double queueTurns() {
    return Math.max(0, queueTurns);
  }

  @Override
  public double expectedRemainingTokens() {
    return canvas()
        ? SequenceView.super.expectedRemainingTokens()
        : remaining.tokens(id, prediction(), generatedTokens(), maxNewTokens());
  }

  @Override
  public long deadlineNanos() {
    return spec.times().deadlineNanos();
  }

  @Override
  public long ttftTargetNanos() {
    return spec.times().firstTokenNanos();
  }

  @Override
  public long waitedNanos() {
    boolean waits = state != SequenceState.RUNNING && state != SequenceState.ENDED;
    return history.waitedNanos(waits, clock.getAsLong());
  }

  @Override
  public int slotsNeeded() {
    int needed = progress.slotsNeeded();
    return progress.slotsFixed() && state == SequenceState.WAITING
        ? Math.max(needed, promptTokens() + preemptions.outputFloorTokens())
        : needed;
  }

  @Override
  public int stepTokens() {
    return progress.nextStepTokens();
  }

  @Override
  public double stepsLeft() {
    if (!canvas()) {
      return SequenceView.super.stepsLeft();
    }
    return progress.canvasStepsLeft();
  }

  @Override
  public boolean canvas() {
    return progress.usesCanvas();
  }

  @Override
  public int recomputeTokens() {
    int shared = prefix == null ? 0 : sharedBlocks() * prefix.blockTokens();
    return Math.max(0, progress.recomputeTokens() - shared);
  }

  @Override
  public boolean swappable() {
    return !canvas();
  }

  // ---- SequenceStep

  @Override
  public SequenceStep.@Nullable Input input() {
    return spec.input();
  }

  @Override
  public int startPosition() {
    return progress.stepStart();
  }

  @Override
  public int tokenCount() {
    return progress.stepTokens();
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
    return progress.stepSamples();
  }

  @Override
  public SamplingParameters sampling() {
    return spec.sampling();
  }

  @Override
  public boolean wantsFeatures() {
    return features.open();
  }

  @Override
  public String toString() {
    return "sequence " + id + " (" + spec.requestId() + ", " + state + ")";
  }
}
