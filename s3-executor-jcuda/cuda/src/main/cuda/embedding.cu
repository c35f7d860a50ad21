// The embedding lookup; what else touches an element once is part of the products' outputs.
//
// A row's result depends on that row alone. Columns are handled eight at a time, so widths are multiples of 8.
// Compile: nvcc -cubin -arch=sm_90a embedding.cu
#include "common.cuh"

namespace s3 {

/** stream[r] = factor * table[tokens[r]]; grid (rows). */
template <typename T>
__device__ void embed(const T* table, const int* tokens, float* stream, int width, float factor) {
  const T* from = table + static_cast<size_t>(tokens[blockIdx.x]) * width;
  float* to = stream + static_cast<size_t>(blockIdx.x) * width;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float v[8];
    load8(from + c, v);
#pragma unroll
    for (int i = 0; i < 8; i++) v[i] *= factor;
    store8(to + c, v);
  }
}

}  // namespace s3

#define S3_ELEMENTWISE(suffix, T)                                                             \
  extern "C" __global__ void embed_##suffix(const T* table, const int* tokens, float* stream, \
                                            int width, float factor) {                        \
    s3::embed<T>(table, tokens, stream, width, factor);                                       \
  }
S3_FOR_TYPES(S3_ELEMENTWISE)
