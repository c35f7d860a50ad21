// The speech model: an encoder with a CTC branch, and a decoder over canvases; 16 rows a block.
//
//   speech_convolve    the first convolution; grid (tiles, 4), block 256
//   speech_subsample   the second convolution, the projection, queries, keys and values of the first layer
//   speech_attend      attention of an encoder layer, and its convolution up to the gate
//   speech_mix         the rest of an encoder layer, and queries, keys and values of the next, or the CTC branch
//   speech_remember    keys and values of the cross-attention; grid (tiles, decoder layers)
//   speech_begin       embedding of a canvas, queries, keys and values of the first layer
//   speech_decode      a decoder layer, and queries, keys and values of the next, or the logits
//
// Grid (tiles), block 512 and 55,808 bytes of dynamic shared memory where nothing else is written; a tile is 16 rows.
// Arithmetic: s3-examples/speech/training/model.py. Layouts: speech.cuh. A fatbin of its own.
// Compile: nvcc -cubin -arch=sm_90a speech.cu
#include "speech_attention.cuh"

namespace s3 {
namespace speech {

/** A block's place in its recording. */
struct Place {
  EncoderTile tile;
  int first;  // frame
  int count;
  size_t row;  // first row in the buffers

  __device__ __forceinline__ explicit Place(const EncoderTile* tiles)
      : tile(tiles[blockIdx.x]),
        first(kRows * (static_cast<int>(blockIdx.x) - tile.firstTile)),
        count(min(kRows, tile.frames - first)),
        row(static_cast<size_t>(kRows) * blockIdx.x) {}

  /** The encoder's keys and values of the recording, one layer at a time. */
  __device__ __forceinline__ Cache cache(__half* kv) const {
    return Cache{kv + static_cast<size_t>(tile.firstTile) * 2 * kHeads * kHeadElements, nullptr, 0, 1};
  }
};

__device__ __forceinline__ Shared& shared() {
  extern __shared__ __align__(128) uint8_t raw[];
  return *reinterpret_cast<Shared*>(raw);
}

/** The second convolution with bias and ReLU for one frame: its warp's 16 bands by 32 channels. */
__device__ __forceinline__ void convolveFrame(Shared& s, const Front& front, const Place& place, const __half* y) {
  int frame = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  int group = lane >> 2;
  int rows = (place.tile.featureFrames + 1) / 2;
  const __half* base = y + static_cast<size_t>(2 * kRows) * place.tile.firstTile * kBands * kChannels;
  float sum[4][4] = {};
#pragma unroll
  for (int tap = 0; tap < 9; tap++) {
    int row = 2 * (place.first + frame) + tap / 3 - 1;
    uint4 v[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
      int band = 2 * (group + 8 * i) + tap % 3 - 1;
      bool inside = frame < place.count && row >= 0 && row < rows && band >= 0 && band < kBands;
      const __half* from = base + (static_cast<size_t>(inside ? row : 0) * kBands + (inside ? band : 0)) * kChannels;
      v[i] = inside ? *reinterpret_cast<const uint4*>(from + (lane & 3) * 8) : make_uint4(0, 0, 0, 0);
    }
    uint32_t even[4] = {v[0].x, v[1].x, v[0].y, v[1].y};
    uint32_t odd[4] = {v[0].z, v[1].z, v[0].w, v[1].w};
#pragma unroll
    for (int t = 0; t < 4; t++) {
      uint4 w = __ldg(front.second.pieces + (t * 9 + tap) * 32 + lane);
      multiplyAdd<__half>(sum[t], even, w.x, w.y);
      multiplyAdd<__half>(sum[t], odd, w.z, w.w);
    }
  }
#pragma unroll
  for (int t = 0; t < 4; t++) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      int channel = t * 8 + (lane & 3) * 2 + (i & 1);
      float v = fmaxf(0.0f, sum[t][i] + front.secondBias[channel]);
      s.wide[frame][channel * 16 + group + (i >> 1) * 8] = fromFloat<__half>(v);
    }
  }
}

