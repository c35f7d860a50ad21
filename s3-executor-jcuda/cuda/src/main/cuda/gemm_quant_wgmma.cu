// Matrix product on Hopper for up to 128 rows with weights in 4 and 8 bits: y[m][n] = x[m][k] * w[n][k]^T (sm_90a).
//
// As gemm_wgmma.cu, but weights are the left operand from registers: a block computes 128 or 256 columns of y for N rows of x.
// One warp streams tiles of 128 x 128 codes and the two tiles of activations that belong to them; two or four warpgroups widen
// and multiply. For 16 rows their warps use mma.sync, each for itself; up to 32 rows most products take gemm_quant_few.cu. The sum
// over k is cut into `splits` segments of whole tiles:
//
//   gemm_<type>_<code>_n<N>_c<C>   a cluster of C = splits blocks takes a segment each
//
// The k-steps of a segment are added in the order of gemm_wgmma.cu, so where both cut alike, they have the same bits.
// Grid (C, ceil(m / N), ceil(n / columns)), columns, block and shared memory: README.md.
// Compile: nvcc -cubin -gencode arch=compute_90a,code=sm_90a gemm_quant_wgmma.cu
#include "gemm_cluster.cuh"
#include "mma.cuh"
#include "quant.cuh"

namespace s3 {

/** Whether warps use mma.sync: wgmma takes as long for 8 rows as for 64. */
__host__ __device__ constexpr bool multipliesByWarp(int n) { return n == 16; }

/** Tiles of 128 columns of y that a block computes: from 64 rows on two share a read of x. */
__host__ __device__ constexpr int tilesOfBlock(int n) { return n > kFewRows ? 2 : 1; }

/**
 * The ring of a block of TILES times 128 columns, and its warpgroups: each multiplies kStrips times 64 columns. Activations
 * stand first in a stage: their swizzle needs a multiple of 1024.
 */
template <Code CODE, int N, int TILES>
struct QuantStage {
  static constexpr bool kWide = N >= 128;
  static constexpr int kStrips = TILES == 2 && kWide ? 2 : 1;
  static constexpr int kGroups = 2 * TILES / kStrips;
  static constexpr int kMultiplying = 128 * kGroups;
  static constexpr int kThreads = kMultiplying + (kWide ? 128 : 32);
  static constexpr int kSums = kStrips * N / 2;  // of a thread
  static constexpr int kActivationBytes = N * 256;
  static constexpr int kBytes = kActivationBytes + TILES * mostTileBytes(CODE);
  /** Blocks that share a multiprocessor, and the stages for which it then has room; 2 KiB of a block are for the rest. */
  static constexpr int kBlocks = multipliesByWarp(N) ? 3 : 1;
  static constexpr int kCount = (227 / kBlocks - 2) * 1024 / kBytes;
  static_assert(N * resultPitch(2 * TILES) * 4 <= kCount * kBytes, "the result tile must fit in the stages");
  static_assert(kBytes % 1024 == 0, "stages begin at a multiple of 1024");
};

#ifdef S3_HOPPER

/** The warp that copies: asks for the tiles [begin, end) of the block's columns in turn. */
template <Code CODE, int N, int TILES>
__device__ __forceinline__ void streamQuant(const GemmArgs& a, Scales scales, uint32_t stages, uint32_t full,
                                            uint32_t empty, int begin, int end, int kTiles) {
  using Stage = QuantStage<CODE, N, TILES>;
  int tileBytes = codeBytes(CODE) + scales.bytes();
  size_t stripBytes = static_cast<size_t>(kTiles) * tileBytes;
  int tiles = min(TILES, (a.n - static_cast<int>(blockIdx.z) * TILES * kQuantTile + kQuantTile - 1) / kQuantTile);
  int firstRow = blockIdx.y * N;
  int xBytes = min(N, (a.m - firstRow + 7) & ~7) * 128;
  int xTiles = (a.k + 63) / 64;
  const char* w = static_cast<const char*>(a.w) + blockIdx.z * TILES * stripBytes;
  const char* x = static_cast<const char*>(a.x) + static_cast<size_t>(firstRow) * 128;
  WarpCopies copies;
  uint64_t policy = gridDim.y > 1 ? evictNormalPolicy() : evictFirstPolicy();
  for (int kt = begin, i = 0; kt < end; kt++, i++) {
    int slot = i % Stage::kCount;
    barrierWait(empty + slot * 8, ((i / Stage::kCount) & 1) ^ 1);
    uint32_t barrier = full + slot * 8;
    uint32_t stage = stages + slot * Stage::kBytes;
    bool both = 2 * kt + 1 < xTiles;
    copies.expect(barrier, tiles * tileBytes + (both ? 2 * xBytes : xBytes));
#pragma unroll
    for (int t = 0; t < TILES; t++) {
      const char* tile = w + t * stripBytes + static_cast<size_t>(kt) * tileBytes;
      uint32_t to = stage + Stage::kActivationBytes + t * mostTileBytes(CODE);
      if (t < tiles) copies.copy(to, tile, tileBytes, barrier, policy);
    }
    const char* rows = x + static_cast<size_t>(2 * kt) * a.groups * 1024;
    copies.copy(stage, rows, xBytes, barrier);
    if (both) copies.copy(stage + N * 128, rows + static_cast<size_t>(a.groups) * 1024, xBytes, barrier);
  }
}

/** The stage that a warp reads next. */
struct Turn {
  int slot = 0, parity = 0;

