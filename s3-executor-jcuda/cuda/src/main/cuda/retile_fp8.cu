// Brings weights in e4m3 into the tiles that gemm_fp8.cu reads, at load time.
//
//   tile_fp8          row-major codes to tiles; tiles are zero before
//   tile_fp8_scales   row-major scales to the strips of the tiles
//
// Any grid and block. Compile: nvcc -cubin -arch=sm_90a retile_fp8.cu
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

}  // namespace s3

extern "C" __global__ void tile_fp8(const uint8_t* codes, uint8_t* tiles, int n, int k, int firstRow, int placement,
                                    int* foundNan) {
  s3::tileFp8(codes, tiles, n, k, firstRow, placement, foundNan);
}
extern "C" __global__ void tile_fp8_scales(const float* scales, uint8_t* tiles, int n, int k, int firstRow, int placement,
                                           int* foundInfinite) {
  s3::tileFp8Scales(scales, tiles, n, k, firstRow, placement, foundInfinite);
}
