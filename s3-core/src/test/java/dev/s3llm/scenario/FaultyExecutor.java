package dev.s3llm.scenario;

import dev.s3llm.error.ExecutorLostException;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.testkit.HashExecutor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * An executor on virtual time. It computes tokens from its own memory ({@link HashExecutor}),
 * commits the faults of a {@link FaultPlan}, and reports to the checkers.
 */
final class FaultyExecutor implements Executor {
  private static final long NEVER = Long.MAX_VALUE;

  private static final Fault[] ANSWERS = {
    Fault.STAGE_FAILS,
    Fault.OUT_OF_MEMORY,
    Fault.PARTIAL_COPY,
    Fault.TOO_FEW,
    Fault.TOO_MANY,
    Fault.FOREIGN_TOKEN,
    Fault.NEGATIVE_TOKEN,
    Fault.UNASKED_TOKEN,
    Fault.NULL_RESULT,
    Fault.NULL_TOKENS,
    Fault.NULL_FAILURES,
    Fault.STRAY_FAILURE,
    Fault.NULL_CAUSE,
    Fault.ONE_FAILS
  };

  /** The same, and the ways to report several tokens wrongly. */
  private static final Fault[] ANSWERS_IN_COUNTS =
      Stream.concat(
              Stream.of(ANSWERS),
              Stream.of(
                  Fault.COUNTS_TOO_LARGE,
                  Fault.SLOTS_TOO_MANY,
                  Fault.SLOTS_NEGATIVE,
                  Fault.NOTHING_NEXT))
          .toArray(Fault[]::new);

  private final HashExecutor memory;
  private final boolean counts;
  private final FaultPlan faults;
  private final Random random;
  private final Checkers checkers;
  private final DecisionLog log;
  private final LongSupplier clock;
  private final boolean immediate;
  private final List<Repetition> repetitions = new ArrayList<>();
  private Running running;
  private int closes;

  FaultyExecutor(
      Setting setting,
      FaultPlan faults,
      Random random,
      Checkers checkers,
      DecisionLog log,
      LongSupplier clock) {
    this.memory = new HashExecutor(setting.profile(), setting.decoding());
    this.counts = setting.decoding() != HashExecutor.Decoding.TOKEN;
    this.immediate = setting.immediate();
    this.faults = faults;
    this.random = random;
    this.checkers = checkers;
    this.log = log;
    this.clock = clock;
  }

  /** The step in flight. */
  private record Running(StepBatch batch, RepeatingStage stage, long dueNanos) {}

  /** A completion to repeat. */
  private record Repetition(RepeatingStage stage, long dueNanos) {}

  @Override
  public ExecutorProfile profile() {
    return memory.profile();
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    note(batch);
    checkers.launched(batch, running != null, closes > 0);
    if (faults.strikes(Fault.EXECUTE_THROWS, 80)) {
      failHalfway(batch);
      throw new IllegalStateException("planted: launch");
    }
    if (faults.strikes(Fault.EXECUTE_THROWS_ERROR, 80)) {
      failHalfway(batch);
      throw new NoSuchMethodError("planted: launch");
    }
    if (faults.strikes(Fault.NULL_STAGE, 80)) {
      failHalfway(batch);
      return null;
    }
    Running step = new Running(batch, new RepeatingStage(), dueNanos());
    running = step;
    if (immediate && step.dueNanos != NEVER && random.nextInt(4) == 0) {
      finish(step);
    }
    return step.stage;
  }

  private void note(StepBatch batch) {
    log.add(batch.step());
    for (SequenceStep step : batch.sequences()) {
      log.add(step.sequenceId());
      log.add(step.startPosition());
      for (int i = 0; i < step.blockCount(); i++) {
        log.add(step.block(i));
      }
    }
    batch.swapOuts().forEach(copy -> log.add(copy.hostBlock()));
    batch.swapIns().forEach(copy -> log.add(copy.hostBlock()));
  }

  private long dueNanos() {
    long now = clock.getAsLong();
    if (faults.strikes(Fault.HANG_FOR_EVER, 200)) {
      return NEVER;
    }
    if (faults.strikes(Fault.HANG, 60)) {
      return now + 150 + random.nextInt(300);
    }
    return now + (faults.strikes(Fault.LATE, 12) ? 20 + random.nextInt(40) : random.nextInt(8));
  }

  private void failHalfway(StepBatch batch) {
    memory.runPartly(batch, random.nextInt(8), random.nextInt(8));
    checkers.completing(batch);
    checkers.completed(batch, Completion.BATCH_FAILS, -1);
  }

