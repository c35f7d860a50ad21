// Matrix product on Hopper for many rows: y[m][n] = x[m][k] * w[n][k]^T from tiled weights and activations (sm_90a).
//
// A tile of the result is 64 or 128 rows of x by N rows of the weight. One or two warpgroups multiply 64 rows of x each: x is
// the 64-row side of wgmma, so that N can be any multiple of 16, chosen such that the tiles of a product fill the
// multiprocessors. The warps of another warpgroup copy, each every fourth stage of a ring that goes on from tile to tile:
// while a tile is written, the next one's operands arrive. One warp alone could not ask fast enough for small stages.
//
// The sum over k is cut into the segments of gemm_wgmma.cu, added in order: the bits are those of its kernels.
//
//   gemm_<type>_m<64, 128>_n<N>   grid (any), block 256 or 384, shared memory: README.md; N from 208 on for one segment alone
//   gemm_<type>_m128_n<N>_pair    grid (even): clusters of two blocks have two row tiles and fetch half of the weight's rows
//                                 each, for both
//
// Compile: nvcc -cubin -gencode arch=compute_90a,code=sm_90a gemm_large.cu
#include "gemm_cluster.cuh"
#include "gemm_tiles.cuh"

namespace s3 {

/** Floats between the rows of a warp's patch of results, 16 by 32, so that its stores meet no bank twice. */
constexpr int kPatchPitch = 40;
constexpr int kPatchBytes = 16 * kPatchPitch * 4;

template <int ROWS, int N, int PAIR>
struct LargeShape {
  static constexpr int kRows = ROWS;
  static constexpr int kMultiplying = ROWS * 2;  // threads
  static constexpr int kActivationBytes = ROWS * 128;
  static constexpr int kStageBytes = kActivationBytes + N * 128;
  static constexpr int kPatchesBytes = ROWS / 16 * kPatchBytes;
  static constexpr int kStages = (226 * 1024 - 256 - kPatchesBytes) / (kStageBytes + 16);
  /** Whether there are registers for the sum of earlier segments beside the current one. */
  static constexpr bool kSegments = N <= 192;
};

#ifdef S3_HOPPER

/**
 * A warp's work of four: asks for the operands of every fourth stage of this block's tiles. A lane has a piece of each stage: the
 * first one the rows of x, the others what lies in one row of weight tiles.
 */
template <int ROWS, int N, int PAIR>
__device__ __forceinline__ void streamLarge(const GemmArgs& a, uint32_t stages, uint32_t full, uint32_t empty) {
  using Shape = LargeShape<ROWS, N, PAIR>;
  LargeTiles tiles(a, PAIR * ROWS, N);
  int kTiles = (a.k + 63) / 64;
  int rows = ((a.n + 63) / 64) * 64;
  int lane = threadIdx.x & 31;
  int rank = blockIdx.x % PAIR;
  int turn = (threadIdx.x >> 5) & 3;  // stages since the block's start
  int kt = turn;
  for (int index = blockIdx.x / PAIR; index < tiles.count(); index += gridDim.x / PAIR) {
    int2 place = tiles.at(index);
    int firstRow = (place.x * PAIR + rank) * ROWS;
    int first = place.y * N;
    int end = min(first + N, rows);
    int xBytes = max(0, min(ROWS, (a.m - firstRow + 7) & ~7) * 128);
    const char* from = static_cast<const char*>(a.x) + static_cast<size_t>(firstRow) * 128;
    size_t step = static_cast<size_t>(a.groups) * 1024;
    int bytes = xBytes;
    int to = 0;
    if (lane > 0) {
      int own = min(end, first + rank * (N / PAIR));
      int ownEnd = min(end, own + N / PAIR);
      int row = max(own, (own / 64 + lane - 1) * 64);
      from = static_cast<const char*>(a.w) + static_cast<size_t>(row / 64) * kTiles * 8192 + (row % 64) * 128;
      step = 8192;
      bytes = (min((row / 64 + 1) * 64, ownEnd) - row) * 128;
      to = Shape::kActivationBytes + (row - first) * 128;
    }
    from += step * kt;
    for (; kt < kTiles; kt += 4, turn += 4, from += 4 * step) {
      int slot = turn % Shape::kStages;
      barrierWait(empty + slot * 8, ((turn / Shape::kStages) & 1) ^ 1);
      uint32_t barrier = full + slot * 8;
      uint32_t stage = stages + slot * Shape::kStageBytes + to;
      if (lane == 0) barrierExpect(barrier, xBytes + (end - first) * 128);
      if (bytes <= 0) continue;
      if (PAIR == 1 || lane == 0) {
        bulkCopy(stage, from, bytes, barrier);
      } else {
        bulkCopyAll(stage, from, bytes, barrier, (1 << PAIR) - 1);
      }
    }
    kt -= kTiles;
  }
}

/** A warpgroup's product over count stages, from zero. turn counts stages since the block's start. */
template <typename T, int ROWS, int N, int PAIR>
__device__ __forceinline__ void multiplyLarge(float (&sum)[N / 2], uint32_t stages, uint32_t full, uint32_t empty, int count,
                                              int& turn) {
  using Shape = LargeShape<ROWS, N, PAIR>;
  int group = threadIdx.x >> 7;
  int lane = threadIdx.x & 31;
  auto release = [&](int slot) {  // in both blocks of a pair, since either fills both
    if constexpr (PAIR == 1) {
      if (lane == 0) barrierArrive(empty + slot * 8);
    } else {
      if (lane < PAIR) barrierArrivePeer(peerAddress(empty + slot * 8, lane));
    }
  };
  for (int i = 0; i < count; i++, turn++) {
    int slot = turn % Shape::kStages;
    barrierWait(full + slot * 8, (turn / Shape::kStages) & 1);
    uint32_t stage = stages + slot * Shape::kStageBytes;
    uint64_t activations = matrixDescriptor(stage + group * 8192);
    uint64_t weights = matrixDescriptor(stage + Shape::kActivationBytes);
    wgmmaFence();
#pragma unroll
    for (int step = 0; step < 4; step++) {
      Wgmma<T, N>::multiply(sum, activations + 2 * step, weights + 2 * step, i > 0 || step > 0);
    }
    wgmmaCommit();
    wgmmaWait<1>();  // the stage before is done: it may be filled again
    if (i > 0) release((turn + Shape::kStages - 1) % Shape::kStages);
  }
  wgmmaWait<0>();
  if (count > 0) release((turn + Shape::kStages - 1) % Shape::kStages);
}

/** A warpgroup's sums over all segments. */
template <typename T, int ROWS, int N, int PAIR>
__device__ __forceinline__ void sumLarge(const GemmArgs& a, float (&sum)[N / 2], uint32_t stages, uint32_t full,
                                         uint32_t empty, int kTiles, int& turn) {
#pragma unroll
  for (int i = 0; i < N / 2; i++) sum[i] = 0;
  if constexpr (!LargeShape<ROWS, N, PAIR>::kSegments) {
    multiplyLarge<T, ROWS, N, PAIR>(sum, stages, full, empty, kTiles, turn);
  } else {
    float total[N / 2];
#pragma unroll
    for (int i = 0; i < N / 2; i++) total[i] = -0.0f;  // changes no number that is added to it, also no zero
    for (int s = 0; s < a.splits; s++) {
      int length = (s + 1) * kTiles / a.splits - s * kTiles / a.splits;
      multiplyLarge<T, ROWS, N, PAIR>(sum, stages, full, empty, length, turn);
#pragma unroll
      for (int i = 0; i < N / 2; i++) total[i] += sum[i];
    }
#pragma unroll
    for (int i = 0; i < N / 2; i++) sum[i] = total[i];
  }
}

/** Puts 32 columns of a warp's 16 rows, the sums from first on, into its patch of shared memory. */
template <int SUMS>
__device__ __forceinline__ void fillPatch(const float (&sum)[SUMS], int first, float* patch) {
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int i = 0; i < 16; i += 2) {
    int row = lane / 4 + (i >> 1 & 1) * 8;
    int column = i / 4 * 8 + (lane & 3) * 2;
    if (first + i < SUMS) {
      *reinterpret_cast<float2*>(patch + row * kPatchPitch + column) = make_float2(sum[first + i], sum[first + i + 1]);
    }
  }
}

