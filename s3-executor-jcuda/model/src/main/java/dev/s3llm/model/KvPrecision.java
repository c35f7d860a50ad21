package dev.s3llm.model;

/** How an executor stores the key and value vectors of its KV blocks. */
public enum KvPrecision {
  /** The number type of the executor's activations: fp32 on a CPU, fp16 or bf16 on a GPU. */
  FULL,

  /**
   * Eight bits: a signed integer for each number of a vector, and one scale for each vector, which
   * is the vector of a token and a key-value head. The scale is the largest magnitude of the vector
   * divided by 127, so the error of a number is at most 1/254 of that magnitude. A vector's bits
   * depend on the vector alone, not on its batch or its chunk of a prompt.
   */
  INT8;

  /**
   * Returns the bytes of the key or value vector of one token and one head.
   *
   * @param headSize numbers of the vector, at least 1
   * @param numberBytes bytes of a number of the executor's activations: 4 for fp32, 2 for fp16 and
   *     bf16
   */
  public long vectorBytes(int headSize, int numberBytes) {
    return this == INT8 ? headSize + Float.BYTES : (long) headSize * numberBytes;
  }
}
