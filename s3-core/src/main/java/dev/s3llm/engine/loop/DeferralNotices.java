package dev.s3llm.engine.loop;

import dev.s3llm.engine.plan.Decision;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.observe.EngineEvent;
import org.jspecify.annotations.Nullable;

/**
 * Publishes that the first waiting sequence did not fit, once as long as it is the same sequence.
 */
final class DeferralNotices {
  private @Nullable Sequence latest;

  /**
   * Records the deferral of a plan.
   *
   * @param deferral the deferral, or null if the plan deferred no sequence
   * @param state publishes the event
   * @param now the engine's time, in nanoseconds
   */
  void report(Decision.@Nullable Defer deferral, EngineState state, long now) {
    if (deferral == null) {
      latest = null;
      return;
    }
    Sequence deferred = deferral.sequence();
    deferred.history().deferred(deferral.reason());
    if (deferred != latest) {
      state.publish(
          () ->
              new EngineEvent.Deferred(
                  now,
                  deferred.requestId(),
                  deferral.neededBlocks(),
                  deferral.availableBlocks(),
                  deferral.reason()));
    }
    latest = deferred;
  }

  /** Removes the reference to a sequence that ends. */
  void forget(Sequence sequence) {
    if (latest == sequence) {
      latest = null;
    }
  }
}
