// Brings matrices in 4 and 8 bits into the tiles that gemm_quant_wgmma.cu and gemm_quant_mma.cu read, at load time.
//
//   quantize_<code>_<source>   plain numbers [n][k] to codes and the scales of groups of 128 columns, a warp a group
//   tile_codes_<bits>          row-major codes to tiles; tiles are zero before
//   tile_scales_<type>         row-major scales, and zeros or offsets, to the strips of the tiles
//
// Any grid, block a multiple of 32. Compile: nvcc -cubin -arch=sm_90a retile_quant.cu
#include <cuda_fp8.h>

#include "placement.cuh"
#include "quant.cuh"

namespace s3 {

constexpr int kQuantGroup = 128;

__device__ __forceinline__ float warpMax(float v) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, step));
  return v;
}

/** A scale as the strips hold it: with eleven bits for fp16, eight for bf16. */
__device__ __forceinline__ float storedScale(float scale, int bf16) {
  if (bf16) return __bfloat162float(__float2bfloat16_rn(scale));
  return __half2float(__float2half_rn(scale * 256.0f)) / 256.0f;
}

__device__ __forceinline__ float quantU4(float v, float scale) {
  return scale == 0 ? 8.0f : fminf(fmaxf(rintf(v / scale) + 8.0f, 0.0f), 15.0f);
}

/** The scale, of 16 from all of the range down to 70 % of it, whose codes have the least squared error. */
__device__ __forceinline__ float bestScaleU4(const float (&v)[4], int bf16) {
  float most = warpMax(fmaxf(fmaxf(v[0], v[1]), fmaxf(v[2], v[3])));
  float least = -warpMax(fmaxf(fmaxf(-v[0], -v[1]), fmaxf(-v[2], -v[3])));
  float whole = (most > -least ? most : least) / -8.0f;  // the value of largest magnitude gets the code 0
  float best = 0, error = INFINITY;
  for (int i = 0; i < 16; i++) {
    float scale = storedScale(whole * (1.0f - 0.02f * i), bf16);
    float sum = 0;
#pragma unroll
    for (int j = 0; j < 4; j++) {
      float off = v[j] - scale * (quantU4(v[j], scale) - 8.0f);
      sum = fmaf(off, off, sum);
    }
    sum = warpSum(sum);
    if (sum < error) error = sum, best = scale;
  }
  return best;
}

template <Code CODE, typename S>
__device__ void quantize(const S* from, uint8_t* codes, float* scales, int n, int k, int bf16) {
  int groups = (k + kQuantGroup - 1) / kQuantGroup;
  int lane = threadIdx.x & 31;
  long long warps = static_cast<long long>(gridDim.x) * (blockDim.x >> 5);
  for (long long g = (blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x) >> 5;
       g < static_cast<long long>(n) * groups; g += warps) {
    size_t row = g / groups;
    int column = static_cast<int>(g % groups) * kQuantGroup + lane * 4;
    float v[4];
#pragma unroll
    for (int i = 0; i < 4; i++) v[i] = column + i < k ? toFloat(from[row * k + column + i]) : 0.0f;
    float largest = warpMax(fmaxf(fmaxf(fabsf(v[0]), fabsf(v[1])), fmaxf(fabsf(v[2]), fabsf(v[3]))));
    float scale = CODE == kU4 ? bestScaleU4(v, bf16) : storedScale(largest / (CODE == kS8 ? 127.0f : 448.0f), bf16);
    if (lane == 0) scales[g] = scale;
    uint32_t packed = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      float unit = scale == 0 ? 0.0f : v[i] / scale;
      uint32_t code;
      if constexpr (CODE == kU4) {
        code = static_cast<uint32_t>(quantU4(v[i], scale));
      } else if constexpr (CODE == kS8) {
        code = static_cast<uint32_t>(fminf(fmaxf(rintf(unit), -127.0f), 127.0f) + 128.0f);
      } else {
        code = __nv_cvt_float_to_fp8(unit, __NV_SATFINITE, __NV_E4M3);
      }
      packed |= code << (i * bitsOf(CODE));
    }
    if (column >= k) continue;  // widths are multiples of 8
    if constexpr (bitsOf(CODE) == 4) {
      *reinterpret_cast<uint16_t*>(codes + (row * k + column) / 2) = static_cast<uint16_t>(packed);
    } else {
      *reinterpret_cast<uint32_t*>(codes + row * k + column) = packed;
    }
  }
}

