// Matrix product on Hopper: y[m][n] = x[m][k] * w[n][k]^T from tiled weights and activations (sm_90a).
//
// The weights are the 64-row side of wgmma, so that few rows of x waste nothing: a block computes 64 * R columns of y
// for N rows of x. One warp streams tiles through a ring of shared-memory stages with bulk copies; R warpgroups
// multiply. The sum over k is cut into `splits` segments at fixed places; each segment is summed on its own and the
// segments are added in order. Where that happens does not change a bit of the result:
//
//   gemm_<type>_r<R>_n<N>_c<C>   a cluster of C = splits blocks takes a segment each and adds through
//                                distributed shared memory: for few rows, when one segment alone leaves the GPU idle
//   gemm_<type>_r<R>_n<N>_deep   one segment, a ring that fills the shared memory of a multiprocessor
//   gemm_<type>_r<R>_n<N>_many   one segment, a short ring, so that more blocks share a multiprocessor
//
// For more rows than these have there is gemm_large.cu.
//
// Grid (C, ceil(m / N), ceil(n / (64 * R))), block 128 * R + 32, shared memory: README.md.
// Compile: nvcc -cubin -gencode arch=compute_90a,code=sm_90a gemm_wgmma.cu
#include "gemm_cluster.cuh"

namespace s3 {

template <int R, int N, int STAGES>
struct GemmShape {
  static constexpr int kWeightBytes = R * 64 * 128;
  static constexpr int kStageBytes = kWeightBytes + N * 128;
  static_assert(N * resultPitch(R) * 4 <= STAGES * kStageBytes, "the result tile must fit in the stages");
};

#ifdef S3_HOPPER

/** The warp that copies: one thread asks for every tile of [begin, end) in turn. */
template <int R, int N, int STAGES>
__device__ __forceinline__ void streamTiles(const GemmArgs& a, uint32_t stages, uint32_t full,
                                            uint32_t empty, int begin, int end, int kTiles) {
  using Shape = GemmShape<R, N, STAGES>;
  int rowTile = blockIdx.z * R;
  int rowTiles = min(R, (a.n + 63) / 64 - rowTile);
  int firstRow = blockIdx.y * N;
  int xBytes = min(N, (a.m - firstRow + 7) & ~7) * 128;
  const char* w = static_cast<const char*>(a.w) + static_cast<size_t>(rowTile) * kTiles * 8192;
  const char* x = static_cast<const char*>(a.x) + static_cast<size_t>(firstRow) * 128;
  uint64_t once = evictFirstPolicy();
  bool reread = gridDim.y > 1;
  for (int kt = begin, i = 0; kt < end; kt++, i++) {
    int slot = i % STAGES;
    barrierWait(empty + slot * 8, ((i / STAGES) & 1) ^ 1);
    uint32_t barrier = full + slot * 8;
    uint32_t stage = stages + slot * Shape::kStageBytes;
    barrierExpect(barrier, rowTiles * 8192 + xBytes);
    for (int r = 0; r < rowTiles; r++) {
      const char* tile = w + (static_cast<size_t>(r) * kTiles + kt) * 8192;
      if (reread) {
        bulkCopy(stage + r * 8192, tile, 8192, barrier);
      } else {
        bulkCopyOnce(stage + r * 8192, tile, 8192, barrier, once);
      }
    }
    bulkCopy(stage + Shape::kWeightBytes, x + static_cast<size_t>(kt) * a.groups * 1024, xBytes, barrier);
  }
}

/** A warpgroup's product over count stages, from zero. */
template <typename T, int R, int N, int STAGES>
__device__ __forceinline__ void multiplySegment(float (&sum)[N / 2], uint32_t stages, uint32_t full,
                                                uint32_t empty, int count) {
  using Shape = GemmShape<R, N, STAGES>;
  int group = threadIdx.x >> 7;
  bool leader = (threadIdx.x & 31) == 0;
  for (int i = 0; i < count; i++) {
    int slot = i % STAGES;
    barrierWait(full + slot * 8, (i / STAGES) & 1);
    uint32_t stage = stages + slot * Shape::kStageBytes;
    uint64_t weights = matrixDescriptor(stage + group * 8192);
    uint64_t activations = matrixDescriptor(stage + Shape::kWeightBytes);
    wgmmaFence();
#pragma unroll
    for (int step = 0; step < 4; step++) {  // 16 columns, 32 bytes, a step
      Wgmma<T, N>::multiply(sum, weights + 2 * step, activations + 2 * step, i > 0 || step > 0);
    }
    wgmmaCommit();
    wgmmaWait<1>();  // the tile before is done: its stage may be filled again
    if (i > 0 && leader) barrierArrive(empty + ((i + STAGES - 1) % STAGES) * 8);
  }
  wgmmaWait<0>();
  if (leader && count > 0) barrierArrive(empty + (count - 1) % STAGES * 8);
}

template <typename T, int R, int N, int STAGES, int C>
__device__ __forceinline__ void gemm(const GemmArgs& a) {
  using Shape = GemmShape<R, N, STAGES>;
  extern __shared__ uint8_t raw[];
  uint32_t stages = (sharedAddress(raw) + 1023) & ~1023u;
  float* tile = reinterpret_cast<float*>(raw + (stages - sharedAddress(raw)));
  uint32_t full = stages + STAGES * Shape::kStageBytes;
  uint32_t empty = full + STAGES * 8;
  int kTiles = (a.k + 63) / 64;
  int rank = C > 1 ? blockIdx.x : 0;
  int begin = rank * kTiles / C;
  int end = (rank + 1) * kTiles / C;
  if (threadIdx.x == 0) {
    for (int s = 0; s < STAGES; s++) {
      barrierInit(full + s * 8, 1);
      barrierInit(empty + s * 8, 4 * R);
    }
    barrierInitFence();
  }
  __syncthreads();
  if (threadIdx.x >= 128 * R) {
    if (threadIdx.x == 128 * R) {
      streamTiles<R, N, STAGES>(a, stages, full, empty, begin, end, kTiles);
    }
    __syncwarp();
    standBy<R, N, C>();
  } else {
    float sum[N / 2];
#pragma unroll
    for (int i = 0; i < N / 2; i++) sum[i] = 0;
    multiplySegment<T, R, N, STAGES>(sum, stages, full, empty, end - begin);
    finish<T, R, N, C>(a, sum, stages, tile, rank);
  }
}

#else

template <typename T, int R, int N, int STAGES, int C>
__device__ __forceinline__ void gemm(const GemmArgs&) {}  // other chips take gemm_mma.cu

#endif

}  // namespace s3

