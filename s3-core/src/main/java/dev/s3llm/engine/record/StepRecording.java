package dev.s3llm.engine.record;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/** The Flight Recorder event of a step that ended. */
@Name("dev.s3llm.Step")
@Label("Step")
@Category({"S3 for Java"})
@StackTrace(false)
public final class StepRecording extends Event {
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

  /**
   * Records a step if a recording is active.
   *
   * @param step number of the step
   * @param sequences sequences in it
   * @param newTokens tokens that it computed
   * @param nanos its duration
   * @param failure what failed, or null
   */
  public static void commit(
      long step, int sequences, int newTokens, long nanos, @Nullable Throwable failure) {
    StepRecording event = new StepRecording();
    if (event.shouldCommit()) {
      event.step = step;
      event.sequences = sequences;
      event.newTokens = newTokens;
      event.execution = nanos;
      event.failure = failure == null ? null : failure.toString();
      event.commit();
    }
  }
}
