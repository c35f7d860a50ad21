// Weights in 4 and 8 bits: the kinds of codes, how a tile holds them, and how they are widened in registers.
//
// A tile is 128 rows x 128 columns: the codes in the order in which the lanes of mma.sync m16n8k16 and of wgmma take the
// left operand, then a strip of scales. README.md draws it. A widened weight is scale * (code - zero), or scale * code +
// offset, rounded to T once; so a product has the bits of one with 16-bit weights of these values.
// Everything here also compiles as C++ of the host, for src/test/cuda/widening.cu.
#pragma once

#include <type_traits>

#include "common.cuh"

namespace s3 {

/** Kinds of codes; the numbers stand in the names of kernels nowhere else than here. */
enum Code {
  kU4 = 0,    // unsigned integers of 4 bits
  kS8 = 1,    // signed integers of 8 bits, stored with 128 added
  kE4M3 = 2,  // floats of 8 bits, without NaN
  kE2M1 = 3,  // floats of 4 bits
};

/** What stands beside a group's scale; bits 4 and 5 of the parameter scales. */
enum Form {
  kSymmetric = 0,  // nothing: the zero is 8 for kU4, 0 for the others
  kZero = 1,       // the zero, an integer
  kOffset = 2,     // what is added to scale * code
};

/** What of Scales is known when a kernel is compiled; plain: nothing stands beside a scale. */
enum Known {
  kAnyScales,
  kOneGroup,     // one group a tile, in any form
  kPlainScales,  // one group, plain
  kFewPlain,     // one, two or four groups, plain
  kEightPlain,   // eight groups, plain
  kAnyPlain,     // any number of groups, plain
  kFourOffsets,  // four groups, with offsets
  kAnyOffsets,   // one, two or four groups, with offsets
};

__host__ __device__ constexpr bool isPlain(Known known) {
  return known == kPlainScales || known == kFewPlain || known == kEightPlain || known == kAnyPlain;
}

constexpr int kQuantTile = 128;
constexpr int kQuantElements = kQuantTile * kQuantTile;

__host__ __device__ constexpr int bitsOf(Code code) { return code == kU4 || code == kE2M1 ? 4 : 8; }
/** Whether a zero or an offset may stand beside a scale; for kS8 an offset only. */
__host__ __device__ constexpr bool hasSeconds(Code code) { return code == kU4 || code == kS8; }
__host__ __device__ constexpr int codeBytes(Code code) { return kQuantElements / 8 * bitsOf(code); }

/** Room for a tile in shared memory: four groups with zeros or offsets, or eight with scales alone. */
__host__ __device__ constexpr int mostTileBytes(Code code) { return codeBytes(code) + 4 * kQuantTile * 4; }

/** The scales of a weight: groups of a row in a tile (1, 2, 4, and 8 for kS8), and their form. */
struct Scales {
  int groups;
  int form;

