// Causal attention of a chunk of new tokens over a sequence's paged KV, on Hopper's tensor cores (sm_90a).
//
//   attention_prefill_<type>_d<64, 128>_wgmma, attention_prefill_<type>_d<64, 128>_bounded_wgmma
//   attention_prefill_<type>_kv8_d<64, 128>_wgmma   KV in 8 bits, BOUNDED
//                                       grid (any, 1, chunks), block 384
//
// The job, the arguments and the bits of attention_prefill.cu. A tile is 128 packed rows, 64 for each of two warpgroups that
// multiply; a warpgroup asks for the scores of the next unit before it multiplies the probabilities of this one, and works on
// those scores meanwhile. Each of four warps copies every fourth unit, on from tile to tile: 16 bytes at a time, since the
// slots of the pool are rows without the swizzle that wgmma reads.
// KV in 8 bits: each of the four warps has one block of 16 positions of every unit. It copies the codes two units ahead and
// widens them, once for the tile, to what wgmma reads. Compile: nvcc -cubin -arch=sm_90a attention_prefill_wgmma.cu
#include "attention.cuh"
#include "hopper.cuh"

namespace s3 {

template <typename T, typename KV, int HD>
struct WidePrefill {
  static constexpr int kThreads = 384;
  static constexpr int kGroupRows = 64;
  static constexpr int kRows = 2 * kGroupRows;
  static constexpr int kStages = 4;
  static constexpr int kCopiers = 4;  // warps that fill stages
  /** Columns in pieces of 64, 128 bytes a row, [piece][row][64]. */
  static constexpr int kPieces = HD / 64;
  static constexpr int kPieceBytes = kUnit * 128;
  static constexpr int kSideBytes = kPieces * kPieceBytes;  // keys or values of a unit, or the queries of a warpgroup
  static constexpr int kStageBytes = 2 * kSideBytes;
  static constexpr int kQueryBytes = 2 * kSideBytes;
  static constexpr int kScaleBytes = kCoded<KV> ? sizeof(UnitScales<KV>) : 0;  // of a stage
  /** Blocks of codes that a warp copies ahead. */
  static constexpr int kSlots = kCoded<KV> ? 2 : 0;
  static constexpr int kSlotBytes = 2 * headElements<KV>(HD);  // keys and their scales, values and theirs
  /** Registers of a thread that copies and of one that multiplies; those that widen are slower with fewer. */
  static constexpr int kCopyRegisters = kCoded<KV> ? 72 : 56;
  static constexpr int kWorkRegisters = kCoded<KV> ? 216 : 224;
  static_assert(kUnit == kGroupRows, "queries and keys have one layout");
};

#ifdef S3_HOPPER

/** A block's shared memory. Turns count units since the block's start. */
template <typename T, typename KV, int HD>
struct WideMemory {
  using Shape = WidePrefill<T, KV, HD>;
  static constexpr int kStagesAt = Shape::kQueryBytes;
  static constexpr int kScalesAt = kStagesAt + Shape::kStages * Shape::kStageBytes;
  static constexpr int kCodesAt = kScalesAt + Shape::kStages * Shape::kScaleBytes;
  static constexpr int kFullAt = kCodesAt + Shape::kCopiers * Shape::kSlots * Shape::kSlotBytes;
  static constexpr int kEmptyAt = kFullAt + Shape::kStages * 8;
  static constexpr int kLandedAt = kEmptyAt + Shape::kStages * 8;
  uint8_t* bytes;
  uint32_t base;

  __device__ __forceinline__ explicit WideMemory(uint8_t* raw)
      : bytes(raw + ((1024 - (sharedAddress(raw) & 1023)) & 1023)), base((sharedAddress(raw) + 1023) & ~1023u) {}

  /** Makes the barriers ready, by one thread. With codes every thread arrives, since each writes to stages and reads scales. */
  __device__ __forceinline__ void init() const {
    for (int s = 0; s < Shape::kStages; s++) {
      barrierInit(base + kFullAt + s * 8, kCoded<KV> ? 32 * Shape::kCopiers : 1);
      barrierInit(base + kEmptyAt + s * 8, kCoded<KV> ? 256 : 8);
    }
    for (int s = 0; s < Shape::kCopiers * Shape::kSlots; s++) barrierInit(base + kLandedAt + s * 8, 1);
    barrierInitFence();
  }