/** Four codes of a row a thread: columns c, c + 1, c + 8 and c + 9, which lie in one or two words of a tile. */
template <int BITS>
__device__ void tileCodes(const uint8_t* codes, uint8_t* tiles, int n, int k, int firstRow, int placement, Scales scales,
                          int* foundNan) {
  int kTiles = (k + kQuantTile - 1) / kQuantTile;
  size_t tileBytes = kQuantElements / 8 * BITS + scales.bytes();
  int pieces = (k + 15) / 16 * 4;
  for (long long p = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x;
       p < static_cast<long long>(n) * pieces; p += static_cast<long long>(gridDim.x) * blockDim.x) {
    size_t row = p / pieces;
    int piece = static_cast<int>(p % pieces);
    int placed = firstRow + placedRow(static_cast<int>(row), placement);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int column = (piece >> 2) * 16 + (piece & 3) * 2 + half * 8;
      if (column >= k) continue;
      size_t at = row * k + column;
      uint32_t low, high;
      if constexpr (BITS == 4) {
        low = codes[at / 2] & 15, high = codes[at / 2] >> 4;
      } else {
        low = codes[at], high = codes[at + 1];
        bool nan = (low & 127) == 127 || (high & 127) == 127;
        if (foundNan != nullptr && nan) *foundNan = 1;
      }
      CodePlace place = codePlace(BITS, placed & 127, column & 127);
      CodePlace next = codePlace(BITS, placed & 127, (column + 1) & 127);
      size_t tile = static_cast<size_t>(placed >> 7) * kTiles + (column >> 7);
      uint32_t* word = reinterpret_cast<uint32_t*>(tiles + tile * tileBytes + place.piece * 16) + place.word;
      atomicOr(word, low << place.shift | high << next.shift);
    }
  }
}

/** One thread a group. seconds holds zeros or offsets; null where the form has none. */
template <typename T>
__device__ void tileScales(const float* given, const float* seconds, uint8_t* tiles, int n, int k, int firstRow,
                           int placement, Scales scales, Code code, int* foundInfinite) {
  int kTiles = (k + kQuantTile - 1) / kQuantTile;
  int width = kQuantTile / scales.groups;
  int groups = (k + width - 1) / width;
  size_t tileBytes = codeBytes(code) + scales.bytes();
  for (long long p = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x;
       p < static_cast<long long>(n) * groups; p += static_cast<long long>(gridDim.x) * blockDim.x) {
    int row = static_cast<int>(p / groups);
    int group = static_cast<int>(p % groups);
    int placed = firstRow + placedRow(row, placement);
    size_t tile = static_cast<size_t>(placed >> 7) * kTiles + group / scales.groups;
    uint8_t* strip = tiles + tile * tileBytes + codeBytes(code);
    int index = stripEntry(group % scales.groups, placed & 127);
    T scale = fromFloat<T>(given[p] * Magic<T>::factor(code));
    T second = fromFloat<T>(0.0f);
    uint16_t secondBits;
    if (scales.form == kZero) {
      secondBits = static_cast<uint16_t>((Magic<T>::kInteger & 0xffff) + static_cast<uint32_t>(seconds[p]));
    } else {
      if (scales.form == kOffset) second = fromFloat<T>(seconds[p]);
      secondBits = *reinterpret_cast<uint16_t*>(&second);
    }
    if (!isfinite(toFloat(scale)) || !isfinite(toFloat(second))) *foundInfinite = 1;
    uint16_t bits = *reinterpret_cast<uint16_t*>(&scale);
    if (scales.form == kSymmetric) {
      reinterpret_cast<uint16_t*>(strip)[index] = bits;
    } else {
      reinterpret_cast<uint32_t*>(strip)[index] = bits | static_cast<uint32_t>(secondBits) << 16;
    }
  }
}

}  // namespace s3

#define S3_QUANTIZE(code, CODE, source, S)                                                              \
  extern "C" __global__ void quantize_##code##_##source(const S* from, uint8_t* codes, float* scales,   \
                                                        int n, int k, int bf16) {                       \
    s3::quantize<s3::CODE, S>(from, codes, scales, n, k, bf16);                                         \
  }
#define S3_QUANTIZES(code, CODE)               \
  S3_QUANTIZE(code, CODE, f16, __half)         \
  S3_QUANTIZE(code, CODE, bf16, __nv_bfloat16) \
  S3_QUANTIZE(code, CODE, f32, float)
S3_QUANTIZES(u4, kU4)
S3_QUANTIZES(s8, kS8)
S3_QUANTIZES(e4m3, kE4M3)

#define S3_TILE_CODES(bits)                                                                                      \
  extern "C" __global__ void tile_codes_##bits(const uint8_t* codes, uint8_t* tiles, int n, int k, int firstRow, \
                                               int placement, int scales, int* foundNan) {                       \
    s3::tileCodes<bits>(codes, tiles, n, k, firstRow, placement, s3::Scales(scales), foundNan);                  \
  }
S3_TILE_CODES(4)
S3_TILE_CODES(8)

#define S3_TILE_SCALES(type, T)                                                                                    \
  extern "C" __global__ void tile_scales_##type(const float* scales, const float* seconds, uint8_t* tiles, int n,  \
                                                int k, int firstRow, int placement, int packed, int code,          \
                                                int* foundInfinite) {                                              \
    s3::tileScales<T>(scales, seconds, tiles, n, k, firstRow, placement, s3::Scales(packed),                       \
                      static_cast<s3::Code>(code), foundInfinite);                                                 \
  }
S3_FOR_TYPES(S3_TILE_SCALES)