/** Adds a warp's 16 rows to the stream, four columns a lane; what is there is asked for three patches ahead. */
template <typename T, int N>
__device__ __forceinline__ void addLarge(const GemmArgs& a, const float (&sum)[N / 2], int firstRow, int firstColumn,
                                         float* patch) {
  constexpr int kPatches = (N + 31) / 32;
  constexpr int kAhead = 3;
  int lane = threadIdx.x & 31;
  int row = firstRow + lane / 8;
  int column = firstColumn + lane % 8 * 4;
  int end = min(a.n, firstColumn + N);
  float* y = static_cast<float*>(a.y) + static_cast<size_t>(row) * a.stride + column;
  const T* bias = static_cast<const T*>(a.bias);
  auto within = [&](int p, int i) { return row + i * 4 < a.m && column + p * 32 < end; };
  auto at = [&](int p, int i) { return reinterpret_cast<float4*>(y + static_cast<size_t>(i * 4) * a.stride + p * 32); };
  float4 old[kPatches][4];
  auto ask = [&](int p) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      old[p][i] = make_float4(0, 0, 0, 0);  // or the registers would be taken from the tile before on
      if (within(p, i)) old[p][i] = *at(p, i);
    }
  };
#pragma unroll
  for (int p = 0; p < kAhead && p < kPatches; p++) ask(p);
