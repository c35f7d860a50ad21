// How the rows of a batch are shared out among experts, in memory.
//
// A pair is a row and one of the experts that serve it, numbered row * perRow + i. Pairs are sorted by expert and cut into
// tiles of one expert each, which the blocks of a product take.
#pragma once

#include "common.cuh"

namespace s3 {

/** Some pairs of one expert: sorted pairs [first, first + rows). */
struct ExpertTile {
  int expert, first, rows, unused;
};

/** All tiles of a batch. */
struct ExpertTiles {
  int count;
  int unused[3];
  ExpertTile tiles[1];  // count
};

// ---- the rows of x and y that a block of a product takes

/** Consecutive rows. */
struct RowsInOrder {
  static constexpr bool kPicked = false;
  int first, count;

  __device__ __forceinline__ int source(int row) const { return first + row; }
  __device__ __forceinline__ int target(int row) const { return first + row; }
};

/** Picked rows: pairs of a row and one of its experts, numbered row * perRow + i. */
struct PickedRows {
  static constexpr bool kPicked = true;
  const int* pairs;
  int count;
  int divisor;  // 1 where x has a row for each pair, perRow where it has one for all pairs of a row

  __device__ __forceinline__ int source(int row) const { return pairs[row] / divisor; }
  __device__ __forceinline__ int target(int row) const { return pairs[row]; }
};

}  // namespace s3
