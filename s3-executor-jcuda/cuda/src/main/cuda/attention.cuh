// Attention of queries over paged keys and values, the part that decode and prefill share.
//
// The order of every sum is fixed by positions alone, so a row gets the same bits from either kernel, in any batch:
// keys are taken in units of 64 positions, with the running maximum of FlashAttention-2 (Dao 2023, algorithm 1);
// every 256 positions (a part) the state starts afresh, and the parts are merged in order.
//   scores  one chain of matrix products over headDim, from zero
//   sum     each thread adds the probabilities (rounded to T) of its columns, four threads a row meet at the end
//   output  one chain over the positions of a part
// KV in 8 bits: the products take the codes, widened to T. A score is multiplied by its key's scale; a probability, rounded
// to T, by 64 times its value's scale, and rounded again. The sum has the probability itself, and the output is divided by
// 64. (64 keeps small products normal; with it the largest value of fp16 does not overflow.) The tensor cores take the
// dimensions 0, 2, 1, 3 of each four in this order, and so do the accumulators of the output: no byte has to move.
// Rows are packed: the `group` query heads of one key head lie beside each other, row = query * group + head.
//
// BOUNDED kernels (those with that end of their name, and all for KV in 8 bits, so that there are fewer) also have a window (a row sees the last positions alone: units before it are left out, which changes no
// bit, since a hidden unit adds nothing), a cap on scores, and sinks (a logit of each head that joins the sum at the end).
#pragma once

#include "kv.cuh"
#include "mma.cuh"

namespace s3 {

constexpr int kUnit = 64;
constexpr int kPart = 256;
constexpr float kValueUnit = 64.0f;
constexpr float kLog2e = 1.4426950408889634f;

__device__ __forceinline__ float exp2Fast(float v) {
  float r;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(v));
  return r;
}

/** What an attention launch reads. */
struct AttentionArgs {
  const void* q;      // [rows][qStride] of T, heads * headDim used
  const void* pool;   // see kv.cuh
  void* out;          // activation tiles, heads * headDim wide
  int qStride, groups, layer, layers, heads, kvHeads;
  float scale;        // of the scores, usually 1 / sqrt(headDim)
  float cap;          // scores become cap * tanh(score / cap); 0 for none; this and the rest are for BOUNDED kernels
  int window;         // positions that a row sees, its own included; 0 for all
  const float* sinks; // [heads] logits without values, or null

  /** The first position that a row sees. */
  template <bool BOUNDED>
  __device__ __forceinline__ int firstSeen(int position) const {
    return BOUNDED && window > 0 ? max(0, position + 1 - window) : 0;
  }

  /** Whether the row at position `last` (-1 for none) sees a position. */
  template <bool BOUNDED>
  __device__ __forceinline__ bool sees(int position, int last) const {
    return position <= last && (!BOUNDED || position >= firstSeen<BOUNDED>(last));
  }
};

/** The factors of a score, in powers of two. */
struct ScoreScale {
  float inner;  // of the score
  float outer;  // of the tanh; 0 for none

  __device__ __forceinline__ explicit ScoreScale(const AttentionArgs& a)
      : inner(a.cap > 0 ? __fdiv_rn(a.scale, a.cap) : __fmul_rn(a.scale, kLog2e)), outer(__fmul_rn(a.cap, kLog2e)) {}

  template <bool BOUNDED>
  __device__ __forceinline__ float of(float score) const {
    float scaled = __fmul_rn(score, inner);
    return BOUNDED && outer > 0 ? __fmul_rn(outer, tanhFast(scaled)) : scaled;
  }
};

/** Where one head's keys lie in the pool: those of a block begin at keys + block * blockStride. */
template <typename KV>
struct HeadMemory {
  const KV* keys;
  unsigned valuesOffset, blockStride;