  __device__ __forceinline__ static int stageAt(unsigned turn) {
    return kStagesAt + turn % Shape::kStages * Shape::kStageBytes;
  }
  __device__ __forceinline__ uint32_t stage(unsigned turn) const { return base + stageAt(turn); }
  /** The scales of a stage, those of values times kValueUnit. */
  __device__ __forceinline__ UnitScales<KV>& scales(unsigned turn) const {
    return *reinterpret_cast<UnitScales<KV>*>(bytes + kScalesAt + turn % Shape::kStages * Shape::kScaleBytes);
  }
  /** Where a warp's codes and scales of a block lie, and the barrier that counts their bytes. */
  __device__ __forceinline__ static int codesAt(int warp, unsigned turn) {
    return kCodesAt + (warp * Shape::kSlots + turn % Shape::kSlots) * Shape::kSlotBytes;
  }
  __device__ __forceinline__ uint32_t landed(int warp, unsigned turn) const {
    return base + kLandedAt + (warp * Shape::kSlots + turn % Shape::kSlots) * 8;
  }

  __device__ __forceinline__ void fill(unsigned turn) const { barrierArrive(base + kFullAt + turn % Shape::kStages * 8); }
  __device__ __forceinline__ void release(unsigned turn) const { barrierArrive(base + kEmptyAt + turn % Shape::kStages * 8); }
  __device__ __forceinline__ void awaitFull(unsigned turn, int other = 0) const {
    barrierWait(base + kFullAt + turn % Shape::kStages * 8, ((turn / Shape::kStages) & 1) ^ other);
  }
  __device__ __forceinline__ void awaitEmpty(unsigned turn) const {
    barrierWait(base + kEmptyAt + turn % Shape::kStages * 8, ((turn / Shape::kStages) & 1) ^ 1);
  }
};

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
      copyAsync(at + WidePrefill<T, T, HD>::kSideBytes, from + head.valuesOffset + start * 8, there);
    }
  }
}

/** A warp's copies for a tile: every fourth unit, all by itself. */
template <typename T, int HD>
__device__ __forceinline__ void fillStages(const PrefillTile& tile, const HeadMemory<T>& head, const int* table,
                                           const WideMemory<T, T, HD>& memory, int warp, unsigned& turn) {
  int lane = threadIdx.x & 31;
  for (int unit = tile.firstUnit(); unit < tile.units(); unit++, turn++) {
    if (turn % WidePrefill<T, T, HD>::kStages != static_cast<unsigned>(warp)) continue;
    int index = unit * (kUnit / kBlockTokens) + (lane & 3);
    int ownBlock = index * kBlockTokens < tile.end ? table[index] : 0;
    memory.awaitEmpty(turn);
    if (unit * kUnit >= tile.seen && (unit + 1) * kUnit <= tile.end) {
      copyUnit<T, HD, true>(tile, head, unit, ownBlock, memory.stage(turn));
    } else {
      copyUnit<T, HD, false>(tile, head, unit, ownBlock, memory.stage(turn));
    }
    copyCommit();
    copyWait<0>();
    fenceForWgmma();
    __syncwarp();
    if (lane == 0) memory.fill(turn);
  }
}

/** Copies and widens a block of 16 positions of every unit, by one warp. */
template <typename T, int HD>
struct Widener {
  using Shape = WidePrefill<T, int8_t, HD>;
  using Memory = WideMemory<T, int8_t, HD>;
  static constexpr int kHeadBytes = headElements<int8_t>(HD);
  static constexpr int kHalves = HD / 64;
  const Memory& memory;
  int warp, lane;
  int from[kHalves], even[kHalves], odd[kHalves];  // where a lane's codes of eight rows lie, and where they go

  __device__ __forceinline__ Widener(const Memory& memory, int warp)
      : memory(memory), warp(warp), lane(threadIdx.x & 31) {
    int row = lane / 4;
#pragma unroll
    for (int half = 0; half < kHalves; half++) {
      int piece = (kHalves == 1 ? 0 : (half ^ row) & 1) * 4 + lane % 4;  // no two of eight lanes meet in a bank
      from[half] = row * HD + piece * 16;
      even[half] = sideOffset<HD>(warp * kBlockTokens + row, piece * 2);
      odd[half] = sideOffset<HD>(warp * kBlockTokens + row, piece * 2 + 1);
    }
  }

  /** The first position of the warp's block of a unit. */
  __device__ __forceinline__ int position(int unit) const { return unit * kUnit + warp * kBlockTokens; }