#pragma unroll
  for (int p = 0; p < kPatches; p++) {
    fillPatch(sum, p * 16, patch);
    __syncwarp();
    float offset[4] = {};
    if (bias != nullptr && column + p * 32 < end) {
#pragma unroll
      for (int i = 0; i < 4; i++) offset[i] = toFloat(bias[column + p * 32 + i]);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
      float4 v = *reinterpret_cast<const float4*>(patch + (lane / 8 + i * 4) * kPatchPitch + lane % 8 * 4);
      if (bias != nullptr) v = make_float4(v.x + offset[0], v.y + offset[1], v.z + offset[2], v.w + offset[3]);
      float4 w = old[p][i];
      v = make_float4(fmaf(a.factor, v.x, w.x), fmaf(a.factor, v.y, w.y), fmaf(a.factor, v.z, w.z), fmaf(a.factor, v.w, w.w));
      if (within(p, i)) *at(p, i) = v;
    }
    __syncwarp();
    if (p + kAhead < kPatches) ask(p + kAhead);
  }
}

/** Writes a warp's 16 rows from firstRow on, 32 columns at a time. */
template <typename T, int N>
__device__ __forceinline__ void writeLarge(const GemmArgs& a, float (&sum)[N / 2], int firstRow, int firstColumn, float* patch) {
  if (a.mode == kAddRows && ((a.n | a.stride) & 7) == 0) {
    addLarge<T, N>(a, sum, firstRow, firstColumn, patch);
    return;
  }
  bool gated = a.mode == kGatedTiles;
  int lane = threadIdx.x & 31;
  int end = min(a.n, firstColumn + N);
#pragma unroll 1
  for (int first = 0; first < N; first += 32) {  // the sums move down, or there would be code for each place
    fillPatch(sum, 0, patch);
    __syncwarp();
#pragma unroll 1
    for (int i = 0; i < (gated ? 1 : 2); i++) {
      int row = gated ? lane / 2 : i * 8 + lane / 4;
      int inPatch = gated ? (lane & 1) * 16 : (lane & 3) * 8;
      int column = firstColumn + first + inPatch;
      if (firstRow + row < a.m && column < end) {
        float v[8], up[8];
        load8(patch + row * kPatchPitch + inPatch, v);
        if (gated) load8(patch + row * kPatchPitch + inPatch + 8, up);
        write<T>(a, firstRow + row, column, v, up);
      }
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i + 16 < N / 2; i++) sum[i] = sum[i + 16];
  }
}

