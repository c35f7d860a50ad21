// RMSNorm and LayerNorm over rows of float.
//
//   rms_norm_<type>, layer_norm_<type>   of the residual stream, into activation tiles
//   rms_norm_add, layer_norm_add         of a part's result, added to the residual stream
//   tile_stream_<type>                   no norm: the residual stream's rows as activation tiles
//
// The first read stream[rows[r]] (or row r where rows is null), add delta[r] into it where delta is not null, and write
// the normalised row r as tiles. Grid (rows), block 1024 or any multiple of 32; width a multiple of 8. Scales are float.
// A thread keeps the first eight values that it reads, so that a row as wide as eight blocks is read once.
// A row's sum runs in an order that depends on width and block size alone: the same bits in any batch.
// Compile: nvcc -cubin -arch=sm_90a norm.cu
#include "common.cuh"

namespace s3 {

/** Adds the delta where there is one, and returns the row's updated values from memory. */
template <typename T>
__device__ __forceinline__ void addDelta(float* row, const T* delta, int c, float (&v)[8]) {
  load8(row + c, v);
  if (delta != nullptr) {
    float d[8];
    load8(delta + c, d);
#pragma unroll
    for (int i = 0; i < 8; i++) v[i] += d[i];
    store8(row + c, v);
  }
}

/** A thread's first eight values of a row, kept for the second pass, and the scale that belongs to them. */
struct Kept {
  float values[8], weight[8];

  __device__ __forceinline__ void value(const float* row, int c, float (&v)[8]) const {
    if (c == threadIdx.x * 8) {
#pragma unroll
      for (int i = 0; i < 8; i++) v[i] = values[i];
    } else {
      load8(row + c, v);
    }
  }
  __device__ __forceinline__ void scale(const float* weights, int c, float (&w)[8]) const {
    if (c == threadIdx.x * 8) {
#pragma unroll
      for (int i = 0; i < 8; i++) w[i] = weight[i];
    } else {
      load8(weights + c, w);
    }
  }
};

/** The first pass: adds the delta, keeps the first values, and returns this thread's sum of f(value). */
template <typename T, typename F>
__device__ __forceinline__ float firstPass(float* row, const T* change, const float* weight, int width, Kept& kept,
                                           F f) {
  float sum = 0;
  if (static_cast<int>(threadIdx.x) * 8 < width) load8(weight + threadIdx.x * 8, kept.weight);
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float v[8];
    addDelta(row, change, c, v);
    if (c == threadIdx.x * 8) {
#pragma unroll
      for (int i = 0; i < 8; i++) kept.values[i] = v[i];
    }
#pragma unroll
    for (int i = 0; i < 8; i++) sum += f(v[i]);
  }
  return sum;
}

/** write(c, v) gets the normalised values of columns [c, c + 8). */
template <typename T, typename Write>
__device__ __forceinline__ void rmsNorm(float* row, const T* change, const float* weight, int width, float epsilon,
                                        Write write) {
  Kept kept;
  float sum = firstPass(row, change, weight, width, kept, [](float v) { return v * v; });
  float scale = 1.0f / sqrtf(blockSum(sum) / width + epsilon);
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float v[8], w[8];
    kept.value(row, c, v);
    kept.scale(weight, c, w);
#pragma unroll
    for (int i = 0; i < 8; i++) v[i] = v[i] * scale * w[i];
    write(c, v);
  }
}

/** Two passes over the row, mean first: subtracting squares would lose digits. */
template <typename T, typename Write>
__device__ __forceinline__ void layerNorm(float* row, const T* change, const float* weight, const float* bias,
                                          int width, float epsilon, Write write) {
  Kept kept;
  float mean = blockSum(firstPass(row, change, weight, width, kept, [](float v) { return v; })) / width;
  float squares = 0;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float v[8];
    kept.value(row, c, v);
#pragma unroll
    for (int i = 0; i < 8; i++) squares += (v[i] - mean) * (v[i] - mean);
  }
  float scale = 1.0f / sqrtf(blockSum(squares) / width + epsilon);
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float v[8], w[8], b[8];
    kept.value(row, c, v);
    kept.scale(weight, c, w);
    load8(bias + c, b);
#pragma unroll
    for (int i = 0; i < 8; i++) v[i] = (v[i] - mean) * scale * w[i] + b[i];
    write(c, v);
  }
}

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
