// Matrix product on Hopper for up to 32 rows and weights in 4 and 8 bits: y[m][n] = x[m][k] * w[n][k]^T (sm_90a).
//
//   gemm_<type>_<code>_few_c<C>   a cluster of C = splits blocks takes the segments of the sum over k of the same columns
//
// Memory sets the time, so all multiprocessors stream weights from the first to the last moment. A unit of work is 16 columns of
// y over one segment: a warp multiplies it with mma.sync, and blocks share the units out, up to 15 at a time. One warp of a
// block keeps a ring of stages filled. A unit's sums go to the shared memory of the block of the cluster that adds up its
// segments, in order, and writes them; a barrier in shared memory for each such unit counts them, and blocks wait for nothing else.
// Every result has the bits of gemm_quant_wgmma.cu.
//
// Grid (C, ceil(m / 32), clusters), block and shared memory: README.md.
// Compile: nvcc -cubin -arch=sm_90a -std=c++17 gemm_quant_few.cu
#include "gemm_cluster.cuh"
#include "quant_few.cuh"

namespace s3 {

constexpr int kFewRows = 32;     // of x that a block takes at most
constexpr int kFewUnitRows = 16; // of the weight
constexpr int kTileUnits = kQuantTile / kFewUnitRows;
/** Warps of a block that multiply, a unit each; with the one that copies they have 128 registers, and clusters find room. */
__host__ __device__ constexpr int fewUnits(int c) { return c > 2 ? 7 : 15; }
__host__ __device__ constexpr int fewThreads(int c) { return 32 * (fewUnits(c) + 1); }
constexpr int kMostStages = 16;
/** Stages that may be on their way at once: with more, memory delivers all of them late. */
constexpr int kUnderWay = 3;
constexpr int kFewPitch = 20;    // floats between rows of a unit's sums: four more than it has, against bank conflicts
constexpr int kFewBarrierBytes = 512;

/** Tiles of 128 columns that a stage holds: fewer handshakes where widening takes the time. */
__host__ __device__ constexpr int fewDepth(Code code) { return bitsOf(code) == 4 ? 2 : 1; }

#ifdef S3_HOPPER

/** A block's units and how it divides its shared memory: barriers, sums of units, stages. */
template <Code CODE, int C>
struct FewPlan {
  static constexpr int kUnitBytes = codeBytes(CODE) / kTileUnits;
  static constexpr int kDepth = fewDepth(CODE);
  static constexpr int kUnits = fewUnits(C);
  static constexpr int kParts = (kUnits + kTileUnits - 2) / kTileUnits + 1;  // tiles of 128 rows that a group may have units of
  int rows;              // of x, in shared memory: 8, 16 or 32
  int kTiles, begin, end;  // tiles of the segment
  int first, last;       // units
  int groups, most;      // groups of units, and the most units of one
  int stripBytes;        // scales of a tile
  int tileBytes;         // room in a stage for a tile of each unit, with the activations
  int slots;             // of units that this block adds up, in a group
  int slotBytes;         // room for the sums of a unit
  int stageBytes, stages;
  uint32_t barriers;     // in shared memory: full, empty, and arrived of each slot
  uint8_t* sums;
  uint8_t* ring;

  __device__ __forceinline__ FewPlan(const GemmArgs& a, Scales scales, uint8_t* raw, int rank) {
    int own = min(kFewRows, a.m - static_cast<int>(blockIdx.y) * kFewRows);
    rows = own <= 8 ? 8 : own <= 16 ? 16 : 32;
    kTiles = (a.k + kQuantTile - 1) / kQuantTile;
    begin = rank * kTiles / C;
    end = (rank + 1) * kTiles / C;
    unsigned units = (a.n + kFewUnitRows - 1) / kFewUnitRows;  // their square is below 2^32
    first = blockIdx.z * units / gridDim.z;
    last = (blockIdx.z + 1) * units / gridDim.z;
    groups = (last - first + kUnits - 1) / kUnits;
    most = (last - first + groups - 1) / groups;
    stripBytes = scales.bytes();
    tileBytes = (rows * 256 + most * kUnitBytes + kParts * stripBytes + 127) & ~127;
    slots = (most + C - 1) / C;
    slotBytes = rows * kFewPitch * 4;
    int sumBytes = C == 1 ? most * slotBytes : slots * C * groups * slotBytes;
    uint32_t start = sharedAddress(raw);
    uint32_t ringStart = (start + kFewBarrierBytes + sumBytes + 127) & ~127u;
    int shared;
    asm("mov.u32 %0, %%dynamic_smem_size;" : "=r"(shared));
    stageBytes = kDepth * tileBytes;
    stages = min(kMostStages, (shared - static_cast<int>(ringStart - start)) / stageBytes);
    barriers = start;
    sums = raw + kFewBarrierBytes;
    ring = raw + (ringStart - start);
  }

