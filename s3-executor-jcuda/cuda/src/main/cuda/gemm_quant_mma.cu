// Matrix product for any GPU from sm_80 on, with weights in 4 and 8 bits: y[m][n] = x[m][k] * w[n][k]^T.
//
//   gemm_<type>_<code>_mma_n<N>   N = 16 or 64 rows of x and 128 columns of y a block
//
//   experts_<type>_<code>_n<N>    the same with rows that are picked and a weight for each block, for experts.cu
//
// As gemm_mma.cu, from the tiles of gemm_quant_wgmma.cu: a warp widens the codes of 16 columns in registers, where mma.sync
// takes them. One sum over k per result, in order of k; splits is ignored. Grid (1, ceil(m / N), ceil(n / 128)), block
// 256, shared memory: README.md. Compile: nvcc -cubin -arch=sm_80 gemm_quant_mma.cu
#include "experts.cuh"
#include "gemm_output.cuh"
#include "mma.cuh"
#include "quant.cuh"

namespace s3 {

template <Code CODE, int N>
struct QuantRing {
  static constexpr int kActivationBytes = N * 256;
  static constexpr int kBytes = kActivationBytes + mostTileBytes(CODE);
  static constexpr int kCount = N == 16 ? 4 : bitsOf(CODE) == 4 ? 3 : 2;
  static constexpr int kPitch = kQuantTile + 4;
  static_assert(N * kPitch * 4 <= kCount * kBytes, "the result tile must fit in the stages");
};

/** 128 columns of y, 16 a warp, by N rows of x. */
template <Code CODE, typename T, int N, typename Rows>
__device__ __forceinline__ void gemmQuantMma(const GemmArgs& a, Scales scales, const Rows& of) {
  using Ring = QuantRing<CODE, N>;
  constexpr int kThreads = 256;
  constexpr int NT = N / 8;
  extern __shared__ __align__(128) uint8_t raw[];
  int kTiles = (a.k + kQuantTile - 1) / kQuantTile;
  int xTiles = (a.k + 63) / 64;
  int tileBytes = codeBytes(CODE) + scales.bytes();
  int rows = of.count;
  const uint8_t* w = static_cast<const uint8_t*>(a.w) + static_cast<size_t>(blockIdx.z) * kTiles * tileBytes;
  const T* x = static_cast<const T*>(a.x);
  __shared__ int sources[Rows::kPicked ? N : 1];
  if constexpr (Rows::kPicked) {
    for (int r = threadIdx.x; r < rows; r += kThreads) sources[r] = of.source(r);
    __syncthreads();
  } else {
    x += static_cast<size_t>(of.first) * kTile;
  }

  auto fetch = [&](int kt) {
    uint8_t* stage = raw + (kt % Ring::kCount) * Ring::kBytes;
    const uint8_t* tile = w + static_cast<size_t>(kt) * tileBytes;
    for (int p = threadIdx.x; p < tileBytes / 16; p += kThreads) {
      copyAsync(stage + Ring::kActivationBytes + p * 16, tile + p * 16, true);
    }
    for (int half = 0; half < 2 && 2 * kt + half < xTiles; half++) {
      const T* from = x + static_cast<size_t>(2 * kt + half) * a.groups * 512;
      T* to = reinterpret_cast<T*>(stage) + half * N * kTile;
      if constexpr (Rows::kPicked) {
        for (int p = threadIdx.x; p < rows * 8; p += kThreads) {
          const T* row = from + static_cast<size_t>(sources[p >> 3]) * kTile;
          int turn = (sources[p >> 3] ^ (p >> 3)) & 7;  // from the swap of the row's place to that of this one
          copyAsync(to + p * 8, row + ((p & 7) ^ turn) * 8, true);
        }
      } else {
        for (int p = threadIdx.x; p < ((rows + 7) & ~7) * 8; p += kThreads) copyAsync(to + p * 8, from + p * 8, true);
      }
    }
  };

  float sum[NT][4] = {};
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int s = 0; s < Ring::kCount - 1; s++) {
    if (s < kTiles) fetch(s);
    copyCommit();
  }
  LaneScales<CODE, T> own(scales);
  for (int kt = 0; kt < kTiles; kt++) {
    copyWait<Ring::kCount - 2>();
    __syncthreads();
    if (kt + Ring::kCount - 1 < kTiles) fetch(kt + Ring::kCount - 1);
    copyCommit();
    const uint8_t* stage = raw + (kt % Ring::kCount) * Ring::kBytes;
    const uint8_t* tile = stage + Ring::kActivationBytes;
    own.load(tile + codeBytes(CODE), warp, 0);
    for (int half = 0; half < 2 && 2 * kt + half < xTiles; half++) {
      const T* rowsTile = reinterpret_cast<const T*>(stage) + half * N * kTile;
      uint32_t left[16];
      HalfCodes<CODE> codes;
      codes.load(tile, warp, half);
      widenHalf<CODE, T>(left, codes, own, tile + codeBytes(CODE), warp, half, scales);
#pragma unroll
      for (int step = 0; step < 4; step++) {
        const uint32_t(&weights)[4] = reinterpret_cast<const uint32_t(&)[4]>(left[4 * step]);
#pragma unroll
        for (int t = 0; t < NT; t++) {
          uint32_t right[2];
          loadMatrix2(right, rowsTile + swizzled(t * 8 + (lane & 7), step * 16 + ((lane >> 3) & 1) * 8));
          multiplyAdd<T>(sum[t], weights, right[0], right[1]);
        }
      }
    }
  }
  copyWait<0>();
  __syncthreads();
  float* result = reinterpret_cast<float*>(raw);
#pragma unroll
  for (int t = 0; t < NT; t++) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      int row = t * 8 + (lane & 3) * 2 + (i & 1);
      result[row * Ring::kPitch + warp * 16 + lane / 4 + (i >> 1) * 8] = sum[t][i];
    }
  }
  __syncthreads();
  auto load = [&](int row, int column, float(&v)[8]) { load8(result + row * Ring::kPitch + column, v); };
  int firstColumn = blockIdx.z * kQuantTile;
  auto rowOf = [&](int row) { return of.target(row); };
  writeTile<T>(a, rowOf, firstColumn, rows, min(kQuantTile, a.n - firstColumn), threadIdx.x, kThreads, load);
}

}  // namespace s3

