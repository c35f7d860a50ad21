// Attention of queries over paged keys and values, the part that decode and prefill share.
//
// The order of every sum is fixed by positions alone, so a row gets the same bits from either kernel, in any batch:
// keys are taken in units of 64 positions, with the running maximum of FlashAttention-2 (Dao 2023, algorithm 1);
// every 256 positions (a part) the state starts afresh, and the parts are merged in order.
//   scores  one chain of matrix products over headDim, from zero
//   sum     each thread adds the probabilities (rounded to T) of its columns, four threads a row meet at the end
//   output  one chain over the positions of a part
// Rows are packed: the `group` query heads of one key head lie beside each other, row = query * group + head.
#pragma once

#include "kv.cuh"
#include "mma.cuh"

namespace s3 {

constexpr int kUnit = 64;
constexpr int kPart = 256;
constexpr float kLog2e = 1.4426950408889634f;

/** What an attention launch reads. */
struct AttentionArgs {
  const void* q;      // [rows][qStride] of T, heads * headDim used
  const void* pool;   // see kv.cuh
  void* out;          // activation tiles, heads * headDim wide
  int qStride, groups, layer, layers, heads, kvHeads;
  float scale;        // of the scores, usually 1 / sqrt(headDim)
};

__device__ __forceinline__ float exp2Fast(float v) {
  float r;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(v));
  return r;
}

/** Where one head's keys lie in the pool: those of a block begin at keys + block * blockStride. */
template <typename T>
struct HeadMemory {
  const T* keys;
  unsigned valuesOffset, blockStride;

  __device__ __forceinline__ HeadMemory(const AttentionArgs& a, int kvHead, int headDim) {
    keys = static_cast<const T*>(a.pool) + kvOffset(0, a.layer, a.layers, 0, kvHead, a.kvHeads, headDim);
    valuesOffset = a.kvHeads * kBlockTokens * headDim;
    blockStride = 2 * a.layers * valuesOffset;
  }
};

/**
 * Copies the keys and values of a unit to shared memory, rows of HD + 8. blocks are the unit's; positions from
 * `present` on become zero. A block's slots are contiguous, so that a thread adds one number to find its piece.
 */
template <typename T, int HD, int THREADS>
__device__ __forceinline__ void fetchUnit(T* keys, T* values, const HeadMemory<T>& head, const int* blocks,
                                          int present) {
  constexpr int kPieces = kBlockTokens * HD / 8;
#pragma unroll
  for (int b = 0; b < kUnit / kBlockTokens; b++) {
    const T* from = head.keys;
    if (b * kBlockTokens < present) from += static_cast<size_t>(static_cast<unsigned>(blocks[b])) * head.blockStride;
#pragma unroll
    for (int start = 0; start < kPieces; start += THREADS) {
      int p = start + threadIdx.x;
      if (kPieces % THREADS != 0 && p >= kPieces) break;
      int token = b * kBlockTokens + p / (HD / 8);
      int to = token * (HD + 8) + (p % (HD / 8)) * 8;
      copyAsync(keys + to, from + p * 8, token < present);
      copyAsync(values + to, from + head.valuesOffset + p * 8, token < present);
    }
  }
}

/** Adds scores of 16 rows with 16 positions, eight of them in each accumulator. query: fragments of the rows. */
template <typename T, int HD>
__device__ __forceinline__ void scores16(float (&low)[4], float (&high)[4], const uint32_t (&query)[HD / 16][4],
                                         const T* keys) {
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int step = 0; step < HD / 16; step++) {
    uint32_t right[4];
    loadMatrix4(right, keys + ((lane & 7) + (lane >> 4) * 8) * (HD + 8) + step * 16 + ((lane >> 3) & 1) * 8);
    multiplyAdd<T>(low, query[step], right[0], right[1]);
    multiplyAdd<T>(high, query[step], right[2], right[3]);
  }
}

/** Scales scores and hides the positions after the row's own. Columns: first + 2 * (lane % 4) + {0, 1}. */
__device__ __forceinline__ void scaleAndMask(float (&s)[4], float scale, int first, int lastLow, int lastHigh) {
  int column = first + (threadIdx.x & 3) * 2;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    int last = i < 2 ? lastLow : lastHigh;
    s[i] = column + (i & 1) <= last ? __fmul_rn(s[i], scale) : -INFINITY;
  }
}

__device__ __forceinline__ float quadMax(float v) {
  v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, 1));
  return fmaxf(v, __shfl_xor_sync(0xffffffffu, v, 2));
}
__device__ __forceinline__ float quadSum(float v) {
  v += __shfl_xor_sync(0xffffffffu, v, 1);
  return v + __shfl_xor_sync(0xffffffffu, v, 2);
}

/** The running maximum and sum of one row; the sum is this thread's share of it. */
struct RowState {
  float max = -INFINITY;
  float sum = 0;

  /** Takes in a unit's maximum; returns the factor for what was summed up before. */
  __device__ __forceinline__ float raise(float unitMax) {
    float before = max;
    max = fmaxf(max, unitMax);
    float factor = max == -INFINITY ? 1.0f : exp2Fast(__fadd_rn(before, -max));
    sum = __fmul_rn(sum, factor);
    return factor;
  }

  __device__ __forceinline__ float probability(float score) const {
    return max == -INFINITY ? 0.0f : exp2Fast(__fadd_rn(score, -max));
  }
};

/** Adds the probabilities of a fragment of 16 positions to both rows' sums, in order. */
template <typename T>
__device__ __forceinline__ void addToSums(RowState& low, RowState& high, const uint32_t (&p)[4]) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    float2 both = unpacked<T>(p[i]);
    float& sum = (i & 1) == 0 ? low.sum : high.sum;
    sum = __fadd_rn(__fadd_rn(sum, both.x), both.y);
  }
}

/** Adds probabilities of 16 positions times their values, 16 dimensions from `values` on. */
template <typename T, int HD>
__device__ __forceinline__ void addValues16(float (&low)[4], float (&high)[4], const uint32_t (&p)[4],
                                            const T* values) {
  int lane = threadIdx.x & 31;
  uint32_t right[4];
  loadMatrix4Transposed(right, values + (lane & 15) * (HD + 8) + (lane >> 4) * 8);
  multiplyAdd<T>(low, p, right[0], right[1]);
  multiplyAdd<T>(high, p, right[2], right[3]);
}

/** Merges a part into the total: factors for both, and the new maximum. */
struct Merge {
  float max, ofTotal, ofPart;
  __device__ __forceinline__ Merge(float total, float part) {
    max = fmaxf(total, part);
    ofTotal = total == -INFINITY ? 0.0f : exp2Fast(__fadd_rn(total, -max));
    ofPart = part == -INFINITY ? 0.0f : exp2Fast(__fadd_rn(part, -max));
  }
  __device__ __forceinline__ float operator()(float total, float part) const {
    return fmaf(part, ofPart, __fmul_rn(total, ofTotal));
  }
};

}  // namespace s3