/** a = silu(LayerNorm(depthwise convolution of h)). */
__device__ __forceinline__ void convolveDepthwise(Shared& s, const EncoderLayer& layer, const Place& place,
                                                  const __half* h, float epsilon) {
  constexpr int kEach = kRows * kWidth / kThreads;  // rows of a thread
  int channel = threadIdx.x % kWidth;
  int row = threadIdx.x / kWidth * kEach;
  const __half* base = h + static_cast<size_t>(kRows) * place.tile.firstTile * kWidth + channel;
  float sum[kEach];
#pragma unroll
  for (int i = 0; i < kEach; i++) sum[i] = layer.depthwiseBias[channel];
#pragma unroll
  for (int k = 0; k < kTaps + kEach - 1; k++) {
    int frame = place.first + row + k - kTaps / 2;
    bool inside = frame >= 0 && frame < place.tile.frames;
    float v = inside ? toFloat(base[static_cast<size_t>(frame) * kWidth]) : 0.0f;
#pragma unroll
    for (int i = 0; i < kEach; i++) {
      if (k - i >= 0 && k - i < kTaps) sum[i] = fmaf(layer.depthwise[k - i][channel], v, sum[i]);
    }
  }
#pragma unroll
  for (int i = 0; i < kEach; i++) s.z[row + i][channel] = sum[i];
  __syncthreads();
  float4 v = normed(s.z[threadIdx.x >> 5], layer.depthwiseNorm, epsilon);
  putInput(s, make_float4(silu(v.x), silu(v.y), silu(v.z), silu(v.w)));
  __syncthreads();
}

}  // namespace speech
}  // namespace s3

using namespace s3::speech;  // NOLINT: entry points have no namespace

extern "C" __global__ void __launch_bounds__(256)
    speech_convolve(const Front* front, const EncoderTile* tiles, const float* features, __half* y) {
  EncoderTile tile = tiles[blockIdx.x];
  __shared__ float weights[9][kChannels];
  __shared__ float bias[kChannels];
  for (int i = threadIdx.x; i < 9 * kChannels; i += blockDim.x) {
    weights[i / kChannels][i % kChannels] = front->first[i / kChannels][i % kChannels];
  }
  if (threadIdx.x < kChannels) bias[threadIdx.x] = front->firstBias[threadIdx.x];
  __syncthreads();
  int row = 2 * kRows * (static_cast<int>(blockIdx.x) - tile.firstTile) + blockIdx.y * 8 + threadIdx.x / kBands;
  int band = threadIdx.x % kBands;
  if (row >= (tile.featureFrames + 1) / 2) return;
  const float* from = features + static_cast<size_t>(4 * kRows) * tile.firstTile * kMelBands;
  float v[9];
#pragma unroll
  for (int tap = 0; tap < 9; tap++) {
    int t = 2 * row + tap / 3 - 1;
    int f = 2 * band + tap % 3 - 1;
    bool inside = t >= 0 && t < tile.featureFrames && f >= 0 && f < kMelBands;
    v[tap] = inside ? from[static_cast<size_t>(t) * kMelBands + f] : 0.0f;
  }
  __half* to = y + ((static_cast<size_t>(2 * kRows) * tile.firstTile + row) * kBands + band) * kChannels;
#pragma unroll
  for (int c = 0; c < kChannels; c += 8) {
    float sum[8];
#pragma unroll
    for (int i = 0; i < 8; i++) {
      sum[i] = bias[c + i];
#pragma unroll
      for (int tap = 0; tap < 9; tap++) sum[i] = fmaf(weights[tap][c + i], v[tap], sum[i]);
      sum[i] = fmaxf(0.0f, sum[i]);
    }
    s3::store8(to + c, sum);
  }
}