  /** Completes the step in flight and repeats completions, as far as they are due. */
  int progress() {
    int completed = 0;
    Running step = running;
    if (step != null && step.dueNanos <= clock.getAsLong()) {
      finish(step);
      completed++;
    }
    for (Repetition repetition : List.copyOf(repetitions)) {
      if (repetition.dueNanos <= clock.getAsLong()) {
        repetitions.remove(repetition);
        repeat(repetition.stage);
        completed++;
      }
    }
    return completed;
  }

  /** Completes the step in flight at once; returns whether there was one. */
  boolean finishStuck() {
    Running step = running;
    if (step != null) {
      finish(step);
    }
    return step != null;
  }

  boolean busy() {
    return running != null;
  }

  /** Returns whether the step in flight hangs for ever. */
  boolean stuck() {
    return running != null && running.dueNanos == NEVER;
  }

  int closes() {
    return closes;
  }

  /** Returns the time of the next completion; {@link Long#MAX_VALUE} for never. */
  long nextNanos() {
    long next = running == null ? NEVER : running.dueNanos;
    for (Repetition repetition : repetitions) {
      next = Math.min(next, repetition.dueNanos);
    }
    return next;
  }

  private void finish(Running step) {
    running = null;
    checkers.completing(step.batch);
    if (faults.strikes(Fault.EXECUTOR_LOST, 150)) {
      lose(step);
    } else if (faults.enabled(Fault.Group.EXECUTOR) && !faults.stopped() && copiesOrChance(step)) {
      Fault[] answers = counts ? ANSWERS_IN_COUNTS : ANSWERS;
      misbehave(step, answers[random.nextInt(answers.length)]);
    } else {
      answer(step, memory.run(step.batch), null, Completion.GOOD, -1);
    }
    repeatAtTimes(step.stage);
  }

  /** Returns whether a fault strikes; more often for steps that copy, which are more fragile. */
  private boolean copiesOrChance(Running step) {
    return random.nextInt(step.batch.swapOuts().isEmpty() ? 20 : 3) == 0;
  }

  private void lose(Running step) {
    Throwable lost = new ExecutorLostException("planted", new IllegalStateException("device"));
    Throwable thrown = random.nextBoolean() ? lost : new CompletionException(lost);
    answer(step, null, thrown, Completion.EXECUTOR_LOST, -1);
  }

  private void misbehave(Running step, Fault fault) {
    int size = step.batch.sequences().size();
    switch (fault) {
      case STAGE_FAILS -> fail(step, fault, new IllegalStateException("planted failure"));
      case OUT_OF_MEMORY -> fail(step, fault, new OutOfMemoryError("planted: device memory"));
      case PARTIAL_COPY -> {
        memory.runPartly(step.batch, 1 + random.nextInt(3), random.nextInt(3));
        fail(step, fault, new CompletionException(new IllegalStateException("planted copy")));
      }
      case TOO_FEW -> wrong(step, fault, new int[Math.max(0, size - 1)], size > 0);
      case TOO_MANY -> wrong(step, fault, new int[size + 1], true);
      case FOREIGN_TOKEN -> wrong(step, fault, filled(size, Setting.VOCABULARY + 3), size > 0);
      case NEGATIVE_TOKEN -> wrong(step, fault, filled(size, -7), size > 0);
      case UNASKED_TOKEN -> unasked(step);
      case NULL_RESULT -> {
        memory.run(step.batch);
        faults.note(fault);
        answer(step, null, null, Completion.BATCH_FAILS, -1);
      }
      case NULL_TOKENS -> wrong(step, fault, null, true);
      case COUNTS_TOO_LARGE, SLOTS_TOO_MANY, SLOTS_NEGATIVE, NOTHING_NEXT -> badReport(step, fault);
      default -> badFailures(step, fault);
    }
  }

  private static int[] filled(int size, int token) {
    int[] tokens = new int[size];
    Arrays.fill(tokens, token);
    return tokens;
  }

  private void fail(Running step, Fault fault, Throwable error) {
    faults.note(fault);
    answer(step, null, error, Completion.BATCH_FAILS, -1);
  }

  private void wrong(Running step, Fault fault, int[] tokens, boolean isWrong) {
    StepResult right = memory.run(step.batch);
    if (isWrong) {
      faults.note(fault);
      wrong(step, tokens, Map.of());
    } else {
      answer(step, right, null, Completion.GOOD, -1);
    }
  }

  /** Completes a step with an invalid result, or with the exception of its constructor. */
  private void wrong(Running step, int[] tokens, Map<Integer, Throwable> failures) {
    StepResult result = null;
    Throwable error = null;
    try {
      result = StepResult.of(tokens, failures);
    } catch (NullPointerException e) {
      error = e;
    }
    answer(step, result, error, Completion.BATCH_FAILS, -1);
  }

