// Kernels that touch each element once: embedding lookup, gated SiLU, GELU with bias, bias add.
//
// A row's result depends on that row alone. Columns are handled eight at a time, so widths are multiples of 8.
// Compile: nvcc -cubin -arch=sm_90a elementwise.cu
#include "common.cuh"

namespace s3 {

/** stream[r] = table[tokens[r]]; grid (rows). */
template <typename T>
__device__ void embed(const T* table, const int* tokens, float* stream, int width) {
  const T* from = table + static_cast<size_t>(tokens[blockIdx.x]) * width;
  float* to = stream + static_cast<size_t>(blockIdx.x) * width;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float v[8];
    load8(from + c, v);
    store8(to + c, v);
  }
}

/** tiles[r][i] = silu(in[r][i]) * in[r][width + i]; grid (rows). */
template <typename T>
__device__ void gatedSilu(const T* in, T* tiles, int width, int groups) {
  const T* row = in + static_cast<size_t>(blockIdx.x) * 2 * width;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float gate[8], up[8];
    load8(row + c, gate);
    load8(row + width + c, up);
#pragma unroll
    for (int i = 0; i < 8; i++) gate[i] = silu(gate[i]) * up[i];
    store8(tiles + activationOffset(blockIdx.x, c, groups), gate);
  }
}

/** tiles[r][i] = gelu(in[r][i] + bias[i]); grid (rows). */
template <typename T>
__device__ void geluBias(const T* in, const T* bias, T* tiles, int width, int groups) {
  const T* row = in + static_cast<size_t>(blockIdx.x) * width;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float v[8], b[8];
    load8(row + c, v);
    load8(bias + c, b);
#pragma unroll
    for (int i = 0; i < 8; i++) v[i] = geluTanh(v[i] + b[i]);
    store8(tiles + activationOffset(blockIdx.x, c, groups), v);
  }
}

/** data[r][i] += bias[i]; grid (rows). */
template <typename T>
__device__ void addBias(T* data, const T* bias, int width) {
  T* row = data + static_cast<size_t>(blockIdx.x) * width;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float v[8], b[8];
    load8(row + c, v);
    load8(bias + c, b);
#pragma unroll
    for (int i = 0; i < 8; i++) v[i] += b[i];
    store8(row + c, v);
  }
}

}  // namespace s3

#define S3_ELEMENTWISE(suffix, T)                                                                \
  extern "C" __global__ void embed_##suffix(const T* table, const int* tokens, float* stream,    \
                                            int width) {                                         \
    s3::embed<T>(table, tokens, stream, width);                                                  \
  }                                                                                              \
  extern "C" __global__ void gated_silu_##suffix(const T* in, T* tiles, int width, int groups) { \
    s3::gatedSilu<T>(in, tiles, width, groups);                                                  \
  }                                                                                              \
  extern "C" __global__ void gelu_bias_##suffix(const T* in, const T* bias, T* tiles, int width, \
                                                int groups) {                                    \
    s3::geluBias<T>(in, bias, tiles, width, groups);                                             \
  }                                                                                              \
  extern "C" __global__ void add_bias_##suffix(T* data, const T* bias, int width) {              \
    s3::addBias<T>(data, bias, width);                                                           \
  }
S3_FOR_TYPES(S3_ELEMENTWISE)
