/**
 * One CUDA device through the driver API: context, memory, the kernels' module, and how kernels are
 * launched. May depend on JCuda and on nothing else of this module.
 */
@NullMarked
package dev.s3llm.jcuda.internal.driver;

import org.jspecify.annotations.NullMarked;