  /** Asks for the codes and scales of the keys and values of a block. */
  __device__ __forceinline__ void copy(const PrefillTile& tile, const HeadMemory<int8_t>& head, int unit, int block,
                                       unsigned turn) const {
    if (lane != 0) return;
    uint32_t landed = memory.landed(warp, turn);
    if (position(unit) >= tile.end) {
      barrierArrive(landed);
      return;
    }
    uint32_t to = memory.base + Memory::codesAt(warp, turn);
    const int8_t* keys = head.keys + static_cast<size_t>(static_cast<unsigned>(block)) * head.blockStride;
    barrierExpect(landed, Shape::kSlotBytes);
    bulkCopy(to, keys, kHeadBytes, landed);
    bulkCopy(to + kHeadBytes, keys + head.valuesOffset, kHeadBytes, landed);
  }

  /**
   * Widens what has landed, in the order that attention.cuh gives. Scales of positions that no row of the tile sees become zero;
   * their codes are whatever the slot holds, since any is a number.
   */
  __device__ __forceinline__ void widenBlock(const PrefillTile& tile, int unit, unsigned turn) const {
    const uint8_t* codes = memory.bytes + Memory::codesAt(warp, turn);
    uint8_t* stage = memory.bytes + Memory::stageAt(turn);
#pragma unroll
    for (int side = 0; side < 2; side++) {
#pragma unroll
      for (int i = 0; i < kBlockTokens / 8 * kHalves; i++) {
        int half = i % kHalves;
        int row = i / kHalves * 8;
        uint4 own = *reinterpret_cast<const uint4*>(codes + side * kHeadBytes + row * HD + from[half]);
        uint4 low, high;
        widen<T>(own.x, low.x, high.x);
        widen<T>(own.y, low.y, high.y);
        widen<T>(own.z, low.z, high.z);
        widen<T>(own.w, low.w, high.w);
        *reinterpret_cast<uint4*>(stage + side * Shape::kSideBytes + row * 128 + even[half]) = low;
        *reinterpret_cast<uint4*>(stage + side * Shape::kSideBytes + row * 128 + odd[half]) = high;
      }
    }
    int token = lane % kBlockTokens, which = lane / kBlockTokens;
    int own = position(unit) + token;
    float scale = reinterpret_cast<const float*>(codes + which * kHeadBytes + kBlockTokens * HD)[token];
    memory.scales(turn).of[which][warp * kBlockTokens + token] =
        own < tile.end && own >= tile.seen ? __fmul_rn(scale, which == 0 ? 1.0f : kValueUnit) : 0.0f;
  }
};

/** A warp's copies for a tile of codes: a block of every unit, widened. */
template <typename T, int HD>
__device__ __forceinline__ void fillStages(const PrefillTile& tile, const HeadMemory<int8_t>& head, const int* table,
                                           const WideMemory<T, int8_t, HD>& memory, int warp, unsigned& turn) {
  constexpr int kSlots = WidePrefill<T, int8_t, HD>::kSlots;
  Widener<T, HD> widener(memory, warp);
  int units = tile.units();
  auto blockOf = [&](int unit) {
    int position = widener.position(unit);
    return position < tile.end ? table[static_cast<unsigned>(position) / kBlockTokens] : 0;
  };
  int unit = tile.firstUnit();
#pragma unroll
  for (int ahead = 0; ahead < kSlots; ahead++) {
    if (unit + ahead < units) widener.copy(tile, head, unit + ahead, blockOf(unit + ahead), turn + ahead);
  }
  int next = blockOf(unit + kSlots);
  for (; unit < units; unit++, turn++) {
    barrierWait(memory.landed(warp, turn), (turn / kSlots) & 1);
    memory.awaitEmpty(turn);
    widener.widenBlock(tile, unit, turn);
    fenceForWgmma();
    __syncwarp();  // the codes may be overwritten
    memory.fill(turn);
    if (unit + kSlots < units) widener.copy(tile, head, unit + kSlots, next, turn + kSlots);
    next = blockOf(unit + kSlots + 1);
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
    int at = step / 4 * (WidePrefill<T, T, HD>::kPieceBytes >> 4) + step % 4 * 2;
    Wgmma<T, kUnit>::multiply(s, left + at, right + at, step > 0);
  }
  wgmmaCommit();
}

