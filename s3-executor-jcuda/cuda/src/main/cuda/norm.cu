// RMSNorm and LayerNorm over rows of float.
//
//   rms_norm_<type>, layer_norm_<type>   of the residual stream, into activation tiles
//   rms_norm_add, layer_norm_add         of a part's result, added to the residual stream
//   tile_stream_<type>                   no norm: the residual stream's rows as activation tiles
//
// The first read stream[rows[r]] (or row r where rows is null), add delta[r] into it where delta is not null, and write
// the normalised row r as tiles. Grid (rows), block 1024 or any multiple of 32; width a multiple of 8. Scales are float.
// Compile: nvcc -cubin -arch=sm_90a norm.cu
#include "norm.cuh"

namespace s3 {

/** Norms a row of the stream into tiles; by LayerNorm where there is a bias. */
template <typename T, bool LAYER>
__device__ void normToTiles(float* stream, const T* delta, const int* rows, const float* weight, const float* bias,
                            T* tiles, int width, int groups, float epsilon) {
  int r = blockIdx.x;
  float* row = stream + static_cast<size_t>(rows != nullptr ? rows[r] : r) * width;
  const T* change = delta != nullptr ? delta + static_cast<size_t>(r) * width : nullptr;
  auto write = [&](int c, const float(&v)[8]) { store8(tiles + activationOffset(r, c, groups), v); };
  if constexpr (LAYER) {
    layerNorm(row, change, weight, bias, width, epsilon, write);
  } else {
    rmsNorm(row, change, weight, width, epsilon, write);
  }
}

/** Adds factor times a normed row of a part's result to its row of the stream. */
template <bool LAYER>
__device__ void normAndAdd(float* part, float* stream, const float* weight, const float* bias, int width,
                           float epsilon, float factor) {
  size_t at = static_cast<size_t>(blockIdx.x) * width;
  const float* none = nullptr;
  auto write = [&](int c, const float(&v)[8]) {
    float sum[8];
    load8(stream + at + c, sum);
#pragma unroll
    for (int i = 0; i < 8; i++) sum[i] = fmaf(factor, v[i], sum[i]);
    store8(stream + at + c, sum);
  };
  if constexpr (LAYER) {
    layerNorm(part + at, none, weight, bias, width, epsilon, write);
  } else {
    rmsNorm(part + at, none, weight, width, epsilon, write);
  }
}

template <typename T>
__device__ void tileStream(const float* stream, T* tiles, int width, int groups) {
  int r = blockIdx.x;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float v[8];
    load8(stream + static_cast<size_t>(r) * width + c, v);
    store8(tiles + activationOffset(r, c, groups), v);
  }
}

}  // namespace s3

#define S3_NORM(suffix, T)                                                                           \
  extern "C" __global__ void rms_norm_##suffix(float* stream, const T* delta, const int* rows,       \
                                               const float* weight, T* tiles, int width, int groups, \
                                               float epsilon) {                                      \
    s3::normToTiles<T, false>(stream, delta, rows, weight, nullptr, tiles, width, groups, epsilon);  \
  }                                                                                                  \
  extern "C" __global__ void layer_norm_##suffix(float* stream, const T* delta, const int* rows,     \
                                                 const float* weight, const float* bias, T* tiles,   \
                                                 int width, int groups, float epsilon) {             \
    s3::normToTiles<T, true>(stream, delta, rows, weight, bias, tiles, width, groups, epsilon);      \
  }                                                                                                  \
  extern "C" __global__ void tile_stream_##suffix(const float* stream, T* tiles, int width,          \
                                                  int groups) {                                      \
    s3::tileStream<T>(stream, tiles, width, groups);                                                 \
  }
S3_FOR_TYPES(S3_NORM)

extern "C" __global__ void rms_norm_add(float* part, float* stream, const float* weight, int width, float epsilon,
                                        float factor) {
  s3::normAndAdd<false>(part, stream, weight, nullptr, width, epsilon, factor);
}
extern "C" __global__ void layer_norm_add(float* part, float* stream, const float* weight, const float* bias,
                                          int width, float epsilon, float factor) {
  s3::normAndAdd<true>(part, stream, weight, bias, width, epsilon, factor);
}
