// Attention of the speech model over KV slots [from, to), with or without a causal limit, and what writes the slots.
//
// KV pool: [block][layer][keys, values][head][512]: keys [16 slots][32], values turned, [32][16 slots], so that both
// are read in the order of the fragments of mma.sync. A null table means that block i is number i.
//
// Each head's keys are cut into tiles of 32 slots, counted from slot 0; warp s of the head's four takes the tiles s,
// s + 4, ..., and the four results are added in order. A hidden tile adds nothing, so a row of the causal mode gets the
// same bits alone and in a chunk.
#pragma once

#include "speech.cuh"

namespace s3 {
namespace speech {

constexpr int kHeadElements = kRows * kHeadSize;

/** The KV of one layer of one sequence. */
struct Cache {
  __half* pool;
  const int* table;
  int layer;
  int layers;

  /** Keys (0) or values (1) of a head in a block of the sequence. */
  __device__ __forceinline__ __half* at(int block, int which, int head) const {
    size_t number = table == nullptr ? block : table[block];
    return pool + (((number * layers + layer) * 2 + which) * kHeads + head) * kHeadElements;
  }
};

__device__ __forceinline__ void storeKey(const Cache& cache, int slot, int column, float first, float second) {
  __half* head = cache.at(slot / kRows, 0, column / kHeadSize);
  *reinterpret_cast<uint32_t*>(head + slot % kRows * kHeadSize + column % kHeadSize) = packed<__half>(first, second);
}

__device__ __forceinline__ void storeValue(const Cache& cache, int slot, int column, float first, float second) {
  __half* head = cache.at(slot / kRows, 1, column / kHeadSize) + column % kHeadSize * kRows + slot % kRows;
  head[0] = fromFloat<__half>(first);
  head[kRows] = fromFloat<__half>(second);
}

/**
 * Queries, keys and values of LayerNorm(x) with rotary positions from `position` on. Queries go to q, [16][128]; keys
 * and values of the first `count` rows to the slots from `slot` on.
 */
__device__ __forceinline__ void project(Shared& s, const SelfAttention& part, const Constants& constants, int position,
                                        int count, int slot, const Cache& cache, __half* q) {
  normRows(s, part.norm, constants.epsilon);
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  float sum[3][4];
  multiply<kWidth, 3>(&s.a[0][0], kStride, part.queryKeyValue.pieces, warp, sum);
  int column = warp * 8 + (lane & 3) * 2;
  float rate = constants.rotary[column % kHeadSize / 2];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    int row = (lane >> 2) + i * 8;
    float sine, cosine;
    sincosf(static_cast<float>(position + row) * rate, &sine, &cosine);
    float q0 = sum[0][2 * i], q1 = sum[0][2 * i + 1];
    *reinterpret_cast<uint32_t*>(q + row * kWidth + column) =
        packed<__half>(q0 * cosine - q1 * sine, q1 * cosine + q0 * sine);
    if (row < count) {
      float k0 = sum[1][2 * i], k1 = sum[1][2 * i + 1];
      storeKey(cache, slot + row, column, k0 * cosine - k1 * sine, k1 * cosine + k0 * sine);
      storeValue(cache, slot + row, column, sum[2][2 * i], sum[2][2 * i + 1]);
    }
  }
}

/** The slots that the rows of a block see: row r those from `from` up to `first + step * min(r, last)`. */
struct Range {
  int from;
  int first;
  int step;  // 1 in the causal mode, else 0
  int last;  // last row that counts

  __device__ __forceinline__ int end(int row) const { return first + step * min(row, last); }
};

/** One warp's sums over its tiles of a head. */
struct Sums {
  float largest[2];
  float sum[2];
  float values[4][4];
};

__device__ __forceinline__ float quadMax(float v) {
  v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, 1));
  return fmaxf(v, __shfl_xor_sync(0xffffffffu, v, 2));
}

__device__ __forceinline__ float quadSum(float v) {
  v += __shfl_xor_sync(0xffffffffu, v, 1);
  return v + __shfl_xor_sync(0xffffffffu, v, 2);
}

/** Clears the halves of a piece of four values whose slots are not before `left`. */
__device__ __forceinline__ uint2 kept(uint2 v, int left) {
  if (left >= 4) return v;
  v.x = left >= 2 ? v.x : (left == 1 ? v.x & 0xffffu : 0u);
  v.y = left == 3 ? v.y & 0xffffu : 0u;
  return v;
}