/** Asks for the sum of out and the probabilities times a unit's values. */
template <typename T, int HD>
__device__ __forceinline__ void askOutput(float (&out)[HD / 2], const uint32_t (&p)[kUnit / 16][4], uint32_t values) {
  uint64_t right = transposedDescriptor(values, WidePrefill<T, T, HD>::kPieceBytes);
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

/**
 * A unit's scores become probabilities, rounded to T, and where values have scales these times them; returns the factors of what
 * was summed up before.
 */
template <typename T, typename KV, bool BOUNDED>
__device__ __forceinline__ float2 weigh(float (&s)[kUnit / 2], const AttentionArgs& a, ScoreScale scale, int unit,
                                        const UnitScales<KV>& scales, const RowPair& rows, RowState (&state)[2]) {
  bool masked = (unit + 1) * kUnit > rows.allSeenBefore || (BOUNDED && unit * kUnit < rows.windowFrom);
#pragma unroll
  for (int t = 0; t < kUnit / 8; t++) scaleKeys<KV>(reinterpret_cast<float(&)[4]>(s[t * 4]), scales, t * 8);
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
    if constexpr (kCoded<KV>) {
      float2 values = *reinterpret_cast<const float2*>(&scales.of[1][i / 4 * 8 + (threadIdx.x & 3) * 2]);
      both = make_float2(__fmul_rn(both.x, values.x), __fmul_rn(both.y, values.y));
    }
    s[i] = both.x;
    s[i + 1] = both.y;
  }
  return factors;
}

/** Probabilities as the left operand of a product: exact, or rounded once more where values have scales. */
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

/** Brings 16 bytes of a query to shared memory, or with KV in 8 bits 32, in the order that widenSide gives keys. */
template <typename KV, int HD>
__device__ __forceinline__ void copyQuery(uint8_t* side, int row, int piece, const void* from) {
  if constexpr (kCoded<KV>) {
    uint4 a = static_cast<const uint4*>(from)[0];
    uint4 b = static_cast<const uint4*>(from)[1];
    auto four = [&](int order) {
      return make_uint4(__byte_perm(a.x, a.y, order), __byte_perm(a.z, a.w, order), __byte_perm(b.x, b.y, order),
                        __byte_perm(b.z, b.w, order));
    };
    *reinterpret_cast<uint4*>(side + sideOffset<HD>(row, piece * 2)) = four(0x5410);
    *reinterpret_cast<uint4*>(side + sideOffset<HD>(row, piece * 2 + 1)) = four(0x7632);
  } else {
    copyAsync(side + sideOffset<HD>(row, piece), from, true);
  }
}

