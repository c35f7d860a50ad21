package dev.s3llm.engine.record;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.recover.PreemptionMode;
import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/** The Flight Recorder event of a preemption. */
@Name("dev.s3llm.Preemption")
@Label("Preemption")
@Category({"S3 for Java"})
@StackTrace(false)
public final class PreemptionRecording extends Event {
  @Label("Request")
  @Nullable String requestId;

  @Label("Caused By")
  @Nullable String causedBy;

  @Label("Mode")
  @Nullable String mode;

  @Label("KV Tokens")
  int kvTokens;

  @Label("Cost")
  @Timespan(Timespan.NANOSECONDS)
  long cost;

  /**
   * Records a preemption if a recording is active.
   *
   * @param victim the preempted sequence
   * @param causedBy id of the request that needed the memory
   * @param mode what becomes of the KV
   * @param kvTokens tokens whose KV is lost
   * @param costNanos expected time to bring the KV back
   */
  public static void commit(
      Sequence victim, String causedBy, PreemptionMode mode, int kvTokens, double costNanos) {
    PreemptionRecording event = new PreemptionRecording();
    if (event.shouldCommit()) {
      event.requestId = victim.requestId();
      event.causedBy = causedBy;
      event.mode = mode.name();
      event.kvTokens = kvTokens;
      event.cost = (long) costNanos;
      event.commit();
    }
  }
}