  /** Completes a step with a token for a sequence that samples none, if there is one. */
  private void unasked(Running step) {
    StepResult right = memory.run(step.batch);
    List<SequenceStep> sequences = step.batch.sequences();
    for (int i = 0; i < sequences.size(); i++) {
      if (!sequences.get(i).samples()) {
        faults.note(Fault.UNASKED_TOKEN);
        Report report = new Report(right);
        report.tokens.set(i, new int[] {3});
        answer(step, report.result(Map.of()), null, Completion.BATCH_FAILS, -1);
        return;
      }
    }
    answer(step, right, null, Completion.GOOD, -1);
  }

  /** Completes a step with counts or slots that do not fit, if a sequence samples. */
  private void badReport(Running step, Fault fault) {
    StepResult right = memory.run(step.batch);
    List<SequenceStep> sequences = step.batch.sequences();
    Report report = new Report(right);
    for (int i = 0; i < sequences.size(); i++) {
      SequenceStep sequence = sequences.get(i);
      if (sequence.samples()) {
        faults.note(fault);
        switch (fault) {
          case COUNTS_TOO_LARGE -> report.excess = 1 + random.nextInt(3);
          case SLOTS_TOO_MANY ->
              report.slots[i] = sequence.promptTokens() + sequence.maxNewTokens() + 1;
          case SLOTS_NEGATIVE -> report.slots[i] = -1;
          default -> {
            report.tokens.set(i, new int[0]);
            report.slots[i] = 1; // less than the prompt, or than a token more
          }
        }
        answer(step, report.result(Map.of()), null, Completion.BATCH_FAILS, -1);
        return;
      }
    }
    answer(step, right, null, Completion.GOOD, -1);
  }

  private void badFailures(Running step, Fault fault) {
    StepResult right = memory.run(step.batch);
    int size = step.batch.sequences().size();
    if (size == 0) {
      answer(step, right, null, Completion.GOOD, -1);
      return;
    }
    faults.note(fault);
    int index = random.nextInt(size);
    Report report = new Report(right);
    Map<Integer, Throwable> failures = new HashMap<>();
    switch (fault) {
      case NULL_FAILURES -> wrong(step, report, null);
      case STRAY_FAILURE -> {
        Integer stray =
            random.nextInt(3) == 0 ? null : Integer.valueOf(random.nextBoolean() ? -1 : 99);
        failures.put(stray, new ArithmeticException("planted"));
        wrong(step, report, failures);
      }
      case NULL_CAUSE -> {
        report.clear(index);
        failures.put(index, null);
        wrong(step, report, failures);
      }
      default -> {
        report.clear(index);
        failures.put(index, new ArithmeticException("planted"));
        answer(step, report.result(failures), null, Completion.ONE_FAILS, index);
      }
    }
  }

  /** Completes a step with an invalid report, or with the exception of its constructor. */
  private void wrong(Running step, Report report, Map<Integer, Throwable> failures) {
    StepResult result = null;
    Throwable error = null;
    try {
      result = report.result(failures);
    } catch (NullPointerException e) {
      error = e;
    }
    answer(step, result, error, Completion.BATCH_FAILS, -1);
  }

  private void answer(
      Running step, StepResult result, Throwable error, Completion completion, int index) {
    checkers.completed(step.batch, completion, index);
    step.stage.finish(result, error);
  }

  private void repeatAtTimes(RepeatingStage stage) {
    if (faults.strikes(Fault.DUPLICATE, 12)) {
      repetitions.add(new Repetition(stage, clock.getAsLong()));
    }
    if (faults.strikes(Fault.REORDERED, 12)) {
      repetitions.add(new Repetition(stage, clock.getAsLong() + 5 + random.nextInt(30)));
    }
    if (faults.strikes(Fault.AFTER_CLOSE, 30)) {
      repetitions.add(new Repetition(stage, NEVER));
    }
  }

  /** Repeats the remaining completions after the engine has closed. */
  void repeatAfterClose() {
    for (Repetition repetition : List.copyOf(repetitions)) {
      repetition.stage.again();
    }
    repetitions.clear();
  }

  private void repeat(RepeatingStage stage) {
    checkers.repeated();
    stage.again();
  }

  @Override
  public void released(long sequenceId) {
    log.add("released", Long.toString(sequenceId));
    memory.released(sequenceId);
    checkers.released(sequenceId, running != null);
    if (counts && faults.strikes(Fault.RELEASE_THROWS, 8)) {
      throw new IllegalStateException("planted");
    }
  }

  @Override
  public void close() {
    closes++;
    checkers.executorClosed(closes, running != null);
  }
}
