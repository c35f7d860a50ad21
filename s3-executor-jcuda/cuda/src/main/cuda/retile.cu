// Brings matrices into the tiled layouts that the matrix products read.
//
// retile_<source>_<type>: a row-major weight [n][k] to weight tiles, once, at load time.
// tile_rows_<type>:       row-major activations [rows][k] to activation tiles (the other kernels write tiles themselves).
// Compile: nvcc -cubin -arch=sm_90a retile.cu
#include "placement.cuh"

namespace s3 {

/** One thread per 8 columns; columns from k to the end of their tile become zero. */
template <typename S, typename T>
__device__ void retile(const S* source, T* tiles, int n, int k, int firstRow, int placement) {
  int kTiles = (k + kTile - 1) / kTile;
  long long pieces = static_cast<long long>(n) * kTiles * 8;
  for (long long p = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x; p < pieces;
       p += static_cast<long long>(gridDim.x) * blockDim.x) {
    int row = static_cast<int>(p / (kTiles * 8));
    int column = static_cast<int>(p % (kTiles * 8)) * 8;
    const S* from = source + static_cast<size_t>(row) * k + column;
    float values[8];
#pragma unroll
    for (int i = 0; i < 8; i++) values[i] = column + i < k ? toFloat(from[i]) : 0.0f;
    store8(tiles + weightOffset(firstRow + placedRow(row, placement), column, kTiles), values);
  }
}

template <typename T>
__device__ void tileRows(const T* source, T* tiles, int rows, int k, int groups) {
  int kTiles = (k + kTile - 1) / kTile;
  long long pieces = static_cast<long long>(rows) * kTiles * 8;
  for (long long p = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x; p < pieces;
       p += static_cast<long long>(gridDim.x) * blockDim.x) {
    int row = static_cast<int>(p / (kTiles * 8));
    int column = static_cast<int>(p % (kTiles * 8)) * 8;
    const T* from = source + static_cast<size_t>(row) * k + column;
    float values[8];
#pragma unroll
    for (int i = 0; i < 8; i++) values[i] = column + i < k ? toFloat(from[i]) : 0.0f;
    store8(tiles + activationOffset(row, column, groups), values);
  }
}

}  // namespace s3

#define S3_RETILE(source, S, type, T)                                                            \
  extern "C" __global__ void retile_##source##_##type(const S* from, T* tiles, int n, int k,     \
                                                      int firstRow, int placement) {             \
    s3::retile<S, T>(from, tiles, n, k, firstRow, placement);                                    \
  }
S3_RETILE(f16, __half, f16, __half)
S3_RETILE(bf16, __nv_bfloat16, f16, __half)
S3_RETILE(f32, float, f16, __half)
S3_RETILE(f16, __half, bf16, __nv_bfloat16)
S3_RETILE(bf16, __nv_bfloat16, bf16, __nv_bfloat16)
S3_RETILE(f32, float, bf16, __nv_bfloat16)

#define S3_TILE_ROWS(suffix, T)                                                                  \
  extern "C" __global__ void tile_rows_##suffix(const T* from, T* tiles, int rows, int k,        \
                                                int groups) {                                    \
    s3::tileRows<T>(from, tiles, rows, k, groups);                                               \
  }
S3_FOR_TYPES(S3_TILE_ROWS)
