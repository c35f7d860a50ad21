package dev.s3llm.jcuda;

/**
 * What the GPU did, since the executor was built, by its own clock.
 *
 * @param steps steps that ran a model
 * @param busyMillis time in those steps, from their first copy to their last
 * @param waitMillis time between them: the GPU waited for the host, or for work
 */
public record StepTimes(long steps, double busyMillis, double waitMillis) {

  /** What happened since an earlier reading. */
  public StepTimes since(StepTimes earlier) {
    return new StepTimes(
        steps - earlier.steps, busyMillis - earlier.busyMillis, waitMillis - earlier.waitMillis);
  }
}
