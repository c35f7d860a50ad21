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

}  // namespace s3
