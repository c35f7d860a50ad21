// Brings matrices and rows into the tiles that gemm_fp8.cu reads.
//
//   tile_fp8          row-major e4m3 codes of a weight to tiles, at load time; tiles are zero before
//   tile_fp8_scales   row-major scales to the strips of the tiles
//   round_rows_<T> activation tiles of 16 bits to tiles of e4m3 and their scales, in every step
//
// The first two: any grid and block. The last: grid (rows), block 512.
// Compile: nvcc -cubin -arch=sm_90a retile_fp8.cu
#include "fp8.cuh"
#include "placement.cuh"

namespace s3 {

/** 16 columns of a row a thread. */
__device__ void tileFp8(const uint8_t* codes, uint8_t* tiles, int n, int k, int firstRow, int placement, int* foundNan) {
  int kTiles = (k + kFp8Tile - 1) / kFp8Tile;
  int pieces = (k + 15) / 16;
  for (long long p = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x; p < static_cast<long long>(n) * pieces;
       p += static_cast<long long>(gridDim.x) * blockDim.x) {
    int row = static_cast<int>(p / pieces);
    int column = static_cast<int>(p % pieces) * 16;
    const uint8_t* from = codes + static_cast<size_t>(row) * k + column;
    uint8_t* to = tiles + fp8WeightOffset(firstRow + placedRow(row, placement), column, kTiles);
    for (int i = 0; i < 16 && column + i < k; i++) {
      if ((from[i] & 127) == 127) *foundNan = 1;
      to[i] = from[i];
    }
  }
}

/** A scale of a row and 128 columns a thread. */
__device__ void tileFp8Scales(const float* scales, uint8_t* tiles, int n, int k, int firstRow, int placement, int* foundInfinite) {
  int kTiles = (k + kFp8Tile - 1) / kFp8Tile;
  for (long long p = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x; p < static_cast<long long>(n) * kTiles;
       p += static_cast<long long>(gridDim.x) * blockDim.x) {
    int placed = firstRow + placedRow(static_cast<int>(p / kTiles), placement);
    size_t tile = static_cast<size_t>(placed >> 7) * kTiles + p % kTiles;
    if (!isfinite(scales[p])) *foundInfinite = 1;
    reinterpret_cast<float*>(tiles + tile * kFp8TileBytes + kFp8CodeBytes)[placed & 127] = scales[p];
  }
}

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

/** 16 columns of a row of activations; zeros from column k on. */
template <typename T>
struct Columns16 {
  float values[16];

  __device__ __forceinline__ void load(const T* tiles, int row, int column, int k, int groups) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float v[8] = {};
      int c = column + half * 8;
      if (c < k) load8(tiles + activationOffset(row, c, groups), v);
#pragma unroll
      for (int i = 0; i < 8; i++) values[half * 8 + i] = v[i];
    }
  }
  __device__ __forceinline__ float largest() const {
    float most = 0;
#pragma unroll
    for (int i = 0; i < 16; i++) most = largerOrNan(most, fabsf(values[i]));
    return most;
  }
  __device__ __forceinline__ void store(uint8_t* codes, int row, int column, int groups, float scale) const {
    uint32_t words[4];
#pragma unroll
    for (int w = 0; w < 4; w++) {
      words[w] = fp8Code(values[4 * w], scale) | fp8Code(values[4 * w + 1], scale) << 8 |
                 fp8Code(values[4 * w + 2], scale) << 16 | fp8Code(values[4 * w + 3], scale) << 24;
    }
    *reinterpret_cast<uint4*>(codes + fp8RowOffset(row, column, groups)) = make_uint4(words[0], words[1], words[2], words[3]);
  }
};

/**
 * Rounds a row, a block: with a given scale, where it is greater than 0; else with that of each 128 columns where grouped,
 * and that of the whole row where not, for magnitudes up to most.
 */
template <typename T>
__device__ void roundRow(const T* tiles, uint8_t* codes, float* scales, int k, int groups, int grouped, float given,
                            float most) {
  int row = blockIdx.x;
  int padded = (k + kFp8Tile - 1) / kFp8Tile * kFp8Tile;
  int stride = blockDim.x * 16;
  float scale = given;
  if (given <= 0 && !grouped) {
    float largest = 0;
    for (int c = threadIdx.x * 16; c < padded; c += stride) {
      Columns16<T> own;
      own.load(tiles, row, c, k, groups);
      largest = largerOrNan(largest, own.largest());
    }
    scale = fp8Scale(blockMax(largest), most);
  }
  if (!grouped && threadIdx.x == 0) scales[row] = scale;
  for (int c = threadIdx.x * 16; c < (padded + stride - 1) / stride * stride; c += stride) {
    Columns16<T> own;
    own.load(tiles, row, c, c < padded ? k : 0, groups);
    if (grouped) {
      float largest = own.largest();
#pragma unroll
      for (int step = 4; step > 0; step >>= 1) largest = largerOrNan(largest, __shfl_xor_sync(0xffffffffu, largest, step));
      scale = fp8Scale(largest, most);
      if ((threadIdx.x & 7) == 0 && c < padded) scales[static_cast<size_t>(c >> 7) * groups * 8 + row] = scale;
    }
    if (c < padded) own.store(codes, row, c, groups, scale);
  }
}

}  // namespace s3

extern "C" __global__ void tile_fp8(const uint8_t* codes, uint8_t* tiles, int n, int k, int firstRow, int placement,
                                    int* foundNan) {
  s3::tileFp8(codes, tiles, n, k, firstRow, placement, foundNan);
}
extern "C" __global__ void tile_fp8_scales(const float* scales, uint8_t* tiles, int n, int k, int firstRow, int placement,
                                           int* foundInfinite) {
  s3::tileFp8Scales(scales, tiles, n, k, firstRow, placement, foundInfinite);
}

#define S3_ROUND_ROWS(suffix, T)                                                                                 \
  extern "C" __global__ void __launch_bounds__(512) round_rows_##suffix(                                         \
      const T* tiles, uint8_t* codes, float* scales, int k, int groups, int grouped, float given, float most) {     \
    s3::roundRow<T>(tiles, codes, scales, k, groups, grouped, given, most);                                      \
  }
S3_FOR_TYPES(S3_ROUND_ROWS)