  __host__ __device__ explicit Scales(int packed) : groups(packed & 15), form(packed >> 4) {}
  __host__ __device__ int entryBytes() const { return form == kSymmetric ? 2 : 4; }
  __host__ __device__ int bytes() const { return groups * kQuantTile * entryBytes(); }
};

// ---- places

/** Bytes before the 16 that hold an element's code, and its place among the codes there. */
struct CodePlace {
  int piece;  // of 16 bytes
  int word;   // of the piece, 0 to 3
  int shift;  // of the code in the word
};

/** Where the code of (row, column) of a tile lies. */
__host__ __device__ __forceinline__ CodePlace codePlace(int bits, int row, int column) {
  int warp = row >> 4;
  int step = column >> 4;
  int lane = (row & 7) * 4 + ((column & 7) >> 1);
  int reg = ((row >> 3) & 1) + 2 * ((column >> 3) & 1);  // of the four that a step takes
  int high = column & 1;
  if (bits == 4) return {(warp * 2 + (step >> 2)) * 32 + lane, step & 3, 4 * (reg + 4 * high)};
  return {(warp * 4 + (step >> 1)) * 32 + lane, (step & 1) * 2 + (reg >> 1), 8 * ((reg & 1) * 2 + high)};
}

/** The entry of a row's group in the strip of a tile: rows r and r + 8 of a warp's 16, which a lane widens, stand side by side. */
__host__ __device__ __forceinline__ int stripEntry(int group, int row) {
  return group * kQuantTile + (row & ~15) + (row & 7) * 2 + ((row >> 3) & 1);
}

// ---- pairs of T in a register

#ifdef __CUDA_ARCH__
template <typename T>
struct Pair;
template <>
struct Pair<__half> {
  using Two = __half2;
};
template <>
struct Pair<__nv_bfloat16> {
  using Two = __nv_bfloat162;
};
template <typename T>
__device__ __forceinline__ uint32_t subtractPairs(uint32_t a, uint32_t b) {
  using Two = typename Pair<T>::Two;
  Two r = __hsub2(*reinterpret_cast<Two*>(&a), *reinterpret_cast<Two*>(&b));
  return *reinterpret_cast<uint32_t*>(&r);
}
template <typename T>
__device__ __forceinline__ uint32_t scalePairs(uint32_t a, uint32_t scale, uint32_t offset) {
  using Two = typename Pair<T>::Two;
  Two r = __hfma2(*reinterpret_cast<Two*>(&a), *reinterpret_cast<Two*>(&scale), *reinterpret_cast<Two*>(&offset));
  return *reinterpret_cast<uint32_t*>(&r);
}
__device__ __forceinline__ uint32_t pickBytes(uint32_t a, uint32_t b, uint32_t selector) {
  return __byte_perm(a, b, selector);
}
#else
template <typename T>
uint32_t subtractPairs(uint32_t a, uint32_t b);
template <typename T>
uint32_t scalePairs(uint32_t a, uint32_t scale, uint32_t offset);
uint32_t pickBytes(uint32_t a, uint32_t b, uint32_t selector);
#endif

template <typename T>
struct Magic;
/** A code of 8 bits in the mantissa of 4: 4 + code / 256. So scales are stored times 256, far from subnormal ones. */
template <>
struct Magic<__half> {
  static constexpr uint32_t kInteger = 0x44004400;
  /** Codes of 4 bits may also stand 4 bits higher in the mantissa, so that every other one needs no shift. */
  static constexpr bool kUpperInPlace = true;
  static constexpr uint32_t kSixteenth = 0x2c002c00;
  static constexpr int kFloat8Shift = 1, kFloat4Shift = 3;
  static constexpr uint32_t kFloat8Mask = 0x3f803f80, kFloat4Mask = 0x0e000e00;
  /** Factors with which scales of each kind of code are stored. */
  static __host__ __device__ float factor(Code code) { return code == kE2M1 ? 16384.0f : 256.0f; }
};
/** A code of 7 bits in the mantissa of 128. */
template <>
struct Magic<__nv_bfloat16> {
  static constexpr uint32_t kInteger = 0x43004300;
  static constexpr bool kUpperInPlace = false;
  static constexpr uint32_t kSixteenth = 0x3d803d80;
  static constexpr int kFloat8Shift = 4, kFloat4Shift = 6;
  static constexpr uint32_t kFloat8Mask = 0x07f007f0, kFloat4Mask = 0x01c001c0;
  static __host__ __device__ float factor(Code code) {
    return code == kE4M3 ? 1.329227995784916e36f : code == kE2M1 ? 8.507059173023462e37f : 1.0f;  // 2^120, 2^126
  }
};

/** A row's scale, zero (in the form of Magic) and offset, each twice. */
struct RowScale {
  uint32_t scale, zero, offset;
};

/** How the number beside a scale becomes a zero and an offset, without a branch. */
struct FormMasks {
  uint32_t zeroMask, zeroPlain, offsetMask;
};

template <typename T>
__host__ __device__ __forceinline__ FormMasks formMasks(int form) {
  uint32_t plain = Magic<T>::kInteger | (form == kSymmetric ? 0x00080008u : 0u);
  return {form == kZero ? ~0u : 0u, form == kZero ? 0u : plain, form == kOffset ? ~0u : 0u};
}

/** A row's scale, zero and offset from what the strip holds, each twice. UPPER: for the second of a lane's rows. */
template <Code CODE, typename T, bool UPPER>
__host__ __device__ __forceinline__ RowScale rowScale(uint32_t scale, uint32_t second, const FormMasks& masks) {
  RowScale r;
  r.scale = scale;
  r.zero = 0;
  r.offset = hasSeconds(CODE) ? second & masks.offsetMask : 0;
  if constexpr (CODE == kU4) {
    r.zero = (second & masks.zeroMask) | masks.zeroPlain;
    if (UPPER && Magic<T>::kUpperInPlace) {  // codes count 16 times as much, so do zeros, and scales a 16th
      r.zero = r.zero * 16 - Magic<T>::kInteger * 15;
      r.scale = scalePairs<T>(r.scale, Magic<T>::kSixteenth, 0x80008000);
    }
  }
  return r;
}

/** Two floats of 8 bits, times the inverse of Magic's factor: bits in the places of T's exponent and mantissa. */
template <typename T>
__host__ __device__ __forceinline__ uint32_t float8Pair(uint32_t word, int upper) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  if constexpr (Magic<T>::kUpperInPlace) {  // the conversion to fp16 is one instruction there
    uint32_t value;
    uint16_t both = static_cast<uint16_t>(upper ? word >> 16 : word);
    asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(value) : "h"(both));
    return scalePairs<T>(value, 0x1c001c00, 0x80008000);  // 2^-8
  }
