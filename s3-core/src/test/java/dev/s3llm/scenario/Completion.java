package dev.s3llm.scenario;

/** The effect that the completion of a step must have on its requests. */
enum Completion {
  /** Each request gets its token. */
  GOOD,
  /** One request fails. */
  ONE_FAILS,
  /** All requests of the step fail. */
  BATCH_FAILS,
  /** All live requests fail. */
  EXECUTOR_LOST
}
