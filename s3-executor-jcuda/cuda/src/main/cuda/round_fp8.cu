// Rounds rows of activations to e4m3, in the tiles that gemm_fp8.cu reads, in every step.
//
//   round_rows_<type>                          activation tiles of 16 bits; grid (rows), block 256
//   rms_norm_fp8_<type>, layer_norm_fp8_<type> rows of the residual stream, normed: the bits of rms_norm and layer_norm, rounded;
//                                              grid (rows), block 1024, shared memory width * 2
//
// Compile: nvcc -cubin -arch=sm_90a round_fp8.cu
#include "fp8.cuh"
#include "norm.cuh"

namespace s3 {

/** The largest value of a block of at most 1024 threads, NaN if there is one. */
__device__ __forceinline__ float blockMax(float v) {
  __shared__ float most[32];
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) v = largerOrNan(v, __shfl_xor_sync(0xffffffffu, v, step));
  if ((threadIdx.x & 31) == 0) most[threadIdx.x >> 5] = v;
  __syncthreads();
  v = (threadIdx.x & 31) < (blockDim.x >> 5) ? most[threadIdx.x & 31] : 0.0f;
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) v = largerOrNan(v, __shfl_xor_sync(0xffffffffu, v, step));
  return v;
}

/** 16 columns of a row of activations, as they lie in memory. */
template <typename T>
struct Columns16 {
  Vector8<T> halves[2];

  __device__ __forceinline__ float largest() const {
    float most = 0;
#pragma unroll
    for (int i = 0; i < 16; i++) most = largerOrNan(most, fabsf(toFloat(halves[i >> 3].values[i & 7])));
    return most;
  }
  __device__ __forceinline__ void store(uint8_t* codes, int row, int column, int groups, float inverse) const {
    uint32_t words[4];
#pragma unroll
    for (int w = 0; w < 4; w++) {
      const T* v = halves[w >> 1].values + (w & 1) * 4;
      words[w] = fp8Codes(toFloat(v[0]), toFloat(v[1]), inverse) | fp8Codes(toFloat(v[2]), toFloat(v[3]), inverse) << 16;
    }
    *reinterpret_cast<uint4*>(codes + fp8RowOffset(row, column, groups)) = make_uint4(words[0], words[1], words[2], words[3]);
  }
};

/** Where rounded rows go, and how their scales are made. */
struct Rounded {
  uint8_t* codes;
  float* scales;
  int k;
  int groups;  // row capacity / 8
  int grouped;  // a scale for each 128 columns
  float given;  // the scale of all rows, where it is greater than 0
  float most;   // the largest magnitude for which a scale is made
};

/** Columns of a row that a thread keeps between its two looks at them, in pieces of 16. */
constexpr int kKept = 4;

/** Rounds a row, a block. eightAt(c) is where the columns [c, c + 8) lie, of T. */
template <typename T, typename At>
__device__ void roundRow(const Rounded& r, int row, At eightAt) {
  int padded = (r.k + kFp8Tile - 1) / kFp8Tile * kFp8Tile;
  int stride = blockDim.x * 16;
  auto load = [&](int c) {
    Columns16<T> own;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int column = c + 8 * half;
      own.halves[half].bits = column < r.k ? *reinterpret_cast<const uint4*>(eightAt(column)) : make_uint4(0, 0, 0, 0);
    }
    return own;
  };
  Columns16<T> kept[kKept];
#pragma unroll
  for (int i = 0; i < kKept; i++) kept[i] = load(threadIdx.x * 16 + i * stride);
  float scale = r.given;
  if (r.given <= 0 && !r.grouped) {
    float largest = 0;
#pragma unroll
    for (int i = 0; i < kKept; i++) largest = largerOrNan(largest, kept[i].largest());
    for (int c = threadIdx.x * 16 + kKept * stride; c < padded; c += stride) largest = largerOrNan(largest, load(c).largest());
    scale = fp8Scale(blockMax(largest), r.most);
  }
  if (!r.grouped && threadIdx.x == 0) r.scales[row] = scale;
  float inverse = __fdiv_rn(1.0f, scale);
  auto put = [&](const Columns16<T>& own, int c) {
    if (r.grouped) {  // eight threads in a row have the columns of a group
      float largest = own.largest();
#pragma unroll
      for (int step = 4; step > 0; step >>= 1) largest = largerOrNan(largest, __shfl_xor_sync(0xffffffffu, largest, step));
      float groupScale = fp8Scale(largest, r.most);
      if ((threadIdx.x & 7) == 0 && c < padded) r.scales[static_cast<size_t>(c >> 7) * r.groups * 8 + row] = groupScale;
      inverse = __fdiv_rn(1.0f, groupScale);
    }
    if (c < padded) own.store(r.codes, row, c, r.groups, inverse);
  };
#pragma unroll
  for (int i = 0; i < kKept; i++) {
    if (i * stride < padded) put(kept[i], threadIdx.x * 16 + i * stride);
  }
  for (int first = kKept * stride; first < padded; first += stride) {
    put(load(threadIdx.x * 16 + first), threadIdx.x * 16 + first);
  }
}

template <typename T>
__device__ void roundTiles(const T* tiles, const Rounded& r) {
  int row = blockIdx.x;
  roundRow<T>(r, row, [&](int c) { return tiles + activationOffset(row, c, r.groups); });
}

/** Norms a row of the stream, rounds it to T and that to e4m3; by LayerNorm where there is a bias. */
template <typename T, bool LAYER>
__device__ void normAndRound(float* stream, const float* weight, const float* bias, float epsilon, const Rounded& r) {
  extern __shared__ __align__(128) uint8_t raw[];
  T* normed = reinterpret_cast<T*>(raw);
  int row = blockIdx.x;
  float* from = stream + static_cast<size_t>(row) * r.k;
  const T* none = nullptr;
  auto write = [&](int c, const float(&v)[8]) { store8(normed + c, v); };
  if constexpr (LAYER) {
    layerNorm(from, none, weight, bias, r.k, epsilon, write);
  } else {
    rmsNorm(from, none, weight, r.k, epsilon, write);
  }
  __syncthreads();
  roundRow<T>(r, row, [&](int c) { return static_cast<const T*>(normed + c); });
}

}  // namespace s3

#define S3_ROUND_ROWS(suffix, T)                                                                                      \
  extern "C" __global__ void __launch_bounds__(256) round_rows_##suffix(                                              \
      const T* tiles, uint8_t* codes, float* scales, int k, int groups, int grouped, float given, float most) {       \
    s3::roundTiles<T>(tiles, s3::Rounded{codes, scales, k, groups, grouped, given, most});                            \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(1024) rms_norm_fp8_##suffix(                                           \
      float* stream, const float* weight, float epsilon, uint8_t* codes, float* scales, int k, int groups,            \
      int grouped, float given, float most) {                                                                         \
    s3::normAndRound<T, false>(stream, weight, nullptr, epsilon,                                                      \
                               s3::Rounded{codes, scales, k, groups, grouped, given, most});                          \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(1024) layer_norm_fp8_##suffix(                                         \
      float* stream, const float* weight, const float* bias, float epsilon, uint8_t* codes, float* scales, int k,     \
      int groups, int grouped, float given, float most) {                                                             \
    s3::normAndRound<T, true>(stream, weight, bias, epsilon,                                                          \
                              s3::Rounded{codes, scales, k, groups, grouped, given, most});                           \
  }
S3_FOR_TYPES(S3_ROUND_ROWS)
