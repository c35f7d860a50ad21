package dev.s3llm.engine.loop;

import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.observe.Health;

/** Makes the snapshot of the engine's state that other threads read. */
final class Snapshots {
  private Snapshots() {}

  /** Returns a snapshot of the present state. */
  static EngineSnapshot of(EngineState state) {
    Counters counters = state.counters;
    return new EngineSnapshot(
        state.lost == null ? Health.OK : Health.bad("the engine is lost: " + state.lost),
        requests(state),
        new EngineSnapshot.Memory(
            state.device.capacity(),
            state.device.reserved(),
            state.device.allocated(),
            state.host.capacity(),
            state.host.allocated(),
            new EngineSnapshot.Prefixes(
                state.device.shared(),
                state.device.kept(),
                counters.cachedTokens,
                state.prefixes.forgotten(),
                state.prefixes.stored())),
        new EngineSnapshot.Work(
            counters.steps,
            counters.promptTokens,
            counters.outputTokens,
            new EngineSnapshot.Preempted(
                counters.preemptedOutgrown,
                counters.preemptedReclaimed,
                counters.preemptedDisplaced),
            counters.recomputedTokens,
            counters.swappedTokens,
            counters.thinkingTokens),
        new EngineSnapshot.Predictions(
            counters.outgrown, counters.predictorFallbacks, state.predictions.coverageOfP90()),
        new EngineSnapshot.Faults(
            counters.ignoredCompletions,
            counters.callbackFailures + state.events.failures(),
            state.events.dropped()),
        counters.times.view(),
        counters.tenants.view());
  }

  private static EngineSnapshot.Requests requests(EngineState state) {
    Counters counters = state.counters;
    return new EngineSnapshot.Requests(
        state.live.size() - state.waiting.size() - state.running.size(),
        state.waiting.size(),
        state.running.size(),
        counters.submitted,
        new EngineSnapshot.Ended(
            counters.count(FinishReason.STOP),
            counters.count(FinishReason.LENGTH),
            counters.count(FinishReason.CANCELLED),
            counters.count(FinishReason.TIMEOUT),
            counters.count(FinishReason.FAILED)),
        EngineSnapshot.Refused.NONE);
  }
}