  /** Counts the segments whose sums have come to a slot. */
  __device__ __forceinline__ uint32_t arrived(int slot) const { return barriers + (2 * kMostStages + slot) * 8; }
  __device__ __forceinline__ int groupBegin(int group) const { return first + group * most; }
  __device__ __forceinline__ int groupUnits(int group) const { return min(most, last - groupBegin(group)); }
  /** Where the codes of a unit of a group lie in a tile's room. */
  __device__ __forceinline__ int codesAt(int groupBegin, int unit) const {
    return rows * 256 + (unit - groupBegin) * kUnitBytes + (unit / kTileUnits - groupBegin / kTileUnits) * stripBytes;
  }
  /** Where the strip of the tile with a unit lies: after the codes of the tile's units. */
  __device__ __forceinline__ int stripAt(int groupBegin, int groupEnd, int unit) const {
    int tile = unit / kTileUnits;
    return rows * 256 + (min((tile + 1) * kTileUnits, groupEnd) - groupBegin) * kUnitBytes +
           (tile - groupBegin / kTileUnits) * stripBytes;
  }
};

/** The place in the ring where a warp goes on: bytes before the stage, the barrier that says that it is full, and its parity. */
template <Code CODE, int C>
struct FewTurn {
  const FewPlan<CODE, C>& plan;
  int at = 0, parity = 0;
  uint32_t barrier;

  __device__ __forceinline__ explicit FewTurn(const FewPlan<CODE, C>& plan) : plan(plan), barrier(plan.barriers) {}

  __device__ __forceinline__ static uint32_t emptyOf(uint32_t barrier) { return barrier + kMostStages * 8; }
  __device__ __forceinline__ void awaitFull() const { barrierWait(barrier, parity); }
  __device__ __forceinline__ void awaitEmpty() const { barrierWait(emptyOf(barrier), parity ^ 1); }

  __device__ __forceinline__ void advance() {
    at += plan.stageBytes;
    barrier += 8;
    if (barrier == plan.barriers + plan.stages * 8) at = 0, barrier = plan.barriers, parity ^= 1;
  }
};

/** What the group of units has of a tile of 128 columns: the codes of some units and, after them, the strip. */
template <Code CODE, int C>
struct FewPart {
  const char* from;
  int to, bytes;        // of the codes; with the strip where all codes before it are wanted
  int stripFrom, stripTo, stripBytes;

  __device__ __forceinline__ FewPart(const GemmArgs& a, const FewPlan<CODE, C>& plan, int groupBegin, int groupEnd,
                                     int number) {
    int tile = groupBegin / kTileUnits + number;
    int unit = max(groupBegin, tile * kTileUnits);
    int unitEnd = min(groupEnd, (tile + 1) * kTileUnits);
    bool some = unit < unitEnd;
    bool whole = unitEnd == (tile + 1) * kTileUnits;
    size_t weightBytes = codeBytes(CODE) + plan.stripBytes;
    from = static_cast<const char*>(a.w) + (static_cast<size_t>(tile) * plan.kTiles + plan.begin) * weightBytes +
           unit % kTileUnits * plan.kUnitBytes;
    to = plan.codesAt(groupBegin, unit);
    bytes = some ? (unitEnd - unit) * plan.kUnitBytes + (whole ? plan.stripBytes : 0) : 0;
    stripFrom = codeBytes(CODE) - unit % kTileUnits * plan.kUnitBytes;
    stripTo = plan.stripAt(groupBegin, groupEnd, unit);
    stripBytes = some && !whole ? plan.stripBytes : 0;
  }