template <typename T, int ROWS, int N, int PAIR>
__device__ __forceinline__ void gemmLarge(const GemmArgs& a) {
  using Shape = LargeShape<ROWS, N, PAIR>;
  extern __shared__ uint8_t raw[];
  uint32_t stages = (sharedAddress(raw) + 1023) & ~1023u;
  uint32_t full = stages + Shape::kStages * Shape::kStageBytes;
  uint32_t empty = full + Shape::kStages * 8;
  if (threadIdx.x == 0) {
    for (int s = 0; s < Shape::kStages; s++) {
      barrierInit(full + s * 8, 1);
      barrierInit(empty + s * 8, ROWS / 16 * PAIR);  // the warps that multiply
    }
    barrierInitFence();
  }
  __syncthreads();
  if constexpr (PAIR > 1) clusterMeet();
  if (threadIdx.x >= Shape::kMultiplying) {
    if constexpr (ROWS == 128) leaveRegisters<40>();
    streamLarge<ROWS, N, PAIR>(a, stages, full, empty);
    __syncwarp();
  } else {
    if constexpr (ROWS == 128) takeRegisters<232>();
    LargeTiles tiles(a, PAIR * ROWS, N);
    int kTiles = (a.k + 63) / 64;
    int turn = 0;
    int warp = threadIdx.x >> 5;
    float* patches = reinterpret_cast<float*>(raw + (empty + Shape::kStages * 8 - sharedAddress(raw)));
    float sum[N / 2];
    for (int index = blockIdx.x / PAIR; index < tiles.count(); index += gridDim.x / PAIR) {
      int2 place = tiles.at(index);
      sumLarge<T, ROWS, N, PAIR>(a, sum, stages, full, empty, kTiles, turn);
      int firstRow = (place.x * PAIR + blockIdx.x % PAIR) * ROWS + warp * 16;
      writeLarge<T, N>(a, sum, firstRow, place.y * N, patches + warp * (kPatchBytes / 4));
    }
  }
  if constexpr (PAIR > 1) clusterMeet();  // the other block still fills and releases stages of both
}

#else

template <typename T, int ROWS, int N, int PAIR>
__device__ __forceinline__ void gemmLarge(const GemmArgs&) {}  // other chips take gemm_mma.cu

#endif

}  // namespace s3

#define S3_GEMM_LARGE(type, T, ROWS, N, PAIR, CLUSTER, suffix)                                               \
  extern "C" __global__ void CLUSTER __launch_bounds__(2 * ROWS + 128, 1)                                    \
      gemm_##type##_m##ROWS##_n##N##suffix(const T* w, const T* x, void* y, const T* bias, int m, int n,     \
                                           int k, int groups, int stride, int mode, int splits,              \
                                           int activation, float factor, float cap) {                        \
    s3::GemmArgs a{w, x, y, bias, m, n, k, groups, stride, mode, splits, activation, factor, cap};           \
    s3::gemmLarge<T, ROWS, N, PAIR>(a);                                                                      \
  }
#define S3_GEMM_64(type, T, N) S3_GEMM_LARGE(type, T, 64, N, 1, , )
#define S3_GEMM_128(type, T, N) S3_GEMM_LARGE(type, T, 128, N, 1, , )
#define S3_GEMM_PAIR(type, T, N) S3_GEMM_LARGE(type, T, 128, N, 2, S3_CLUSTER(2), _pair)
#define S3_GEMMS_LARGE(type, T) \
  S3_GEMM_64(type, T, 64)       \
  S3_GEMM_64(type, T, 80)       \
  S3_GEMM_64(type, T, 112)      \
  S3_GEMM_128(type, T, 64)      \
  S3_GEMM_128(type, T, 80)      \
  S3_GEMM_128(type, T, 96)      \
  S3_GEMM_128(type, T, 112)     \
  S3_GEMM_128(type, T, 128)     \
  S3_GEMM_128(type, T, 144)     \
  S3_GEMM_128(type, T, 160)     \
  S3_GEMM_128(type, T, 192)     \
  S3_GEMM_128(type, T, 224)     \
  S3_GEMM_128(type, T, 240)     \
  S3_GEMM_128(type, T, 256)     \
  S3_GEMM_PAIR(type, T, 160)    \
  S3_GEMM_PAIR(type, T, 192)    \
  S3_GEMM_PAIR(type, T, 240)
#ifdef S3_GEMM_LARGE_LIST
S3_GEMM_LARGE_LIST  // some of them, for experiments
#else
S3_FOR_TYPES(S3_GEMMS_LARGE)
#endif
