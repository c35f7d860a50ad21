// RMSNorm and LayerNorm of a row of float, by a block.
//
// A thread keeps the first eight values that it reads, so that a row as wide as eight blocks is read once.
// A row's sum runs in an order that depends on width and block size alone: the same bits in any batch.
#pragma once

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

}  // namespace s3
