// What the kernels of the speech model share: its shape, its weights, and the parts of a layer over 16 rows.
//
// A block of 512 threads has up to 16 consecutive rows of one recording or canvas in shared memory and runs all that
// looks at one row alone without leaving the kernel: few launches, since products of 128 x 128 take less time than a
// launch. Weights come from the L2 cache in the order of the fragments of mma.sync. Sums are float, and their order
// depends on the row alone, so that a row gets the same bits in any block and at any place of it.
#pragma once

#include "mma.cuh"

namespace s3 {
namespace speech {

constexpr int kWidth = 128;
constexpr int kHeads = 4;
constexpr int kHeadSize = 32;
constexpr int kInner = 512;
constexpr int kMelBands = 64;
constexpr int kBands = 32;      // after the first convolution
constexpr int kChannels = 32;   // of both convolutions
constexpr int kFlat = 512;      // channels times bands after the second convolution
constexpr int kTaps = 15;       // of the depthwise convolution
constexpr int kRows = 16;       // rows of a block, and slots of a KV block
constexpr int kWarps = 16;
constexpr int kThreads = 32 * kWarps;
constexpr int kSplits = kWarps / kHeads;  // warps among which the keys of a head are shared out
constexpr int kHeadRows = 32;   // rows of the vocabulary's matrices, padded

// ---- weights: one image, which Java writes in the order of these members

/** A matrix [OUT][IN]: [OUT / 8][IN / 32][8 rows][4 pieces of 8 columns]. */
template <int OUT, int IN>
struct Matrix {
  uint4 pieces[OUT * IN / 8];
};

struct Norm {
  float weight[kWidth];
  float bias[kWidth];
};

struct Constants {
  float sinusoid[kWidth / 2];     // radians for each number
  float rotary[kHeadSize / 2];    // radians for each position
  float epsilon;
  float unused[3];
};

struct Front {
  float first[9][kChannels];      // [tap][channel]
  float firstBias[kChannels];
  Matrix<kChannels, 9 * kChannels> second;  // columns [tap][channel]
  float secondBias[kChannels];
  Matrix<kWidth, kFlat> projection;
  float projectionBias[kWidth];
};

/** The rows of a head of query and key are in turns of its two halves: what rotates together stands together. */
struct SelfAttention {
  Norm norm;
  Matrix<3 * kWidth, kWidth> queryKeyValue;
  Matrix<kWidth, kWidth> output;
};

struct FeedForward {
  Norm norm;
  Matrix<kInner, kWidth> up;
  Matrix<kWidth, kInner> down;
};

struct EncoderLayer {
  SelfAttention attention;
  Norm convolutionNorm;
  Matrix<2 * kWidth, kWidth> expand;
  float depthwise[kTaps][kWidth];
  float depthwiseBias[kWidth];
  Norm depthwiseNorm;
  Matrix<kWidth, kWidth> convolutionOutput;
  FeedForward feedForward;
};

struct DecoderLayer {
  SelfAttention attention;
  Norm crossNorm;
  Matrix<kWidth, kWidth> crossQuery;
  Matrix<2 * kWidth, kWidth> crossKeyValue;
  Matrix<kWidth, kWidth> crossOutput;
  FeedForward feedForward;
};

struct Embedding {
  float tokens[kHeadRows][kWidth];
  float modes[2][kWidth];
};

/** The last norm of the encoder or decoder, and the matrix after it. */
struct Head {
  Norm norm;
  Matrix<kHeadRows, kWidth> matrix;
  float bias[kHeadRows];
};

static_assert(sizeof(Constants) == 336 && sizeof(Front) == 151424 && sizeof(EncoderLayer) == 503808 &&
                  sizeof(DecoderLayer) == 527360 && sizeof(Embedding) == 17408 && sizeof(Head) == 9344,
              "SpeechPlaces.java has these numbers");

// ---- what a block works on

/** A block's part of a recording: the rows 16 * (block - firstTile) on. */
struct EncoderTile {
  int firstTile;      // the recording's first block; its rows begin at 16 * firstTile
  int frames;
  int featureFrames;
  int tableStart;     // of the block table of its sequence
};

/** A block's part of a canvas. */
struct DecoderTile {
  int first;       // index of the first row among all rows of the pass
  int count;       // rows
  int position;    // canvas position of the first row
  int frames;      // KV slots before the canvas
  int tableStart;
  int causal;
  int positions;   // canvas positions that have keys
  int unused;
};

/** Strides of shared memory: rows of 16-byte pieces without bank conflicts. */
constexpr int kStride = kWidth + 32;
constexpr int kWideStride = kInner + 32;
constexpr int kFloatStride = kWidth + 8;

struct Shared {
  float x[kRows][kFloatStride];  // the residual stream
  __half a[kRows][kStride];      // input of a product
  __half q[kRows][kStride];      // queries of the cross-attention
  union {
    float parts[kSplits][kRows][kFloatStride];  // sums of attention, by split
    __half wide[kRows][kWideStride];            // input of a product with 512 columns
    float z[kRows][kFloatStride];               // result of the depthwise convolution
  };
  float largest[kSplits][kHeads][kRows];
  float sums[kSplits][kHeads][kRows];
};
static_assert(sizeof(Shared) == 55808, "SpeechKernels.java launches with this number");

// ---- products

/** Columns 8 t to 8 t + 7 of a[16][K] w^T for the column tiles t = tile, tile + kWarps, ...; a warp's work. */
template <int K, int TILES>
__device__ __forceinline__ void multiply(const __half* a, int stride, const uint4* w, int tile,
                                         float (&sum)[TILES][4]) {
  int lane = threadIdx.x & 31;
  const __half* low = a + (lane >> 2) * stride + (lane & 3) * 8;
  const __half* high = low + 8 * stride;
  const uint4* from = w + static_cast<size_t>(tile) * K + lane;  // K / 32 pieces of 32 lanes a column tile
#pragma unroll
  for (int t = 0; t < TILES; t++) {
#pragma unroll
    for (int i = 0; i < 4; i++) sum[t][i] = 0.0f;
  }
#pragma unroll 8
  for (int k = 0; k < K / 32; k++) {
    uint4 l = *reinterpret_cast<const uint4*>(low + k * 32);
    uint4 h = *reinterpret_cast<const uint4*>(high + k * 32);
    uint32_t even[4] = {l.x, h.x, l.y, h.y};
    uint32_t odd[4] = {l.z, h.z, l.w, h.w};
#pragma unroll
    for (int t = 0; t < TILES; t++) {
      uint4 v = __ldg(from + t * kWarps * K + k * 32);
      multiplyAdd<__half>(sum[t], even, v.x, v.y);
      multiplyAdd<__half>(sum[t], odd, v.z, v.w);
    }
  }
}

/** x += a w^T for a matrix with 128 rows. */
template <int K>
__device__ __forceinline__ void addProduct(Shared& s, const __half* a, int stride, const uint4* w) {
  float sum[1][4];
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  multiply<K, 1>(a, stride, w, warp, sum);
  float* low = &s.x[lane >> 2][warp * 8 + (lane & 3) * 2];
  float* high = low + 8 * kFloatStride;
  low[0] += sum[0][0];
  low[1] += sum[0][1];
  high[0] += sum[0][2];
  high[1] += sum[0][3];
}

// ---- rows

/** Loads the residual stream of a block's rows. */
__device__ __forceinline__ void loadRows(Shared& s, const float* x) {
  int row = threadIdx.x >> 5;
  int column = (threadIdx.x & 31) * 4;
  *reinterpret_cast<float4*>(&s.x[row][column]) = *reinterpret_cast<const float4*>(x + row * kWidth + column);
}

__device__ __forceinline__ void storeRows(const Shared& s, float* x) {
  int row = threadIdx.x >> 5;
  int column = (threadIdx.x & 31) * 4;
  *reinterpret_cast<float4*>(x + row * kWidth + column) = *reinterpret_cast<const float4*>(&s.x[row][column]);
}

/** LayerNorm of a row by its warp: the lane's four numbers. */
__device__ __forceinline__ float4 normed(const float* row, const Norm& norm, float epsilon) {
  int column = (threadIdx.x & 31) * 4;
  float4 v = *reinterpret_cast<const float4*>(row + column);
  float mean = warpSum((v.x + v.y) + (v.z + v.w)) * (1.0f / kWidth);
  v = make_float4(v.x - mean, v.y - mean, v.z - mean, v.w - mean);
  float variance = warpSum((v.x * v.x + v.y * v.y) + (v.z * v.z + v.w * v.w)) * (1.0f / kWidth);
  float scale = 1.0f / sqrtf(variance + epsilon);
  float4 weight = *reinterpret_cast<const float4*>(norm.weight + column);
  float4 bias = *reinterpret_cast<const float4*>(norm.bias + column);
  return make_float4(v.x * scale * weight.x + bias.x, v.y * scale * weight.y + bias.y,
                     v.z * scale * weight.z + bias.z, v.w * scale * weight.w + bias.w);
}

/** Puts the lane's four numbers of its warp's row into the input of a product. */
__device__ __forceinline__ void putInput(Shared& s, float4 v) {
  uint2 bits = make_uint2(packed<__half>(v.x, v.y), packed<__half>(v.z, v.w));
  *reinterpret_cast<uint2*>(&s.a[threadIdx.x >> 5][(threadIdx.x & 31) * 4]) = bits;
}

/** a = LayerNorm(x), between barriers. */
__device__ __forceinline__ void normRows(Shared& s, const Norm& norm, float epsilon) {
  __syncthreads();
  putInput(s, normed(s.x[threadIdx.x >> 5], norm, epsilon));
  __syncthreads();
}

/** x += down silu(up LayerNorm(x)). */
__device__ __forceinline__ void feedForward(Shared& s, const FeedForward& part, float epsilon) {
  normRows(s, part.norm, epsilon);
  constexpr int kTiles = kInner / 8 / kWarps;
  float sum[kTiles][4];
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  multiply<kWidth, kTiles>(&s.a[0][0], kStride, part.up.pieces, warp, sum);
#pragma unroll
  for (int t = 0; t < kTiles; t++) {
    int column = (warp + t * kWarps) * 8 + (lane & 3) * 2;
    *reinterpret_cast<uint32_t*>(&s.wide[lane >> 2][column]) = packed<__half>(silu(sum[t][0]), silu(sum[t][1]));
    *reinterpret_cast<uint32_t*>(&s.wide[(lane >> 2) + 8][column]) = packed<__half>(silu(sum[t][2]), silu(sum[t][3]));
  }
  __syncthreads();
  addProduct<kInner>(s, &s.wide[0][0], kWideStride, part.down.pieces);
}

/** Logits of LayerNorm(x): rows of `vocabulary` floats. */
__device__ __forceinline__ void writeLogits(Shared& s, const Head& head, float* logits, int rows, int vocabulary,
                                            float epsilon) {
  normRows(s, head.norm, epsilon);
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  if (warp >= kHeadRows / 8) return;
  float sum[1][4];
  multiply<kWidth, 1>(&s.a[0][0], kStride, head.matrix.pieces, warp, sum);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    int row = (lane >> 2) + (i >> 1) * 8;
    int column = warp * 8 + (lane & 3) * 2 + (i & 1);
    if (row < rows && column < vocabulary) {
      logits[static_cast<size_t>(row) * vocabulary + column] = sum[0][i] + head.bias[column];
    }
  }
}

/** Number i of sinusoid(n): sines, then cosines. */
__device__ __forceinline__ float sinusoid(const Constants& constants, int n, int i) {
  constexpr int kHalf = kWidth / 2;
  float angle = static_cast<float>(n) * constants.sinusoid[i & (kHalf - 1)];
  return i < kHalf ? sinf(angle) : cosf(angle);
}

}  // namespace speech
}  // namespace s3
