/**
 * One CUDA device through the driver API: context, memory, streams, the module of kernels.
 *
 * <p>May depend on JCuda and SLF4J, and on nothing else of this module. No other package calls the
 * driver.
 */
@NullMarked
package dev.s3llm.jcuda.internal.driver;

import org.jspecify.annotations.NullMarked;