  template <int COUNT>
  __device__ __forceinline__ void advance() {
    if (++slot == COUNT) slot = 0, parity ^= 1;
  }
};

/**
 * A warpgroup's product over count tiles from zero, of which the last may have 64 columns. 64 columns of 64 rows of the weight are
 * widened while the tensor cores multiply those before.
 */
template <Code CODE, typename T, int N, int TILES, Known KNOWN>
__device__ __forceinline__ void multiplyWide(float (&sum)[QuantStage<CODE, N, TILES>::kSums], Scales scales,
                                             const uint8_t* raw, uint32_t stages, uint32_t full, uint32_t empty,
                                             int count, bool narrow, Turn& turn) {
  using Stage = QuantStage<CODE, N, TILES>;
  int firstStrip = (threadIdx.x >> 7) * Stage::kStrips;  // of the two of each tile
  int warp = (firstStrip & 1) * 4 + ((threadIdx.x >> 5) & 3);
  bool leader = (threadIdx.x & 31) == 0;
  int before = 0;
  uint32_t weights[2][16];
  LaneScales<CODE, T, KNOWN> own(scales);
  HalfCodes<CODE> codes;
#pragma unroll 1
  for (int i = 0; i < count; i++) {
    int slot = turn.slot;
    barrierWait(full + slot * 8, turn.parity);
    turn.advance<Stage::kCount>();
    const uint8_t* tile =
        raw + slot * Stage::kBytes + Stage::kActivationBytes + firstStrip / 2 * mostTileBytes(CODE);
    const uint8_t* scalesOfTile = tile + codeBytes(CODE);
    uint32_t activations = stages + slot * Stage::kBytes;
    codes.load(tile, warp, 0);
#pragma unroll
    for (int part = 0; part < 2 * Stage::kStrips; part++) {
      int half = part / Stage::kStrips;
      int strip = part % Stage::kStrips;
      if (half == 1 && narrow && i + 1 == count) continue;
      uint32_t(&to)[16] = weights[part & 1];
      if (Stage::kStrips == 2 || part == 0) own.load(scalesOfTile, warp + 4 * strip, 0);
      widenHalf<CODE, T, KNOWN>(to, codes, own, scalesOfTile, warp + 4 * strip, half, scales);
      multiplyHalf<T, N>(reinterpret_cast<float(&)[N / 2]>(sum[strip * N / 2]), to, activations + half * N * 128,
                         i > 0 || half > 0);
      if (part + 1 < 2 * Stage::kStrips) {
        codes.load(tile, warp + (part + 1) % Stage::kStrips * 4, (part + 1) / Stage::kStrips);
      }
      wgmmaWait<1>();
      if (part == 0 && i > 0 && leader) barrierArrive(empty + before * 8);  // the tile before is done
    }
    before = slot;
  }
  wgmmaWait<0>();
  if (leader && count > 0) barrierArrive(empty + before * 8);
}

/** A warp's product of 64 columns with ROW_TILES times 8 rows of x; place is where a lane's eight values lie in a tile of x. */
template <typename T, int N, int ROW_TILES>
__device__ __forceinline__ void multiplyByWarpHalf(float (&sum)[N / 2], const uint32_t (&weights)[16], const T* rows,
                                                int place) {
  uint32_t right[4];
#pragma unroll
  for (int step = 0; step < 4; step++) {
    const uint32_t(&left)[4] = reinterpret_cast<const uint32_t(&)[4]>(weights[4 * step]);
    const T* at = rows + (place ^ (step * 16));  // pieces of 8 columns are swapped by exclusive or
    if constexpr (ROW_TILES == 1) {  // one load for two steps
      if (step % 2 == 0) loadMatrix4(right, at);
      multiplyAdd<T>(reinterpret_cast<float(&)[4]>(sum[0]), left, right[step % 2 * 2], right[step % 2 * 2 + 1]);
    } else {
#pragma unroll
      for (int t = 0; t < ROW_TILES; t += 2) {
        loadMatrix4(right, at + t * 8 * kTile);
        multiplyAdd<T>(reinterpret_cast<float(&)[4]>(sum[4 * t]), left, right[0], right[1]);
        multiplyAdd<T>(reinterpret_cast<float(&)[4]>(sum[4 * t + 4]), left, right[2], right[3]);
      }
    }
  }
}

/**
 * A warp's product for few rows, for which wgmma takes too long: mma.sync has the same bits. Codes are read from shared
 * memory while those before are multiplied.
 */
template <Code CODE, typename T, int N, int ROW_TILES, Known KNOWN>
__device__ __forceinline__ void multiplyByWarp(float (&sum)[N / 2], Scales scales, const uint8_t* raw, uint32_t full,
                                            uint32_t empty, int count, bool narrow, Turn& turn) {
  using Stage = QuantStage<CODE, N, 1>;
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  int place = ROW_TILES == 1 ? swizzled(lane & 7, (lane >> 3) * 8)
                             : swizzled((lane >> 4) * 8 + (lane & 7), ((lane >> 3) & 1) * 8);
#pragma unroll
  for (int i = 0; i < N / 2; i++) sum[i] = 0;
  LaneScales<CODE, T, KNOWN> own(scales);
  HalfCodes<CODE> low, high;
  auto begin = [&]() {
    barrierWait(full + turn.slot * 8, turn.parity);
    low.load(raw + turn.slot * Stage::kBytes + Stage::kActivationBytes, warp, 0);
  };
  if (count > 0) begin();
#pragma unroll 1
  for (int i = 0; i < count; i++) {
    const uint8_t* stage = raw + turn.slot * Stage::kBytes;
    const uint8_t* tile = stage + Stage::kActivationBytes;
    const uint8_t* strip = tile + codeBytes(CODE);
    const T* rows = reinterpret_cast<const T*>(stage);
    uint32_t barrier = empty + turn.slot * 8;
    turn.advance<Stage::kCount>();
    uint32_t weights[16];
    own.load(strip, warp, 0);
    high.load(tile, warp, 1);
    widenHalf<CODE, T, KNOWN>(weights, low, own, strip, warp, 0, scales);
    multiplyByWarpHalf<T, N, ROW_TILES>(sum, weights, rows, place);
    if (i + 1 < count) begin();
    if (!narrow || i + 1 < count) {
      widenHalf<CODE, T, KNOWN>(weights, high, own, strip, warp, 1, scales);
      multiplyByWarpHalf<T, N, ROW_TILES>(sum, weights, rows + N * kTile, place);
    }
    __syncwarp();
    if (lane == 0) barrierArrive(barrier);
  }
}

/** The product over count tiles from zero. */
template <Code CODE, typename T, int N, int TILES, Known KNOWN>
__device__ __forceinline__ void multiplyQuant(const GemmArgs& a, float (&sum)[QuantStage<CODE, N, TILES>::kSums],
                                              Scales scales, const uint8_t* raw, uint32_t stages, uint32_t full,
                                              uint32_t empty, int count, bool narrow, Turn& turn) {
  if constexpr (!multipliesByWarp(N)) {
    multiplyWide<CODE, T, N, TILES, KNOWN>(sum, scales, raw, stages, full, empty, count, narrow, turn);
  } else if (a.m - static_cast<int>(blockIdx.y) * N > N / 2) {
    multiplyByWarp<CODE, T, N, N / 8, KNOWN>(sum, scales, raw, full, empty, count, narrow, turn);
  } else {
    multiplyByWarp<CODE, T, N, N / 16, KNOWN>(sum, scales, raw, full, empty, count, narrow, turn);
  }
}

template <Code CODE, typename T, int N, int C>
__device__ __forceinline__ void gemmQuant(const GemmArgs& a, Scales scales) {
  constexpr int kTilesOfBlock = tilesOfBlock(N);
  using Stage = QuantStage<CODE, N, kTilesOfBlock>;
  extern __shared__ uint8_t raw[];
  uint32_t stages = (sharedAddress(raw) + 1023) & ~1023u;
  uint8_t* ring = raw + (stages - sharedAddress(raw));
  uint32_t full = stages + Stage::kCount * Stage::kBytes;
  uint32_t empty = full + Stage::kCount * 8;
  int kTiles = (a.k + kQuantTile - 1) / kQuantTile;
  int rank = C > 1 ? blockIdx.x : 0;
  int begin = rank * kTiles / C;
  int end = (rank + 1) * kTiles / C;
  if (threadIdx.x == 0) {
    for (int s = 0; s < Stage::kCount; s++) {
      barrierInit(full + s * 8, 1);
      barrierInit(empty + s * 8, 4 * Stage::kGroups);
    }
    barrierInitFence();
  }
  __syncthreads();
  if (threadIdx.x >= Stage::kMultiplying) {
    if constexpr (Stage::kWide) leaveRegisters<40>();
    if (threadIdx.x < Stage::kMultiplying + 32) {
      streamQuant<CODE, N, kTilesOfBlock>(a, scales, stages, full, empty, begin, end, kTiles);
    }
    __syncwarp();
    standBy<Stage::kGroups, N, C>();
  } else {
    if constexpr (Stage::kWide) takeRegisters<232>();
    float sum[Stage::kSums];
#pragma unroll
    for (int i = 0; i < Stage::kSums; i++) sum[i] = 0;
    Turn turn;
    bool narrow = ((a.k + 63) / 64) % 2 != 0 && end == kTiles;
    auto multiply = [&](auto known) {
      multiplyQuant<CODE, T, N, kTilesOfBlock, decltype(known)::value>(a, sum, scales, ring, stages, full, empty,
                                                                       end - begin, narrow, turn);
    };
    withKnown<CODE, multipliesByWarp(N)>(scales, multiply);
    finish<T, Stage::kGroups, N, C, Stage::kStrips>(a, sum, stages, reinterpret_cast<float*>(ring), rank);
  }
}

#else

template <Code CODE, typename T, int N, int C>
__device__ __forceinline__ void gemmQuant(const GemmArgs&, Scales) {}  // other chips take gemm_quant_mma.cu

#endif

}  // namespace s3

