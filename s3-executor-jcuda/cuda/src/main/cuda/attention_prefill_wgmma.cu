// Causal attention of a chunk of new tokens over a sequence's paged KV, on Hopper's tensor cores (sm_90a).
//
//   attention_prefill_<type>_d<64, 128>_wgmma, attention_prefill_<type>_d<64, 128>_bounded_wgmma
//                                       grid (any, 1, chunks), block 384
//
// The job, the arguments and the bits of attention_prefill.cu. A tile is 128 packed rows, 64 for each of two warpgroups that
// multiply; a warpgroup asks for the scores of the next unit before it multiplies the probabilities of this one, and works on
// those scores meanwhile. Each of four warps copies every fourth unit, on from tile to tile: 16 bytes at a time, since the
// slots of the pool are rows without the swizzle that wgmma reads. Compile: nvcc -cubin -arch=sm_90a attention_prefill_wgmma.cu
#include "attention.cuh"
#include "hopper.cuh"

namespace s3 {

template <typename T, int HD>
struct WidePrefill {
  static constexpr int kThreads = 384;
  static constexpr int kGroupRows = 64;
  static constexpr int kRows = 2 * kGroupRows;
  static constexpr int kStages = 4;
  /** Columns in pieces of 64, 128 bytes a row, [piece][row][64]. */
  static constexpr int kPieces = HD / 64;
  static constexpr int kPieceBytes = kUnit * 128;
  static constexpr int kSideBytes = kPieces * kPieceBytes;  // keys or values of a unit, or the queries of a warpgroup
  static constexpr int kStageBytes = 2 * kSideBytes;
  static constexpr int kQueryBytes = 2 * kSideBytes;
  static_assert(kUnit == kGroupRows, "queries and keys have one layout");
};

#ifdef S3_HOPPER

/** Makes what this thread has written to shared memory visible to wgmma. */
__device__ __forceinline__ void fenceForWgmma() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

/** Where 16 bytes of a row lie in a side: eight columns from column * 8 on. */
template <int HD>
__device__ __forceinline__ uint32_t sideOffset(int row, int column) {
  return (column / 8) * (kUnit * 128) + row * 128 + (((column % 8) ^ (row % 8)) << 4);
}

/** A block's tile: which rows it has and which positions they see. */
struct PrefillTile {
  int firstRow, group, packedRows, firstPosition, tiles, kvHeads;
  int kvHead, tileRow, last, end, seen;

