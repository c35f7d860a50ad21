// Attention of one new token a sequence over its paged KV, the positions split among blocks (flash-decoding).
//
//   attention_decode_<type>_d<headDim>, attention_decode_<type>_d<headDim>_bounded
//   attention_decode_<type>_kv8_d<headDim>   KV in 8 bits, BOUNDED
//                                      grid (kvHeads, decodeRows, any), block 128
//
// Block z takes parts of 256 positions z, z + gridDim.z, ... from the first that the row sees, and leaves their results in memory; the last block of a
// row to end adds all parts in order, so that any grid gives the same bits; surplus blocks end at once. Where
// gridDim.z is 1 a block adds its parts in registers. At most 16 query heads a key head. Warps share a unit by
// positions for the scores and by dimensions for the output.
// Partial results: sums [decodeRow][head][maxParts][headDim] of float, states [decodeRow][head][maxParts] of
// (maximum, sum); counters [decodeRow][kvHead] of ended blocks, zero before and after.
// Compile: nvcc -cubin -arch=sm_90a attention_decode.cu
#include "attention.cuh"

namespace s3 {

/** Units in shared memory: the one at work and the next; with more, fewer blocks fit and all took longer. */
constexpr int kDecodeStages = 2;

template <typename T, typename KV, int HD>
struct DecodeMemory {
  KV keys[kDecodeStages][kUnit][kRow<KV, HD>];
  KV values[kDecodeStages][kUnit][kRow<KV, HD>];
  union {
    T q[16][HD + 8];  // until every warp has its fragments
    T probabilities[16][kUnit + 8];
  };
  float maxima[4][16];
  int last;
  int blocks[2][kPart / kBlockTokens];
  UnitScales<KV> scales[kDecodeStages];
};

/** The parts of a row added up in registers, in the order and with the arithmetic of the merge. */
template <int PAIRS>
struct DecodeTotal {
  float maxLow = -INFINITY, maxHigh = -INFINITY, sumLow = 0, sumHigh = 0;
  float out[PAIRS][2][4] = {};

  __device__ __forceinline__ void add(const float (&part)[PAIRS][2][4], float partMaxLow, float partSumLow,
                                      float partMaxHigh, float partSumHigh) {
    Merge low(maxLow, partMaxLow);
    Merge high(maxHigh, partMaxHigh);
    maxLow = low.max;
    maxHigh = high.max;
    sumLow = low(sumLow, partSumLow);
    sumHigh = high(sumHigh, partSumHigh);
#pragma unroll
    for (int k = 0; k < PAIRS; k++) {
#pragma unroll
      for (int t = 0; t < 2; t++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
          out[k][t][j] = j < 2 ? low(out[k][t][j], part[k][t][j]) : high(out[k][t][j], part[k][t][j]);
        }
      }
    }
  }
};

/**
 * The units of 64 positions that one block goes through: those of its parts, one part after the other. The first part of
 * a row with a window may begin within.
 */
struct UnitWalk {
  static constexpr int kUnits = kPart / kUnit;
  int firstPart, step, length;  // length: positions of the sequence
  int units;                    // the walk's end, counted from the start of its first part

  __device__ __forceinline__ UnitWalk(int firstPart, int step, int length)
      : firstPart(firstPart), step(step), length(length) {
    int parts = (length + kPart - 1) / kPart;
    int mine = (parts - 1 - firstPart) / step;  // but the last
    units = mine * kUnits + (present(mine) + kUnit - 1) / kUnit;
  }

  /** The first position of the i-th part. */
  __device__ __forceinline__ int start(int i) const { return (firstPart + i * step) * kPart; }
  /** Positions of the i-th part. */
  __device__ __forceinline__ int present(int i) const { return min(kPart, length - start(i)); }
};

