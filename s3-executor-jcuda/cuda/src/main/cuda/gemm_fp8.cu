// Matrix product on Hopper with both operands in 8 bits: y[m][n] = x[m][k] * w[n][k]^T, e4m3 with scales (sm_90a).
//
// As in gemm_wgmma.cu weights are the 64-row side of wgmma and one warp streams tiles through a ring of stages. A block computes
// 128 columns of y for N rows of x with two warpgroups. The tensor cores keep fewer bits of a sum of e4m3 products than a float
// has, so each 128 columns are summed from zero and then added, times their scales, to sums in float: so does DeepSeek-V3
// (Liu et al. 2024, section 3.3.2). All numbers of rows take the same steps; so a row's bits do not depend on the batch.
//
//   fp8_gemm_<type>_n<N>_c<C>   a cluster of C = splits blocks takes a segment of the sum over k each, of whole tiles
//
// stages of the ring are a parameter: few rows want many, and several blocks on a multiprocessor. Where N > 128 a warpgroup
// multiplies half of its rows after the other half, for it has no registers for all sums twice.
// Grid (C, ceil(m / N), ceil(n / 128)), block 288 (384 where N > 128), shared memory: README.md.
// Compile: nvcc -cubin -gencode arch=compute_90a,code=sm_90a gemm_fp8.cu
#include "fp8.cuh"
#include "gemm_cluster.cuh"