#endif
  uint32_t high = pickBytes(word, 0, upper ? 0x3424 : 0x1404);
  return pickBits(high >> Magic<T>::kFloat8Shift, Magic<T>::kFloat8Mask, high & 0x80008000);
}

/** Widens the codes of one step of 16 columns: registers 0 and 2 belong to the lane's first row, 1 and 3 to its second. */
template <Code CODE, typename T>
__host__ __device__ __forceinline__ void widen(const uint32_t* words, const RowScale& first, const RowScale& second,
                                               uint32_t* to) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const RowScale& row = i & 1 ? second : first;
    if constexpr (CODE == kU4) {
      constexpr bool kInPlace = Magic<T>::kUpperInPlace;
      uint32_t shifted = kInPlace ? words[0] >> (8 * (i >> 1)) : words[0] >> (4 * i);
      uint32_t v = pickBits(shifted, kInPlace && (i & 1) ? 0x00f000f0 : 0x000f000f, Magic<T>::kInteger);
      to[i] = scalePairs<T>(subtractPairs<T>(v, row.zero), row.scale, row.offset);
    } else if constexpr (CODE == kE2M1) {
      uint32_t high = words[0] << (12 - 4 * i);
      uint32_t v = pickBits(high >> Magic<T>::kFloat4Shift, Magic<T>::kFloat4Mask, high & 0x80008000);
      to[i] = scalePairs<T>(v, row.scale, 0x80008000);
    } else if constexpr (CODE == kE4M3) {
      to[i] = scalePairs<T>(float8Pair<T>(words[i >> 1], i & 1), row.scale, 0x80008000);
    } else if constexpr (sizeof(T) == 2 && Magic<T>::kInteger == Magic<__half>::kInteger) {
      uint32_t v = pickBytes(words[i >> 1], Magic<T>::kInteger, i & 1 ? 0x5352 : 0x5150);
      to[i] = scalePairs<T>(subtractPairs<T>(v, 0x44804480), row.scale, row.offset);
    } else {  // seven bits fit in the mantissa of 128; the eighth chooses between 256 and 128, which are subtracted
      uint32_t bytes = pickBytes(words[i >> 1], 0, i & 1 ? 0x4342 : 0x4140);
      uint32_t low = pickBits(bytes, 0x007f007f, Magic<T>::kInteger);
      uint32_t zero = flipBits(bytes, 0x00800080, 0x43804380);
      to[i] = scalePairs<T>(subtractPairs<T>(low, zero), row.scale, row.offset);
    }
  }
}

