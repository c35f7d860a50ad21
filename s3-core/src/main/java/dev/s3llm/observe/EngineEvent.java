package dev.s3llm.observe;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.recover.PreemptionMode;
import org.jspecify.annotations.Nullable;

/** Something that happened in the engine, with the reason where there was a choice. */
public sealed interface EngineEvent {

  /** When, in nanoseconds of the engine's clock. */
  long nanos();

  /**
   * A request waits for memory.
   *
   * @param prediction what the planners work with
   * @param fallback whether the predictor failed or was late, so that the fallback answered
   */
  record Queued(long nanos, String requestId, LengthPrediction prediction, boolean fallback)
      implements EngineEvent {}

  /**
   * A request started, or started again.
   *
   * @param reservedBlocks its reservation
   * @param restoredTokens tokens copied back from host memory
   * @param reason the planner's
   */
  record Admitted(
      long nanos, String requestId, int reservedBlocks, int restoredTokens, String reason)
      implements EngineEvent {}

  /** The first in line had to go on waiting; told when this changes. */
  record Deferred(
      long nanos, String requestId, int neededBlocks, int availableBlocks, String reason)
      implements EngineEvent {}

  /** A running request's reservation was enlarged in place. */
  record Grown(long nanos, String requestId, int reservedBlocks, String reason)
      implements EngineEvent {}

  /**
   * A running request lost its blocks.
   *
   * @param mode swap or recompute
   * @param kvTokens tokens whose KV was taken
   * @param outgrownRequestId the request that needed room
   */
  record Preempted(
      long nanos,
      String requestId,
      PreemptionMode mode,
      int kvTokens,
      String outgrownRequestId,
      String reason)
      implements EngineEvent {}

  /**
   * A request ended.
   *
   * @param prediction what the planners worked with; null if it ended before it was predicted
   * @param firstTokenNanos from submission to the first token; -1 without one
   */
  record Ended(
      long nanos,
      String requestId,
      FinishReason reason,
      int outputTokens,
      @Nullable LengthPrediction prediction,
      long firstTokenNanos)
      implements EngineEvent {}

  /**
   * A step completed.
   *
   * @param durationNanos from launch to completion
   */
  record StepCompleted(long nanos, long step, int sequences, int newTokens, long durationNanos)
      implements EngineEvent {}

  /** A step failed, and with it the requests in it. */
  record StepFailed(long nanos, long step, Throwable cause) implements EngineEvent {}

  /**
   * Predictions have begun to miss, or to hold again: fewer recent answers than should be are
   * within their predicted 90th percentile, or the error has grown.
   *
   * @param drifting whether they miss now
   * @param recentCoverage that share, over about the last 200 answers
   * @param recentError mean absolute error of the median over the same answers, in tokens
   */
  record PredictionDrift(long nanos, boolean drifting, double recentCoverage, double recentError)
      implements EngineEvent {}

  /**
   * Work was pending and there was no progress for the watchdog's limit.
   *
   * @param reason what is stuck, and the thread that is
   */
  record EngineStuck(long nanos, String reason) implements EngineEvent {}

  /** There is progress again. */
  record EngineRecovered(long nanos) implements EngineEvent {}

  /** The executor or the loop is lost; every pending request fails. */
  record EngineLost(long nanos, Throwable cause) implements EngineEvent {}
}
