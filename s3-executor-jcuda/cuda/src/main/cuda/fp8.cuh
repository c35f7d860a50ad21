// Both operands in 8 bits (e4m3): the layouts of weights and activations, and Hopper's product of them (sm_90a).
//
// Weights [row / 128][column / 128][tile]: a tile is 128 x 128 codes, two times 64 rows of 128 bytes in the swizzle of
// common.cuh, and then a float scale for each of the 128 rows. Activations [column / 128][row / 8][8 rows of 128 bytes], in the
// same swizzle; their scales stand apart, a float for each row or, [column / 128][row], for each row of 128 columns.
#pragma once

#include <cuda_fp8.h>

#include "hopper.cuh"

namespace s3 {

/** Rows and columns of a tile of weights. */
constexpr int kFp8Tile = 128;
constexpr int kFp8CodeBytes = kFp8Tile * kFp8Tile;
constexpr int kFp8TileBytes = kFp8CodeBytes + kFp8Tile * 4;

constexpr float kFp8Most = 448.0f;

/** No scale is less, so that a row of zeros has one, too: 2^-100. */
constexpr float kFp8LeastScale = 7.888609052210118e-31f;

/** Where the code of a column lies in rows of 128 bytes. */
__device__ __forceinline__ int swizzledByte(int row, int column) {
  return row * 128 + ((((column >> 4) & 7) ^ (row & 7)) << 4) + (column & 15);
}

/** Where the code of (row, column) of a weight lies; its tile has kTiles - 1 beside it. */
__device__ __forceinline__ size_t fp8WeightOffset(int row, int column, int kTiles) {
  size_t tile = static_cast<size_t>(row >> 7) * kTiles + (column >> 7);
  return tile * kFp8TileBytes + swizzledByte(row & 127, column & 127);
}

/** Where the code of (row, column) of activations lies; groups is the row capacity / 8. */
__device__ __forceinline__ size_t fp8RowOffset(int row, int column, int groups) {
  return (static_cast<size_t>(column >> 7) * groups + (row >> 3)) * 1024 + swizzledByte(row & 7, column & 127);
}

/** The scale that brings the largest magnitude, but no larger one than most, to the largest code; a NaN stays one. */
__device__ __forceinline__ float fp8Scale(float largest, float most) {
  float scale = __fdiv_rn(largest > most ? most : largest, kFp8Most);
  return scale < kFp8LeastScale ? kFp8LeastScale : scale;
}

/** The codes of two values times 1 / scale, rounded to nearest, at most 448 in magnitude; a NaN stays one. */
__device__ __forceinline__ uint32_t fp8Codes(float low, float high, float inverse) {
  float2 units = make_float2(__fmul_rn(low, inverse), __fmul_rn(high, inverse));
  return __nv_cvt_float2_to_fp8x2(units, __NV_SATFINITE, __NV_E4M3);
}

/** The larger one, a NaN if one is. */
__device__ __forceinline__ float largerOrNan(float a, float b) {
  float r;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(r) : "f"(a), "f"(b));
  return r;
}

#ifdef S3_HOPPER

/** d[64 rows x N columns] = 32 columns of weights * activations, added to d if keep. */
template <int N>
struct WgmmaFp8;

#define S3_WGMMA_FP8(N, numbers, a, b, p, ...)                                                      \
  template <>                                                                                      \
  struct WgmmaFp8<N> {                                                                             \
    static __device__ __forceinline__ void multiply(float (&d)[N / 2], uint64_t weights,           \
                                                    uint64_t activations, int keep) {              \
      asm volatile(                                                                                \
          "{\n.reg .pred keep;\nsetp.ne.b32 keep, %" p ", 0;\n"                                    \
          "wgmma.mma_async.sync.aligned.m64n" #N "k32.f32.e4m3.e4m3 {" numbers "}, %" a ", %" b    \
          ", keep, 1, 1;\n}\n"                                                                     \
          : __VA_ARGS__                                                                            \
          : "l"(weights), "l"(activations), "r"(keep));                                            \
    }                                                                                              \
  };
S3_WGMMA_FP8(16, S3_N0, "8", "9", "10", S3_O8(0))
S3_WGMMA_FP8(32, S3_N1, "16", "17", "18", S3_O16(0))
S3_WGMMA_FP8(64, S3_N3, "32", "33", "34", S3_O32(0))
S3_WGMMA_FP8(96, S3_N5, "48", "49", "50", S3_O32(0), S3_O16(32))
S3_WGMMA_FP8(128, S3_N7, "64", "65", "66", S3_O64(0))

#endif  // S3_HOPPER

}  // namespace s3
