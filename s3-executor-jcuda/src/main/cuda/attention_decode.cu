// Attention of one new token a sequence over its paged KV, the positions split among blocks (flash-decoding).
//
//   attention_decode_<type>_d<headDim>   grid (kvHeads, decodeRows, any), block 128: partial results a part of 256
//   attention_merge_<type>_d<headDim>    grid (ceil(heads / 4), decodeRows), block 128: adds parts in order
//
// Block z takes parts z, z + gridDim.z, ... so that any grid gives the same bits; surplus blocks end at once. At most
// 16 query heads a key head. Warps share a unit by positions for the scores and by dimensions for the output.
// Partial results: sums [decodeRow][head][maxParts][headDim] of float, states [decodeRow][head][maxParts] of
// (maximum, sum). Compile: nvcc -cubin -arch=sm_90a attention_decode.cu
#include "attention.cuh"

namespace s3 {

template <typename T, int HD>
struct DecodeMemory {
  T q[16][HD + 8];
  T keys[2][kUnit][HD + 8];
  T values[2][kUnit][HD + 8];
  T probabilities[16][kUnit + 8];
  float maxima[4][16];
  int blocks[kPart / kBlockTokens];
};

template <typename T, int HD>
__device__ void attentionDecode(const AttentionArgs& a, const Batch& batch, const int* rows, float* sums,
                                float2* states, int maxParts) {
  constexpr int kPairs = (HD / 16 + 3) / 4;  // pieces of 16 dimensions a warp
  extern __shared__ __align__(128) uint8_t raw[];
  auto& memory = *reinterpret_cast<DecodeMemory<T, HD>*>(raw);
  int kvHead = blockIdx.x;
  int row = rows != nullptr ? rows[blockIdx.y] : blockIdx.y;
  int sequence = batch.sequences[row];
  if (sequence < 0) return;
  int position = batch.positions[row];
  int parts = position / kPart + 1;
  if (blockIdx.z >= parts) return;
  int group = a.heads / a.kvHeads;
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  HeadMemory<T> head(a, kvHead, HD);
  const T* q = static_cast<const T*>(a.q) + static_cast<size_t>(row) * a.qStride + kvHead * group * HD;
  for (int p = threadIdx.x; p < 16 * (HD / 8); p += 128) {
    int r = p / (HD / 8);
    int d = (p % (HD / 8)) * 8;
    uint4 zero = make_uint4(0, 0, 0, 0);
    *reinterpret_cast<uint4*>(&memory.q[r][d]) = r < group ? *reinterpret_cast<const uint4*>(q + r * HD + d) : zero;
  }
  float scale = __fmul_rn(a.scale, kLog2e);
  const int* table = batch.tables + batch.tableStarts[sequence];

  for (int part = blockIdx.z; part < parts; part += gridDim.z) {
    int start = part * kPart;
    int end = min(start + kPart, position + 1);
    int units = (end - start + kUnit - 1) / kUnit;
    __syncthreads();  // the part before is done with shared memory
    int partBlocks = (end - start + kBlockTokens - 1) / kBlockTokens;
    if (threadIdx.x < partBlocks) memory.blocks[threadIdx.x] = table[start / kBlockTokens + threadIdx.x];
    __syncthreads();
    auto fetch = [&](int unit) {
      if (unit < units) {
        fetchUnit<T, HD, 128>(memory.keys[unit & 1][0], memory.values[unit & 1][0], head,
                              memory.blocks + unit * (kUnit / kBlockTokens), end - start - unit * kUnit);
      }
      copyCommit();
    };
    RowState low, high;
    float out[kPairs][2][4] = {};
    fetch(0);
    fetch(1);
    for (int unit = 0; unit < units; unit++) {
      copyWait<1>();
      __syncthreads();
      float s[2][4] = {};
      scores16<T, HD>(s[0], s[1], memory.q[0], memory.keys[unit & 1][warp * 16]);
      int first = start + unit * kUnit + warp * 16;
      scaleAndMask(s[0], scale, first, position, position);
      scaleAndMask(s[1], scale, first + 8, position, position);
      float maxLow = quadMax(fmaxf(fmaxf(s[0][0], s[0][1]), fmaxf(s[1][0], s[1][1])));
      float maxHigh = quadMax(fmaxf(fmaxf(s[0][2], s[0][3]), fmaxf(s[1][2], s[1][3])));
      if ((lane & 3) == 0) {
        memory.maxima[warp][lane / 4] = maxLow;
        memory.maxima[warp][lane / 4 + 8] = maxHigh;
      }
      __syncthreads();
#pragma unroll
      for (int w = 0; w < 4; w++) {
        maxLow = fmaxf(maxLow, memory.maxima[w][lane / 4]);
        maxHigh = fmaxf(maxHigh, memory.maxima[w][lane / 4 + 8]);
      }
      float factorLow = low.raise(maxLow);
      float factorHigh = high.raise(maxHigh);
#pragma unroll
      for (int t = 0; t < 2; t++) {
        T* p = &memory.probabilities[lane / 4][warp * 16 + t * 8 + (lane & 3) * 2];
        *reinterpret_cast<uint32_t*>(p) = packed<T>(low.probability(s[t][0]), low.probability(s[t][1]));
        *reinterpret_cast<uint32_t*>(p + 8 * (kUnit + 8)) =
            packed<T>(high.probability(s[t][2]), high.probability(s[t][3]));
      }
      __syncthreads();
#pragma unroll
      for (int i = 0; i < kPairs; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
          float factor = j < 2 ? factorLow : factorHigh;
          out[i][0][j] = __fmul_rn(out[i][0][j], factor);
          out[i][1][j] = __fmul_rn(out[i][1][j], factor);
        }
      }
#pragma unroll
      for (int step = 0; step < kUnit / 16; step++) {
        uint32_t p[4];
        loadMatrix4(p, &memory.probabilities[lane & 15][step * 16 + (lane >> 4) * 8]);
        addToSums<T>(low, high, p);
#pragma unroll
        for (int i = 0; i < kPairs; i++) {
          int d = (warp + 4 * i) * 16;
          if (d < HD) addValues16<T, HD>(out[i][0], out[i][1], p, &memory.values[unit & 1][step * 16][d]);
        }
      }
      __syncthreads();
      fetch(unit + 2);
    }
    float sumLow = quadSum(low.sum);
    float sumHigh = quadSum(high.sum);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int r = lane / 4 + half * 8;
      if (r >= group) continue;
      size_t at = (static_cast<size_t>(blockIdx.y) * a.heads + kvHead * group + r) * maxParts + part;
      if (threadIdx.x < 32 && (lane & 3) == 0) {
        states[at] = half == 0 ? make_float2(low.max, sumLow) : make_float2(high.max, sumHigh);
      }
#pragma unroll
      for (int i = 0; i < kPairs; i++) {
#pragma unroll
        for (int t = 0; t < 2; t++) {
          int d = (warp + 4 * i) * 16 + t * 8 + (lane & 3) * 2;
          if (d < HD) {
            *reinterpret_cast<float2*>(sums + at * HD + d) =
                make_float2(out[i][t][2 * half], out[i][t][2 * half + 1]);
          }
        }
      }
    }
  }
}

