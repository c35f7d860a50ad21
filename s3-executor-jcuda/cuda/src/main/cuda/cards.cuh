// What the kernels of several cards share: addresses on each card, counts between them, and a norm after the cards' sum. The norm is
// written so that the compiler has no choice of roundings: cards.cu and decode_step.cu give the same bits.
#pragma once

#include "common.cuh"

namespace s3 {

constexpr int kMostCards = 8;

/** An address on each card, in the order of the cards. */
template <typename T>
struct PerCard {
  T* of[kMostCards];
};

__device__ __forceinline__ float4 plus(float4 a, float4 b) { return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }

/** Adds one to a number on any card; what this thread knows to be written is visible to who then reads it by loadAcquireSystem. */
__device__ __forceinline__ void countReleaseSystem(unsigned* p) {
  asm volatile("red.release.sys.global.add.u32 [%0], 1;" ::"l"(p) : "memory");
}

/** Reads a number that other cards add to; what they wrote before is visible after. */
__device__ __forceinline__ unsigned loadAcquireSystem(const unsigned* p) {
  unsigned v;
  asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(v) : "l"(p) : "memory");
  return v;
}

/** before + factor * sum: what is added to the residual stream. */
__device__ __forceinline__ float4 added(float factor, float4 sum, float4 before) {
  return make_float4(fmaf(factor, sum.x, before.x), fmaf(factor, sum.y, before.y), fmaf(factor, sum.z, before.z),
                     fmaf(factor, sum.w, before.w));
}

/** The sum of the squares of four columns. */
__device__ __forceinline__ float squaresOf(float4 v) {
  return __fmaf_rn(v.w, v.w, __fmaf_rn(v.z, v.z, __fmaf_rn(v.x, v.x, __fmul_rn(v.y, v.y))));
}

/** v * scale * weight + bias. */
__device__ __forceinline__ float4 scaled(float4 v, float scale, float4 weight, float4 bias) {
  return make_float4(__fmaf_rn(__fmul_rn(v.x, scale), weight.x, bias.x), __fmaf_rn(__fmul_rn(v.y, scale), weight.y, bias.y),
                     __fmaf_rn(__fmul_rn(v.z, scale), weight.z, bias.z), __fmaf_rn(__fmul_rn(v.w, scale), weight.w, bias.w));
}

/** Stores four values as 16 bits each. */
template <typename T>
__device__ __forceinline__ void store4(T* to, float4 from) {
  union {
    uint2 bits;
    T values[4];
  } v;
  v.values[0] = fromFloat<T>(from.x), v.values[1] = fromFloat<T>(from.y);
  v.values[2] = fromFloat<T>(from.z), v.values[3] = fromFloat<T>(from.w);
  *reinterpret_cast<uint2*>(to) = v.bits;
}

}  // namespace s3
