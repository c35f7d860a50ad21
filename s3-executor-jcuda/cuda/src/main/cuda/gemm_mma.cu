// Matrix product for any GPU from sm_80 on: y[m][n] = x[m][k] * w[n][k]^T from the same tiles as gemm_wgmma.cu.
//
//   gemm_<type>_mma_n<N>   N rows of x and kColumns columns of y a block: 16 x 64, 64 x 64 or 128 x 128
//
//   experts_<type>_n<N>    the same with rows that are picked and a weight for each block, for experts.cu
//
// mma.sync on tiles that cp.async brings in through a ring of stages. One sum over k per result, in order of k, so
// results do not depend on m (splits is ignored), nor on the rows that share a block. Grid (1, ceil(m / N),
// ceil(n / columns)), block and shared memory: README.md. Compile: nvcc -cubin -arch=sm_80 gemm_mma.cu
#include "experts.cuh"
#include "gemm_output.cuh"
#include "mma.cuh"

namespace s3 {

/** COLUMNS of y by N rows of x, cut among WC x WN warps. */
template <typename T, int COLUMNS, int N, int WC, int WN, int STAGES, typename Rows>
__device__ __forceinline__ void gemmMma(const GemmArgs& a, const Rows& of) {
  constexpr int kThreads = 32 * WC * WN;
  constexpr int kStageElements = (COLUMNS + N) * kTile;
  constexpr int kPitch = COLUMNS + 4;
  constexpr int CT = COLUMNS / WC / 16;  // 16-column tiles a warp
  constexpr int NT = N / WN / 8;         // 8-row tiles a warp
  static_assert(N * kPitch * 2 <= STAGES * kStageElements, "the result tile must fit in the stages");
  extern __shared__ __align__(128) uint8_t raw[];
  T* stages = reinterpret_cast<T*>(raw);
  int kTiles = (a.k + 63) / 64;
  int columnTile = blockIdx.z * (COLUMNS / 64);
  int columnTiles = min(COLUMNS / 64, (a.n + 63) / 64 - columnTile);
  int rows = of.count;
  int xPieces = ((rows + 7) & ~7) * 8;  // of 16 bytes
  const T* w = static_cast<const T*>(a.w);
  const T* x = static_cast<const T*>(a.x);
  __shared__ int sources[Rows::kPicked ? N : 1];
  if constexpr (Rows::kPicked) {
    for (int r = threadIdx.x; r < rows; r += kThreads) sources[r] = of.source(r);
    __syncthreads();
  } else {
    x += static_cast<size_t>(of.first) * kTile;
  }

  auto fetch = [&](int kt) {
    T* stage = stages + (kt % STAGES) * kStageElements;
    for (int p = threadIdx.x; p < columnTiles * 512; p += kThreads) {
      size_t tile = static_cast<size_t>(columnTile + p / 512) * kTiles + kt;
      copyAsync(stage + p * 8, w + tile * kTileElements + (p % 512) * 8, true);
    }
    const T* from = x + static_cast<size_t>(kt) * a.groups * 512;
    if constexpr (Rows::kPicked) {
      for (int p = threadIdx.x; p < rows * 8; p += kThreads) {
        const T* row = from + static_cast<size_t>(sources[p >> 3]) * kTile;
        int turn = (sources[p >> 3] ^ (p >> 3)) & 7;  // from the swap of the row's place to that of this one
        copyAsync(stage + COLUMNS * kTile + p * 8, row + ((p & 7) ^ turn) * 8, true);
      }
    } else {
      for (int p = threadIdx.x; p < xPieces; p += kThreads) {
        copyAsync(stage + COLUMNS * kTile + p * 8, from + p * 8, true);
      }
    }
  };

  float sum[CT][NT][4] = {};
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  int warpColumn = (warp / WN) * (COLUMNS / WC);
  int warpRow = (warp % WN) * (N / WN);
#pragma unroll
  for (int s = 0; s < STAGES - 1; s++) {
    if (s < kTiles) fetch(s);
    copyCommit();
  }
  for (int kt = 0; kt < kTiles; kt++) {
    copyWait<STAGES - 2>();
    __syncthreads();
    if (kt + STAGES - 1 < kTiles) fetch(kt + STAGES - 1);
    copyCommit();
    const T* tile = stages + (kt % STAGES) * kStageElements;
    const T* rowsTile = tile + COLUMNS * kTile;
#pragma unroll
    for (int step = 0; step < 4; step++) {
      uint32_t left[CT][4];
      uint32_t right[NT][2];
#pragma unroll
      for (int c = 0; c < CT; c++) {
        loadMatrix4(left[c], tile + swizzled(warpColumn + c * 16 + (lane & 15), step * 16 + (lane >> 4) * 8));
      }
#pragma unroll
      for (int t = 0; t < NT; t++) {
        loadMatrix2(right[t], rowsTile + swizzled(warpRow + t * 8 + (lane & 7), step * 16 + ((lane >> 3) & 1) * 8));
      }
#pragma unroll
      for (int c = 0; c < CT; c++) {
#pragma unroll
        for (int t = 0; t < NT; t++) multiplyAdd<T>(sum[c][t], left[c], right[t][0], right[t][1]);
      }
    }
  }
  copyWait<0>();
  __syncthreads();
  float* result = reinterpret_cast<float*>(raw);
#pragma unroll
  for (int c = 0; c < CT; c++) {
#pragma unroll
    for (int t = 0; t < NT; t++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        int row = warpRow + t * 8 + (lane & 3) * 2 + (i & 1);
        result[row * kPitch + warpColumn + c * 16 + lane / 4 + (i >> 1) * 8] = sum[c][t][i];
      }
    }
  }
  __syncthreads();
  auto load = [&](int row, int column, float(&v)[8]) { load8(result + row * kPitch + column, v); };
  int columns = min(COLUMNS, a.n - columnTile * 64);
  auto rowOf = [&](int row) { return of.target(row); };
  writeTile<T>(a, rowOf, columnTile * 64, rows, columns, threadIdx.x, kThreads, load);
}

}  // namespace s3

