// What every kernel shares: number types, 16-byte vectors, sums over a block, and the two tiled layouts.
//
// T is __half or __nv_bfloat16 everywhere; sums are float. Entry points are named after the type (..._f16, ..._bf16).
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>

namespace s3 {

// ---- numbers

__device__ __forceinline__ float toFloat(__half v) { return __half2float(v); }
__device__ __forceinline__ float toFloat(__nv_bfloat16 v) { return __bfloat162float(v); }
__device__ __forceinline__ float toFloat(float v) { return v; }

template <typename T>
__device__ __forceinline__ T fromFloat(float v);
template <>
__device__ __forceinline__ __half fromFloat<__half>(float v) {
  return __float2half_rn(v);
}
template <>
__device__ __forceinline__ __nv_bfloat16 fromFloat<__nv_bfloat16>(float v) {
  return __float2bfloat16_rn(v);
}

/**
 * (bits & mask) | with, as one instruction. It has room for one constant, so that the compiler, left alone, makes two of this
 * where mask and with are constants.
 */
__host__ __device__ __forceinline__ uint32_t pickBits(uint32_t bits, uint32_t mask, uint32_t with) {
#ifdef __CUDA_ARCH__
  uint32_t r;
  asm("lop3.b32 %0, %1, %2, %3, 0xea;" : "=r"(r) : "r"(bits), "r"(mask), "r"(with));
  return r;
#else
  return (bits & mask) | with;
#endif
}

/** (bits & mask) ^ with, in the same way. */
__host__ __device__ __forceinline__ uint32_t flipBits(uint32_t bits, uint32_t mask, uint32_t with) {
#ifdef __CUDA_ARCH__
  uint32_t r;
  asm("lop3.b32 %0, %1, %2, %3, 0x6a;" : "=r"(r) : "r"(bits), "r"(mask), "r"(with));
  return r;
#else
  return (bits & mask) ^ with;
#endif
}

/** Eight values of 16 bits: what one thread moves at once. */
template <typename T>
union alignas(16) Vector8 {
  uint4 bits;
  T values[8];
};

template <typename T>
__device__ __forceinline__ void load8(const T* from, float (&to)[8]) {
  Vector8<T> v;
  v.bits = *reinterpret_cast<const uint4*>(from);
#pragma unroll
  for (int i = 0; i < 8; i++) to[i] = toFloat(v.values[i]);
}

__device__ __forceinline__ void load8(const float* from, float (&to)[8]) {
  float4 a = reinterpret_cast<const float4*>(from)[0];
  float4 b = reinterpret_cast<const float4*>(from)[1];
  to[0] = a.x, to[1] = a.y, to[2] = a.z, to[3] = a.w;
  to[4] = b.x, to[5] = b.y, to[6] = b.z, to[7] = b.w;
}

template <typename T>
__device__ __forceinline__ void store8(T* to, const float (&from)[8]) {
  Vector8<T> v;
#pragma unroll
  for (int i = 0; i < 8; i++) v.values[i] = fromFloat<T>(from[i]);
  *reinterpret_cast<uint4*>(to) = v.bits;
}

__device__ __forceinline__ void store8(float* to, const float (&from)[8]) {
  reinterpret_cast<float4*>(to)[0] = make_float4(from[0], from[1], from[2], from[3]);
  reinterpret_cast<float4*>(to)[1] = make_float4(from[4], from[5], from[6], from[7]);
}

/** v * sigmoid(v). */
__device__ __forceinline__ float silu(float v) { return __fdividef(v, 1.0f + __expf(-v)); }

/** GELU in the tanh form (Hendrycks and Gimpel 2016), "gelu_new": 0.5 * (1 + tanh(u)) is the logistic of 2 * u. */
__device__ __forceinline__ float geluTanh(float v) {
  float u = 0.7978845608028654f * (v + 0.044715f * v * v * v);
  return __fdividef(v, 1.0f + __expf(-2.0f * u));
}

/** tanh within 2e-7, in few instructions. */
__device__ __forceinline__ float tanhFast(float v) {
  return __fadd_rn(1.0f, -__fdividef(2.0f, __fadd_rn(__expf(__fmul_rn(v, 2.0f)), 1.0f)));
}

/** An unsigned number that orders like the float; both zeros are equal. */
__device__ __forceinline__ uint32_t keyOf(float v) {
  uint32_t bits = __float_as_uint(v + 0.0f);
  return (bits & 0x80000000u) ? ~bits : bits | 0x80000000u;
}

// ---- tiled layouts (README.md draws them)

/** Rows and columns of a tile, and its elements: 64 x 64 of 16 bits are 8 KiB. */
constexpr int kTile = 64;
constexpr int kTileElements = kTile * kTile;

/** Where an element lies in a tile of 128-byte rows whose 16-byte pieces are turned by the row: no bank conflicts. */
__device__ __forceinline__ int swizzled(int row, int column) {
  return row * kTile + ((((column >> 3) & 7) ^ (row & 7)) << 3) + (column & 7);
}

/** Weights: [row / 64][column / 64][64 x 64 swizzled]. */
__device__ __forceinline__ size_t weightOffset(int row, int column, int kTiles) {
  return (static_cast<size_t>(row >> 6) * kTiles + (column >> 6)) * kTileElements +
         swizzled(row & 63, column & 63);
}

/** Activations: [column / 64][row / 8][8 x 64 swizzled]; groups is the row capacity / 8. */
__device__ __forceinline__ size_t activationOffset(int row, int column, int groups) {
  return (static_cast<size_t>(column >> 6) * groups + (row >> 3)) * (8 * kTile) +
         swizzled(row & 7, column & 63);
}

// ---- reductions

__device__ __forceinline__ float warpSum(float v) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) v += __shfl_xor_sync(0xffffffffu, v, step);
  return v;
}

/** The sum over a block of at most 1024 threads, in an order that depends on the block's size alone. */
__device__ __forceinline__ float blockSum(float v) {
  __shared__ float sums[32];
  int warp = threadIdx.x >> 5;
  v = warpSum(v);
  __syncthreads();  // a second call may still read the first one's sums
  if ((threadIdx.x & 31) == 0) sums[warp] = v;
  __syncthreads();
  float mine = (threadIdx.x & 31) < (blockDim.x >> 5) ? sums[threadIdx.x & 31] : 0.0f;
  return warpSum(mine);
}

}  // namespace s3

/** Defines an entry point for both number types: S3_FOR_TYPES(MACRO) expands MACRO(suffix, type). */
#define S3_FOR_TYPES(MACRO) MACRO(f16, __half) MACRO(bf16, __nv_bfloat16)