#define S3_QUANT_MMA(type, T, code, CODE, N)                                                                        \
  extern "C" __global__ void __launch_bounds__(256) gemm_##type##_##code##_mma_n##N(                                \
      const void* w, const T* x, void* y, const T* bias, int m, int n, int k, int groups, int stride, int mode,     \
      int splits, int activation, float factor, float cap, int scales) {                                            \
    s3::GemmArgs a{w, x, y, bias, m, n, k, groups, stride, mode, splits, activation, factor, cap};                  \
    int first = blockIdx.y * N;                                                                                     \
    s3::gemmQuantMma<s3::CODE, T, N>(a, s3::Scales(scales), s3::RowsInOrder{first, min(N, m - first)});             \
  }                                                                                                                 \
  extern "C" __global__ void __launch_bounds__(256) experts_##type##_##code##_n##N(                                 \
      const char* w, const T* x, void* y, const T* bias, int n, int k, int groups, int stride, int mode,            \
      int activation, const s3::ExpertTiles* tiles, const int* pairs, int divisor, int packed) {                    \
    if (static_cast<int>(blockIdx.y) >= tiles->count) return;                                                       \
    s3::ExpertTile tile = tiles->tiles[blockIdx.y];                                                                 \
    s3::Scales scales(packed);                                                                                      \
    size_t matrix = static_cast<size_t>((n + 127) / 128) * ((k + 127) / 128) *                                      \
                    (s3::codeBytes(s3::CODE) + scales.bytes());                                                     \
    const T* own = bias == nullptr ? nullptr : bias + static_cast<size_t>(tile.expert) * n;                         \
    s3::GemmArgs a{w + tile.expert * matrix, x, y, own, tile.rows, n, k, groups, stride, mode, 1, activation, 1.0f, \
                   0.0f};                                                                                           \
    s3::gemmQuantMma<s3::CODE, T, N>(a, scales, s3::PickedRows{pairs + tile.first, tile.rows, divisor});            \
  }
#define S3_QUANT_MMA_CODE(type, T, code, CODE)   \
  S3_QUANT_MMA(type, T, code, CODE, 16)          \
  S3_QUANT_MMA(type, T, code, CODE, 64)
#define S3_QUANT_MMA_CODES(type, T)              \
  S3_QUANT_MMA_CODE(type, T, u4, kU4)            \
  S3_QUANT_MMA_CODE(type, T, s8, kS8)            \
  S3_QUANT_MMA_CODE(type, T, e4m3, kE4M3)        \
  S3_QUANT_MMA_CODE(type, T, e2m1, kE2M1)
S3_FOR_TYPES(S3_QUANT_MMA_CODES)
