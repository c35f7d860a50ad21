// Causal attention of a chunk of new tokens over a sequence's paged KV, on tensor cores.
//
//   attention_prefill_<type>_d<headDim>, attention_prefill_<type>_d<headDim>_bounded
//   attention_prefill_<type>_kv8_d<headDim>   KV in 8 bits, BOUNDED
//                                       grid (any, kvHeads, chunks), block 128
//
// A chunk is rowCounts[c] rows from firstRows[c] on: consecutive positions of one sequence whose keys and values are
// already in the pool. A warp takes 16 packed rows (query * group + head) and walks their positions as attention.cuh
// says, so that a row gets the bits that attention_decode gives. Blocks stride over
// the chunk's tiles, long rows first. Compile: nvcc -cubin -arch=sm_90a attention_prefill.cu
#include "attention.cuh"

namespace s3 {

template <typename T, int HD>
struct PrefillShape {
  static constexpr int kWarps = 4;
  static constexpr int kThreads = kWarps * 32;
  static constexpr int kRows = kWarps * 16;
  static constexpr int kStages = HD > 128 ? 1 : 2;
  /** Whether a warp holds its queries in registers. */
  static constexpr bool kHeld = HD <= 128;
  static constexpr int kSteps = HD / 16;
};

template <typename T, typename KV, int HD>
struct PrefillMemory {
  using Shape = PrefillShape<T, HD>;
  KV keys[Shape::kStages][kUnit][kRow<KV, HD>];
  KV values[Shape::kStages][kUnit][kRow<KV, HD>];
  /** Each thread's merged output, which its registers have no room for. */
  float totals[HD / 2][Shape::kThreads];
  T separateQueries[Shape::kHeld ? 1 : Shape::kRows][HD + 8];
  UnitScales<KV> scales[Shape::kStages];

  /** The queries; where registers hold them later, the totals take their place. */
  __device__ __forceinline__ T* queries() {
    return Shape::kHeld ? reinterpret_cast<T*>(totals) : separateQueries[0];
  }
};

/** A warp's work on one unit: scores, new maximum, probabilities, output. q are its queries in shared memory. */
template <typename T, typename KV, int HD, bool BOUNDED>
__device__ __forceinline__ void prefillUnit(const T* q, const uint32_t (*held)[4], const KV* keys, const KV* values,
                                            const UnitScales<KV>& scales, const AttentionArgs& a, ScoreScale scale,
                                            int unitStart, int lastLow,
                                            int lastHigh, bool masked, RowState& low, RowState& high, float (&out)[HD / 8][4]) {
  float s[kUnit / 8][4] = {};
#pragma unroll
  for (int step = 0; step < HD / 16; step++) {
    uint32_t left[4];
    if constexpr (PrefillShape<T, HD>::kHeld) {
#pragma unroll
      for (int i = 0; i < 4; i++) left[i] = held[step][i];
    } else {
      loadQueries<T, KV, HD>(left, q, step);
    }
#pragma unroll
    for (int t = 0; t < kUnit / 16; t++) {
      uint32_t right[4];
      keys16<T, KV, HD>(right, keys + t * 16 * kRow<KV, HD>, step);
      multiplyAdd<T>(s[2 * t], left, right[0], right[1]);
      multiplyAdd<T>(s[2 * t + 1], left, right[2], right[3]);
    }
  }
  float maxLow = -INFINITY, maxHigh = -INFINITY;
#pragma unroll
  for (int t = 0; t < kUnit / 8; t++) {
    scaleKeys<KV>(s[t], scales, t * 8);
    if (masked) {
      scaleAndMask<BOUNDED>(s[t], a, scale, unitStart + t * 8, lastLow, lastHigh);
    } else {
#pragma unroll
      for (int i = 0; i < 4; i++) s[t][i] = scale.of<BOUNDED>(s[t][i]);
    }
    maxLow = fmaxf(maxLow, fmaxf(s[t][0], s[t][1]));
    maxHigh = fmaxf(maxHigh, fmaxf(s[t][2], s[t][3]));
  }
  float factorLow = low.raise(quadMax(maxLow));
  float factorHigh = high.raise(quadMax(maxHigh));
  if (__any_sync(0xffffffffu, factorLow != 1.0f || factorHigh != 1.0f)) {  // times one changes no bit
#pragma unroll
    for (int i = 0; i < HD / 8; i++) {
#pragma unroll
      for (int j = 0; j < 4; j++) out[i][j] = __fmul_rn(out[i][j], j < 2 ? factorLow : factorHigh);
    }
  }
#pragma unroll
  for (int step = 0; step < kUnit / 16; step++) {
    uint32_t p[4];
#pragma unroll
    for (int t = 0; t < 2; t++) {
      const float(&own)[4] = s[2 * step + t];
      p[2 * t] = packed<T>(low.probability(own[0]), low.probability(own[1]));
      p[2 * t + 1] = packed<T>(high.probability(own[2]), high.probability(own[3]));
    }
    addToSums<T>(low, high, p);
    scaleValues<T, KV>(p, scales, step * 16);
#pragma unroll
    for (int i = 0; i < HD / 16; i++) {
      addValues16<T, KV, HD>(out[2 * i], out[2 * i + 1], p, values + step * 16 * kRow<KV, HD> + i * 16);
    }
  }
}

/** One row's merged maximum and sum. */
struct RowTotal {
  float max = -INFINITY;
  float sum = 0;
};

/** Adds a finished part to the totals and clears it. */
template <int HD, int THREADS>
__device__ __forceinline__ void mergePart(RowState (&state)[2], RowTotal (&total)[2], float (&out)[HD / 8][4],
                                          float (*totals)[THREADS]) {
  Merge merges[2] = {Merge(total[0].max, state[0].max), Merge(total[1].max, state[1].max)};
#pragma unroll
  for (int h = 0; h < 2; h++) {
    total[h].max = merges[h].max;
    total[h].sum = merges[h](total[h].sum, quadSum(state[h].sum));
    state[h] = RowState();
  }
#pragma unroll
  for (int i = 0; i < HD / 8; i++) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
      float& sum = totals[i * 4 + j][threadIdx.x];
      sum = merges[j / 2](sum, out[i][j]);
      out[i][j] = 0;
    }
  }
}

