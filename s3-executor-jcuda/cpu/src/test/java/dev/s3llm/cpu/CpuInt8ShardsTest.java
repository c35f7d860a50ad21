package dev.s3llm.cpu;

import dev.s3llm.execute.Executor;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.testkit.ExecutorContract;

/** The executor's contract with four shards that share two key heads, in 8 bits. */
class CpuInt8ShardsTest extends ExecutorContract {
  private static final ModelConfig CONFIG =
      new ModelShapes.Sizes(600, 32, 2, 4, 2, 8, 64, 256).llama(false, 3);

  @Override
  protected Executor create() {
    return CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1))
        .blockTokens(4)
        .kvBytes(1 << 20)
        .swapBytes(1 << 20)
        .kvPrecision(KvPrecision.INT8)
        .featureLayer(2)
        .threads(2)
        .shards(4)
        .build();
  }
}
