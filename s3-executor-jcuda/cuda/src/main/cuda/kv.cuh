// The paged KV pool: [block][layer][keys, values][kvHead], for each head the vectors of 16 slots, [16][headDim].
//
// One block is contiguous over all layers, so a swap is one plain copy; one head's 16 keys of a layer are
// contiguous, so attention reads pieces of 16 * headDim values.
//
// KV in 8 bits: the vectors are int8 codes, and the 16 scales of the slots, floats, follow those of the head. A vector is
// its codes times its scale, which is its largest magnitude / 127. A vector's codes and scale depend on its values alone.
#pragma once

#include "common.cuh"

namespace s3 {

constexpr int kBlockTokens = 16;

/** Whether vectors of this type are codes with a scale each. */
template <typename KV>
constexpr bool kCoded = sizeof(KV) == 1;

/** Elements of the 16 slots of one head, scales included. */
template <typename KV>
__device__ __forceinline__ constexpr int headElements(int headDim) {
  return kBlockTokens * (headDim + (kCoded<KV> ? static_cast<int>(sizeof(float)) : 0));
}

/** Where the slots of a block begin, for one layer, keys (0) or values (1), and head. */
template <typename KV>
__device__ __forceinline__ size_t kvOffset(int block, int layer, int layers, int which, int head,
                                           int kvHeads, int headDim) {
  size_t index = ((static_cast<size_t>(block) * layers + layer) * 2 + which) * kvHeads + head;
  return index * headElements<KV>(headDim);
}

/** The bits of a magnitude; a NaN's are larger than those of any number. */
__device__ __forceinline__ uint32_t magnitudeBits(float v) { return __float_as_uint(v) & 0x7FFFFFFFu; }

/** How a vector whose largest magnitude is given becomes codes. A NaN or infinity gives a scale that is none either. */
struct Quantizer {
  float scale, inverse;

  __device__ __forceinline__ explicit Quantizer(uint32_t largest) {
    float max = __uint_as_float(largest);
    scale = __fdiv_rn(max, 127.0f);
    inverse = max == 0.0f ? 0.0f : __fdiv_rn(127.0f, max);
  }

  __device__ __forceinline__ int8_t operator()(float v) const {
    return static_cast<int8_t>(max(-127, min(127, __float2int_rn(__fmul_rn(v, inverse)))));
  }
};

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
