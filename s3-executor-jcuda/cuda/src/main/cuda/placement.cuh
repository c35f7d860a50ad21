// Where the rows of a matrix go in a tiled weight.
#pragma once

#include "common.cuh"

namespace s3 {

/** Which row of the tiled weight a row becomes: as it is, or gate and up rows in turns of eight. */
__device__ __forceinline__ int placedRow(int row, int placement) {
  if (placement == 0) return row;
  return (row >> 3) * 16 + (row & 7) + (placement == 2 ? 8 : 0);
}

}  // namespace s3
