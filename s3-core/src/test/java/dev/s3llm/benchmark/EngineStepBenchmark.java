package dev.s3llm.benchmark;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.loop.EngineLoop;
import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.predict.LengthBuckets;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.recover.Recovery;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Benchmark of one pass of the engine loop with 1,000 running sequences and a long queue whose
 * first request does not fit. The pass applies a completed step, delivers 1,000 tokens, launches
 * the next step from its draft, and drafts the step after it. The executor completes steps at once,
 * so the measured time is the engine's alone.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class EngineStepBenchmark {
  private static final int RUNNING = 1_000;
  private static final int BLOCK_TOKENS = 1 << 20;
  private static final int MAX_NEW_TOKENS = 1_000_000;

  /** Free blocks beside the batch; a waiting prompt always needs more. */
  private static final int SPARE_BLOCKS = 60;

  private static final int WAITING_PROMPT_TOKENS = SPARE_BLOCKS * BLOCK_TOKENS - MAX_NEW_TOKENS / 2;

  /** Number of sequences in the waiting queue. */
  @Param({"0", "10000", "100000"})
  public int waiting;

  /** Name of the scheduling policy. */
  @Param({"fcfs", "dff", "spf"})
  public String order;

  /** Name of the memory planner. */
  @Param({"worst-case", "forecast"})
  public String planner;

  private EngineLoop loop;
  private long now;

  /** Fills the batch and the queue. */
  @Setup
  public void fill() {
    EngineParts parts =
        new EngineParts(
            new InstantExecutor(),
            new FixedPredictor(),
            planner.equals("forecast") ? new ForecastPlanner() : new WorstCasePlanner(),
            queueOrder(),
            TenantWeights.EQUAL,
            Recovery.preempting(Recovery.Victim.CHEAPEST),
            EngineParts.Prefixes.NONE,
            new EngineParts.Events(List.of(), Runnable::run, 16),
            new EngineParts.Limits(4_096, 2_048, 1_000_000, Long.MAX_VALUE));
    loop = new EngineLoop(parts, () -> {});
    submit(0, RUNNING);
    submit(RUNNING, RUNNING + waiting);
    if (loop.snapshot().requests().running() != RUNNING
        || loop.snapshot().requests().waiting() != waiting) {
      throw new IllegalStateException(
          "the batch or the queue has another size than planned: " + loop.snapshot());
    }
  }

  /**
   * Prints the heap that a waiting request takes, its caller's objects included.
   *
   * @param args not used
   */
  public static void main(String[] args) {
    long empty = heapWith(0);
    int requests = 100_000;
    System.out.printf("%d bytes a waiting request%n", (heapWith(requests) - empty) / requests);
  }

  private static long heapWith(int waiting) {
    EngineStepBenchmark benchmark = new EngineStepBenchmark();
    benchmark.waiting = waiting;
    benchmark.order = "fcfs";
    benchmark.planner = "forecast";
    benchmark.fill();
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    long used = runtime.totalMemory() - runtime.freeMemory();
    benchmark.pass(); // keeps it reachable until here
    return used;
  }

  /** Makes one pass of the loop. */
  @Benchmark
  public int pass() {
    return loop.step(now++);
  }

  private void submit(int from, int to) {
    for (int i = from; i < to; i++) {
      loop.submit(loop.nextSequenceId(), spec(i));
    }
    loop.step(now++);
    loop.step(now++);
  }

  private SchedulingPolicy queueOrder() {
    return switch (order) {
      case "fcfs" -> SchedulingPolicies.firstComeFirstServed();
      case "dff" -> SchedulingPolicies.decreasingFirstFit(1_000_000);
      default -> SchedulingPolicies.shortestPredictedFirst(1_000_000);
    };
  }

  private static SequenceSpec spec(int i) {
    return new SequenceSpec(
        "r" + i,
        new int[] {1},
        new int[0],
        SamplingParameters.GREEDY,
        SequenceSpec.Standing.NONE,
        SequenceSpec.Times.of(0),
        new LengthQuery(i < RUNNING ? 1 : WAITING_PROMPT_TOKENS, null, null, 0, MAX_NEW_TOKENS),
        new NullSink());
  }

  private static final class InstantExecutor implements Executor {
    @Override
    public ExecutorProfile profile() {
      return ExecutorProfile.builder()
          .kvBlocks(RUNNING + SPARE_BLOCKS, BLOCK_TOKENS, 1)
          .maxContextTokens(1 << 27)
          .maxTokensPerStep(4_096)
          .maxSequencesPerStep(2_048)
          .vocabularySize(32_000)
          .build();
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      return CompletableFuture.completedFuture(StepResult.of(new int[batch.sequences().size()]));
    }

    @Override
    public void close() {}
  }

  private static final class FixedPredictor implements LengthPredictor {
    private final LengthPrediction prediction = calibrated();

    /** Returns a prediction with as many buckets as a calibrated one. */
    private static LengthPrediction calibrated() {
      LengthBuckets buckets = LengthBuckets.logSpaced(MAX_NEW_TOKENS, 112);
      double[] probabilities = new double[buckets.count()];
      Arrays.fill(probabilities, 1);
      return LengthPrediction.of(buckets, probabilities);
    }

    @Override
    public CompletionStage<LengthPrediction> predict(LengthQuery query) {
      return CompletableFuture.completedFuture(prediction);
    }
  }

  private static final class NullSink implements SequenceSink {
    @Override
    public void onToken(int token) {}

    @Override
    public void onEnd(SequenceOutcome outcome) {}
  }
}
