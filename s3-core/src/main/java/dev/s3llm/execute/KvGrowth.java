package dev.s3llm.execute;

/** How an executor's KV cache grows with the tokens of a sequence. */
public enum KvGrowth {
  /** One slot a token: the block size is one. */
  PER_TOKEN,
  /** One block of several slots at a time (paged KV). */
  PER_BLOCK,
  /** The whole of prompt and limit is taken at admission and never grows (static caches). */
  FIXED_CANVAS
}