#define S3_QUANT(type, T, code, CODE, N, C)                                                       \
  extern "C" __global__ void S3_CLUSTER(C)                                                                        \
      __launch_bounds__(s3::QuantStage<s3::CODE, N, s3::tilesOfBlock(N)>::kThreads,                         \
                        s3::QuantStage<s3::CODE, N, s3::tilesOfBlock(N)>::kBlocks)              \
          gemm_##type##_##code##_n##N##_c##C(const void* w, const T* x, void* y, const T* bias, int m, int n, \
                                                 int k, int groups, int stride, int mode, int splits,             \
                                                 int activation, float factor, float cap, int scales) {           \
    s3::GemmArgs a{w, x, y, bias, m, n, k, groups, stride, mode, splits, activation, factor, cap};                \
    s3::gemmQuant<s3::CODE, T, N, C>(a, s3::Scales(scales));                                              \
  }
#define S3_QUANT_CLUSTERS(type, T, code, CODE, N)      \
  S3_QUANT(type, T, code, CODE, N, 1)                  \
  S3_QUANT(type, T, code, CODE, N, 2)                  \
  S3_QUANT(type, T, code, CODE, N, 5)                  \
  S3_QUANT(type, T, code, CODE, N, 8)
#define S3_QUANT_CODE(type, T, code, CODE)             \
  S3_QUANT_CLUSTERS(type, T, code, CODE, 64)           \
  S3_QUANT_CLUSTERS(type, T, code, CODE, 128)
#define S3_QUANT_CODES(type, T)                \
  S3_QUANT_CODE(type, T, u4, kU4)              \
  S3_QUANT_CLUSTERS(type, T, s8, kS8, 16)      \
  S3_QUANT_CODE(type, T, s8, kS8)              \
  S3_QUANT_CLUSTERS(type, T, e4m3, kE4M3, 16)  \
  S3_QUANT_CODE(type, T, e4m3, kE4M3)
#ifdef S3_QUANT_LIST
S3_QUANT_LIST  // some of them, for experiments
#else
S3_FOR_TYPES(S3_QUANT_CODES)
#endif
