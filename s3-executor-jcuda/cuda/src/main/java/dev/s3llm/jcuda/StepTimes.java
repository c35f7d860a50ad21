package dev.s3llm.jcuda;

/**
 * The times of the GPU since the executor was built, by the GPU's clock.
 *
 * @param steps number of steps that ran the model
 * @param busyMillis milliseconds within these steps, from their first copy to their last
 * @param waitMillis milliseconds between them, in which the GPU waited for the host or for work
 */
public record StepTimes(long steps, double busyMillis, double waitMillis) {

  /**
   * Returns the times since an earlier reading.
   *
   * @param earlier an earlier reading of the same executor
   */
  public StepTimes since(StepTimes earlier) {
    return new StepTimes(
        steps - earlier.steps, busyMillis - earlier.busyMillis, waitMillis - earlier.waitMillis);
  }
}