  /**
   * Takes the tile of a round; false where there is none. Long tiles come first, and every other round goes backwards, so that
   * blocks have about the same work.
   */
  template <bool BOUNDED, int ROWS>
  __device__ __forceinline__ bool take(const AttentionArgs& a, int round) {
    int index = round * gridDim.x + ((round & 1) != 0 ? gridDim.x - 1 - blockIdx.x : blockIdx.x);
    if (index >= tiles * kvHeads) return false;
    kvHead = index % kvHeads;
    tileRow = (tiles - 1 - index / kvHeads) * ROWS;
    last = min(tileRow + ROWS, packedRows) - 1;
    end = firstPosition + last / group + 1;
    seen = a.firstSeen<BOUNDED>(firstPosition + tileRow / group);
    return true;
  }
  __device__ __forceinline__ int rounds() const { return (tiles * kvHeads + gridDim.x - 1) / gridDim.x; }
  __device__ __forceinline__ int firstUnit() const { return seen / kUnit; }
  __device__ __forceinline__ int units() const { return (end + kUnit - 1) / kUnit; }
};

/** Copies a unit to a stage, by one warp; positions that no row of the tile sees become zero. */
template <typename T, int HD, bool WHOLE>
__device__ __forceinline__ void copyUnit(const PrefillTile& tile, const HeadMemory<T>& head, int unit, int ownBlock,
                                         uint32_t stage) {
  int lane = threadIdx.x & 31;
#pragma unroll 1
  for (int b = 0; b < kUnit / kBlockTokens; b++) {
    int block = __shfl_sync(0xffffffffu, ownBlock, b);
    const T* from = head.keys + static_cast<size_t>(static_cast<unsigned>(block)) * head.blockStride + lane * 8;
    uint32_t to = stage + b * kBlockTokens * 128;
#pragma unroll
    for (int start = 0; start < kBlockTokens * HD / 8; start += 32) {
      int row = (start + lane) / (HD / 8);
      int position = unit * kUnit + b * kBlockTokens + row;
      bool there = WHOLE || (position < tile.end && position >= tile.seen);
      uint32_t at = to + sideOffset<HD>(row, (start + lane) % (HD / 8));
      copyAsync(at, from + start * 8, there);
      copyAsync(at + WidePrefill<T, HD>::kSideBytes, from + head.valuesOffset + start * 8, there);
    }
  }
}

/** A warp's copies for a tile: every fourth unit, all by itself. turn counts units since the block's start. */
template <typename T, int HD>
__device__ __forceinline__ void copyUnits(const PrefillTile& tile, const HeadMemory<T>& head, const int* table,
                                          uint32_t stages, uint32_t full, uint32_t empty, int warp, int& turn) {
  using Shape = WidePrefill<T, HD>;
  int lane = threadIdx.x & 31;
  for (int unit = tile.firstUnit(); unit < tile.units(); unit++, turn++) {
    if (turn % Shape::kStages != warp) continue;
    int index = unit * (kUnit / kBlockTokens) + (lane & 3);
    int ownBlock = index * kBlockTokens < tile.end ? table[index] : 0;
    barrierWait(empty + warp * 8, ((turn / Shape::kStages) & 1) ^ 1);
    uint32_t stage = stages + warp * Shape::kStageBytes;
    if (unit * kUnit >= tile.seen && (unit + 1) * kUnit <= tile.end) {
      copyUnit<T, HD, true>(tile, head, unit, ownBlock, stage);
    } else {
      copyUnit<T, HD, false>(tile, head, unit, ownBlock, stage);
    }
    copyCommit();
    copyWait<0>();
    fenceForWgmma();
    __syncwarp();
    if (lane == 0) barrierArrive(full + warp * 8);
  }
}

/** Asks for the scores of 64 rows with a unit's positions. */
template <typename T, int HD>
__device__ __forceinline__ void askScores(float (&s)[kUnit / 2], uint32_t queries, uint32_t keys) {
  uint64_t left = matrixDescriptor(queries);
  uint64_t right = matrixDescriptor(keys);
  wgmmaFence();
#pragma unroll
  for (int step = 0; step < HD / 16; step++) {
    int at = step / 4 * (WidePrefill<T, HD>::kPieceBytes >> 4) + step % 4 * 2;
    Wgmma<T, kUnit>::multiply(s, left + at, right + at, step > 0);
  }
  wgmmaCommit();
}

/** Asks for the sum of out and the probabilities times a unit's values. */
template <typename T, int HD>
__device__ __forceinline__ void askOutput(float (&out)[HD / 2], const uint32_t (&p)[kUnit / 16][4], uint32_t values) {
  uint64_t right = transposedDescriptor(values, WidePrefill<T, HD>::kPieceBytes);
#pragma unroll
  for (int step = 0; step < kUnit / 16; step++) {
    WgmmaTransposed<T, HD>::multiply(out, p[step], right + step * (16 * 128 >> 4), 1);
  }
  wgmmaCommit();
}

/** What a thread knows of its two rows. */
struct RowPair {
  int lastLow, lastHigh;          // the last position that each sees; -1 for a row that is not there
  int allSeenBefore, windowFrom;  // of the warp's rows: units before the one and from the other on need no mask
};

/** A unit's scores become probabilities, rounded to T; returns the factors of what was summed up before. */
template <typename T, bool BOUNDED>
__device__ __forceinline__ float2 weigh(float (&s)[kUnit / 2], const AttentionArgs& a, ScoreScale scale, int unit,
                                        const RowPair& rows, RowState (&state)[2]) {
  bool masked = (unit + 1) * kUnit > rows.allSeenBefore || (BOUNDED && unit * kUnit < rows.windowFrom);
  // As ScoreScale and scaleAndMask do it, but one choice for all scores.
#pragma unroll
  for (int i = 0; i < kUnit / 2; i++) s[i] = __fmul_rn(s[i], scale.inner);
  if (BOUNDED && scale.outer > 0) {
#pragma unroll
    for (int i = 0; i < kUnit / 2; i++) s[i] = __fmul_rn(scale.outer, tanhFast(s[i]));
  }
  if (masked) {
    int first = unit * kUnit + (threadIdx.x & 3) * 2;
#pragma unroll
    for (int i = 0; i < kUnit / 2; i++) {
      int last = (i & 2) == 0 ? rows.lastLow : rows.lastHigh;
      s[i] = a.sees<BOUNDED>(first + i / 4 * 8 + (i & 1), last) ? s[i] : -INFINITY;
    }
  }
  float maxLow = -INFINITY, maxHigh = -INFINITY;
#pragma unroll
  for (int t = 0; t < kUnit / 8; t++) {
    maxLow = fmaxf(maxLow, fmaxf(s[t * 4], s[t * 4 + 1]));
    maxHigh = fmaxf(maxHigh, fmaxf(s[t * 4 + 2], s[t * 4 + 3]));
  }
  float2 factors;
  factors.x = state[0].raise(quadMax(maxLow));
  factors.y = state[1].raise(quadMax(maxHigh));
#pragma unroll
  for (int i = 0; i < kUnit / 2; i += 2) {
    int h = (i >> 1) & 1;
    float2 both = unpacked<T>(packed<T>(state[h].probability(s[i]), state[h].probability(s[i + 1])));
    state[h].sum = __fadd_rn(__fadd_rn(state[h].sum, both.x), both.y);
    s[i] = both.x;
    s[i + 1] = both.y;
  }
  return factors;
}

/** Probabilities as the left operand of a product; exact. */
template <typename T>
__device__ __forceinline__ void pack(const float (&s)[kUnit / 2], uint32_t (&p)[kUnit / 16][4]) {
#pragma unroll
  for (int i = 0; i < kUnit / 4; i++) p[i / 4][i % 4] = packed<T>(s[2 * i], s[2 * i + 1]);
}

/** A thread's merged parts: their maximum, sum and output. */
template <int HD>
struct PrefillTotal {
  float max[2] = {-INFINITY, -INFINITY};
  float sum[2] = {};
  float out[HD / 2] = {};

