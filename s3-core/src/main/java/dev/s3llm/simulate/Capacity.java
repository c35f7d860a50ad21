package dev.s3llm.simulate;

/**
 * The highest load at which enough requests met their latency targets.
 *
 * @param ratePerSecond mean arrivals per second at that load
 * @param bounded whether a higher load was seen to fail; otherwise the trace is too short or the
 *     targets are too loose to tell
 * @param result of the run at that load
 */
public record Capacity(double ratePerSecond, boolean bounded, SimulationResult result) {

  /**
   * GPUs that a load needs if it is spread evenly over them.
   *
   * @param loadPerSecond arrivals per second over all GPUs; above 0
   */
  public long gpusFor(double loadPerSecond) {
    GpuProfile.requirePositive("loadPerSecond", loadPerSecond);
    return (long) Math.ceil(loadPerSecond / ratePerSecond);
  }
}
