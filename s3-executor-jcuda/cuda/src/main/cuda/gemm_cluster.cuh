// How the warpgroups of a block, and the blocks of a cluster, bring their sums together and write them.
//
// Shared by the products of gemm_wgmma.cu and gemm_quant_wgmma.cu, so that both add segments in the same order.
#pragma once

#include "gemm_output.cuh"
#include "hopper.cuh"

namespace s3 {

/** Floats between rows of the result tile in shared memory: 4 more than it has, against bank conflicts. */
__host__ __device__ constexpr int resultPitch(int r) { return r * 64 + 4; }

#ifdef S3_HOPPER

/** Puts a warpgroup's sums into the result tile, [row of x][column of y]: STRIPS times 64 columns, one after another. */
template <int N, int PITCH, int STRIPS>
__device__ __forceinline__ void spill(const float (&sum)[STRIPS * N / 2], float* tile, int rows) {
  int lane = threadIdx.x & 31;
  int column = (threadIdx.x >> 7) * 64 * STRIPS + ((threadIdx.x >> 5) & 3) * 16 + lane / 4;
#pragma unroll
  for (int i = 0; i < STRIPS * N / 2; i++) {
    int strip = i / (N / 2);
    int row = (i % (N / 2) / 4) * 8 + (lane & 3) * 2 + (i & 1);
    if (row < rows) tile[row * PITCH + column + strip * 64 + ((i >> 1) & 1) * 8] = sum[i];
  }
}

/**
 * Whether blocks send each other the sums of whole rows, or read them from each other. Sending was measured to be faster for
 * 192 columns and 64 rows or more, with a multiprocessor for each block.
 */
template <int R, int N, int C>
constexpr bool kSendsSums = C > 1 && R == 3 && N >= 64;

/** What a warp that does not multiply does meanwhile: the cluster's barriers are for all its threads. */
template <int R, int N, int C>
__device__ __forceinline__ void standBy() {
  if constexpr (C > 1) {
    if constexpr (kSendsSums<R, N, C>) clusterMeet();
    clusterSync();
    if constexpr (!kSendsSums<R, N, C>) clusterMeet();
  }
}

/** Adds the cluster's sums in order of rank, each block those of its share of the pieces, and writes them. */
template <typename T, int R, int N, int C, int STRIPS>
__device__ __forceinline__ void finishByReading(const GemmArgs& a, const float (&sum)[STRIPS * N / 2], uint32_t stages,
                                                float* tile, int rank) {
  constexpr int kColumns = 64 * R * STRIPS;
  constexpr int kPitch = resultPitch(R * STRIPS);
  int firstColumn = blockIdx.z * kColumns;
  int rows = min(N, a.m - static_cast<int>(blockIdx.y) * N);
  int columns = min(kColumns, a.n - firstColumn);
  spill<N, kPitch, STRIPS>(sum, tile, rows);
  if constexpr (C > 1) {
    clusterSync();
  } else {
    asm volatile("bar.sync 1, %0;" ::"n"(128 * R) : "memory");
  }
  auto load = [&](int row, int column, float(&v)[8]) {
    int at = row * kPitch + column;
    if constexpr (C == 1) {
      load8(tile + at, v);
    } else {
#pragma unroll
      for (int peer = 0; peer < C; peer++) {
        uint32_t address = peerAddress(stages + at * 4, peer);
        float4 low = loadPeer(address);
        float4 high = loadPeer(address + 16);
        float part[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
        for (int i = 0; i < 8; i++) v[i] = peer == 0 ? part[i] : v[i] + part[i];
      }
    }
  };
  auto rowOf = [](int row) { return static_cast<int>(blockIdx.y) * N + row; };
  writeTile<T>(a, rowOf, firstColumn, rows, columns, rank * 128 * R + threadIdx.x, C * 128 * R, load);
  if constexpr (C > 1) clusterMeet();  // a peer may still read this block's tile
}

/**
 * The same with each block finishing N / C rows, whose sums the others send into its shared memory: [rank][eight rows][thread],
 * 16 bytes each, in the order in which a thread has them.
 */
template <typename T, int R, int N, int C>
__device__ __forceinline__ void finishBySending(const GemmArgs& a, const float (&sum)[N / 2], uint32_t stages, float* tile,
                                                int rank) {
  constexpr int kColumns = 64 * R;
  constexpr int kPitch = resultPitch(R);
  constexpr int kThreads = 128 * R;
  constexpr int kOwn = N / C;
  constexpr int kPieces = kOwn / 8;  // of 16 bytes that a thread sends to each block
  static_assert(N % (8 * C) == 0, "blocks finish whole pieces of eight rows");
  int firstColumn = blockIdx.z * kColumns;
  int firstRow = rank * kOwn;
  int rows = min(N, a.m - static_cast<int>(blockIdx.y) * N);
  int ownRows = max(0, min(kOwn, rows - firstRow));
  clusterMeet();  // all blocks are done with their stages
#pragma unroll
  for (int peer = 0; peer < C; peer++) {
    uint32_t to = peerAddress(stages + (rank * kPieces * kThreads + threadIdx.x) * 16, peer);
#pragma unroll
    for (int i = 0; i < kPieces; i++) {
      int row = peer * kOwn + i * 8;
      int at = row / 2;
      if (row < rows) storePeer(to + i * kThreads * 16, sum[at], sum[at + 1], sum[at + 2], sum[at + 3]);
    }
  }
  clusterSync();  // the sums of this block's rows have come
  float own[kOwn / 2];
  const float4* parts = reinterpret_cast<const float4*>(tile) + threadIdx.x;
#pragma unroll
  for (int i = 0; i < kPieces; i++) {
    float4 v = parts[i * kThreads];
#pragma unroll
    for (int peer = 1; peer < C; peer++) {
      float4 part = parts[(peer * kPieces + i) * kThreads];
      v = make_float4(v.x + part.x, v.y + part.y, v.z + part.z, v.w + part.w);
    }
    own[i * 4] = v.x;
    own[i * 4 + 1] = v.y;
    own[i * 4 + 2] = v.z;
    own[i * 4 + 3] = v.w;
  }
  asm volatile("bar.sync 1, %0;" ::"n"(kThreads) : "memory");  // the parts have been read
  spill<kOwn, kPitch, 1>(own, tile, ownRows);
  asm volatile("bar.sync 1, %0;" ::"n"(kThreads) : "memory");
  auto load = [&](int row, int column, float(&v)[8]) { load8(tile + row * kPitch + column, v); };
  auto rowOf = [firstRow](int row) { return static_cast<int>(blockIdx.y) * N + firstRow + row; };
  writeTile<T>(a, rowOf, firstColumn, ownRows, min(kColumns, a.n - firstColumn), threadIdx.x, kThreads, load);
}

/** Adds the cluster's sums in order of rank and writes them; called by the R warpgroups that multiplied. */
template <typename T, int R, int N, int C, int STRIPS = 1>
__device__ __forceinline__ void finish(const GemmArgs& a, const float (&sum)[STRIPS * N / 2], uint32_t stages,
                                       float* tile, int rank) {
  // Every warpgroup must be done with the stages before results take their place.
  asm volatile("bar.sync 1, %0;" ::"n"(128 * R) : "memory");
  if constexpr (kSendsSums<R, N, C>) {
    static_assert(STRIPS == 1, "sums of one strip are sent");
    finishBySending<T, R, N, C>(a, sum, stages, tile, rank);
  } else {
    finishByReading<T, R, N, C, STRIPS>(a, sum, stages, tile, rank);
  }
}

#endif  // S3_HOPPER

}  // namespace s3

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
#define S3_CLUSTER(C)
#else
#define S3_CLUSTER(C) __cluster_dims__(C, 1, 1)
#endif