  /** Asks for what a tile has, and goes on to the next. */
  __device__ __forceinline__ void copy(const WarpCopies& copies, uint32_t room, uint32_t barrier, uint64_t policy,
                                       int weightBytes) {
    if (bytes > 0) copies.copy(room + to, from, bytes, barrier, policy);
    if (stripBytes > 0) copies.copy(room + stripTo, from + stripFrom, stripBytes, barrier, policy);
    from += weightBytes;
  }
};

/** The warp that copies, all lanes together. */
template <Code CODE, int C>
__device__ __forceinline__ void streamFew(const GemmArgs& a, const FewPlan<CODE, C>& plan) {
  WarpCopies copies;
  int weightBytes = codeBytes(CODE) + plan.stripBytes;
  int firstRow = blockIdx.y * kFewRows;
  int xTiles = (a.k + kTile - 1) / kTile;
  int xBytes = min(plan.rows, (a.m - firstRow + 7) & ~7) * 128;
  size_t xStep = static_cast<size_t>(a.groups) * 1024;
  uint32_t ring = sharedAddress(plan.ring);
  uint64_t policy = gridDim.y > 1 ? evictNormalPolicy() : evictFirstPolicy();
  FewTurn<CODE, C> turn(plan), landing(plan);
  bool again = false;  // the ring has been filled once
  int asked = 0, most = min(kUnderWay, plan.stages);  // a stage is not asked for again before it has been seen to land
  for (int group = 0; group < plan.groups; group++) {
    int groupBegin = plan.groupBegin(group);
    int groupEnd = groupBegin + plan.groupUnits(group);
    FewPart<CODE, C> first(a, plan, groupBegin, groupEnd, 0);
    FewPart<CODE, C> second(a, plan, groupBegin, groupEnd, 1);
    FewPart<CODE, C> third(a, plan, groupBegin, groupEnd, 2);
    int bytes = first.bytes + second.bytes + third.bytes + first.stripBytes + second.stripBytes + third.stripBytes;
    const char* x = static_cast<const char*>(a.x) + 2 * plan.begin * xStep + firstRow * 128;
    for (int kt = plan.begin; kt < plan.end; kt += plan.kDepth) {
      uint32_t barrier = turn.barrier;
      uint32_t room = ring + turn.at;
      int tiles = min(plan.kDepth, plan.end - kt);
      int xPieces = min(2 * tiles, xTiles - 2 * kt);
      if (++asked > most) {
        landing.awaitFull();
        landing.advance();
      }
      if (again) turn.awaitEmpty();
      copies.expect(barrier, tiles * bytes + xPieces * xBytes);
#pragma unroll
      for (int d = 0; d < plan.kDepth; d++) {
        if (d >= tiles) break;
        copies.copy(room, x, xBytes, barrier);
        if (2 * d + 1 < xPieces) copies.copy(room + plan.rows * 128, x + xStep, xBytes, barrier);
        first.copy(copies, room, barrier, policy, weightBytes);
        second.copy(copies, room, barrier, policy, weightBytes);
        if (plan.kParts > 2) third.copy(copies, room, barrier, policy, weightBytes);
        x += 2 * xStep;
        room += plan.tileBytes;
      }
      turn.advance();
      again = again || turn.at == 0;
    }
  }
}

/**
 * A warp's product of a unit over a segment, from zero. What 64 columns need is read from shared memory while the 64 before are
 * multiplied; a sum's steps wait for each other, so that widening must stand between them.
 */
template <Code CODE, typename T, int ROW_TILES, Known KNOWN, int C>
__device__ __forceinline__ void multiplyFew(float (&sum)[kFewRows / 2], const FewPlan<CODE, C>& plan, Scales scales,
                                            int codesAt, int stripAt, int unit, bool narrow,
                                            FewTurn<CODE, C>& turn) {
  constexpr int kDepth = fewDepth(CODE);
  constexpr int kHalf = 8 * ROW_TILES * kTile * 2;  // bytes of x of 64 columns
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int i = 0; i < kFewRows / 2; i++) sum[i] = 0;
  LaneScales<CODE, T, KNOWN> own(scales);
  typename LaneScales<CODE, T, KNOWN>::Entries next;
  HalfCodes<CODE> low, high;
  HalfRows<T, ROW_TILES> lowRows, highRows;
  uint32_t weights[16];
  // Places in the first stage; a tile's are so many bytes further on.
  const uint8_t* laneCodes = plan.ring + codesAt + lane * 16;
  const uint8_t* laneStrip = plan.ring + stripAt + own.laneBytes(unit);
  const uint8_t* strip;
  uint32_t laneRows = sharedAddress(plan.ring) + HalfRows<T, ROW_TILES>::place(lane);
  auto begin = [&](int at) {  // reads what a tile's first half needs
    low.loadAt(laneCodes + at, 0);
    next = own.readAt(laneStrip + at, 0);
    lowRows.load(laneRows + at, 0);
  };
  auto firstHalf = [&](int at) {
    own.set(next);
    strip = laneStrip + at;
    high.loadAt(laneCodes + at, 1);
    highRows.load(laneRows + at, kHalf);
    widenHalfAt<CODE, T, KNOWN>(weights, low, own, strip, 0, scales);
    lowRows.multiply(sum, weights);
  };
  auto secondHalf = [&]() {
    widenHalfAt<CODE, T, KNOWN>(weights, high, own, strip, 1, scales);
    highRows.multiply(sum, weights);
  };
  auto leave = [&](uint32_t barrier) {
    __syncwarp();
    if (lane == 0) barrierArrive(turn.emptyOf(barrier));
  };
  int left = plan.end - plan.begin;
  turn.awaitFull();
  begin(turn.at);
#pragma unroll 1
  for (; left > kDepth; left -= kDepth) {
    uint32_t barrier = turn.barrier;
    int at = turn.at;
#pragma unroll
    for (int d = 0; d < kDepth; d++) {
      firstHalf(at + d * plan.tileBytes);
      if (d + 1 < kDepth) {
        begin(at + (d + 1) * plan.tileBytes);
      } else {
        turn.advance();
        turn.awaitFull();
        begin(turn.at);
      }
      secondHalf();
    }
    leave(barrier);
  }
  int at = turn.at;
#pragma unroll 1
  for (; left > 0; left--) {  // the last stage
    firstHalf(at);
    at += plan.tileBytes;
    if (left > 1) begin(at);
    if (left > 1 || !narrow) secondHalf();
  }
  leave(turn.barrier);
  turn.advance();
}

