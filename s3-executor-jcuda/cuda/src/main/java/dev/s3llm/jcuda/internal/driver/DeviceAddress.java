package dev.s3llm.jcuda.internal.driver;

/**
 * A place within device memory.
 *
 * @param offset in bytes
 */
public record DeviceAddress(DeviceMemory memory, long offset) {}