  __device__ __forceinline__ HeadMemory(const AttentionArgs& a, int kvHead, int headDim) {
    keys = static_cast<const KV*>(a.pool) + kvOffset<KV>(0, a.layer, a.layers, 0, kvHead, a.kvHeads, headDim);
    valuesOffset = a.kvHeads * headElements<KV>(headDim);
    blockStride = 2 * a.layers * valuesOffset;
  }
};

/** Elements of 16 bytes. */
template <typename KV>
constexpr int kPiece = 16 / sizeof(KV);

/** A row of keys or values in shared memory, in elements: one piece more than its vector, against bank conflicts. */
template <typename KV, int HD>
constexpr int kRow = HD + kPiece<KV>;

/** The scales of the keys and values of a unit; nothing where vectors have none. */
template <typename KV>
struct alignas(16) UnitScales {
  float of[2][kUnit];
};
template <>
struct UnitScales<__half> {};
template <>
struct UnitScales<__nv_bfloat16> {};

/** Copies the scales of a unit's keys and values to shared memory, by 128 threads; see fetchUnit. */
template <int HD>
__device__ __forceinline__ void fetchScales(UnitScales<int8_t>& scales, const HeadMemory<int8_t>& head,
                                            const int* blocks, int absent, int present) {
  int token = threadIdx.x % kUnit;
  int which = threadIdx.x / kUnit;
  bool there = token < present && token >= absent;
  int block = 0;
#pragma unroll
  for (int b = 0; b < kUnit / kBlockTokens; b++) {
    if (there && token / kBlockTokens == b) block = blocks[b];
  }
  const int8_t* from = head.keys + static_cast<size_t>(static_cast<unsigned>(block)) * head.blockStride +
                       which * head.valuesOffset + kBlockTokens * HD + token % kBlockTokens * sizeof(float);
  copyAsync4(&scales.of[which][token], from, there);
}

/**
 * Copies the keys and values of a unit to shared memory, rows of kRow. blocks are the unit's; positions before
 * `absent` and from `present` on become zero. A block's slots are contiguous, so that a thread adds one number to find
 * its piece.
 */
template <typename KV, int HD, int THREADS>
__device__ __forceinline__ void fetchUnit(KV* keys, KV* values, UnitScales<KV>& scales, const HeadMemory<KV>& head,
                                          const int* blocks, int absent, int present) {
  constexpr int kEach = kPiece<KV>;
  constexpr int kPieces = kBlockTokens * HD / kEach;
  if constexpr (kCoded<KV>) {
    static_assert(THREADS == 2 * kUnit, "a scale for each thread");
    fetchScales<HD>(scales, head, blocks, absent, present);
  }
#pragma unroll
  for (int b = 0; b < kUnit / kBlockTokens; b++) {
    const KV* from = head.keys;
    bool some = b * kBlockTokens < present && (b + 1) * kBlockTokens > absent;
    if (some) from += static_cast<size_t>(static_cast<unsigned>(blocks[b])) * head.blockStride;
#pragma unroll
    for (int start = 0; start < kPieces; start += THREADS) {
      int p = start + threadIdx.x;
      if (kPieces % THREADS != 0 && p >= kPieces) break;
      int token = b * kBlockTokens + p / (HD / kEach);
      int to = token * kRow<KV, HD> + (p % (HD / kEach)) * kEach;
      bool there = token < present && token >= absent;
      copyAsync(keys + to, from + p * kEach, there);
      copyAsync(values + to, from + head.valuesOffset + p * kEach, there);
    }
  }
}

/** Loads 16 columns of 16 queries, rows of HD + 8, in the order of the columns of keys16. */
template <typename T, typename KV, int HD>
__device__ __forceinline__ void loadQueries(uint32_t (&to)[4], const T* q, int step) {
  int lane = threadIdx.x & 31;
  if constexpr (kCoded<KV>) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      uint2 four = *reinterpret_cast<const uint2*>(q + (lane / 4 + half * 8) * (HD + 8) + step * 16 + (lane & 3) * 4);
      to[half] = __byte_perm(four.x, four.y, 0x5410);
      to[half + 2] = __byte_perm(four.x, four.y, 0x7632);
    }
  } else {
    loadMatrix4(to, q + (lane & 15) * (HD + 8) + step * 16 + (lane >> 4) * 8);
  }
}

