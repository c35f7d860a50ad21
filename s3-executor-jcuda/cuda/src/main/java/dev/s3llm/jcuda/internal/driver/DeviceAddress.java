package dev.s3llm.jcuda.internal.driver;

/**
 * An address within device memory.
 *
 * @param memory the memory
 * @param offset offset in bytes
 */
public record DeviceAddress(DeviceMemory memory, long offset) {}
