package dev.s3llm.engine;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/** A step that is over, for Java Flight Recorder. */
@Name("dev.s3llm.Step")
@Label("Step")
@Category({"S3 for Java"})
@StackTrace(false)
final class StepRecording extends Event {
  @Label("Step")
  long step;

  @Label("Sequences")
  int sequences;

  @Label("New Tokens")
  int newTokens;

  @Label("Execution")
  @Timespan(Timespan.NANOSECONDS)
  long execution;

  @Label("Failure")
  @Nullable String failure;

  /** Records a step, if anybody records. */
  static void commit(StepInFlight inFlight, long now, @Nullable Throwable failure) {
    StepRecording event = new StepRecording();
    if (event.shouldCommit()) {
      event.step = inFlight.step;
      event.sequences = inFlight.sequences.size();
      event.newTokens = inFlight.newTokens;
      event.execution = now - inFlight.launchedNanos;
      event.failure = failure == null ? null : failure.toString();
      event.commit();
    }
  }
}
