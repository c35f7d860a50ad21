package dev.s3llm.execute;

/**
 * What an executor offers: its KV memory, its limits, and what recovery costs on it.
 *
 * @param blockTokens token slots of one KV block
 * @param blockCount KV blocks on the device
 * @param bytesPerBlock bytes of one KV block over all layers
 * @param hostBlockCount blocks of swap space in host memory; zero if it cannot swap
 * @param maxContextTokens the longest sequence the model can attend to, prompt included
 * @param maxTokensPerStep token budget of one step, prefill and decode together
 * @param maxSequencesPerStep sequences in one step
 * @param vocabularySize token ids are in {@code [0, vocabularySize)}
 * @param growth how KV grows
 * @param recoveryCosts what swapping and recomputing cost here
 */
public record ExecutorProfile(
    int blockTokens,
    int blockCount,
    long bytesPerBlock,
    int hostBlockCount,
    int maxContextTokens,
    int maxTokensPerStep,
    int maxSequencesPerStep,
    int vocabularySize,
    KvGrowth growth,
    RecoveryCosts recoveryCosts) {

  /** Validates every component; the message names the component, its value and the limit. */
  public ExecutorProfile {
    atLeast("blockTokens", blockTokens, 1);
    atLeast("blockCount", blockCount, 1);
    atLeast("bytesPerBlock", bytesPerBlock, 1);
    atLeast("hostBlockCount", hostBlockCount, 0);
    atLeast("maxContextTokens", maxContextTokens, 1);
    atLeast("maxTokensPerStep", maxTokensPerStep, 1);
    atLeast("maxSequencesPerStep", maxSequencesPerStep, 1);
    atLeast("vocabularySize", vocabularySize, 1);
    if (growth == KvGrowth.PER_TOKEN && blockTokens != 1) {
      throw new IllegalArgumentException(
          "blockTokens must be 1 with growth PER_TOKEN, but is " + blockTokens);
    }
    if (maxSequencesPerStep > maxTokensPerStep) {
      throw new IllegalArgumentException(
          "maxSequencesPerStep "
              + maxSequencesPerStep
              + " exceeds maxTokensPerStep "
              + maxTokensPerStep
              + ": each running sequence decodes one token a step");
    }
    Math.multiplyExact((long) blockCount, bytesPerBlock);
    Math.multiplyExact((long) hostBlockCount, bytesPerBlock);
  }

  /** Token slots on the device. */
  public long capacityTokens() {
    return (long) blockCount * blockTokens;
  }

  /** Bytes of KV memory on the device. */
  public long capacityBytes() {
    return blockCount * bytesPerBlock;
  }

  /** Blocks that hold the given number of tokens, rounded up. */
  public int blocksFor(int tokens) {
    return (int) (((long) tokens + blockTokens - 1) / blockTokens);
  }

  private static void atLeast(String name, long value, long minimum) {
    if (value < minimum) {
      throw new IllegalArgumentException(
          name + " must be at least " + minimum + ", but is " + value);
    }
  }
}
