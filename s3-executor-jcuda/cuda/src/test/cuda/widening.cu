// Checks on the host, without a GPU, that every code is widened to the exact value rounded once, and that a tile has a place
// for every code. The arithmetic of pairs is imitated in double; the rest is the kernels' own source.
//
// nvcc -std=c++17 -arch=sm_80 -o widening -I ../../main/cuda widening.cu && ./widening
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <set>

#include "quant.cuh"

namespace s3 {

template <typename T>
double valueOf(uint16_t bits) {
  T v;
  memcpy(&v, &bits, 2);
  return static_cast<double>(static_cast<float>(v));
}

/** Rounds a double once, to nearest even. */
template <typename T>
uint16_t rounded(double v);
template <>
uint16_t rounded<__half>(double v) {
  __half h = __double2half(v);
  uint16_t bits;
  memcpy(&bits, &h, 2);
  return bits;
}
template <>
uint16_t rounded<__nv_bfloat16>(double v) {
  if (v == 0 || !std::isfinite(v)) {
    __nv_bfloat16 b = __float2bfloat16_rn(static_cast<float>(v));
    uint16_t bits;
    memcpy(&bits, &b, 2);
    return bits;
  }
  int exponent = std::max(std::ilogb(v), -126) - 7;
  float exact = static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(v, -exponent)), exponent));
  uint32_t bits;
  memcpy(&bits, &exact, 4);
  return static_cast<uint16_t>(bits >> 16);
}

template <typename T, typename F>
uint32_t pairs(F f) {
  return rounded<T>(f(0)) | static_cast<uint32_t>(rounded<T>(f(16))) << 16;
}
template <typename T>
double sideOf(uint32_t pair, int shift) {
  return valueOf<T>(static_cast<uint16_t>(pair >> shift));
}
#ifndef __CUDA_ARCH__
template <typename T>
uint32_t subtractPairs(uint32_t a, uint32_t b) {
  return pairs<T>([&](int s) { return sideOf<T>(a, s) - sideOf<T>(b, s); });
}
template <typename T>
uint32_t scalePairs(uint32_t a, uint32_t scale, uint32_t offset) {
  return pairs<T>([&](int s) { return sideOf<T>(a, s) * sideOf<T>(scale, s) + sideOf<T>(offset, s); });
}
uint32_t pickBytes(uint32_t a, uint32_t b, uint32_t selector) {
  uint64_t both = a | static_cast<uint64_t>(b) << 32;
  uint32_t r = 0;
  for (int i = 0; i < 4; i++) r |= static_cast<uint32_t>(both >> (8 * (selector >> (4 * i) & 7)) & 255) << (8 * i);
  return r;
}
#endif

}  // namespace s3

using namespace s3;

double e4m3(int code) {
  int exponent = code >> 3 & 15, mantissa = code & 7;
  double v = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return code & 128 ? -v : v;
}

