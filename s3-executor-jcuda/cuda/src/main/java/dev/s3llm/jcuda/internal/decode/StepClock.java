package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.StepTimes;
import dev.s3llm.jcuda.internal.driver.DeviceEvent;
import dev.s3llm.jcuda.internal.driver.DeviceStream;

/** Measures steps and the gaps between them by events in one stream. */
final class StepClock implements AutoCloseable {
  private final CudaStage stage;
  private final DeviceStream stream;
  private final DeviceEvent begin;
  private final DeviceEvent[] ends;
  private int turn;
  private volatile StepTimes times = new StepTimes(0, 0, 0);

  StepClock(CudaStage stage) {
    this.stage = stage;
    this.stream = stage.stream();
    this.begin = stage.newEvent();
    this.ends = new DeviceEvent[] {stage.newEvent(), stage.newEvent()};
  }

  /** Returns the times of the steps so far; from any thread. */
  StepTimes times() {
    return times;
  }

  /** Marks the begin of a step; makes the stage's device current. */
  void begin() {
    stage.makeCurrent();
    stream.record(begin);
  }

  /** Marks the end of a step. */
  void end() {
    stream.record(ends[turn]);
  }

  /** Adds the step to the times; its end must have happened. */
  void add() {
    double busy = DeviceEvent.millisBetween(begin, ends[turn]);
    double gap = times.steps() == 0 ? 0 : DeviceEvent.millisBetween(ends[1 - turn], begin);
    turn = 1 - turn;
    times = new StepTimes(times.steps() + 1, times.busyMillis() + busy, times.waitMillis() + gap);
  }

  @Override
  public void close() {
    begin.close();
    ends[0].close();
    ends[1].close();
  }
}