namespace s3 {

/** The activations' scales, and the ring. */
struct Fp8Args {
  const float* scales;  // [row]; where grouped [column / 128][row capacity]
  int grouped;
  int stages;
};

template <int N>
struct Fp8Stage {
  static constexpr bool kWide = N > 128;
  static constexpr int kParts = kWide ? 2 : 1;
  static constexpr int kPartRows = N / kParts;
  static constexpr int kThreads = 256 + (kWide ? 128 : 32);
  static constexpr int kWeights = N * 128;  // activations stand first: their swizzle needs a multiple of 1024
  static constexpr int kScales = kWeights + kFp8TileBytes;
  static constexpr int kBytes = (kScales + N * 4 + 1023) / 1024 * 1024;
  static constexpr int kBlocks = N <= 32 ? 3 : N == 64 ? 2 : 1;
};

#ifdef S3_HOPPER

/** The warp that copies: one thread asks for the tiles [begin, end) in turn. */
template <int N>
__device__ __forceinline__ void streamFp8(const GemmArgs& a, const Fp8Args& f, uint32_t stages, uint32_t full, uint32_t empty,
                                          int begin, int end, int kTiles) {
  using Stage = Fp8Stage<N>;
  int firstRow = blockIdx.y * N;
  int rows = min(N, (a.m - firstRow + 7) & ~7);
  const char* w = static_cast<const char*>(a.w) + static_cast<size_t>(blockIdx.z) * kTiles * kFp8TileBytes;
  const char* x = static_cast<const char*>(a.x) + static_cast<size_t>(firstRow) * 128;
  uint64_t once = evictFirstPolicy();
  bool reread = gridDim.y > 1;
  int slot = 0, parity = 1;
  for (int kt = begin; kt < end; kt++) {
    barrierWait(empty + slot * 8, parity);
    uint32_t barrier = full + slot * 8;
    uint32_t stage = stages + slot * Stage::kBytes;
    barrierExpect(barrier, kFp8TileBytes + rows * 128 + (f.grouped ? rows * 4 : 0));
    const char* tile = w + static_cast<size_t>(kt) * kFp8TileBytes;
    if (reread) {
      bulkCopy(stage + Stage::kWeights, tile, kFp8TileBytes, barrier);
    } else {
      bulkCopyOnce(stage + Stage::kWeights, tile, kFp8TileBytes, barrier, once);
    }
    bulkCopy(stage, x + static_cast<size_t>(kt) * a.groups * 1024, rows * 128, barrier);
    if (f.grouped) {
      bulkCopy(stage + Stage::kScales, f.scales + static_cast<size_t>(kt) * a.groups * 8 + firstRow, rows * 4, barrier);
    }
    if (++slot == f.stages) slot = 0, parity ^= 1;
  }
}

/** total += part * scale of the weight's row * scale of the activations' row; a thread's sums belong to two rows of the weight. */
template <int ROWS>
__device__ __forceinline__ void promote(float (&total)[ROWS / 2], const float (&part)[ROWS / 2], float low, float high,
                                        const float* rowScales, bool grouped) {
  if (grouped) {
#pragma unroll
    for (int j = 0; j < ROWS / 8; j++) {
      float2 x = *reinterpret_cast<const float2*>(rowScales + j * 8 + (threadIdx.x & 3) * 2);
      total[4 * j] = fmaf(part[4 * j], __fmul_rn(low, x.x), total[4 * j]);
      total[4 * j + 1] = fmaf(part[4 * j + 1], __fmul_rn(low, x.y), total[4 * j + 1]);
      total[4 * j + 2] = fmaf(part[4 * j + 2], __fmul_rn(high, x.x), total[4 * j + 2]);
      total[4 * j + 3] = fmaf(part[4 * j + 3], __fmul_rn(high, x.y), total[4 * j + 3]);
    }
  } else {
#pragma unroll
    for (int i = 0; i < ROWS / 2; i++) total[i] = fmaf(part[i], (i & 2) ? high : low, total[i]);
  }
}

/** A warp no longer reads a stage. */
__device__ __forceinline__ void release(uint32_t barrier) {
  if ((threadIdx.x & 31) == 0) barrierArrive(barrier);
}

/** A warpgroup's sums over count tiles. */
template <int N>
__device__ __forceinline__ void multiplyFp8(float (&total)[N / 2], const Fp8Args& f, const uint8_t* raw, uint32_t stages,
                                            uint32_t full, uint32_t empty, int count) {
  using Stage = Fp8Stage<N>;
  constexpr int kRows = Stage::kPartRows;
  int group = threadIdx.x >> 7;
  int own = group * 64 + ((threadIdx.x >> 5) & 3) * 16 + ((threadIdx.x & 31) >> 2);  // row of the tile
  bool grouped = f.grouped != 0;
#pragma unroll
  for (int i = 0; i < N / 2; i++) total[i] = 0;
  int slot = 0, parity = 0;
#pragma unroll 1
  for (int i = 0; i < count; i++) {
    barrierWait(full + slot * 8, parity);
    uint32_t stage = stages + slot * Stage::kBytes;
    const uint8_t* data = raw + slot * Stage::kBytes;
    const float* scales = reinterpret_cast<const float*>(data + Stage::kWeights + kFp8CodeBytes);
    const float* rowScales = reinterpret_cast<const float*>(data + Stage::kScales);
    float low = scales[own], high = scales[own + 8];
    uint64_t weights = matrixDescriptor(stage + Stage::kWeights + group * 8192);
#pragma unroll
    for (int p = 0; p < Stage::kParts; p++) {
      float part[kRows / 2];
      uint64_t activations = matrixDescriptor(stage + p * kRows * 128);
      wgmmaFence();
#pragma unroll
      for (int step = 0; step < 4; step++) {  // 32 columns, 32 bytes, a step
        WgmmaFp8<kRows>::multiply(part, weights + 2 * step, activations + 2 * step, step > 0);
      }
      wgmmaCommit();
      wgmmaWait<0>();
      bool last = p == Stage::kParts - 1;
      if (last && !grouped) release(empty + slot * 8);
      promote<kRows>(reinterpret_cast<float(&)[kRows / 2]>(total[p * kRows / 2]), part, low, high, rowScales + p * kRows,
                     grouped);
      if (last && grouped) {
        __syncwarp();
        release(empty + slot * 8);
      }
    }
    if (++slot == f.stages) slot = 0, parity ^= 1;
  }
}

/** Multiplies sums with the scales of their rows of x. */
template <int N>
__device__ __forceinline__ void scaleRows(float (&total)[N / 2], const float* scales, int rows) {
#pragma unroll
  for (int j = 0; j < N / 8; j++) {
#pragma unroll
    for (int high = 0; high < 2; high++) {
      int row = j * 8 + (threadIdx.x & 3) * 2 + high;
      float scale = row < rows ? scales[row] : 0.0f;
      total[4 * j + high] = __fmul_rn(total[4 * j + high], scale);
      total[4 * j + high + 2] = __fmul_rn(total[4 * j + high + 2], scale);
    }
  }
}

template <typename T, int N, int C>
__device__ __forceinline__ void gemmFp8(const GemmArgs& a, const Fp8Args& f) {
  using Stage = Fp8Stage<N>;
  extern __shared__ uint8_t raw[];
  uint32_t stages = (sharedAddress(raw) + 1023) & ~1023u;
  uint8_t* ring = raw + (stages - sharedAddress(raw));
  uint32_t full = stages + f.stages * Stage::kBytes;
  uint32_t empty = full + f.stages * 8;
  int kTiles = (a.k + kFp8Tile - 1) / kFp8Tile;
  int rank = C > 1 ? blockIdx.x : 0;
  int begin = rank * kTiles / C;
  int end = (rank + 1) * kTiles / C;
  if (threadIdx.x == 0) {
    for (int s = 0; s < f.stages; s++) {
      barrierInit(full + s * 8, 1);
      barrierInit(empty + s * 8, 8);
    }
    barrierInitFence();
  }
  __syncthreads();
  if (threadIdx.x >= 256) {
    if constexpr (Stage::kWide) leaveRegisters<40>();
    if (threadIdx.x == 256) streamFp8<N>(a, f, stages, full, empty, begin, end, kTiles);
    __syncwarp();
    standBy<2, N, C>();
  } else {
    if constexpr (Stage::kWide) takeRegisters<232>();
    float total[N / 2];
    multiplyFp8<N>(total, f, ring, stages, full, empty, end - begin);
    if (!f.grouped) scaleRows<N>(total, f.scales + blockIdx.y * N, a.m - static_cast<int>(blockIdx.y) * N);
    finish<T, 2, N, C>(a, total, stages, reinterpret_cast<float*>(ring), rank);
  }
}

#else

template <typename T, int N, int C>
__device__ __forceinline__ void gemmFp8(const GemmArgs&, const Fp8Args&) {}  // there are kernels for Hopper alone

#endif

}  // namespace s3