double e2m1(int code) {
  static const double values[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  return code & 8 ? -values[code & 7] : values[code & 7];
}

/** Codes of 16 rows x 16 columns in the places of a tile, widened for every lane as the kernels do. */
template <Code CODE, typename T>
int check(const char* name, int form) {
  constexpr int kCodes = 1 << bitsOf(CODE);
  std::mt19937 random(7);
  std::uniform_real_distribution<double> logarithm(CODE == kE2M1 ? -6.0 : -12.0, CODE == kE2M1 ? 0.0 : 2.0);
  long bad = 0, checked = 0;
  for (int round = 0; round < 400; round++) {
    int codes[16][16];
    for (auto& row : codes) {
      for (int& c : row) {
        do {
          c = random() % kCodes;
        } while (CODE == kE4M3 && (c & 127) == 127);
      }
    }
    uint32_t words[32][2] = {};
    uint32_t entries[16];
    FormMasks masks = formMasks<T>(form);
    double scales[16], seconds[16];
    for (int row = 0; row < 16; row++) {
      double scale = std::exp2(logarithm(random));
      if (CODE == kE2M1) scale = std::exp2(std::floor(std::log2(scale)));
      if (round % 2) scale = -scale;
      uint16_t stored = rounded<T>(scale * Magic<T>::factor(CODE));
      scales[row] = valueOf<T>(stored) / Magic<T>::factor(CODE);
      uint16_t second = 0;
      if (form == kZero) {
        int zero = random() % 17;
        second = static_cast<uint16_t>((Magic<T>::kInteger & 0xffff) + zero);
        seconds[row] = zero;
      } else if (form == kOffset) {
        second = rounded<T>(std::uniform_real_distribution<double>(-1, 1)(random));
        seconds[row] = valueOf<T>(second);
      }
      entries[row] = stored | static_cast<uint32_t>(second) << 16;
      for (int column = 0; column < 16; column++) {
        CodePlace place = codePlace(bitsOf(CODE), row, column);
        int lane = place.piece % 32;
        words[lane][bitsOf(CODE) == 4 ? 0 : place.word] |= static_cast<uint32_t>(codes[row][column]) << place.shift;
      }
    }
    for (int lane = 0; lane < 32; lane++) {
      auto low = [&](int row) { return pickBytes(entries[row], 0, 0x1010); };
      auto high = [&](int row) { return pickBytes(entries[row], 0, 0x3232); };
      RowScale first = rowScale<CODE, T, false>(low(lane / 4), high(lane / 4), masks);
      RowScale second = rowScale<CODE, T, true>(low(lane / 4 + 8), high(lane / 4 + 8), masks);
      uint32_t got[4];
      widen<CODE, T>(words[lane], first, second, got);
      for (int i = 0; i < 8; i++) {
        int row = lane / 4 + (i >> 1 & 1) * 8;
        int column = (lane & 3) * 2 + (i & 1) + (i >> 2) * 8;
        int code = codes[row][column];
        double plain = CODE == kU4   ? code - (form == kZero ? seconds[row] : form == kSymmetric ? 8 : 0)
                       : CODE == kS8 ? code - 128
                       : CODE == kE4M3 ? e4m3(code) : e2m1(code);
        double exact = plain * scales[row] + (form == kOffset ? seconds[row] : 0);
        double expected = valueOf<T>(rounded<T>(exact));
        double value = sideOf<T>(got[i / 2], i % 2 * 16);
        checked++;
        if (!(value == expected)) {
          if (bad++ < 3) printf("%s form %d: code %d gives %g, not %g\n", name, form, code, value, expected);
        }
      }
    }
  }
  printf("%s %s form %d: %ld of %ld wrong\n", bad ? "FAIL" : "ok  ", name, form, bad, checked);
  return bad != 0;
}

int checkPlaces(int bits) {
  std::set<long> places;
  for (int row = 0; row < kQuantTile; row++) {
    for (int column = 0; column < kQuantTile; column++) {
      CodePlace p = codePlace(bits, row, column);
      places.insert(p.piece * 128L + p.word * 32 + p.shift);
      if (p.shift % bits || p.shift > 32 - bits || p.word > 3 || p.piece >= kQuantElements / 128 * bits) places.clear();
    }
  }
  bool good = places.size() == kQuantElements;
  printf("%s places of %d bits: %zu\n", good ? "ok  " : "FAIL", bits, places.size());
  return !good;
}

int main() {
  int failed = checkPlaces(4) + checkPlaces(8);
  for (int form : {kSymmetric, kZero, kOffset}) {
    failed += check<kU4, __half>("u4 f16", form) + check<kU4, __nv_bfloat16>("u4 bf16", form);
  }
  for (int form : {kSymmetric, kOffset}) {
    failed += check<kS8, __half>("s8 f16", form) + check<kS8, __nv_bfloat16>("s8 bf16", form);
  }
  failed += check<kE4M3, __half>("e4m3 f16", 0) + check<kE4M3, __nv_bfloat16>("e4m3 bf16", 0);
  failed += check<kE2M1, __half>("e2m1 f16", 0) + check<kE2M1, __nv_bfloat16>("e2m1 bf16", 0);
  return failed != 0;
}
