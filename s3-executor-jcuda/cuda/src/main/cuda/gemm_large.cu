// Matrix product on Hopper for many rows: y[m][n] = x[m][k] * w[n][k]^T from tiled weights and activations (sm_90a).
//
// A tile of the result is 128 rows of x by N rows of the weight. Two warpgroups multiply 64 rows of x each: x is the 64-row
// side of wgmma, so that N can be any multiple of 16, chosen such that the tiles of a product fill the multiprocessors. A
// third warpgroup copies, one thread of it, through a ring that goes on from tile to tile: while a tile is written, the
// next one's operands arrive.
//
// The sum over k is cut into the segments of gemm_wgmma.cu, added in order: the bits are those of its kernels.
//
//   gemm_<type>_m128_n<N>   grid (any), block 384, shared memory: README.md; 224 columns for one segment alone
//
// Compile: nvcc -cubin -gencode arch=compute_90a,code=sm_90a gemm_large.cu
#include "gemm_cluster.cuh"
#include "gemm_tiles.cuh"

namespace s3 {

template <int N>
struct LargeShape {
  static constexpr int kRows = 128;
  static constexpr int kActivationBytes = kRows * 128;
  static constexpr int kStageBytes = kActivationBytes + N * 128;
  static constexpr int kStages = (226 * 1024 - 256) / (kStageBytes + 16);
  /** Whether there are registers for the sum of earlier segments beside the current one. */
  static constexpr bool kSegments = N <= 192;
};

#ifdef S3_HOPPER

/** One thread's work: asks for the operands of every tile of this block in turn. */
template <int N>
__device__ __forceinline__ void streamLarge(const GemmArgs& a, uint32_t stages, uint32_t full, uint32_t empty) {
  using Shape = LargeShape<N>;
  LargeTiles tiles(a, Shape::kRows, N);
  int kTiles = (a.k + 63) / 64;
  int rows = ((a.n + 63) / 64) * 64;
  int turn = 0;
  for (int index = blockIdx.x; index < tiles.count(); index += gridDim.x) {
    int2 place = tiles.at(index);
    int firstRow = place.x * Shape::kRows;
    int xBytes = min(Shape::kRows, (a.m - firstRow + 7) & ~7) * 128;
    int first = place.y * N;
    int end = min(first + N, rows);
    const char* x = static_cast<const char*>(a.x) + static_cast<size_t>(firstRow) * 128;
    for (int kt = 0; kt < kTiles; kt++, turn++) {
      int slot = turn % Shape::kStages;
      barrierWait(empty + slot * 8, ((turn / Shape::kStages) & 1) ^ 1);
      uint32_t barrier = full + slot * 8;
      uint32_t stage = stages + slot * Shape::kStageBytes;
      barrierExpect(barrier, xBytes + (end - first) * 128);
      bulkCopy(stage, x + static_cast<size_t>(kt) * a.groups * 1024, xBytes, barrier);
      for (int row = first; row < end;) {
        int next = min((row / 64 + 1) * 64, end);
        const char* from = static_cast<const char*>(a.w) + (static_cast<size_t>(row / 64) * kTiles + kt) * 8192 + (row % 64) * 128;
        bulkCopy(stage + Shape::kActivationBytes + (row - first) * 128, from, (next - row) * 128, barrier);
        row = next;
      }
    }
  }
}

/** A warpgroup's product over count stages, from zero. turn counts stages since the block's start. */
template <typename T, int N>
__device__ __forceinline__ void multiplyLarge(float (&sum)[N / 2], uint32_t stages, uint32_t full, uint32_t empty, int count,
                                              int& turn) {
  using Shape = LargeShape<N>;
  int group = threadIdx.x >> 7;
  int lane = threadIdx.x & 31;
  auto release = [&](int slot) {
    if (lane == 0) barrierArrive(empty + slot * 8);
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
template <typename T, int N>
__device__ __forceinline__ void sumLarge(const GemmArgs& a, float (&sum)[N / 2], uint32_t stages, uint32_t full,
                                         uint32_t empty, int kTiles, int& turn) {
#pragma unroll
  for (int i = 0; i < N / 2; i++) sum[i] = 0;
  if constexpr (!LargeShape<N>::kSegments) {
    multiplyLarge<T, N>(sum, stages, full, empty, kTiles, turn);
  } else {
    float total[N / 2];
#pragma unroll
    for (int i = 0; i < N / 2; i++) total[i] = -0.0f;  // changes no number that is added to it, also no zero
    for (int s = 0; s < a.splits; s++) {
      int length = (s + 1) * kTiles / a.splits - s * kTiles / a.splits;
      multiplyLarge<T, N>(sum, stages, full, empty, length, turn);
#pragma unroll
      for (int i = 0; i < N / 2; i++) total[i] += sum[i];
    }
#pragma unroll
    for (int i = 0; i < N / 2; i++) sum[i] = total[i];
  }
}

/** Four lanes have two columns each of four pieces of eight; afterwards each has one piece, the first lane the first one. */
__device__ __forceinline__ void turnPieces(const float2 (&in)[4], float (&out)[8]) {
  bool odd = threadIdx.x & 1;
  bool high = threadIdx.x & 2;
  float half[2][4];
#pragma unroll
  for (int p = 0; p < 2; p++) {
    float2 keep = odd ? in[2 * p + 1] : in[2 * p];
    float2 give = odd ? in[2 * p] : in[2 * p + 1];
    float2 got = make_float2(__shfl_xor_sync(0xffffffffu, give.x, 1), __shfl_xor_sync(0xffffffffu, give.y, 1));
    half[p][0] = odd ? got.x : keep.x;
    half[p][1] = odd ? got.y : keep.y;
    half[p][2] = odd ? keep.x : got.x;
    half[p][3] = odd ? keep.y : got.y;
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
    float keep = high ? half[1][i] : half[0][i];
    float got = __shfl_xor_sync(0xffffffffu, high ? half[0][i] : half[1][i], 2);
    out[i] = high ? got : keep;
    out[i + 4] = high ? keep : got;
  }
}

/** Takes 64 columns of this lane's two rows: two neighbouring pieces of eight columns of each. */
__device__ __forceinline__ void takePieces(const float (&sum)[32], float (&pieces)[4][8]) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    float2 own[4];
#pragma unroll
    for (int lane = 0; lane < 4; lane++) {
      int at = (lane * 2 + i % 2) * 4 + i / 2 * 2;
      own[lane] = make_float2(sum[at], sum[at + 1]);
    }
    turnPieces(own, pieces[i]);
  }
}

/** Adds four pieces to the stream; all that is read is asked for before the first is written. */
template <typename T>
__device__ __forceinline__ void addPieces(const GemmArgs& a, float (&pieces)[4][8], int row, int column, int end) {
  float old[4][8];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if (row + i / 2 * 8 < a.m && column + i % 2 * 8 < end) loadRow(a, row + i / 2 * 8, column + i % 2 * 8, old[i]);
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if (row + i / 2 * 8 < a.m && column + i % 2 * 8 < end) {
      addRow<T>(a, row + i / 2 * 8, column + i % 2 * 8, pieces[i], old[i]);
    }
  }
}

