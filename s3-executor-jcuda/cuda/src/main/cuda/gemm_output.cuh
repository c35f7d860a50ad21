// What happens to a finished piece of a matrix product: eight columns of one row, still in float.
//
// Shared by the Hopper and the general kernels, so that both offer the same modes.
#pragma once

#include "common.cuh"

namespace s3 {

/** How results are written; values of the parameter mode. */
enum GemmMode {
  kRows = 0,       // y[row * stride + column] of T
  kFloatRows = 1,  // y[row * stride + column] of float: factor * result, capped where there is a cap (logits)
  kAddRows = 2,    // float y[row * stride + column] += factor * result (the residual stream)
  kGatedTiles = 3, // activation(gate) * up, weight rows in turns of eight; activation tiles, n / 2 wide, stride row groups
  kTiles = 4,      // activation(result); activation tiles, n wide, stride row groups
};

/** The functions of kGatedTiles and kTiles; values of the parameter activation. */
enum Activation {
  kSilu = 0,
  kGeluTanh = 1,
  kClampedSwiglu = 2,  // gpt-oss; gated only
};

/** y[m][n] = x[m][k] * w[n][k]^T (+ bias); see README.md. */
struct GemmArgs {
  const void* w;
  const void* x;
  void* y;
  const void* bias;  // [n] of T or null, in the order of the weight's rows
  int m, n, k;
  int groups;  // row capacity of x / 8
  int stride;  // of y: elements a row, or row groups for tiles
  int mode;
  int splits;  // sums of k that are added one after another, see README.md
  int activation;
  float factor;  // of results in rows of float
  float cap;     // rows become cap * tanh(row / cap); 0 for none; for kFloatRows
};

template <typename T>
__device__ __forceinline__ void addBias(const GemmArgs& a, int column, float (&v)[8]) {
  const T* bias = static_cast<const T*>(a.bias);
  if (bias == nullptr) return;
#pragma unroll
  for (int i = 0; i < 8; i++) v[i] += column + i < a.n ? toFloat(bias[column + i]) : 0.0f;
}

/** v[i] = f(v[i]). */
template <typename F>
__device__ __forceinline__ void each(float (&v)[8], F f) {
#pragma unroll
  for (int i = 0; i < 8; i++) v[i] = f(v[i]);
}

__device__ __forceinline__ void activate(int activation, float (&v)[8]) {
  if (activation == kSilu) {
    each(v, silu);
  } else {
    each(v, geluTanh);
  }
}

/** (up + 1) * gate * sigmoid(1.702 * gate), gate at most 7 and up in [-7, 7]; a NaN stays one. */
__device__ __forceinline__ float clampedSwiglu(float gate, float up) {
  gate = gate > 7.0f ? 7.0f : gate;
  up = up > 7.0f ? 7.0f : (up < -7.0f ? -7.0f : up);
  return (up + 1.0f) * (gate / (1.0f + __expf(-1.702f * gate)));
}

/** Reads eight columns of a row of float, all of them there. */
__device__ __forceinline__ void loadRow(const GemmArgs& a, int row, int column, float (&v)[8]) {
  load8(static_cast<const float*>(a.y) + static_cast<size_t>(row) * a.stride + column, v);
}

/** What `write` does in mode kAddRows where all eight columns are there; old is what they held. */
template <typename T>
__device__ __forceinline__ void addRow(const GemmArgs& a, int row, int column, float (&v)[8], const float (&old)[8]) {
  addBias<T>(a, column, v);
#pragma unroll
  for (int i = 0; i < 8; i++) v[i] = fmaf(a.factor, v[i], old[i]);
  store8(static_cast<float*>(a.y) + static_cast<size_t>(row) * a.stride + column, v);
}

/**
 * Writes results of columns [column, column + 8) of a row; columns from n on are dropped. Where a result is gated, v is its
 * gate and up what it is multiplied with, which stand beside each other in the product.
 */
template <typename T>
__device__ __forceinline__ void write(const GemmArgs& a, int row, int column, float (&v)[8], float (&up)[8]) {
  bool gated = a.mode == kGatedTiles;
  addBias<T>(a, column, v);
  if (gated || a.mode == kTiles) {
    if (gated) addBias<T>(a, column + 8, up);
    if (a.activation == kClampedSwiglu) {
#pragma unroll
      for (int i = 0; i < 8; i++) v[i] = clampedSwiglu(v[i], up[i]);
    } else {
      activate(a.activation, v);
      if (gated) {
#pragma unroll
        for (int i = 0; i < 8; i++) v[i] *= up[i];
      }
    }
    store8(static_cast<T*>(a.y) + activationOffset(row, gated ? column / 2 : column, a.stride), v);
    return;
  }
  bool whole = column + 8 <= a.n && (a.stride & 7) == 0;
  size_t at = static_cast<size_t>(row) * a.stride + column;
  if (a.mode == kRows) {
    T* y = static_cast<T*>(a.y) + at;
    if (whole) {
      store8(y, v);
    } else {
      for (int i = 0; i < 8 && column + i < a.n; i++) y[i] = fromFloat<T>(v[i]);
    }
    return;
  }
  float* y = static_cast<float*>(a.y) + at;
  if (a.mode == kAddRows) {
#pragma unroll
    for (int i = 0; i < 8; i++) v[i] = fmaf(a.factor, v[i], column + i < a.n ? y[i] : 0.0f);
  } else {
    each(v, [&](float r) { return a.factor * r; });
    if (a.cap > 0) each(v, [&](float r) { return a.cap * tanhFast(r / a.cap); });
  }
  if (whole) {
    store8(y, v);
  } else {
    for (int i = 0; i < 8 && column + i < a.n; i++) y[i] = v[i];
  }
}

/**
 * Writes a finished tile. load(row, column, v) fetches eight sums of the tile, rowOf(row) is the row of y; worker and
 * workers share out the pieces. rows and columns count what is valid in the tile.
 */
template <typename T, typename Load, typename RowOf>
__device__ __forceinline__ void writeTile(const GemmArgs& a, RowOf rowOf, int firstColumn, int rows,
                                          int columns, int worker, int workers, Load load) {
  bool gated = a.mode == kGatedTiles;
  int width = gated ? 16 : 8;
  int pieces = (columns + width - 1) / width;
  for (int i = worker; i < rows * pieces; i += workers) {
    int row = i / pieces;
    int column = (i % pieces) * width;
    float v[8], up[8];
    load(row, column, v);
    if (gated) load(row, column + 8, up);
    write<T>(a, rowOf(row), firstColumn + column, v, up);
  }
}

}  // namespace s3