#ifdef __CUDACC__
// ---- a warp's part of a tile in shared memory

/** The scales of the two rows of 16 that a lane widens. */
template <Code CODE, typename T, Known KNOWN = kAnyScales>
struct LaneScales {
  static constexpr bool kSingle = isPlain(KNOWN) || !hasSeconds(CODE);
  static constexpr bool kPaired = KNOWN == kFourOffsets || KNOWN == kAnyOffsets;
  FormMasks masks;
  bool single;  // an entry is a scale alone
  RowScale first, second;

  __device__ __forceinline__ explicit LaneScales(Scales scales)
      : masks(formMasks<T>(kSingle ? kSymmetric : kPaired ? kOffset : scales.form)),
        single(kSingle || (!kPaired && scales.form == kSymmetric)) {}

  /** Loads them for a group from the strip of a tile: the entries of a lane's two rows stand side by side. */
  __device__ __forceinline__ void load(const uint8_t* strip, int warp, int group) {
    loadAt(strip + laneBytes(warp), group);
  }

  /** Where the entries of a lane of a warp stand in a group. */
  __device__ __forceinline__ int laneBytes(int warp) const {
    return stripEntry(0, warp * 16 + ((threadIdx.x & 31) >> 2)) * (single ? 2 : 4);
  }

  /** The same from the lane's place in the first group. */
  __device__ __forceinline__ void loadAt(const uint8_t* lane, int group) { set(readAt(lane, group)); }

  /** What stands in the strip for a lane's two rows. */
  struct Entries {
    uint32_t low, high;
  };

  /** Reads them ahead of `set`. */
  __device__ __forceinline__ Entries readAt(const uint8_t* lane, int group) const {
    const uint32_t* words = reinterpret_cast<const uint32_t*>(lane + group * kQuantTile * (single ? 2 : 4));
    if constexpr (kSingle) {
      return {words[0], 0};
    } else if constexpr (kPaired) {
      uint2 both = *reinterpret_cast<const uint2*>(words);
      return {both.x, both.y};
    } else {
      return {words[0], words[CODE != kU4 && single ? 0 : 1]};  // in a tile's room with four groups
    }
  }

  __device__ __forceinline__ void set(Entries entries) {
    uint32_t low = entries.low;
    uint32_t high = entries.high;
    if constexpr (kSingle) {
      setRows(pickBytes(low, 0, kLow), 0, pickBytes(low, 0, kHigh), 0);
    } else {  // without a branch: it would keep the compiler from mixing this with what is widened before
      if (!kPaired && single) high = low >> 16;
      setRows(pickBytes(low, 0, kLow), pickBytes(low, 0, kHigh), pickBytes(high, 0, kLow), pickBytes(high, 0, kHigh));
    }
  }

 private:
  static constexpr uint32_t kLow = 0x1010, kHigh = 0x3232;  // halves of a word, twice

  __device__ __forceinline__ void setRows(uint32_t scale, uint32_t beside, uint32_t next, uint32_t nextBeside) {
    first = rowScale<CODE, T, false>(scale, beside, masks);
    second = rowScale<CODE, T, true>(next, nextBeside, masks);
  }
};

/** The codes of a warp's 16 rows in 64 columns, half 0 or 1 of a tile. */
template <Code CODE>
struct HalfCodes {
  static constexpr int kPieces = bitsOf(CODE) == 4 ? 1 : 2;  // of 16 bytes a lane
  uint32_t words[4 * kPieces];

  __device__ __forceinline__ void load(const uint8_t* tile, int warp, int half) {
    loadAt(tile + warp * kQuantTile * bitsOf(CODE) * 2 + (threadIdx.x & 31) * 16, half);
  }

  /** The same from the lane's place in the first half. */
  __device__ __forceinline__ void loadAt(const uint8_t* lane, int half) {
    const uint4* codes = reinterpret_cast<const uint4*>(lane) + half * kPieces * 32;
#pragma unroll
    for (int p = 0; p < kPieces; p++) {
      uint4 v = codes[p * 32];
      words[4 * p] = v.x, words[4 * p + 1] = v.y, words[4 * p + 2] = v.z, words[4 * p + 3] = v.w;
    }
  }
};