  /** Adds a finished part and clears its output. */
  __device__ __forceinline__ void add(const RowState (&state)[2], float (&part)[HD / 2]) {
    Merge merges[2] = {Merge(max[0], state[0].max), Merge(max[1], state[1].max)};
#pragma unroll
    for (int h = 0; h < 2; h++) {
      max[h] = merges[h].max;
      sum[h] = merges[h](sum[h], quadSum(state[h].sum));
    }
#pragma unroll
    for (int i = 0; i < HD / 2; i++) {
      out[i] = merges[(i >> 1) & 1](out[i], part[i]);
      part[i] = 0;
    }
  }
};

/** A warpgroup's 64 rows of a tile. */
template <typename T, int HD, bool BOUNDED>
__device__ __forceinline__ void attendWide(const AttentionArgs& a, const PrefillTile& tile, uint32_t queries,
                                           uint32_t stages, uint32_t full, uint32_t empty, int& turn) {
  using Shape = WidePrefill<T, HD>;
  int warpGroup = __shfl_sync(0xffffffffu, threadIdx.x >> 7, 0);  // tells the compiler that a warp takes one way
  int warp = (threadIdx.x >> 5) & 3;
  int lane = threadIdx.x & 31;
  int groupRow = tile.tileRow + warpGroup * Shape::kGroupRows;
  int groupEnd = groupRow <= tile.last ? tile.firstPosition + min(groupRow + Shape::kGroupRows - 1, tile.last) / tile.group + 1 : 0;
  int own[2] = {groupRow + warp * 16 + lane / 4, groupRow + warp * 16 + lane / 4 + 8};
  int warpRow = groupRow + warp * 16;
  RowPair rows;
  rows.lastLow = own[0] <= tile.last ? tile.firstPosition + own[0] / tile.group : -1;
  rows.lastHigh = own[1] <= tile.last ? tile.firstPosition + own[1] / tile.group : -1;
  rows.allSeenBefore = warpRow + 15 <= tile.last ? tile.firstPosition + warpRow / tile.group + 1 : 0;
  int warpEnd = warpRow <= tile.last ? tile.firstPosition + min(warpRow + 15, tile.last) / tile.group + 1 : 0;
  rows.windowFrom = a.firstSeen<BOUNDED>(warpEnd - 1);
  ScoreScale scale(a);

  auto meet = [&] { asm volatile("bar.sync %0, 128;" ::"r"(1 + warpGroup) : "memory"); };
  meet();  // the tile before is done with the queries
  uint32_t ownQueries = queries + warpGroup * Shape::kSideBytes;
  for (int p = threadIdx.x & 127; p < Shape::kGroupRows * (HD / 8); p += 128) {
    int packedRow = min(groupRow + p / (HD / 8), tile.last);
    size_t row = tile.firstRow + packedRow / tile.group;
    const T* q = static_cast<const T*>(a.q) + row * a.qStride + (tile.kvHead * tile.group + packedRow % tile.group) * HD;
    copyAsync(ownQueries + sideOffset<HD>(p / (HD / 8), p % (HD / 8)), q + p % (HD / 8) * 8, true);
  }
  copyCommit();
  copyWait<0>();
  fenceForWgmma();
  meet();

  auto stageOf = [&](int t) { return stages + t % Shape::kStages * Shape::kStageBytes; };
  auto awaitUnit = [&](int t, int other = 0) {
    barrierWait(full + t % Shape::kStages * 8, ((t / Shape::kStages) & 1) ^ other);
  };
  auto release = [&](int t) {
    if (lane == 0) barrierArrive(empty + t % Shape::kStages * 8);
  };
  int begin = tile.firstUnit();
  int units = min(tile.units(), (groupEnd + kUnit - 1) / kUnit);
  if (units > begin) {
    float s[kUnit / 2];
    float out[HD / 2];
    uint32_t p[kUnit / 16][4];
    RowState state[2];
    PrefillTotal<HD> total;
#pragma unroll
    for (int i = 0; i < HD / 2; i++) out[i] = 0;
    awaitUnit(turn);
    askScores<T, HD>(s, ownQueries, stageOf(turn));
    wgmmaWait<0>();
    weigh<T, BOUNDED>(s, a, scale, begin, rows, state);
    pack<T>(s, p);
    for (int unit = begin; unit + 1 < units; unit++, turn++) {
      awaitUnit(turn + 1);
      askScores<T, HD>(s, ownQueries, stageOf(turn + 1));
      askOutput<T, HD>(out, p, stageOf(turn) + Shape::kSideBytes);
      wgmmaWait<1>();
      bool ended = (unit + 1) % (kPart / kUnit) == 0;
      RowState before[2] = {state[0], state[1]};
      if (ended) state[0] = state[1] = RowState();
      float2 factors = weigh<T, BOUNDED>(s, a, scale, unit + 1, rows, state);
      // Long true, and no sum is negative: the assembler would put the next wait before the work that is to hide it.
      awaitUnit(turn + 1, fminf(state[0].sum, state[1].sum) < 0);
      wgmmaWait<0>();
      release(turn);
      if (ended) {
        total.add(before, out);
      } else if (__any_sync(0xffffffffu, factors.x != 1.0f || factors.y != 1.0f)) {  // times one changes no bit
#pragma unroll
        for (int i = 0; i < HD / 2; i++) out[i] = __fmul_rn(out[i], (i >> 1) & 1 ? factors.y : factors.x);
      }
      pack<T>(s, p);
    }
    wgmmaFence();
    askOutput<T, HD>(out, p, stageOf(turn) + Shape::kSideBytes);
    wgmmaWait<0>();
    release(turn);
    turn++;
    total.add(state, out);
#pragma unroll
    for (int h = 0; h < 2; h++) {
      if (own[h] > tile.last) continue;
      int row = tile.firstRow + own[h] / tile.group;
      int head = tile.kvHead * tile.group + own[h] % tile.group;
      float factor = joinSink<T, BOUNDED>(a, head, total.max[h], total.sum[h]);
#pragma unroll
      for (int i = 0; i < HD / 8; i++) {
        float x = total.out[i * 4 + h * 2];
        float y = total.out[i * 4 + h * 2 + 1];
        *reinterpret_cast<uint32_t*>(static_cast<T*>(a.out) + activationOffset(row, head * HD + i * 8 + (lane & 3) * 2, a.groups)) =
            packed<T>(ended<BOUNDED>(x, factor, total.sum[h]), ended<BOUNDED>(y, factor, total.sum[h]));
      }
    }
  }
  for (int unit = max(begin, units); unit < tile.units(); unit++, turn++) {  // those that only the other warpgroup's rows see
    awaitUnit(turn);
    release(turn);
  }
}

template <typename T, int HD, bool BOUNDED>
__device__ __forceinline__ void attentionPrefillWide(const AttentionArgs& a, const Batch& batch, const int* firstRows,
                                                     const int* rowCounts) {
  using Shape = WidePrefill<T, HD>;
  extern __shared__ uint8_t raw[];
  uint32_t queries = (sharedAddress(raw) + 1023) & ~1023u;
  uint32_t stages = queries + Shape::kQueryBytes;
  uint32_t full = stages + Shape::kStages * Shape::kStageBytes;
  uint32_t empty = full + Shape::kStages * 8;
  PrefillTile tile;
  tile.firstRow = firstRows[blockIdx.z];
  tile.group = a.heads / a.kvHeads;
  tile.packedRows = rowCounts[blockIdx.z] * tile.group;
  tile.firstPosition = batch.positions[tile.firstRow];
  tile.tiles = (tile.packedRows + Shape::kRows - 1) / Shape::kRows;
  tile.kvHeads = a.kvHeads;
  if (threadIdx.x == 0) {
    for (int s = 0; s < Shape::kStages; s++) {
      barrierInit(full + s * 8, 1);
      barrierInit(empty + s * 8, 8);
    }
    barrierInitFence();
  }
  __syncthreads();
  int turn = 0;
  if (threadIdx.x >= 256) {
    leaveRegisters<56>();
    const int* table = batch.tables + batch.tableStarts[batch.sequences[tile.firstRow]];
    for (int round = 0; round < tile.rounds(); round++) {
      if (!tile.take<BOUNDED, Shape::kRows>(a, round)) break;
      copyUnits<T, HD>(tile, HeadMemory<T>(a, tile.kvHead, HD), table, stages, full, empty, (threadIdx.x >> 5) - 8, turn);
    }
  } else {
    takeRegisters<224>();
    for (int round = 0; round < tile.rounds(); round++) {
      if (!tile.take<BOUNDED, Shape::kRows>(a, round)) break;
      attendWide<T, HD, BOUNDED>(a, tile, queries, stages, full, empty, turn);
    }
  }
}

#else

template <typename T, int HD, bool BOUNDED>
__device__ __forceinline__ void attentionPrefillWide(const AttentionArgs&, const Batch&, const int*, const int*) {}

#endif

}  // namespace s3

