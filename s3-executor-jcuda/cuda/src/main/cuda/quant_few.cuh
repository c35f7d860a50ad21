// Products of a weight in 4 and 8 bits with up to 32 rows of x by mma.sync, from shared memory: what gemm_quant_few.cu and
// decode_step.cu have in common.
#pragma once

#include "hopper.cuh"
#include "mma.cuh"
#include "quant.cuh"

namespace s3 {

#ifdef S3_HOPPER

/**
 * The activations of 64 columns of a tile as the right operands of four steps, for ROW_TILES times 8 rows of x. Up to 16 rows they
 * are read ahead; for more there are no registers.
 */
template <typename T, int ROW_TILES>
struct HalfRows {
  static constexpr bool kAhead = ROW_TILES <= 2;
  static constexpr int kPairs = ROW_TILES == 1 ? 1 : ROW_TILES / 2;  // of tiles of 8 rows, for each step
  uint32_t rows, half;
  uint32_t operands[kAhead ? 2 * ROW_TILES : kPairs][4];

  /** Bytes before a lane's eight values in a tile of x. */
  __device__ __forceinline__ static int place(int lane) {
    return 2 * (ROW_TILES == 1 ? swizzled(lane & 7, (lane >> 3) * 8)
                               : swizzled((lane >> 4) * 8 + (lane & 7), ((lane >> 3) & 1) * 8));
  }

  /** From the lane's values in shared memory, in a tile that begins at a multiple of 128, and so many bytes beyond. */
  __device__ __forceinline__ void load(uint32_t from, int beyond) {
    rows = from;
    half = beyond;
    if constexpr (kAhead) {
#pragma unroll
      for (int step = 0; step < 4; step += ROW_TILES == 1 ? 2 : 1) loadStep(step);
    }
  }

  /** Adds the product with the widened weights of four steps. */
  template <int SUMS>
  __device__ __forceinline__ void multiply(float (&sum)[SUMS], const uint32_t (&weights)[16]) {
#pragma unroll
    for (int step = 0; step < 4; step++) {
      const uint32_t(&left)[4] = reinterpret_cast<const uint32_t(&)[4]>(weights[4 * step]);
      if (!kAhead) loadStep(step);
#pragma unroll
      for (int t = 0; t < ROW_TILES; t++) {
        const uint32_t(&right)[4] = operands[(kAhead ? first(step) : 0) + t / 2];
        int at = ROW_TILES == 1 ? step % 2 * 2 : t % 2 * 2;
        multiplyAdd<T>(reinterpret_cast<float(&)[4]>(sum[4 * t]), left, right[at], right[at + 1]);
      }
    }
  }

 private:
  __device__ __forceinline__ static constexpr int first(int step) { return ROW_TILES == 1 ? step / 2 : step * kPairs; }

  /** With one tile of rows for two steps at once. Pieces of 8 columns are swapped by exclusive or. */
  __device__ __forceinline__ void loadStep(int step) {
#pragma unroll
    for (int i = 0; i < kPairs; i++) {
      loadMatrix4(operands[(kAhead ? first(step) : 0) + i], (rows ^ (step * 32)) + half + i * 16 * kTile * 2);
    }
  }
};

#endif

}  // namespace s3