/** A warpgroup's 64 rows of a tile. */
template <typename T, typename KV, int HD, bool BOUNDED>
__device__ __forceinline__ void attendWide(const AttentionArgs& a, const PrefillTile& tile,
                                           const WideMemory<T, KV, HD>& memory, unsigned& turn) {
  using Shape = WidePrefill<T, KV, HD>;
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
  uint32_t ownQueries = memory.base + warpGroup * Shape::kSideBytes;
  constexpr int kEach = kCoded<KV> ? 16 : 8;  // dimensions
  constexpr int kPieces = HD / kEach;
  for (int p = threadIdx.x & 127; p < Shape::kGroupRows * kPieces; p += 128) {
    int packedRow = min(groupRow + p / kPieces, tile.last);
    size_t row = tile.firstRow + packedRow / tile.group;
    const T* q = static_cast<const T*>(a.q) + row * a.qStride + (tile.kvHead * tile.group + packedRow % tile.group) * HD;
    copyQuery<KV, HD>(memory.bytes + warpGroup * Shape::kSideBytes, p / kPieces, p % kPieces, q + p % kPieces * kEach);
  }
  copyCommit();
  copyWait<0>();
  fenceForWgmma();
  meet();

  auto release = [&](unsigned t) {
    if (kCoded<KV> || lane == 0) memory.release(t);
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
    memory.awaitFull(turn);
    askScores<T, HD>(s, ownQueries, memory.stage(turn));
    wgmmaWait<0>();
    weigh<T, KV, BOUNDED>(s, a, scale, begin, memory.scales(turn), rows, state);
    pack<T>(s, p);
    for (int unit = begin; unit + 1 < units; unit++, turn++) {
      memory.awaitFull(turn + 1);
      askScores<T, HD>(s, ownQueries, memory.stage(turn + 1));
      askOutput<T, HD>(out, p, memory.stage(turn) + Shape::kSideBytes);
      wgmmaWait<1>();
      bool ended = (unit + 1) % (kPart / kUnit) == 0;
      RowState before[2] = {state[0], state[1]};
      if (ended) state[0] = state[1] = RowState();
      float2 factors = weigh<T, KV, BOUNDED>(s, a, scale, unit + 1, memory.scales(turn + 1), rows, state);
      // Long true, and no sum is negative: the assembler would put the next wait before the work that is to hide it.
      memory.awaitFull(turn + 1, fminf(state[0].sum, state[1].sum) < 0);
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
    askOutput<T, HD>(out, p, memory.stage(turn) + Shape::kSideBytes);
    wgmmaWait<0>();
    release(turn);
    turn++;
    total.add(state, out);
#pragma unroll
    for (int h = 0; h < 2; h++) {
      if (own[h] > tile.last) continue;
      int row = tile.firstRow + own[h] / tile.group;
      int head = tile.kvHead * tile.group + own[h] % tile.group;
      float factor = joinSink<KV, BOUNDED>(a, head, total.max[h], total.sum[h]);
#pragma unroll
      for (int i = 0; i < HD / 8; i++) {
        OutputPair<KV> pair(i & 1, h);
        float x = total.out[((i & ~1) + pair.firstOf) * 4 + pair.firstAt];
        float y = total.out[((i & ~1) + pair.secondOf) * 4 + pair.secondAt];
        int column = head * HD + i / 2 * 16 + pair.dimension;
        *reinterpret_cast<uint32_t*>(static_cast<T*>(a.out) + activationOffset(row, column, a.groups)) =
            packed<T>(ended<BOUNDED>(x, factor, total.sum[h]), ended<BOUNDED>(y, factor, total.sum[h]));
      }
    }
  }
  for (int unit = max(begin, units); unit < tile.units(); unit++, turn++) {  // those that only the other warpgroup's rows see
    memory.awaitFull(turn);
    release(turn);
  }
}

template <typename T, typename KV, int HD, bool BOUNDED>
__device__ __forceinline__ void attentionPrefillWide(const AttentionArgs& a, const Batch& batch, const int* firstRows,
                                                     const int* rowCounts) {
  using Shape = WidePrefill<T, KV, HD>;
  extern __shared__ uint8_t raw[];
  WideMemory<T, KV, HD> memory(raw);
  PrefillTile tile;
  tile.firstRow = firstRows[blockIdx.z];
  tile.group = a.heads / a.kvHeads;
  tile.packedRows = rowCounts[blockIdx.z] * tile.group;
  tile.firstPosition = batch.positions[tile.firstRow];
  tile.tiles = (tile.packedRows + Shape::kRows - 1) / Shape::kRows;
  tile.kvHeads = a.kvHeads;
  if (threadIdx.x == 0) memory.init();
  __syncthreads();
  unsigned turn = 0;
  if (threadIdx.x >= 256) {
    leaveRegisters<Shape::kCopyRegisters>();
    const int* table = batch.tables + batch.tableStarts[batch.sequences[tile.firstRow]];
    for (int round = 0; round < tile.rounds(); round++) {
      if (!tile.take<BOUNDED, Shape::kRows>(a, round)) break;
      fillStages<T, HD>(tile, HeadMemory<KV>(a, tile.kvHead, HD), table, memory, (threadIdx.x >> 5) - 8, turn);
    }
  } else {
    takeRegisters<Shape::kWorkRegisters>();
    for (int round = 0; round < tile.rounds(); round++) {
      if (!tile.take<BOUNDED, Shape::kRows>(a, round)) break;
      attendWide<T, KV, HD, BOUNDED>(a, tile, memory, turn);
    }
  }
}

#else

template <typename T, typename KV, int HD, bool BOUNDED>
__device__ __forceinline__ void attentionPrefillWide(const AttentionArgs&, const Batch&, const int*, const int*) {}

#endif

}  // namespace s3

#define S3_PREFILL_WGMMA(suffix, T, KV, HD, end, BOUNDED)                                                    \
  extern "C" __global__ void __launch_bounds__(384, 1) attention_prefill_##suffix##_d##HD##end##_wgmma(       \
      const T* q, const KV* pool, const int* positions, const int* sequences, const int* tableStarts,         \
      const int* tables, const int* firstRows, const int* rowCounts, T* out, int qStride, int groups,         \
      int layer, int layers, int heads, int kvHeads, float scale, float cap, int window, const float* sinks) { \
    s3::AttentionArgs a{q,      pool,    out,   qStride, groups, layer, layers,                               \
                        heads,  kvHeads, scale, cap,     window, sinks};                                      \
    s3::attentionPrefillWide<T, KV, HD, BOUNDED>(a, {positions, sequences, tableStarts, tables}, firstRows, rowCounts); \
  }
#define S3_PREFILLS_WGMMA_OF(suffix, T, HD)                \
  S3_PREFILL_WGMMA(suffix, T, T, HD, , false)              \
  S3_PREFILL_WGMMA(suffix, T, T, HD, _bounded, true)       \
  S3_PREFILL_WGMMA(suffix##_kv8, T, int8_t, HD, , true)
#define S3_PREFILLS_WGMMA(suffix, T) \
  S3_PREFILLS_WGMMA_OF(suffix, T, 64) S3_PREFILLS_WGMMA_OF(suffix, T, 128)
S3_FOR_TYPES(S3_PREFILLS_WGMMA)
