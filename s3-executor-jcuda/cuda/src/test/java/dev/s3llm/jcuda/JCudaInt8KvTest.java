package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.testkit.ExecutorContract;
import org.junit.jupiter.api.Test;

/** The executor's contract with KV in 8 bits: batches, chunks, swaps and shared beginnings. */
@GpuTest
class JCudaInt8KvTest extends ExecutorContract {
  private static final ModelConfig CONFIG = RandomModels.llama(2);

  @Override
  protected Executor create() {
    return builder(KvPrecision.INT8).featureLayer(1).build();
  }

  private static JCudaExecutor.Builder builder(KvPrecision kv) {
    return RandomModels.gpu(CONFIG).kvPrecision(kv);
  }

  @Test
  void sameMemory_holdsNearlyTwiceTheTokens() {
    try (JCudaExecutor wide = builder(KvPrecision.FULL).build();
        JCudaExecutor coded = builder(KvPrecision.INT8).build()) {
      ExecutorProfile own = coded.profile();
      int size = CONFIG.headSize();
      double ratio = 2.0 * size / (size + 4);
      assertThat((double) own.blockCount())
          .isBetween(
              ratio * wide.profile().blockCount() - 2, ratio * wide.profile().blockCount() + 2);
      assertThat(own.bytesPerBlock())
          .isEqualTo(2L * 16 * CONFIG.layerCount() * CONFIG.kvHeads() * (size + 4));
    }
  }
}