/** Takes a unit's sums to the block that adds up its segments, which adds them in order and writes them. */
template <Code CODE, typename T, int C>
__device__ __forceinline__ void finishFew(const GemmArgs& a, const FewPlan<CODE, C>& plan,
                                          const float (&sum)[kFewRows / 2], int rank, int group, int unit) {
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  int slot = C == 1 ? warp : group * plan.slots + warp / C;
  uint8_t* own = plan.sums + slot * C * plan.slotBytes;
  uint32_t to = sharedAddress(own) + rank * plan.slotBytes;
  if constexpr (C > 1) to = peerAddress(to, warp % C);
#pragma unroll
  for (int i = 0; i < kFewRows / 2; i++) {
    int row = i / 4 * 8 + (lane & 3) * 2 + (i & 1);
    if (i / 4 * 8 >= plan.rows) break;
    storePeer(to + (row * kFewPitch + lane / 4 + ((i >> 1) & 1) * 8) * 4, sum[i]);
  }
  __syncwarp();
  if constexpr (C > 1) {
    if (lane == 0) barrierReleasePeer(peerAddress(plan.arrived(slot), warp % C));
    if (warp % C != rank) return;
    barrierWaitCluster(plan.arrived(slot), 0);
  }
  int firstRow = blockIdx.y * kFewRows;
  auto load = [&](int row, int column, float(&v)[8]) {
#pragma unroll
    for (int s = 0; s < C; s++) {
      float part[8];
      load8(reinterpret_cast<const float*>(own + s * plan.slotBytes) + row * kFewPitch + column, part);
#pragma unroll
      for (int i = 0; i < 8; i++) v[i] = s == 0 ? part[i] : v[i] + part[i];
    }
  };
  auto rowOf = [&](int row) { return firstRow + row; };
  writeTile<T>(a, rowOf, unit * kFewUnitRows, min(kFewRows, a.m - firstRow), min(kFewUnitRows, a.n - unit * kFewUnitRows),
               lane, 32, load);
  if constexpr (C == 1) __syncwarp();  // before the sums of the next group
}