/** Adds all parts of a row and key head in order, if this block is the last of its row to get here. */
template <typename T, typename KV, int HD, bool BOUNDED>
__device__ __forceinline__ void mergeIfLast(const AttentionArgs& a, int& last, int row, int kvHead, int parts,
                                            int blocks, const float* sums, const float2* states, int* counters,
                                            int maxParts) {
  __threadfence();  // this thread's partial results before the count
  __syncthreads();
  if (threadIdx.x == 0) {
    int* counter = counters + blockIdx.y * a.kvHeads + kvHead;
    last = atomicAdd(counter, 1) == blocks - 1;
    if (last) *counter = 0;  // for the next launch
  }
  __syncthreads();
  if (!last) return;
  __threadfence();
  int group = a.heads / a.kvHeads;
  for (int p = threadIdx.x; p < group * (HD / 2); p += 128) {
    int head = kvHead * group + p / (HD / 2);
    int d = p % (HD / 2) * 2;
    size_t at = (static_cast<size_t>(blockIdx.y) * a.heads + head) * maxParts;
    float max = -INFINITY, sum = 0, x = 0, y = 0;
#pragma unroll 4  // loads of four parts travel together
    for (int part = 0; part < parts; part++) {
      float2 state = __ldcg(states + at + part);
      float2 v = __ldcg(reinterpret_cast<const float2*>(sums + (at + part) * HD + d));
      Merge merge(max, state.x);
      max = merge.max;
      sum = merge(sum, state.y);
      x = merge(x, v.x);
      y = merge(y, v.y);
    }
    float factor = joinSink<KV, BOUNDED>(a, head, max, sum);
    *reinterpret_cast<uint32_t*>(static_cast<T*>(a.out) + activationOffset(row, head * HD + d, a.groups)) =
        packed<T>(ended<BOUNDED>(x, factor, sum), ended<BOUNDED>(y, factor, sum));
  }
}