extern "C" __global__ void __launch_bounds__(kThreads)
    speech_subsample(const Constants* constants, const Front* front, const EncoderLayer* layer,
                     const EncoderTile* tiles, const __half* y, float* x, __half* q, __half* kv) {
  Shared& s = shared();
  Place place(tiles);
  convolveFrame(s, *front, place, y);
  int row = threadIdx.x >> 5;
  int column = (threadIdx.x & 31) * 4;
  *reinterpret_cast<float4*>(&s.x[row][column]) = *reinterpret_cast<const float4*>(front->projectionBias + column);
  __syncthreads();
  addProduct<kFlat>(s, &s.wide[0][0], kWideStride, front->projection.pieces);
  __syncthreads();
  storeRows(s, x + place.row * kWidth);
  project(s, layer->attention, *constants, place.first, place.count, place.first, place.cache(kv),
          q + place.row * kWidth);
}

extern "C" __global__ void __launch_bounds__(kThreads)
    speech_attend(const Constants* constants, const EncoderLayer* layer, const EncoderTile* tiles, float* x,
                  const __half* q, __half* kv, __half* h) {
  Shared& s = shared();
  Place place(tiles);
  loadRows(s, x + place.row * kWidth);
  attend(s, q + place.row * kWidth, kWidth, place.cache(kv), Range{0, place.tile.frames, 0, 0});
  __syncthreads();
  addProduct<kWidth>(s, &s.a[0][0], kStride, layer->attention.output.pieces);
  normRows(s, layer->convolutionNorm, constants->epsilon);
  storeRows(s, x + place.row * kWidth);
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  float sum[2][4];
  multiply<kWidth, 2>(&s.a[0][0], kStride, layer->expand.pieces, warp, sum);
#pragma unroll
  for (int i = 0; i < 2; i++) {
    float gated[2];
#pragma unroll
    for (int e = 0; e < 2; e++) gated[e] = __fdividef(sum[0][2 * i + e], 1.0f + __expf(-sum[1][2 * i + e]));
    __half* to = h + (place.row + (lane >> 2) + i * 8) * kWidth + warp * 8 + (lane & 3) * 2;
    *reinterpret_cast<uint32_t*>(to) = s3::packed<__half>(gated[0], gated[1]);
  }
}

extern "C" __global__ void __launch_bounds__(kThreads)
    speech_mix(const Constants* constants, const EncoderLayer* layer, const EncoderLayer* next, const Head* end,
               const EncoderTile* tiles, float* x, __half* q, __half* kv, const __half* h, float* logits,
               int vocabulary) {
  Shared& s = shared();
  Place place(tiles);
  float epsilon = constants->epsilon;
  loadRows(s, x + place.row * kWidth);
  convolveDepthwise(s, *layer, place, h, epsilon);
  addProduct<kWidth>(s, &s.a[0][0], kStride, layer->convolutionOutput.pieces);
  feedForward(s, layer->feedForward, epsilon);
  if (next != nullptr) {
    project(s, next->attention, *constants, place.first, place.count, place.first, place.cache(kv),
            q + place.row * kWidth);
    storeRows(s, x + place.row * kWidth);
  } else {  // the stream becomes the encoder's output
    __syncthreads();
    int row = threadIdx.x >> 5;
    float4 v = normed(s.x[row], end->norm, epsilon);
    *reinterpret_cast<float4*>(x + (place.row + row) * kWidth + (threadIdx.x & 31) * 4) = v;
    writeLogits(s, *end, logits + place.row * vocabulary, place.count, vocabulary, epsilon);
  }
}

extern "C" __global__ void __launch_bounds__(kThreads)
    speech_remember(const Constants* constants, const DecoderLayer* decoder, const EncoderTile* tiles,
                    const int* tables, const int* index, const float* x, __half* pool) {
  Shared& s = shared();
  Place place(tiles);
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  int n = index[place.row + warp];
  float4 v = *reinterpret_cast<const float4*>(x + (place.row + warp) * kWidth + lane * 4);
  v.x += sinusoid(*constants, n, lane * 4);
  v.y += sinusoid(*constants, n, lane * 4 + 1);
  v.z += sinusoid(*constants, n, lane * 4 + 2);
  v.w += sinusoid(*constants, n, lane * 4 + 3);
  putInput(s, v);
  __syncthreads();
  float sum[2][4];
  multiply<kWidth, 2>(&s.a[0][0], kStride, decoder[blockIdx.y].crossKeyValue.pieces, warp, sum);
  Cache cache{pool, tables + place.tile.tableStart, static_cast<int>(blockIdx.y), static_cast<int>(gridDim.y)};
  int column = warp * 8 + (lane & 3) * 2;
#pragma unroll
  for (int i = 0; i < 2; i++) {
    int row = (lane >> 2) + i * 8;
    if (row < place.count) {
      storeKey(cache, place.first + row, column, sum[0][2 * i], sum[0][2 * i + 1]);
      storeValue(cache, place.first + row, column, sum[1][2 * i], sum[1][2 * i + 1]);
    }
  }
}