/** Loads 16 columns of the keys of 16 positions: two registers for the first eight of them, two for the others. */
template <typename T, typename KV, int HD>
__device__ __forceinline__ void keys16(uint32_t (&to)[4], const KV* keys, int step) {
  int lane = threadIdx.x & 31;
  if constexpr (kCoded<KV>) {
    uint32_t codes[2];
    loadMatrix2(codes, keys + (lane & 15) * kRow<KV, HD> + step * 16);
    widen<T>(codes[0], to[0], to[1]);
    widen<T>(codes[1], to[2], to[3]);
  } else {
    loadMatrix4(to, keys + ((lane & 7) + (lane >> 4) * 8) * kRow<KV, HD> + step * 16 + ((lane >> 3) & 1) * 8);
  }
}

/** Adds scores of 16 rows with 16 positions, eight of them in each accumulator. query: fragments of the rows. */
template <typename T, typename KV, int HD>
__device__ __forceinline__ void scores16(float (&low)[4], float (&high)[4], const uint32_t (&query)[HD / 16][4],
                                         const KV* keys) {
#pragma unroll
  for (int step = 0; step < HD / 16; step++) {
    uint32_t right[4];
    keys16<T, KV, HD>(right, keys, step);
    multiplyAdd<T>(low, query[step], right[0], right[1]);
    multiplyAdd<T>(high, query[step], right[2], right[3]);
  }
}

/** Multiplies scores by the scales of their keys, where they have some. column: the unit's, of the first score. */
template <typename KV>
__device__ __forceinline__ void scaleKeys(float (&s)[4], const UnitScales<KV>& scales, int column) {
  if constexpr (kCoded<KV>) {
    float2 both = *reinterpret_cast<const float2*>(&scales.of[0][column + (threadIdx.x & 3) * 2]);
#pragma unroll
    for (int i = 0; i < 4; i++) s[i] = __fmul_rn(s[i], (i & 1) == 0 ? both.x : both.y);
  }
}

/**
 * Scales scores and hides the positions that a row does not see: after its own, and before its window. Columns: first +
 * 2 * (lane % 4) + {0, 1}.
 */
template <bool BOUNDED>
__device__ __forceinline__ void scaleAndMask(float (&s)[4], const AttentionArgs& a, ScoreScale scale, int first,
                                             int lastLow, int lastHigh) {
  int column = first + (threadIdx.x & 3) * 2;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    int last = i < 2 ? lastLow : lastHigh;
    s[i] = a.sees<BOUNDED>(column + (i & 1), last) ? scale.of<BOUNDED>(s[i]) : -INFINITY;
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
    float raised = exp2Fast(__fadd_rn(before, -base()));
    float factor = max == -INFINITY ? 1.0f : raised;
    sum = __fmul_rn(sum, factor);
    return factor;
  }

  __device__ __forceinline__ float probability(float score) const { return exp2Fast(__fadd_rn(score, -base())); }

  /** What scores are compared with: the maximum, or 0 while all are hidden. A choice within probability would be a branch. */
  __device__ __forceinline__ float base() const { return max == -INFINITY ? 0.0f : max; }
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

/** Multiplies the probabilities of 16 positions by the scales of their values, where they have some. */
template <typename T, typename KV>
__device__ __forceinline__ void scaleValues(uint32_t (&p)[4], const UnitScales<KV>& scales, int column) {
  if constexpr (kCoded<KV>) {
#pragma unroll
    for (int i = 0; i < 4; i += 2) {
      float2 scale = *reinterpret_cast<const float2*>(&scales.of[1][column + i * 4 + (threadIdx.x & 3) * 2]);
      scale.x = __fmul_rn(scale.x, kValueUnit);
      scale.y = __fmul_rn(scale.y, kValueUnit);
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float2 both = unpacked<T>(p[i + half]);
        p[i + half] = packed<T>(__fmul_rn(both.x, scale.x), __fmul_rn(both.y, scale.y));
      }
    }
  }
}