template <Code CODE, typename T, int C>
__device__ __forceinline__ void gemmFew(const GemmArgs& a, Scales scales) {
  extern __shared__ __align__(128) uint8_t raw[];
  int rank = C > 1 ? blockIdx.x : 0;
  int warp = threadIdx.x >> 5;
  FewPlan<CODE, C> plan(a, scales, raw, rank);
  if (warp == plan.kUnits) {
    if ((threadIdx.x & 31) == 0) {
      for (int s = 0; s < plan.stages; s++) {
        barrierInit(plan.barriers + s * 8, 1);
        barrierInit(plan.barriers + (kMostStages + s) * 8, plan.most);
      }
      if (C > 1) {
        for (int s = 0; s < plan.slots * plan.groups; s++) barrierInit(plan.arrived(s), C);
      }
      barrierInitFence();
    }
    __syncwarp();
    asm volatile("bar.arrive 1, %0;" ::"n"(fewThreads(C)) : "memory");
    if constexpr (C > 1) clusterArrive();
    streamFew<CODE, C>(a, plan);
    if constexpr (C > 1) clusterWait();
    return;
  }
  asm volatile("bar.sync 1, %0;" ::"n"(fewThreads(C)) : "memory");
  if constexpr (C > 1) clusterArrive();
  bool narrow = plan.end == plan.kTiles && ((a.k + kTile - 1) / kTile & 1) != 0;
  FewTurn<CODE, C> turn(plan);
  for (int group = 0; group < plan.groups; group++) {
    int groupBegin = plan.groupBegin(group);
    int groupEnd = groupBegin + plan.groupUnits(group);
    int unit = groupBegin + warp;
    float sum[kFewRows / 2];
    if (unit < groupEnd) {
      int codesAt = plan.codesAt(groupBegin, unit);
      int stripAt = plan.stripAt(groupBegin, groupEnd, unit);
      withKnown<CODE, true>(scales, [&](auto known) {
        constexpr Known kKnown = decltype(known)::value;
        int inTile = unit % kTileUnits;
        if (plan.rows == 8) {
          multiplyFew<CODE, T, 1, kKnown, C>(sum, plan, scales, codesAt, stripAt, inTile, narrow, turn);
        } else if (plan.rows == 16) {
          multiplyFew<CODE, T, 2, kKnown, C>(sum, plan, scales, codesAt, stripAt, inTile, narrow, turn);
        } else {
          multiplyFew<CODE, T, 4, kKnown, C>(sum, plan, scales, codesAt, stripAt, inTile, narrow, turn);
        }
      });
    } else if (warp < plan.most) {  // stages count as many warps for each group
      for (int kt = plan.begin; kt < plan.end; kt += plan.kDepth) {
        turn.awaitFull();
        __syncwarp();
        if ((threadIdx.x & 31) == 0) barrierArrive(turn.emptyOf(turn.barrier));
        turn.advance();
      }
    }
    if constexpr (C > 1) {
      if (group == 0) clusterWait();  // the blocks of the cluster have their barriers
    }
    if (unit < groupEnd) finishFew<CODE, T, C>(a, plan, sum, rank, group, unit);
  }
}

#else

template <Code CODE, typename T, int C>
__device__ __forceinline__ void gemmFew(const GemmArgs&, Scales) {}  // other chips take gemm_quant_mma.cu

#endif

}  // namespace s3

#define S3_FEW(type, T, code, CODE, C)                                                                             \
  extern "C" __global__ void S3_CLUSTER(C) __launch_bounds__(s3::fewThreads(C), s3::fewUnits(C) > 7 ? 1 : 2)                                   \
      gemm_##type##_##code##_few_c##C(const void* w, const T* x, void* y, const T* bias, int m, int n, int k,      \
                                      int groups, int stride, int mode, int splits, int activation, float factor,  \
                                      float cap, int scales) {                                                     \
    s3::GemmArgs a{w, x, y, bias, m, n, k, groups, stride, mode, splits, activation, factor, cap};                 \
    s3::gemmFew<s3::CODE, T, C>(a, s3::Scales(scales));                                                            \
  }
#define S3_FEW_CODE(type, T, code, CODE) \
  S3_FEW(type, T, code, CODE, 1)         \
  S3_FEW(type, T, code, CODE, 2)         \
  S3_FEW(type, T, code, CODE, 5)         \
  S3_FEW(type, T, code, CODE, 8)
#define S3_FEW_CODES(type, T)         \
  S3_FEW_CODE(type, T, u4, kU4)       \
  S3_FEW_CODE(type, T, s8, kS8)       \
  S3_FEW_CODE(type, T, e4m3, kE4M3)
#ifdef S3_FEW_LIST
S3_FEW_LIST  // some of them, for experiments
#else
S3_FOR_TYPES(S3_FEW_CODES)
#endif
