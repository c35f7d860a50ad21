package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.DeviceMemory;

/**
 * Where the input of a product is rounded to e4m3: overwritten by each product.
 *
 * @param codes codes, in tiles
 * @param scales their scales, floats
 */
record RoundedRows(DeviceMemory codes, DeviceMemory scales) {}