template <typename T, typename KV, int HD, bool BOUNDED>
__device__ void attentionPrefill(const AttentionArgs& a, const Batch& batch, const int* firstRows,
                                 const int* rowCounts) {
  using Shape = PrefillShape<T, HD>;
  extern __shared__ __align__(128) uint8_t raw[];
  auto& memory = *reinterpret_cast<PrefillMemory<T, KV, HD>*>(raw);
  int firstRow = firstRows[blockIdx.z];
  int group = a.heads / a.kvHeads;
  int packedRows = rowCounts[blockIdx.z] * group;
  int tiles = (packedRows + Shape::kRows - 1) / Shape::kRows;
  if (blockIdx.x >= tiles) return;
  int kvHead = blockIdx.y;
  int firstPosition = batch.positions[firstRow];
  const int* table = batch.tables + batch.tableStarts[batch.sequences[firstRow]];
  HeadMemory<KV> head(a, kvHead, HD);
  ScoreScale scale(a);
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  T* queries = memory.queries();
  const T* warpQueries = queries + warp * 16 * (HD + 8);

  for (int tile = tiles - 1 - blockIdx.x; tile >= 0; tile -= gridDim.x) {
    int tileRow = tile * Shape::kRows;
    int last = min(tileRow + Shape::kRows, packedRows) - 1;
    int end = firstPosition + last / group + 1;
    int seen = a.firstSeen<BOUNDED>(firstPosition + tileRow / group);  // by the tile's first row
    int begin = seen / kUnit;
    __syncthreads();  // the tile before is done with shared memory
    for (int p = threadIdx.x; p < Shape::kRows * (HD / 8); p += Shape::kThreads) {
      int r = p / (HD / 8);
      int d = (p % (HD / 8)) * 8;
      int packedRow = min(tileRow + r, last);
      size_t row = firstRow + packedRow / group;
      const T* q = static_cast<const T*>(a.q) + row * a.qStride + (kvHead * group + packedRow % group) * HD;
      copyAsync(queries + r * (HD + 8) + d, q + d, true);
    }
    copyCommit();
    // Block numbers are read one unit ahead, or every fetch would wait for them.
    int blocks[kUnit / kBlockTokens];
    auto readBlocks = [&](int unit) {
#pragma unroll
      for (int b = 0; b < kUnit / kBlockTokens; b++) {
        int index = unit * (kUnit / kBlockTokens) + b;
        blocks[b] = index * kBlockTokens < end ? table[index] : 0;
      }
    };
    auto fetch = [&](int unit) {
      int stage = unit % Shape::kStages;
      fetchUnit<KV, HD, Shape::kThreads>(memory.keys[stage][0], memory.values[stage][0], memory.scales[stage], head,
                                         blocks, BOUNDED ? seen - unit * kUnit : 0, end - unit * kUnit);
      copyCommit();
      readBlocks(unit + 1);
    };
    readBlocks(begin);
    int own[2] = {tileRow + warp * 16 + lane / 4, tileRow + warp * 16 + lane / 4 + 8};
    int lastLow = own[0] <= last ? firstPosition + own[0] / group : -1;
    int lastHigh = own[1] <= last ? firstPosition + own[1] / group : -1;
    int warpRow = tileRow + warp * 16;
    int warpEnd = warpRow <= last ? firstPosition + min(warpRow + 15, last) / group + 1 : 0;
    RowState state[2];
    RowTotal total[2];
    float out[HD / 8][4] = {};
    int units = (end + kUnit - 1) / kUnit;
    uint32_t held[Shape::kHeld ? Shape::kSteps : 1][4];
    if (Shape::kHeld) {
      copyWait<0>();
      __syncthreads();
#pragma unroll
      for (int step = 0; step < Shape::kSteps; step++) {
        loadQueries<T, KV, HD>(held[Shape::kHeld ? step : 0], warpQueries, step);
      }
      __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < HD / 2; i++) memory.totals[i][threadIdx.x] = 0;
    // Positions below this one are visible to every row of the warp.
    int warpFirst = warpRow + 15 <= last ? firstPosition + warpRow / group + 1 : 0;
    // And positions before this one to none of them; from warpSeen on, none is before the window of any.
    int warpBegin = a.firstSeen<BOUNDED>(firstPosition + warpRow / group);
    int warpSeen = a.firstSeen<BOUNDED>(warpEnd - 1);
    if (Shape::kStages > 1) fetch(begin);
    for (int unit = begin; unit < units; unit++) {
      if (Shape::kStages == 1) {
        __syncthreads();
        fetch(unit);
      }
      copyWait<0>();
      __syncthreads();
      if (Shape::kStages > 1 && unit + 1 < units) fetch(unit + 1);
      if (unit * kUnit < warpEnd && (!BOUNDED || (unit + 1) * kUnit > warpBegin)) {
        int stage = unit % Shape::kStages;
        bool masked = (unit + 1) * kUnit > warpFirst || (BOUNDED && unit * kUnit < warpSeen);
        prefillUnit<T, KV, HD, BOUNDED>(warpQueries, held, memory.keys[stage][0], memory.values[stage][0],
                                        memory.scales[stage], a, scale, unit * kUnit, lastLow, lastHigh, masked,
                                        state[0], state[1], out);
      }
      if ((unit + 1) % (kPart / kUnit) == 0 || unit + 1 == units) {
        mergePart<HD, Shape::kThreads>(state, total, out, memory.totals);
      }
    }
#pragma unroll
    for (int h = 0; h < 2; h++) {
      if (own[h] > last) continue;
      int row = firstRow + own[h] / group;
      int column = (kvHead * group + own[h] % group) * HD;
      float factor = joinSink<KV, BOUNDED>(a, kvHead * group + own[h] % group, total[h].max, total[h].sum);
#pragma unroll
      for (int i = 0; i < HD / 8; i++) {
        OutputPair<KV> pair(i & 1, h);
        float x = memory.totals[((i & ~1) + pair.firstOf) * 4 + pair.firstAt][threadIdx.x];
        float y = memory.totals[((i & ~1) + pair.secondOf) * 4 + pair.secondAt][threadIdx.x];
        int d = i / 2 * 16 + pair.dimension;
        *reinterpret_cast<uint32_t*>(static_cast<T*>(a.out) + activationOffset(row, column + d, a.groups)) =
            packed<T>(ended<BOUNDED>(x, factor, total[h].sum), ended<BOUNDED>(y, factor, total[h].sum));
      }
    }
  }
}

}  // namespace s3

