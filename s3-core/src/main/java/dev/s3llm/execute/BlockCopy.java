package dev.s3llm.execute;

/**
 * A copy of one KV block between device and host memory.
 *
 * @param sequenceId whose block it is
 * @param deviceBlock the block's number on the device
 * @param hostBlock the block's number in the swap space
 */
public record BlockCopy(long sequenceId, int deviceBlock, int hostBlock) {}
