package dev.s3llm.jcuda;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.jcuda.internal.batch.BatchFormat;
import dev.s3llm.jcuda.internal.decode.CostProbe;
import dev.s3llm.jcuda.internal.decode.CudaPipeline;
import dev.s3llm.model.ModelConfig;

/**
 * Sizes an executor's memory.
 *
 * @param config shape of the model
 * @param format sizes of the largest step
 * @param kvBytes bytes of KV memory over all devices; 0 for the free bytes
 * @param swapBytes bytes of swap space; 0 for none
 * @param featureWidth features of a token; 0 for none
 */
record CudaProfile(
    ModelConfig config, BatchFormat format, long kvBytes, long swapBytes, int featureWidth) {
  static final int BLOCK_TOKENS = 16;

  /** Share of the free bytes for KV; the rest is for graphs and the driver. */
  private static final double KV_SHARE = 0.92;

  /**
   * Allocates the memory of a pipeline whose weights are loaded, and measures the costs of
   * recovery.
   *
   * @param checked whether every step is audited
   * @throws IllegalArgumentException if the KV memory does not fit
   */
  ExecutorProfile open(CudaPipeline pipeline, boolean checked) {
    ExecutorProfile sized = profile(pipeline);
    pipeline.allocate(format, sized.blockCount(), sized.hostBlockCount(), checked);
    return sized.withRecoveryCosts(CostProbe.measure(pipeline, sized));
  }

  private ExecutorProfile profile(CudaPipeline pipeline) {
    long blockBytes = pipeline.blockBytes(BLOCK_TOKENS);
    return ExecutorProfile.builder()
        .kvBlocks(blocks(pipeline, blockBytes), BLOCK_TOKENS, blockBytes)
        .hostBlocks((int) Math.min(Integer.MAX_VALUE, swapBytes / blockBytes))
        .maxContextTokens(format.maxContext())
        .maxTokensPerStep(format.maxTokens())
        .maxSequencesPerStep(format.maxSequences())
        .vocabularySize(config.vocabularySize())
        .masksTokens(true)
        .reportsLogProbabilities(true)
        .sharesPrefixes(true)
        .featureWidth(featureWidth)
        .build();
  }

  private int blocks(CudaPipeline pipeline, long blockBytes) {
    int fitting = pipeline.blocksThatFit(format, kvBytes == 0 ? KV_SHARE : 1);
    long blocks = kvBytes == 0 ? fitting : kvBytes / blockBytes;
    if (blocks < 1 || blocks > fitting) {
      throw new IllegalArgumentException(
          "%s of KV memory were requested, a block of %d tokens takes %d bytes, and %s has room for %d bytes beside weights and workspace; change kvBytes, maxTokensPerStep or maxSequencesPerStep"
              .formatted(
                  kvBytes == 0 ? "all bytes" : kvBytes + " bytes",
                  BLOCK_TOKENS,
                  blockBytes,
                  pipeline.devices(),
                  fitting * blockBytes));
    }
    return (int) blocks;
  }
}