/** Adds probabilities of 16 positions times their values, 16 dimensions from `values` on; OutputPair says which. */
template <typename T, typename KV, int HD>
__device__ __forceinline__ void addValues16(float (&low)[4], float (&high)[4], const uint32_t (&p)[4],
                                            const KV* values) {
  int lane = threadIdx.x & 31;
  uint32_t right[4];
  if constexpr (kCoded<KV>) {
    uint32_t codes[2];  // of two dimensions and two positions
    loadMatrix2Transposed(codes, values + (lane & 15) * kRow<KV, HD>);
    widen<T>(codes[0], right[0], right[2]);
    widen<T>(codes[1], right[1], right[3]);
  } else {
    loadMatrix4Transposed(right, values + (lane & 15) * kRow<KV, HD> + (lane >> 4) * 8);
  }
  multiplyAdd<T>(low, p, right[0], right[1]);
  multiplyAdd<T>(high, p, right[2], right[3]);
}

/**
 * Where a thread's outputs lie: of the two accumulators of 16 dimensions, the pair `t` (0 or 1) of a row (half 0 or 1) is
 * elements firstAt of accumulator firstOf and secondAt of secondOf, for the dimensions from `dimension` on.
 */
template <typename KV>
struct OutputPair {
  int firstOf, firstAt, secondOf, secondAt, dimension;

  __device__ __forceinline__ OutputPair(int t, int half) {
    int lane = threadIdx.x & 3;
    firstOf = kCoded<KV> ? 0 : t;
    secondOf = kCoded<KV> ? 1 : t;
    firstAt = kCoded<KV> ? 2 * half + t : 2 * half;
    secondAt = kCoded<KV> ? 2 * half + t : 2 * half + 1;
    dimension = kCoded<KV> ? lane * 4 + 2 * t : t * 8 + lane * 2;
  }
};

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

/** Lets a head's sink join a row's sum, where there is one; returns the factor of the row's output. */
template <typename KV, bool BOUNDED>
__device__ __forceinline__ float joinSink(const AttentionArgs& a, int head, float max, float& sum) {
  float factor = 1.0f;
  if (BOUNDED && a.sinks != nullptr) {
    Merge merge(max, __fmul_rn(a.sinks[head], kLog2e));
    sum = merge(sum, 1.0f);
    factor = merge.ofTotal;
  }
  if (kCoded<KV>) sum = __fmul_rn(sum, kValueUnit);
  return factor;
}

/**
 * A row's output: what was added up, times the factor that joinSink gave, over the sum. A quotient from a rounded reciprocal
 * and its remainder is rounded right (Markstein 1990) while neither is subnormal, in an eighth of a division's instructions.
 */
template <bool BOUNDED>
__device__ __forceinline__ float ended(float value, float factor, float sum) {
  float v = BOUNDED ? __fmul_rn(value, factor) : value;
  float inverse = __frcp_rn(sum);
  float quotient = __fmul_rn(v, inverse);
  return __fmaf_rn(__fmaf_rn(-quotient, sum, v), inverse, quotient);
}

}  // namespace s3

/** Defines entry points for both number types and all head sizes: MACRO(suffix, type, headDim). */
#define S3_FOR_HEADS(MACRO) S3_FOR_HEADS_OF(MACRO, f16, __half) S3_FOR_HEADS_OF(MACRO, bf16, __nv_bfloat16)
#define S3_FOR_HEADS_OF(MACRO, suffix, T)                                                    \
  MACRO(suffix, T, 16) MACRO(suffix, T, 32) MACRO(suffix, T, 64) MACRO(suffix, T, 80)        \
  MACRO(suffix, T, 96) MACRO(suffix, T, 128) MACRO(suffix, T, 256)