template <typename T, typename KV, int HD, bool BOUNDED>
__device__ void attentionDecode(const AttentionArgs& a, const Batch& batch, const int* rows, float* sums,
                                float2* states, int* counters, int maxParts) {
  constexpr int kPairs = (HD / 16 + 3) / 4;  // pieces of 16 dimensions a warp
  extern __shared__ __align__(128) uint8_t raw[];
  auto& memory = *reinterpret_cast<DecodeMemory<T, KV, HD>*>(raw);
  int kvHead = blockIdx.x;
  int row = rows != nullptr ? rows[blockIdx.y] : blockIdx.y;
  int sequence = batch.sequences[row];
  if (sequence < 0) return;
  int position = batch.positions[row];
  int seen = a.firstSeen<BOUNDED>(position);
  int basePart = seen / kPart;
  int parts = position / kPart + 1 - basePart;
  if (blockIdx.z >= parts) return;
  UnitWalk walk(basePart + blockIdx.z, gridDim.z, position + 1);
  int begin = BOUNDED && blockIdx.z == 0 ? seen % kPart / kUnit : 0;  // the first unit
  int group = a.heads / a.kvHeads;
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  HeadMemory<KV> head(a, kvHead, HD);
  const T* q = static_cast<const T*>(a.q) + static_cast<size_t>(row) * a.qStride + kvHead * group * HD;
  const int* table = batch.tables + batch.tableStarts[sequence];
  auto loadTable = [&](int i) {  // of the i-th part, for the fetches of its units
    int entry = threadIdx.x;
    if (entry < kPart / kBlockTokens && walk.start(i) + entry * kBlockTokens <= position) {
      memory.blocks[i & 1][entry] = table[walk.start(i) / kBlockTokens + entry];
    }
  };
  loadTable(0);
  if (BOUNDED && walk.units > UnitWalk::kUnits) loadTable(1);  // the second unit may be of the next part
  for (int p = threadIdx.x; p < 16 * (HD / 8); p += 128) {
    int r = p / (HD / 8);
    int d = (p % (HD / 8)) * 8;
    uint4 zero = make_uint4(0, 0, 0, 0);
    *reinterpret_cast<uint4*>(&memory.q[r][d]) = r < group ? *reinterpret_cast<const uint4*>(q + r * HD + d) : zero;
  }
  ScoreScale scale(a);
  __syncthreads();
  auto fetch = [&](int v) {
    if (v < walk.units) {
      int i = v / UnitWalk::kUnits;
      int unit = v % UnitWalk::kUnits;
      int stage = v % kDecodeStages;
      fetchUnit<KV, HD, 128>(memory.keys[stage][0], memory.values[stage][0], memory.scales[stage], head,
                             memory.blocks[i & 1] + unit * (kUnit / kBlockTokens),
                             BOUNDED ? seen - walk.start(i) - unit * kUnit : 0, walk.present(i) - unit * kUnit);
    }
    copyCommit();
  };
  RowState low, high;
  float out[kPairs][2][4];
  DecodeTotal<kPairs> total;
#pragma unroll
  for (int stage = 0; stage < kDecodeStages; stage++) fetch(begin + stage);
  uint32_t query[HD / 16][4];
#pragma unroll
  for (int step = 0; step < HD / 16; step++) loadQueries<T, KV, HD>(query[step], memory.q[0], step);
  for (int v = begin; v < walk.units; v++) {
    int i = v / UnitWalk::kUnits;
    int unit = v % UnitWalk::kUnits;
    if (unit == 0 || (BOUNDED && v == begin)) {
      low = RowState();
      high = RowState();
#pragma unroll
      for (int k = 0; k < kPairs; k++) {
#pragma unroll
        for (int j = 0; j < 8; j++) out[k][j / 4][j % 4] = 0;
      }
      if (!BOUNDED || v != begin) loadTable(i + 1);  // the part before is done with this half
    }
    copyWait<kDecodeStages - 1>();
    __syncthreads();
    int stage = v % kDecodeStages;
    float s[2][4] = {};
    scores16<T, KV, HD>(s[0], s[1], query, memory.keys[stage][warp * 16]);
    scaleKeys<KV>(s[0], memory.scales[stage], warp * 16);
    scaleKeys<KV>(s[1], memory.scales[stage], warp * 16 + 8);
    int first = walk.start(i) + unit * kUnit + warp * 16;
    scaleAndMask<BOUNDED>(s[0], a, scale, first, position, position);
    scaleAndMask<BOUNDED>(s[1], a, scale, first + 8, position, position);
    float maxLow = quadMax(fmaxf(fmaxf(s[0][0], s[0][1]), fmaxf(s[1][0], s[1][1])));
    float maxHigh = quadMax(fmaxf(fmaxf(s[0][2], s[0][3]), fmaxf(s[1][2], s[1][3])));
    if ((lane & 3) == 0) {
      memory.maxima[warp][lane / 4] = maxLow;
      memory.maxima[warp][lane / 4 + 8] = maxHigh;
    }
    __syncthreads();
#pragma unroll
    for (int w = 0; w < 4; w++) {
      maxLow = fmaxf(maxLow, memory.maxima[w][lane / 4]);
      maxHigh = fmaxf(maxHigh, memory.maxima[w][lane / 4 + 8]);
    }
    float factorLow = low.raise(maxLow);
    float factorHigh = high.raise(maxHigh);
#pragma unroll
    for (int t = 0; t < 2; t++) {
      T* p = &memory.probabilities[lane / 4][warp * 16 + t * 8 + (lane & 3) * 2];
      *reinterpret_cast<uint32_t*>(p) = packed<T>(low.probability(s[t][0]), low.probability(s[t][1]));
      *reinterpret_cast<uint32_t*>(p + 8 * (kUnit + 8)) =
          packed<T>(high.probability(s[t][2]), high.probability(s[t][3]));
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kPairs; k++) {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        float factor = j < 2 ? factorLow : factorHigh;
        out[k][0][j] = __fmul_rn(out[k][0][j], factor);
        out[k][1][j] = __fmul_rn(out[k][1][j], factor);
      }
    }
#pragma unroll
    for (int step = 0; step < kUnit / 16; step++) {
      uint32_t p[4];
      loadMatrix4(p, &memory.probabilities[lane & 15][step * 16 + (lane >> 4) * 8]);
      addToSums<T>(low, high, p);
      scaleValues<T, KV>(p, memory.scales[stage], step * 16);
#pragma unroll
      for (int k = 0; k < kPairs; k++) {
        int d = (warp + 4 * k) * 16;
        if (d < HD) addValues16<T, KV, HD>(out[k][0], out[k][1], p, &memory.values[stage][step * 16][d]);
      }
    }
    __syncthreads();
    fetch(v + kDecodeStages);
    if (unit < UnitWalk::kUnits - 1 && v < walk.units - 1) continue;
    float sumLow = quadSum(low.sum);
    float sumHigh = quadSum(high.sum);
    if (gridDim.z == 1) {
      total.add(out, low.max, sumLow, high.max, sumHigh);
      continue;
    }
    int part = blockIdx.z + i * gridDim.z;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int r = lane / 4 + half * 8;
      if (r >= group) continue;
      size_t at = (static_cast<size_t>(blockIdx.y) * a.heads + kvHead * group + r) * maxParts + part;
      if (threadIdx.x < 32 && (lane & 3) == 0) {
        states[at] = half == 0 ? make_float2(low.max, sumLow) : make_float2(high.max, sumHigh);
      }
#pragma unroll
      for (int k = 0; k < kPairs; k++) {
#pragma unroll
        for (int t = 0; t < 2; t++) {
          OutputPair<KV> pair(t, half);
          int d = (warp + 4 * k) * 16 + pair.dimension;
          if (d < HD) {
            *reinterpret_cast<float2*>(sums + at * HD + d) =
                make_float2(out[k][pair.firstOf][pair.firstAt], out[k][pair.secondOf][pair.secondAt]);
          }
        }
      }
    }
  }
  if (gridDim.z > 1) {
    int blocks = min(static_cast<int>(gridDim.z), parts);
    mergeIfLast<T, KV, HD, BOUNDED>(a, memory.last, row, kvHead, parts, blocks, sums, states, counters, maxParts);
    return;
  }
  T* result = static_cast<T*>(a.out);
