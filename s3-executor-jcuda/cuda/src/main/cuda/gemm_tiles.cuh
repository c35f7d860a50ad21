// The order in which the blocks of a product of many rows take its tiles; for gemm_large.cu and gemm_quant_large.cu.
#pragma once

#include "gemm_output.cuh"

namespace s3 {

/** The tiles of a product in the order in which blocks take them: 16 row tiles at a time, so that the caches serve. */
struct LargeTiles {
  static constexpr int kBand = 16;
  int rowTiles, columnTiles;

  __device__ __forceinline__ LargeTiles(const GemmArgs& a, int rows, int columns)
      : rowTiles((a.m + rows - 1) / rows), columnTiles((a.n + columns - 1) / columns) {}

  __device__ __forceinline__ int count() const { return rowTiles * columnTiles; }

  /** The row tile and the column tile of an index. */
  __device__ __forceinline__ int2 at(int index) const {
    int band = index / (kBand * columnTiles);
    int inBand = index % (kBand * columnTiles);
    int size = min(kBand, rowTiles - band * kBand);
    return make_int2(band * kBand + inBand % size, inBand / size);
  }
};

}  // namespace s3
