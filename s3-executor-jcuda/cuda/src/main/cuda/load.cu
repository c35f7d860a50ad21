// What happens to weights beside tiling when they are loaded: row-major tensors change their type, and values that are
// not finite are found.
//
// Any grid and block.
// Compile: nvcc -cubin -arch=sm_90a load.cu
#include "common.cuh"

namespace s3 {

template <typename S, typename T>
__device__ void convert(const S* from, T* to, long long count) {
  for (long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x; i < count;
       i += static_cast<long long>(gridDim.x) * blockDim.x) {
    to[i] = fromFloat<T>(toFloat(from[i]));
  }
}

/** Sets *found where a value is a NaN or an infinity. */
template <typename T>
__device__ void findNonFinite(const T* values, long long count, int* found) {
  for (long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x; i < count;
       i += static_cast<long long>(gridDim.x) * blockDim.x) {
    if (!isfinite(toFloat(values[i]))) *found = 1;
  }
}

}  // namespace s3

#define S3_CONVERT(source, S, type, T)                                                           \
  extern "C" __global__ void convert_##source##_##type(const S* from, T* to, long long count) {  \
    s3::convert<S, T>(from, to, count);                                                          \
  }
S3_CONVERT(f16, __half, f16, __half)
S3_CONVERT(bf16, __nv_bfloat16, f16, __half)
S3_CONVERT(f32, float, f16, __half)
S3_CONVERT(f16, __half, bf16, __nv_bfloat16)
S3_CONVERT(bf16, __nv_bfloat16, bf16, __nv_bfloat16)
S3_CONVERT(f32, float, bf16, __nv_bfloat16)

#define S3_FIND_NON_FINITE(suffix, T)                                                            \
  extern "C" __global__ void find_non_finite_##suffix(const T* values, long long count,          \
                                                      int* found) {                              \
    s3::findNonFinite<T>(values, count, found);                                                  \
  }
S3_FOR_TYPES(S3_FIND_NON_FINITE)