#pragma unroll
  for (int half = 0; half < 2; half++) {
    int r = lane / 4 + half * 8;
    if (r >= group) continue;
    float sum = half == 0 ? total.sumLow : total.sumHigh;
    float factor = joinSink<KV, BOUNDED>(a, kvHead * group + r, half == 0 ? total.maxLow : total.maxHigh, sum);
#pragma unroll
    for (int k = 0; k < kPairs; k++) {
#pragma unroll
      for (int t = 0; t < 2; t++) {
        OutputPair<KV> pair(t, half);
        int d = (warp + 4 * k) * 16 + pair.dimension;
        if (d < HD) {
          *reinterpret_cast<uint32_t*>(result + activationOffset(row, (kvHead * group + r) * HD + d, a.groups)) =
              packed<T>(ended<BOUNDED>(total.out[k][pair.firstOf][pair.firstAt], factor, sum),
                        ended<BOUNDED>(total.out[k][pair.secondOf][pair.secondAt], factor, sum));
        }
      }
    }
  }
}

}  // namespace s3

#define S3_DECODE(suffix, T, KV, HD, end, BOUNDED)                                                      \
  extern "C" __global__ void __launch_bounds__(128) attention_decode_##suffix##_d##HD##end(             \
      const T* q, const KV* pool, const int* positions, const int* sequences, const int* tableStarts,    \
      const int* tables, const int* rows, float* sums, float2* states, int* counters, T* out,           \
      int qStride, int groups, int layer, int layers, int heads, int kvHeads, int maxParts,             \
      float scale, float cap, int window, const float* sinks) {                                         \
    s3::AttentionArgs a{q,      pool,    out,   qStride, groups, layer, layers,                         \
                        heads,  kvHeads, scale, cap,     window, sinks};                                \
    s3::attentionDecode<T, KV, HD, BOUNDED>(a, {positions, sequences, tableStarts, tables}, rows, sums, \
                                            states, counters, maxParts);                                \
  }
#define S3_DECODES(suffix, T, HD)                 \
  S3_DECODE(suffix, T, T, HD, , false)            \
  S3_DECODE(suffix, T, T, HD, _bounded, true)     \
  S3_DECODE(suffix##_kv8, T, int8_t, HD, , true)
S3_FOR_HEADS(S3_DECODES)
