package dev.s3llm.jcuda.kernel;

/**
 * A place within device memory.
 *
 * @param offset in bytes
 */
public record DeviceAddress(DeviceMemory memory, long offset) {}