/** Writes a warpgroup's sums of 64 rows, 64 columns at a time. */
template <typename T, int N>
__device__ __forceinline__ void writeLarge(const GemmArgs& a, float (&sum)[N / 2], int firstRow, int firstColumn) {
  bool adds = a.mode == kAddRows && ((a.n | a.stride) & 7) == 0;
  int each = a.mode == kGatedTiles ? 2 : 1;
  int lane = threadIdx.x & 31;
  int row = firstRow + ((threadIdx.x >> 5) & 3) * 16 + lane / 4;
  int end = min(a.n, firstColumn + N);
#pragma unroll 1
  for (int first = 0; first < N; first += 64) {  // the sums move down, or there would be code for each place
    int column = firstColumn + first + (lane & 3) * 16;
    float some[32], pieces[4][8];
#pragma unroll
    for (int i = 0; i < 32; i++) some[i] = i < N / 2 ? sum[i] : 0;
    takePieces(some, pieces);
    if (adds) {
      addPieces<T>(a, pieces, row, column, end);
    } else {
#pragma unroll 1
      for (int i = 0; i < 4; i += each) {
        if (row + i / 2 * 8 < a.m && column + i % 2 * 8 < end) {
          write<T>(a, row + i / 2 * 8, column + i % 2 * 8, pieces[0], pieces[1]);
        }
#pragma unroll
        for (int j = 0; j < 8; j++) {
          pieces[0][j] = each == 2 ? pieces[2][j] : pieces[1][j];
          pieces[1][j] = each == 2 ? pieces[3][j] : pieces[2][j];
          pieces[2][j] = pieces[3][j];
        }
      }
    }
#pragma unroll
    for (int i = 0; i + 32 < N / 2; i++) sum[i] = sum[i + 32];
  }
}

template <typename T, int N>
__device__ __forceinline__ void gemmLarge(const GemmArgs& a) {
  using Shape = LargeShape<N>;
  extern __shared__ uint8_t raw[];
  uint32_t stages = (sharedAddress(raw) + 1023) & ~1023u;
  uint32_t full = stages + Shape::kStages * Shape::kStageBytes;
  uint32_t empty = full + Shape::kStages * 8;
  if (threadIdx.x == 0) {
    for (int s = 0; s < Shape::kStages; s++) {
      barrierInit(full + s * 8, 1);
      barrierInit(empty + s * 8, 8);  // the warps that multiply
    }
    barrierInitFence();
  }
  __syncthreads();
  if (threadIdx.x >= 256) {
    leaveRegisters<40>();
    if (threadIdx.x == 256) streamLarge<N>(a, stages, full, empty);
  } else {
    takeRegisters<232>();
    LargeTiles tiles(a, Shape::kRows, N);
    int kTiles = (a.k + 63) / 64;
    int turn = 0;
    float sum[N / 2];
    for (int index = blockIdx.x; index < tiles.count(); index += gridDim.x) {
      int2 place = tiles.at(index);
      sumLarge<T, N>(a, sum, stages, full, empty, kTiles, turn);
      writeLarge<T, N>(a, sum, place.x * Shape::kRows + (threadIdx.x >> 7) * 64, place.y * N);
    }
  }
}

#else

template <typename T, int N>
__device__ __forceinline__ void gemmLarge(const GemmArgs&) {}  // other chips take gemm_mma.cu

#endif

}  // namespace s3

#define S3_GEMM_LARGE(type, T, N)                                                                            \
  extern "C" __global__ void __launch_bounds__(384, 1) gemm_##type##_m128_n##N(                              \
      const T* w, const T* x, void* y, const T* bias, int m, int n, int k, int groups, int stride, int mode, \
      int splits, int activation, float factor, float cap) {                                                 \
    s3::gemmLarge<T, N>({w, x, y, bias, m, n, k, groups, stride, mode, splits, activation, factor, cap});    \
  }
#define S3_GEMMS_LARGE(type, T) \
  S3_GEMM_LARGE(type, T, 64)    \
  S3_GEMM_LARGE(type, T, 128)   \
  S3_GEMM_LARGE(type, T, 160)   \
  S3_GEMM_LARGE(type, T, 192)   \
  S3_GEMM_LARGE(type, T, 224)
S3_FOR_TYPES(S3_GEMMS_LARGE)