#define S3_PREFILL(suffix, T, KV, HD, end, BOUNDED)                                                     \
  extern "C" __global__ void __launch_bounds__(s3::PrefillShape<T, HD>::kThreads)                       \
      attention_prefill_##suffix##_d##HD##end(                                                          \
          const T* q, const KV* pool, const int* positions, const int* sequences,                       \
          const int* tableStarts, const int* tables, const int* firstRows, const int* rowCounts,        \
          T* out, int qStride, int groups, int layer, int layers, int heads, int kvHeads,               \
          float scale, float cap, int window, const float* sinks) {                                     \
    s3::AttentionArgs a{q,      pool,    out,   qStride, groups, layer, layers,                         \
                        heads,  kvHeads, scale, cap,     window, sinks};                                \
    s3::attentionPrefill<T, KV, HD, BOUNDED>(a, {positions, sequences, tableStarts, tables}, firstRows, \
                                             rowCounts);                                                \
  }
#define S3_PREFILLS(suffix, T, HD)                 \
  S3_PREFILL(suffix, T, T, HD, , false)            \
  S3_PREFILL(suffix, T, T, HD, _bounded, true)     \
  S3_PREFILL(suffix##_kv8, T, int8_t, HD, , true)
S3_FOR_HEADS(S3_PREFILLS)
