// The paged KV pool: [block][layer][keys, values][kvHead][16 slots][headDim].
//
// One block is contiguous over all layers, so a swap is one plain copy; one head's 16 keys of a layer are
// contiguous, so attention reads pieces of 16 * headDim values.
#pragma once

#include "common.cuh"

namespace s3 {

constexpr int kBlockTokens = 16;

/** Where the slots of a block begin, for one layer, keys (0) or values (1), and head. */
__device__ __forceinline__ size_t kvOffset(int block, int layer, int layers, int which, int head,
                                           int kvHeads, int headDim) {
  size_t index = ((static_cast<size_t>(block) * layers + layer) * 2 + which) * kvHeads + head;
  return index * kBlockTokens * headDim;
}

/** A batch in device memory; the arrays stay where they are, so that a captured graph can be replayed. */
struct Batch {
  const int* positions;    // [rows] position of each row's token
  const int* sequences;    // [rows] sequence of each row; -1 marks a row that only pads
  const int* tableStarts;  // [sequences] where a sequence's block table begins in tables
  const int* tables;       // block numbers
};

__device__ __forceinline__ int blockOf(const Batch& batch, int sequence, int position) {
  return batch.tables[batch.tableStarts[sequence] + position / kBlockTokens];
}

}  // namespace s3