#define S3_PREFILL_WGMMA(suffix, T, HD, end, BOUNDED)                                                        \
  extern "C" __global__ void __launch_bounds__(384, 1) attention_prefill_##suffix##_d##HD##end##_wgmma(       \
      const T* q, const T* pool, const int* positions, const int* sequences, const int* tableStarts,          \
      const int* tables, const int* firstRows, const int* rowCounts, T* out, int qStride, int groups,         \
      int layer, int layers, int heads, int kvHeads, float scale, float cap, int window, const float* sinks) { \
    s3::AttentionArgs a{q,      pool,    out,   qStride, groups, layer, layers,                               \
                        heads,  kvHeads, scale, cap,     window, sinks};                                      \
    s3::attentionPrefillWide<T, HD, BOUNDED>(a, {positions, sequences, tableStarts, tables}, firstRows, rowCounts); \
  }
#define S3_PREFILLS_WGMMA(suffix, T)               \
  S3_PREFILL_WGMMA(suffix, T, 64, , false)         \
  S3_PREFILL_WGMMA(suffix, T, 64, _bounded, true)  \
  S3_PREFILL_WGMMA(suffix, T, 128, , false)        \
  S3_PREFILL_WGMMA(suffix, T, 128, _bounded, true)
S3_FOR_TYPES(S3_PREFILLS_WGMMA)