template <typename T, int HD>
__device__ void attentionMerge(const Batch& batch, const int* rows, const float* sums, const float2* states,
                               T* out, int groups, int heads, int maxParts) {
  int row = rows != nullptr ? rows[blockIdx.y] : blockIdx.y;
  int head = blockIdx.x * 4 + (threadIdx.x >> 5);
  if (batch.sequences[row] < 0 || head >= heads) return;
  int parts = batch.positions[row] / kPart + 1;
  size_t at = (static_cast<size_t>(blockIdx.y) * heads + head) * maxParts;
  for (int d = (threadIdx.x & 31) * 2; d < HD; d += 64) {
    float max = -INFINITY, sum = 0, x = 0, y = 0;
#pragma unroll 4  // loads of four parts travel together
    for (int part = 0; part < parts; part++) {
      float2 state = states[at + part];
      float2 v = *reinterpret_cast<const float2*>(sums + (at + part) * HD + d);
      Merge merge(max, state.x);
      max = merge.max;
      sum = merge(sum, state.y);
      x = merge(x, v.x);
      y = merge(y, v.y);
    }
    *reinterpret_cast<uint32_t*>(out + activationOffset(row, head * HD + d, groups)) =
        packed<T>(__fdiv_rn(x, sum), __fdiv_rn(y, sum));
  }
}

}  // namespace s3

#define S3_DECODE(suffix, T, HD)                                                                        \
  extern "C" __global__ void __launch_bounds__(128) attention_decode_##suffix##_d##HD(                  \
      const T* q, const T* pool, const int* positions, const int* sequences, const int* tableStarts,    \
      const int* tables, const int* rows, float* sums, float2* states, int qStride, int layer,          \
      int layers, int heads, int kvHeads, int maxParts, float scale) {                                  \
    s3::AttentionArgs a{q, pool, nullptr, qStride, 0, layer, layers, heads, kvHeads, scale};            \
    s3::attentionDecode<T, HD>(a, {positions, sequences, tableStarts, tables}, rows, sums, states,      \
                               maxParts);                                                               \
  }                                                                                                     \
  extern "C" __global__ void __launch_bounds__(128) attention_merge_##suffix##_d##HD(                   \
      const int* positions, const int* sequences, const int* rows, const float* sums,                   \
      const float2* states, T* out, int groups, int heads, int maxParts) {                              \
    s3::attentionMerge<T, HD>({positions, sequences, nullptr, nullptr}, rows, sums, states, out,        \
                              groups, heads, maxParts);                                                 \
  }
#define S3_DECODES(suffix, T)  \
  S3_DECODE(suffix, T, 16)     \
  S3_DECODE(suffix, T, 32)     \
  S3_DECODE(suffix, T, 64)     \
  S3_DECODE(suffix, T, 80)     \
  S3_DECODE(suffix, T, 96)     \
  S3_DECODE(suffix, T, 128)    \
  S3_DECODE(suffix, T, 256)
S3_FOR_TYPES(S3_DECODES)
