package dev.s3llm.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.FakeExecutor;
import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.recover.Recovery;
import dev.s3llm.schedule.SchedulingPolicies;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

/** A pass takes its time after the commands, so nothing happens before it was submitted. */
class PassTimeTest {
  private final List<Long> queued = new ArrayList<>();
  private final AtomicLong time = new AtomicLong(10);

  @Test
  void requestThatComesWhileTheClockIsRead_isNotQueuedBeforeItsSubmission() {
    EngineLoop loop = new EngineLoop(parts(), () -> {});
    List<Long> submitted = new ArrayList<>();
    LongSupplier clock =
        () -> {
          long now = time.getAndAdd(10);
          if (submitted.size() < 3) { // another thread submits after this reading
            submitted.add(time.getAndAdd(10));
            submit(loop, submitted.get(submitted.size() - 1));
          }
          return now;
        };
    loop.step(clock);

    assertThat(queued).hasSize(3);
    for (int i = 0; i < 3; i++) {
      assertThat(queued.get(i)).isGreaterThan(submitted.get(i));
    }
  }

  private EngineParts parts() {
    return new EngineParts(
        FakeExecutor.held(),
        new EmpiricalLengthPredictor(),
        new WorstCasePlanner(),
        SchedulingPolicies.firstComeFirstServed(),
        TenantWeights.EQUAL,
        Recovery.preempting(Recovery.Victim.NEWEST),
        EngineParts.Prefixes.NONE,
        new EngineParts.Events(List.of(this::onEvent), Runnable::run, 1_000),
        new EngineParts.Limits(64, 8, 1, Long.MAX_VALUE));
  }

  private void onEvent(EngineEvent event) {
    if (event instanceof EngineEvent.Queued) {
      queued.add(event.nanos());
    }
  }

  private static void submit(EngineLoop loop, long arrival) {
    loop.submit(
        loop.nextSequenceId(),
        new SequenceSpec(
            "r" + arrival,
            new int[] {1},
            new int[0],
            SamplingParameters.GREEDY,
            SequenceSpec.Standing.NONE,
            SequenceSpec.Times.of(arrival),
            new LengthQuery(1, null, null, 0, 5),
            new Ignoring()));
  }

  private static final class Ignoring implements SequenceSink {
    @Override
    public void onToken(int token) {}

    @Override
    public void onEnd(SequenceOutcome outcome) {}
  }
}