extern "C" __global__ void __launch_bounds__(kThreads)
    speech_begin(const Constants* constants, const Embedding* embedding, const DecoderLayer* decoder, int layers,
                 const DecoderTile* tiles, const int* tables, const int* ids, __half* pool, float* x, __half* q) {
  Shared& s = shared();
  DecoderTile tile = tiles[blockIdx.x];
  size_t first = static_cast<size_t>(kRows) * blockIdx.x;
  int row = threadIdx.x >> 5;
  int column = (threadIdx.x & 31) * 4;
  int id = ids[tile.first + min(row, tile.count - 1)];  // rows that pad repeat the last one
#pragma unroll
  for (int i = 0; i < 4; i++) {
    s.x[row][column + i] = embedding->tokens[id][column + i] + embedding->modes[tile.causal][column + i] +
                           sinusoid(*constants, tile.position + row + 1, column + i);
  }
  Cache cache{pool, tables + tile.tableStart, 0, layers};
  project(s, decoder->attention, *constants, tile.position, tile.count, tile.frames + tile.position, cache,
          q + first * kWidth);
  storeRows(s, x + first * kWidth);
}

extern "C" __global__ void __launch_bounds__(kThreads)
    speech_decode(const Constants* constants, const DecoderLayer* decoder, int layer, int layers, const Head* end,
                  const DecoderTile* tiles, const int* tables, __half* pool, float* x, __half* q, float* logits,
                  int vocabulary) {
  Shared& s = shared();
  DecoderTile tile = tiles[blockIdx.x];
  const DecoderLayer& own = decoder[layer];
  size_t first = static_cast<size_t>(kRows) * blockIdx.x;
  float epsilon = constants->epsilon;
  int warp = threadIdx.x >> 5;
  int lane = threadIdx.x & 31;
  Cache cache{pool, tables + tile.tableStart, layer, layers};
  int canvas = tile.frames + (tile.causal ? tile.position + 1 : tile.positions);
  loadRows(s, x + first * kWidth);
  attend(s, q + first * kWidth, kWidth, cache, Range{tile.frames, canvas, tile.causal, tile.count - 1});
  __syncthreads();
  addProduct<kWidth>(s, &s.a[0][0], kStride, own.attention.output.pieces);
  normRows(s, own.crossNorm, epsilon);
  float sum[1][4];
  multiply<kWidth, 1>(&s.a[0][0], kStride, own.crossQuery.pieces, warp, sum);
  uint32_t* query = reinterpret_cast<uint32_t*>(&s.q[lane >> 2][warp * 8 + (lane & 3) * 2]);
  query[0] = s3::packed<__half>(sum[0][0], sum[0][1]);
  query[8 * kStride / 2] = s3::packed<__half>(sum[0][2], sum[0][3]);
  __syncthreads();
  attend(s, &s.q[0][0], kStride, cache, Range{0, tile.frames, 0, 0});
  __syncthreads();
  addProduct<kWidth>(s, &s.a[0][0], kStride, own.crossOutput.pieces);
  feedForward(s, own.feedForward, epsilon);
  if (layer + 1 < layers) {
    Cache above{pool, tables + tile.tableStart, layer + 1, layers};
    project(s, decoder[layer + 1].attention, *constants, tile.position, tile.count, tile.frames + tile.position, above,
            q + first * kWidth);
    storeRows(s, x + first * kWidth);
  } else {
    writeLogits(s, *end, logits + static_cast<size_t>(tile.first) * vocabulary, tile.count, vocabulary, epsilon);
  }
}
