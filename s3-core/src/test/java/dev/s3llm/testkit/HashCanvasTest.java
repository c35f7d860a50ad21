package dev.s3llm.testkit;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.testkit.HashExecutor.Decoding;

/** The reference executor passes the tests of executors on a canvas, with an opaque input. */
class HashCanvasTest extends ExecutorContract {
  @Override
  protected Executor create() {
    return HashExecutorTest.immediate(KvGrowth.FIXED_CANVAS, Decoding.CANVAS);
  }

  @Override
  protected SequenceStep.Input input() {
    return new Sound(9, 4);
  }

  @Override
  protected int[] stopTokens() {
    return new int[] {3};
  }

  /** An opaque input. */
  private record Sound(int slots, int content) implements SequenceStep.Input {}
}
