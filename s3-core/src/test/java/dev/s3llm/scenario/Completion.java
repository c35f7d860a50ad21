package dev.s3llm.scenario;

/** What a completed step must do to the requests in it. */
enum Completion {
  /** Each gets its token. */
  GOOD,
  /** One fails. */
  ONE_FAILS,
  /** All fail. */
  BATCH_FAILS,
  /** All fail, and everybody else with them. */
  EXECUTOR_LOST
}