#define S3_GEMM_FP8(type, T, N, C)                                                                                        \
  extern "C" __global__ void S3_CLUSTER(C)                                                                                \
      __launch_bounds__(s3::Fp8Stage<N>::kThreads, s3::Fp8Stage<N>::kBlocks)                                              \
      fp8_gemm_##type##_n##N##_c##C(const void* w, const void* x, void* y, const T* bias, int m, int n, int k,            \
                                    int groups, int stride, int mode, int splits, int activation, float factor,           \
                                    float cap, const float* scales, int grouped, int stages) {                            \
    s3::GemmArgs a{w, x, y, bias, m, n, k, groups, stride, mode, splits, activation, factor, cap};                        \
    s3::gemmFp8<T, N, C>(a, s3::Fp8Args{scales, grouped, stages});                                                        \
  }
#define S3_GEMM_FP8_CLUSTERS(type, T, N) S3_GEMM_FP8(type, T, N, 1) S3_GEMM_FP8(type, T, N, 2)
#define S3_GEMMS_FP8(type, T)        \
  S3_GEMM_FP8_CLUSTERS(type, T, 16)  \
  S3_GEMM_FP8_CLUSTERS(type, T, 32)  \
  S3_GEMM_FP8_CLUSTERS(type, T, 64)  \
  S3_GEMM_FP8_CLUSTERS(type, T, 128) \
  S3_GEMM_FP8_CLUSTERS(type, T, 192) \
  S3_GEMM_FP8_CLUSTERS(type, T, 256)
S3_FOR_TYPES(S3_GEMMS_FP8)