/**
 * Widens 64 columns of a warp's 16 rows, half 0 or 1 of a tile, to the left operands of four steps. own holds the scales of
 * the tile's first group, or of what was widened before; laneStrip is the lane's place in the first.
 */
template <Code CODE, typename T, Known KNOWN = kAnyScales>
__device__ __forceinline__ void widenHalfAt(uint32_t (&to)[16], const HalfCodes<CODE>& codes,
                                            LaneScales<CODE, T, KNOWN>& own, const uint8_t* laneStrip, int half,
                                            Scales scales) {
  constexpr int kGroups = KNOWN == kFourOffsets ? 4 : KNOWN == kEightPlain ? 8 : 1;
  constexpr bool kCounted = KNOWN == kAnyScales || KNOWN == kFewPlain || KNOWN == kAnyPlain || KNOWN == kAnyOffsets;
  constexpr bool kEight = CODE == kS8 && (KNOWN == kAnyScales || KNOWN == kEightPlain || KNOWN == kAnyPlain);
  int groups = kCounted ? scales.groups : kGroups;
  if (half == 1 && groups > 1) own.loadAt(laneStrip, groups >> 1);
#pragma unroll
  for (int step = 0; step < 4; step++) {
    if (step == 2 && groups == 4) own.loadAt(laneStrip, 2 * half + 1);
    if (kEight && step > 0 && groups == 8) own.loadAt(laneStrip, 4 * half + step);
    widen<CODE, T>(codes.words + step * HalfCodes<CODE>::kPieces, own.first, own.second, to + 4 * step);
  }
}

/** The same, with the strip and the number of the warp's 16 rows in the tile. */
template <Code CODE, typename T, Known KNOWN = kAnyScales>
__device__ __forceinline__ void widenHalf(uint32_t (&to)[16], const HalfCodes<CODE>& codes,
                                          LaneScales<CODE, T, KNOWN>& own, const uint8_t* strip, int warp, int half,
                                          Scales scales) {
  widenHalfAt<CODE, T, KNOWN>(to, codes, own, strip + own.laneBytes(warp), half, scales);
}

/**
 * Calls multiply with what is known of the scales. Where a warp multiplies for itself code without a branch is faster, so that more is
 * told apart. With wgmma, whether ptxas lets wgmma run beside the widening depends on these ways and their order: it prints C7513 where it does not.
 */
template <Code CODE, bool BY_WARP, typename Multiply>
__device__ __forceinline__ void withKnown(Scales scales, Multiply multiply) {
  bool one = scales.groups == 1;
  if constexpr (CODE == kE4M3) {
    if (scales.groups > 1) {
      multiply(std::integral_constant<Known, kFewPlain>());
    } else {
      multiply(std::integral_constant<Known, kPlainScales>());
    }
  } else if constexpr (!BY_WARP) {
    if (scales.form == kOffset) {
      multiply(std::integral_constant<Known, kAnyOffsets>());
    } else if (one && scales.form == kSymmetric) {
      multiply(std::integral_constant<Known, kPlainScales>());
    } else {
      multiply(std::integral_constant<Known, CODE == kS8 ? kAnyPlain : kAnyScales>());
    }
  } else if (scales.form == kOffset) {
    multiply(std::integral_constant<Known, kFourOffsets>());
  } else if (one && scales.form == kSymmetric) {
    multiply(std::integral_constant<Known, kPlainScales>());
  } else if (CODE == kS8 && scales.groups == 8) {
    multiply(std::integral_constant<Known, kEightPlain>());
  } else if (CODE == kS8) {
    multiply(std::integral_constant<Known, kFewPlain>());
  } else if (one) {
    multiply(std::integral_constant<Known, kOneGroup>());
  } else {
    multiply(std::integral_constant<Known, kAnyScales>());
  }
}
#endif

}  // namespace s3