/** Adds a tile of 32 slots. scale is the softmax's, for powers of 2. */
__device__ __forceinline__ void addTile(Sums& sums, const uint4 (&query)[2], const Cache& cache, int head, int tile,
                                        const Range& range, int end, float scale) {
  int lane = threadIdx.x & 31;
  int group = lane >> 2;
  int quad = lane & 3;
  uint32_t even[4] = {query[0].x, query[1].x, query[0].y, query[1].y};
  uint32_t odd[4] = {query[0].z, query[1].z, query[0].w, query[1].w};
  uint4 keys[2][2];
  uint2 values[2][4];
#pragma unroll
  for (int u = 0; u < 2; u++) {
    int slot = tile * 32 + u * kRows;
    bool present = slot < end;
    int block = present ? tile * 2 + u : tile * 2;  // the first one is always present
    const __half* k = cache.at(block, 0, head) + (4 * (group >> 1) + (group & 1)) * kHeadSize + quad * 8;
    const __half* v = cache.at(block, 1, head) + group * kRows + quad * 4;
#pragma unroll
    for (int r = 0; r < 2; r++) keys[u][r] = *reinterpret_cast<const uint4*>(k + 2 * r * kHeadSize);
#pragma unroll
    for (int d = 0; d < 4; d++) {
      values[u][d] = kept(*reinterpret_cast<const uint2*>(v + d * 8 * kRows), end - slot - quad * 4);
    }
  }
  float scores[2][2][4];
  float highest[2] = {-INFINITY, -INFINITY};
#pragma unroll
  for (int u = 0; u < 2; u++) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float sum[4] = {};
      multiplyAdd<__half>(sum, even, keys[u][r].x, keys[u][r].y);
      multiplyAdd<__half>(sum, odd, keys[u][r].z, keys[u][r].w);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        int slot = tile * 32 + u * kRows + quad * 4 + r * 2 + (i & 1);
        bool seen = slot >= range.from && slot < range.end(group + (i >> 1) * 8);
        scores[u][r][i] = seen ? sum[i] : -INFINITY;
        highest[i >> 1] = fmaxf(highest[i >> 1], scores[u][r][i]);
      }
    }
  }
  float minus[2];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    float largest = fmaxf(sums.largest[i], quadMax(highest[i]));
    float finite = largest == -INFINITY ? 0.0f : largest;
    float factor = exp2f((sums.largest[i] - finite) * scale);
    sums.largest[i] = largest;
    sums.sum[i] *= factor;
    minus[i] = -finite * scale;
#pragma unroll
    for (int d = 0; d < 4; d++) {
      sums.values[d][2 * i] *= factor;
      sums.values[d][2 * i + 1] *= factor;
    }
  }
#pragma unroll
  for (int u = 0; u < 2; u++) {
    uint32_t weights[4];
#pragma unroll
    for (int r = 0; r < 2; r++) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        float first = exp2f(fmaf(scores[u][r][2 * i], scale, minus[i]));
        float second = exp2f(fmaf(scores[u][r][2 * i + 1], scale, minus[i]));
        sums.sum[i] += first;
        sums.sum[i] += second;
        weights[2 * r + i] = packed<__half>(first, second);
      }
    }
#pragma unroll
    for (int d = 0; d < 4; d++) multiplyAdd<__half>(sums.values[d], weights, values[u][d].x, values[u][d].y);
  }
}

/** a = attention of the queries [16][stride] over the range of slots; barriers before and after are the caller's. */
__device__ __forceinline__ void attend(Shared& s, const __half* q, int stride, const Cache& cache, const Range& range) {
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  int head = warp % kHeads;
  int split = warp / kHeads;
  const float scale = 1.4426950408889634f * 0.17677669529663687f;  // log2(e) / sqrt(32)
  const __half* own = q + (lane >> 2) * stride + head * kHeadSize + (lane & 3) * 8;
  uint4 query[2] = {*reinterpret_cast<const uint4*>(own), *reinterpret_cast<const uint4*>(own + 8 * stride)};
  Sums sums = {{-INFINITY, -INFINITY}, {}, {}};
  int end = range.end(kRows - 1);
  int firstTile = range.from / 32;
  for (int tile = firstTile + ((split - firstTile) & (kSplits - 1)); tile * 32 < end; tile += kSplits) {
    addTile(sums, query, cache, head, tile, range, end, scale);
  }
#pragma unroll
  for (int i = 0; i < 2; i++) {
    int row = (lane >> 2) + i * 8;
    float sum = quadSum(sums.sum[i]);
    if ((lane & 3) == 0) {
      s.largest[split][head][row] = sums.largest[i];
      s.sums[split][head][row] = sum;
    }
#pragma unroll
    for (int d = 0; d < 4; d++) {
      *reinterpret_cast<float2*>(&s.parts[split][row][head * kHeadSize + d * 8 + (lane & 3) * 2]) =
          make_float2(sums.values[d][2 * i], sums.values[d][2 * i + 1]);
    }
  }
  __syncthreads();
  int column = lane * 4;  // a warp adds the parts of a row
  head = column / kHeadSize;
  float largest = -INFINITY;
#pragma unroll
  for (int p = 0; p < kSplits; p++) largest = fmaxf(largest, s.largest[p][head][warp]);
  float total = 0.0f;
  float4 result = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
  for (int p = 0; p < kSplits; p++) {
    float factor = exp2f((s.largest[p][head][warp] - largest) * scale);
    float4 part = *reinterpret_cast<const float4*>(&s.parts[p][warp][column]);
    total += factor * s.sums[p][head][warp];
    result.x += factor * part.x;
    result.y += factor * part.y;
    result.z += factor * part.z;
    result.w += factor * part.w;
  }
  float inverse = 1.0f / total;
  putInput(s, make_float4(result.x * inverse, result.y * inverse, result.z * inverse, result.w * inverse));
}

}  // namespace speech
}  // namespace s3