#define S3_GEMM_MMA(type, T, COLUMNS, N, WC, WN, STAGES)                                               \
  extern "C" __global__ void __launch_bounds__(32 * WC * WN) gemm_##type##_mma_n##N(                   \
      const T* w, const T* x, void* y, const T* bias, int m, int n, int k, int groups, int stride,     \
      int mode, int splits, int activation, float factor, float cap) {                                 \
    s3::GemmArgs a{w, x, y, bias, m, n, k, groups, stride, mode, splits, activation, factor, cap};     \
    int first = blockIdx.y * N;                                                                        \
    s3::gemmMma<T, COLUMNS, N, WC, WN, STAGES>(a, s3::RowsInOrder{first, min(N, m - first)});          \
  }                                                                                                    \
  extern "C" __global__ void __launch_bounds__(32 * WC * WN) experts_##type##_n##N(                    \
      const T* w, const T* x, void* y, const T* bias, int n, int k, int groups, int stride, int mode,  \
      int activation, const s3::ExpertTiles* tiles, const int* pairs, int divisor) {                   \
    if (static_cast<int>(blockIdx.y) >= tiles->count) return;                                          \
    s3::ExpertTile tile = tiles->tiles[blockIdx.y];                                                    \
    size_t matrix = static_cast<size_t>((n + 63) / 64) * ((k + 63) / 64) * s3::kTileElements;          \
    const T* own = bias == nullptr ? nullptr : bias + static_cast<size_t>(tile.expert) * n;            \
    s3::GemmArgs a{w + tile.expert * matrix, x, y, own, tile.rows, n, k, groups, stride, mode, 1,      \
                   activation, 1.0f, 0.0f};                                                            \
    s3::gemmMma<T, COLUMNS, N, WC, WN, STAGES>(a, s3::PickedRows{pairs + tile.first, tile.rows, divisor}); \
  }
#define S3_GEMM_MMAS(type, T)             \
  S3_GEMM_MMA(type, T, 64, 16, 4, 1, 6)   \
  S3_GEMM_MMA(type, T, 64, 64, 2, 2, 5)   \
  S3_GEMM_MMA(type, T, 128, 128, 4, 2, 3)
S3_FOR_TYPES(S3_GEMM_MMAS)
