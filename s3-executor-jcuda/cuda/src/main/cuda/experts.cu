// The experts of a feed-forward part: which serve each row, the order in which products take them, and their sum.
//
//   route            grid (rows), block 32, shared memory experts * 5: picks each row's experts
//   group_pairs      grid (1), block 1024, shared memory experts * 8: sorts pairs by expert, in tiles of one expert
//   combine_experts  grid (rows), block 256: adds each row's results, with the router's probabilities as weights
//
// The products between are experts_<type>_n<N> of gemm_mma.cu. Which pairs share a tile changes no result: a row of a
// product depends on that row alone. Compile: nvcc -cubin -arch=sm_90a experts.cu
#include "experts.cuh"

namespace s3 {

/** The expert with the largest logit of those left; the lowest number among equals. taken[e]: already picked. */
__device__ __forceinline__ int bestOf(const float* logits, const bool* taken, int experts) {
  unsigned long long best = 0;
  for (int e = threadIdx.x; e < experts; e += 32) {
    unsigned long long ranked =
        static_cast<unsigned long long>(keyOf(logits[e])) << 32 | (0xffffffffu - static_cast<uint32_t>(e));
    if (!taken[e] && ranked > best) best = ranked;
  }
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) {
    unsigned long long other = __shfl_xor_sync(0xffffffffu, best, step);
    best = other > best ? other : best;
  }
  return static_cast<int>(0xffffffffu - static_cast<uint32_t>(best));
}

/**
 * Picks the perToken experts with the largest logits of each row. Their weights are probabilities among all experts, or
 * among the picked ones where normalised. Rows that only pad have the expert -1.
 */
__device__ void route(const float* logits, const int* sequences, int* picked, float* weights, int experts,
                      int perToken, int normalised) {
  extern __shared__ float own[];  // the row's logits
  bool* taken = reinterpret_cast<bool*>(own + experts);
  int row = blockIdx.x;
  int lane = threadIdx.x;
  picked += static_cast<size_t>(row) * perToken;
  weights += static_cast<size_t>(row) * perToken;
  if (sequences[row] < 0) {
    for (int i = lane; i < perToken; i += 32) picked[i] = -1;
    return;
  }
  for (int e = lane; e < experts; e += 32) {
    own[e] = logits[static_cast<size_t>(row) * experts + e];
    taken[e] = false;
  }
  __syncwarp();
  float most = 0, sum = 0;
  for (int i = 0; i < perToken; i++) {
    int best = bestOf(own, taken, experts);
    __syncwarp();
    if (lane == 0) {
      taken[best] = true;
      picked[i] = best;
    }
    __syncwarp();
    if (i == 0) most = own[best];
    float weight = expf(own[best] - most);
    sum += weight;
    if (lane == 0) weights[i] = weight;
  }
  if (!normalised) {
    sum = 0;
    for (int e = lane; e < experts; e += 32) sum += expf(own[e] - most);
    sum = warpSum(sum);
  }
  __syncwarp();
  if (lane == 0) {
    for (int i = 0; i < perToken; i++) weights[i] /= sum;
  }
}

/** Sorts the pairs of all rows by expert and cuts them into tiles of at most tileRows pairs. */
__device__ void groupPairs(const int* picked, int pairs, int experts, int tileRows, ExpertTiles* tiles, int* sorted) {
  extern __shared__ int counts[];
  int* next = counts + experts;  // where an expert's next pair goes
  for (int e = threadIdx.x; e < experts; e += blockDim.x) counts[e] = 0;
  __syncthreads();
  for (int p = threadIdx.x; p < pairs; p += blockDim.x) {
    if (picked[p] >= 0) atomicAdd(&counts[picked[p]], 1);
  }
  __syncthreads();
  if (threadIdx.x < 32) {
    int lane = threadIdx.x;
    int pairsBefore = 0, tilesBefore = 0;
    for (int base = 0; base < experts; base += 32) {
      int e = base + lane;
      int count = e < experts ? counts[e] : 0;
      int own = (count + tileRows - 1) / tileRows;
      int pairsEnd = count, tilesEnd = own;  // inclusive sums over the lanes
#pragma unroll
      for (int step = 1; step < 32; step <<= 1) {
        int otherPairs = __shfl_up_sync(0xffffffffu, pairsEnd, step);
        int otherTiles = __shfl_up_sync(0xffffffffu, tilesEnd, step);
        if (lane >= step) pairsEnd += otherPairs, tilesEnd += otherTiles;
      }
      int first = pairsBefore + pairsEnd - count;
      if (e < experts) next[e] = first;
      for (int t = 0; t < own; t++) {
        tiles->tiles[tilesBefore + tilesEnd - own + t] = {e, first + t * tileRows,
                                                          min(tileRows, count - t * tileRows), 0};
      }
      pairsBefore += __shfl_sync(0xffffffffu, pairsEnd, 31);
      tilesBefore += __shfl_sync(0xffffffffu, tilesEnd, 31);
    }
    if (lane == 0) tiles->count = tilesBefore;
  }
  __syncthreads();
  for (int p = threadIdx.x; p < pairs; p += blockDim.x) {
    if (picked[p] >= 0) sorted[atomicAdd(&next[picked[p]], 1)] = p;
  }
}

/** to[row] = sum over i of weights[row][i] * results[row][i], in order; added, times factor, where add is not 0. */
__device__ void combineExperts(const float* results, const float* weights, const int* sequences, float* to, int width,
                               int perToken, float factor, int add) {
  int row = blockIdx.x;
  if (sequences[row] < 0) return;
  weights += static_cast<size_t>(row) * perToken;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float sum[8] = {};
    for (int i = 0; i < perToken; i++) {
      float v[8];
      load8(results + (static_cast<size_t>(row) * perToken + i) * width + c, v);
#pragma unroll
      for (int j = 0; j < 8; j++) sum[j] = fmaf(weights[i], v[j], sum[j]);
    }
    float* at = to + static_cast<size_t>(row) * width + c;
    if (add) {
      float before[8];
      load8(at, before);
#pragma unroll
      for (int j = 0; j < 8; j++) sum[j] = fmaf(factor, sum[j], before[j]);
    }
    store8(at, sum);
  }
}

}  // namespace s3

extern "C" __global__ void __launch_bounds__(32)
    route(const float* logits, const int* sequences, int* picked, float* weights, int experts, int perToken,
          int normalised) {
  s3::route(logits, sequences, picked, weights, experts, perToken, normalised);
}
extern "C" __global__ void __launch_bounds__(1024)
    group_pairs(const int* picked, int pairs, int experts, int tileRows, s3::ExpertTiles* tiles, int* sorted) {
  s3::groupPairs(picked, pairs, experts, tileRows, tiles, sorted);
}
extern "C" __global__ void combine_experts(const float* results, const float* weights, const int* sequences, float* to,
                                           int width, int perToken, float factor, int add) {
  s3::combineExperts(results, weights, sequences, to, width, perToken, factor, add);
}