#define S3_GEMM_BODY(T, R, N, STAGES, C)                                                             \
  (const T* w, const T* x, void* y, const T* bias, int m, int n, int k, int groups, int stride, int mode, \
   int splits, int activation, float factor, float cap) {                                            \
    s3::GemmArgs a{w, x, y, bias, m, n, k, groups, stride, mode, splits, activation, factor, cap};   \
    s3::gemm<T, R, N, STAGES, C>(a);                                                                 \
  }

#define S3_GEMM_ONE(type, T, R, N, STAGES, BLOCKS)                                                    \
  extern "C" __global__ void __launch_bounds__(128 * R + 32, BLOCKS) gemm_##type##_r##R##_n##N##_c1   \
      S3_GEMM_BODY(T, R, N, STAGES, 1)
#define S3_GEMM_CLUSTER(type, T, R, N, STAGES, BLOCKS, C)                                             \
  extern "C" __global__ void S3_CLUSTER(C)                                                            \
      __launch_bounds__(128 * R + 32, BLOCKS) gemm_##type##_r##R##_n##N##_c##C                        \
      S3_GEMM_BODY(T, R, N, STAGES, C)
#define S3_GEMM_DEEP(type, T, R, N, STAGES, BLOCKS)                                                   \
  extern "C" __global__ void __launch_bounds__(128 * R + 32, BLOCKS) gemm_##type##_r##R##_n##N##_deep \
      S3_GEMM_BODY(T, R, N, STAGES, 1)
#define S3_GEMM_MANY(type, T, R, N, STAGES, BLOCKS)                                                   \
  extern "C" __global__ void __launch_bounds__(128 * R + 32, BLOCKS) gemm_##type##_r##R##_n##N##_many \
      S3_GEMM_BODY(T, R, N, STAGES, 1)

#define S3_GEMM_CLUSTERS(type, T, R, N, STAGES, BLOCKS)   \
  S3_GEMM_CLUSTER(type, T, R, N, STAGES, BLOCKS, 2)       \
  S3_GEMM_CLUSTER(type, T, R, N, STAGES, BLOCKS, 4)       \
  S3_GEMM_CLUSTER(type, T, R, N, STAGES, BLOCKS, 8)
#define S3_GEMM_ALL(type, T, R, N, STAGES, BLOCKS)        \
  S3_GEMM_ONE(type, T, R, N, STAGES, BLOCKS)              \
  S3_GEMM_CLUSTERS(type, T, R, N, STAGES, BLOCKS)

// The last two numbers: stages of the ring, and blocks that share a multiprocessor.
#define S3_GEMMS(type, T)                    \
  S3_GEMM_ALL(type, T, 2, 16, 6, 2)          \
  S3_GEMM_ALL(type, T, 2, 32, 5, 2)          \
  S3_GEMM_ALL(type, T, 2, 64, 4, 2)          \
  S3_GEMM_CLUSTERS(type, T, 3, 64, 6, 1)     \
  S3_GEMM_CLUSTER(type, T, 3, 128, 5, 1, 8)  \
  S3_GEMM_DEEP(type, T, 2, 64, 9, 1)         \
  S3_GEMM_MANY(type, T, 2, 16, 4, 3)         \
  S3_GEMM_MANY(type, T, 2, 32, 3, 3)         \
  S3_GEMM_MANY(type, T, 2, 64, 3, 3)
S3_FOR_TYPES(S3_GEMMS)
