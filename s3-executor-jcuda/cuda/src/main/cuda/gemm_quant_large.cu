// Matrix product on Hopper for many rows with weights in 4 and 8 bits: y[m][n] = x[m][k] * w[n][k]^T (sm_90a).
//
// A tile of the result is N rows of x by 128 rows of the weight, a tile of codes wide. Two warpgroups widen 64 rows of the
// weight each in registers, which are the left operand of wgmma; 64 columns are widened while the tensor cores multiply those
// before. One thread of a third warpgroup copies codes and x through a ring. Blocks take tile after tile, and the ring goes
// on: while a tile is written, the next one's operands arrive. The sum over k is cut into the segments of
// gemm_quant_wgmma.cu, added in order: the bits are those of its kernels.
//
//   gemm_<type>_<code>_n<N>_tiles   grid (any), block 384, shared memory: README.md
//   gemm_<type>_<code>_n<N>_whole   the same for one segment alone
//
// Compile: nvcc -cubin -gencode arch=compute_90a,code=sm_90a gemm_quant_large.cu
#include "gemm_tiles.cuh"
#include "hopper.cuh"
#include "quant.cuh"

namespace s3 {

template <Code CODE, int N, bool WHOLE>
struct QuantLargeShape {
  static constexpr int kSums = N / 2;
  /** From 176 rows on there are registers for one set of weights alone, where there may be several segments. */
  static constexpr int kSets = !WHOLE && N > 160 ? 1 : 2;
  /** Sums of earlier segments, of a thread, for which there are no registers beside the current ones: they are in shared memory. */
  static constexpr int kParked = !WHOLE && N > 192 ? kSums / 2 : 0;
  /** Whether a stage has a tile of codes and the x of its 128 columns; else it has x of 64 columns, and codes a ring of their own. */
  static constexpr bool kJoined = N < 256;
  static constexpr int kRowBytes = N * 128;
  static constexpr int kCodeBytes = mostTileBytes(CODE);
  static constexpr int kStageBytes = kJoined ? 2 * kRowBytes + kCodeBytes : kRowBytes;
  static constexpr int kCodeStages = kJoined ? 0 : kParked > 0 && bitsOf(CODE) == 8 ? 2 : 3;
  /** A warp's memory for sums: parked ones, or 32 or 64 rows of 16 columns that it turns to write them. */
  static constexpr int kWriteRows = N < 256 ? 32 : 64;
  static constexpr int kPitch = 20;  // lanes write to all banks, and read from all
  static constexpr int kSumBytes = kParked > 0 ? kParked * 32 * 4 : kWriteRows * kPitch * 4;
  static constexpr int kStages = (226 * 1024 - 512 - kCodeStages * kCodeBytes - 8 * kSumBytes) / kStageBytes;
  static_assert(kCodeBytes % 1024 == 0, "x of a stage begins at a multiple of 1024");
  static_assert(kSumBytes >= kWriteRows * kPitch * 4, "the memory of parked sums serves for writing");
};

#ifdef S3_HOPPER

/** Where the rings of a block lie in shared memory, and the barriers of their stages. */
template <typename Shape>
struct QuantRings {
  uint32_t stages, codes, sums, full, empty, codesFull, codesEmpty;

  __device__ __forceinline__ explicit QuantRings(uint32_t start)
      : stages(start),
        codes(stages + Shape::kStages * Shape::kStageBytes),
        sums(codes + Shape::kCodeStages * Shape::kCodeBytes),
        full(sums + 8 * Shape::kSumBytes),
        empty(full + Shape::kStages * 8),
        codesFull(empty + Shape::kStages * 8),
        codesEmpty(codesFull + Shape::kCodeStages * 8) {}

  __device__ __forceinline__ void init() const {
    for (int s = 0; s < Shape::kStages; s++) {
      barrierInit(full + s * 8, 1);
      barrierInit(empty + s * 8, 8);  // the warps that multiply
    }
    for (int s = 0; s < Shape::kCodeStages; s++) {
      barrierInit(codesFull + s * 8, 1);
      barrierInit(codesEmpty + s * 8, 8);
    }
    barrierInitFence();
  }
};

/** One thread's work: asks for the codes of every tile of this block with their scales, and for the x that belongs to them. */
template <Code CODE, typename Shape, int N>
__device__ __forceinline__ void streamQuantLarge(const GemmArgs& a, Scales scales, const QuantRings<Shape>& rings) {
  LargeTiles tiles(a, N, kQuantTile);
  int tileBytes = codeBytes(CODE) + scales.bytes();
  int kTiles = (a.k + kQuantTile - 1) / kQuantTile;
  int xTiles = (a.k + 63) / 64;
  size_t pitch = static_cast<size_t>(a.groups) * 1024;
  int turn = 0, codesTurn = 0;
  for (int index = blockIdx.x; index < tiles.count(); index += gridDim.x) {
    int2 place = tiles.at(index);
    int bytes = min(N, (a.m - place.x * N + 7) & ~7) * 128;
    const char* w = static_cast<const char*>(a.w) + static_cast<size_t>(place.y) * kTiles * tileBytes;
    const char* x = static_cast<const char*>(a.x) + static_cast<size_t>(place.x) * N * 128;
    for (int kt = 0; kt < kTiles; kt++, codesTurn++, w += tileBytes) {
      int halves = min(2, xTiles - 2 * kt);
      if constexpr (Shape::kJoined) {
        int slot = codesTurn % Shape::kStages;
        uint32_t stage = rings.stages + slot * Shape::kStageBytes;
        uint32_t full = rings.full + slot * 8;
        barrierWait(rings.empty + slot * 8, ((codesTurn / Shape::kStages) & 1) ^ 1);
        barrierExpect(full, tileBytes + halves * bytes);
        bulkCopy(stage + 2 * Shape::kRowBytes, w, tileBytes, full);
        for (int half = 0; half < halves; half++, x += pitch) bulkCopy(stage + half * Shape::kRowBytes, x, bytes, full);
      } else {
        int codesSlot = codesTurn % Shape::kCodeStages;
        uint32_t codesFull = rings.codesFull + codesSlot * 8;
        barrierWait(rings.codesEmpty + codesSlot * 8, ((codesTurn / Shape::kCodeStages) & 1) ^ 1);
        barrierExpect(codesFull, tileBytes);
        bulkCopy(rings.codes + codesSlot * Shape::kCodeBytes, w, tileBytes, codesFull);
        for (int half = 0; half < halves; half++, x += pitch, turn++) {
          int slot = turn % Shape::kStages;
          uint32_t full = rings.full + slot * 8;
          barrierWait(rings.empty + slot * 8, ((turn / Shape::kStages) & 1) ^ 1);
          barrierExpect(full, bytes);
          bulkCopy(rings.stages + slot * Shape::kStageBytes, x, bytes, full);
        }
      }
    }
  }
}

/** A warpgroup: what it multiplies, and how far it has come in the rings. */
template <Code CODE, typename T, typename Shape, int N, Known KNOWN>
struct QuantMultiplier {
  Scales scales;
  const QuantRings<Shape>& rings;
  const uint8_t* start;  // of the rings
  int turn = 0, codesTurn = 0;

  __device__ __forceinline__ QuantMultiplier(Scales of, const QuantRings<Shape>& from, const uint8_t* begin)
      : scales(of), rings(from), start(begin) {}

  /** The product over count tiles of codes from zero, of which the last may have 64 columns. */
  __device__ __forceinline__ void multiply(float (&sum)[Shape::kSums], int count, bool narrow) {
    constexpr int kPending = Shape::kSets - 1;
    int warp = threadIdx.x >> 5;
    uint32_t weights[Shape::kSets][16];
    LaneScales<CODE, T, KNOWN> own(scales);
    HalfCodes<CODE> codes;
#pragma unroll 1
    for (int i = 0; i < count; i++, codesTurn++) {
      const uint8_t* tile = waitForCodes();
      const uint8_t* strip = tile + codeBytes(CODE);
      codes.load(tile, warp, 0);
      own.load(strip, warp, 0);
#pragma unroll
      for (int half = 0; half < 2; half++) {
        if (half == 1 && narrow && i + 1 == count) continue;
        uint32_t(&to)[16] = weights[half % Shape::kSets];
        widenHalf<CODE, T, KNOWN>(to, codes, own, strip, warp, half, scales);
        multiplyHalf<T, N>(sum, to, waitForRows(half), i > 0 || half > 0);
        if (half == 0) codes.load(tile, warp, 1);
        wgmmaWait<kPending>();
        if constexpr (!Shape::kJoined) {
          if (kPending == 0 || i > 0 || half > 0) release(turn - kPending);
          turn++;
        } else if (kPending == 1 && half == 0 && i > 0) {
          release(codesTurn - 1);
        }
      }
      if (!Shape::kJoined || kPending == 0) releaseCodes();
    }
    if constexpr (kPending > 0) {
      wgmmaWait<0>();
      if (count > 0) release(Shape::kJoined ? codesTurn - 1 : turn - 1);
    }
  }

 private:
  __device__ __forceinline__ bool leads() const { return (threadIdx.x & 31) == 0; }

  /** The tile of codes in turn, once it is there; with it its x if they are joined. */
  __device__ __forceinline__ const uint8_t* waitForCodes() const {
    if constexpr (Shape::kJoined) {
      int slot = codesTurn % Shape::kStages;
      barrierWait(rings.full + slot * 8, (codesTurn / Shape::kStages) & 1);
      return start + slot * Shape::kStageBytes + 2 * Shape::kRowBytes;
    } else {
      int slot = codesTurn % Shape::kCodeStages;
      barrierWait(rings.codesFull + slot * 8, (codesTurn / Shape::kCodeStages) & 1);
      return start + Shape::kStages * Shape::kStageBytes + slot * Shape::kCodeBytes;
    }
  }

  /** Where x of a half of the tile lies, once it is there. */
  __device__ __forceinline__ uint32_t waitForRows(int half) const {
    if constexpr (Shape::kJoined) {
      return rings.stages + codesTurn % Shape::kStages * Shape::kStageBytes + half * Shape::kRowBytes;
    } else {
      int slot = turn % Shape::kStages;
      barrierWait(rings.full + slot * 8, (turn / Shape::kStages) & 1);
      return rings.stages + slot * Shape::kStageBytes;
    }
  }

  __device__ __forceinline__ void release(int of) const {
    if (leads()) barrierArrive(rings.empty + of % Shape::kStages * 8);
  }

  /** Gives the tile of codes in turn back, and with it its x if they are joined. */
  __device__ __forceinline__ void releaseCodes() const {
    __syncwarp();
    if constexpr (Shape::kJoined) {
      release(codesTurn);
    } else if (leads()) {
      barrierArrive(rings.codesEmpty + codesTurn % Shape::kCodeStages * 8);
    }
  }
};

/** Writes up to 64 rows of a warp's 16 columns that stand in shared memory. */
template <typename T, int PITCH>
__device__ __forceinline__ void writeTurned(const GemmArgs& a, const float* tile, int firstRow, int rows, int firstColumn) {
  int lane = threadIdx.x & 31;
  if (a.mode == kGatedTiles) {
#pragma unroll 1
    for (int row = lane; row < rows; row += 32) {
      float v[8], up[8];
      load8(tile + row * PITCH, v);
      load8(tile + row * PITCH + 8, up);
      if (firstColumn < a.n) write<T>(a, firstRow + row, firstColumn, v, up);
    }
    return;
  }
  int column = (lane & 1) * 8;
  if (firstColumn + column >= a.n) return;
  if (a.mode == kAddRows && ((a.n | a.stride) & 7) == 0) {
#pragma unroll 1
    for (int row = lane / 2; row < rows; row += 32) {  // two rows are read before the first is written
      bool both = row + 16 < rows;
      float v[8], old[8], next[8];
      loadRow(a, firstRow + row, firstColumn + column, old);
      if (both) loadRow(a, firstRow + row + 16, firstColumn + column, next);
      load8(tile + row * PITCH + column, v);
      addRow<T>(a, firstRow + row, firstColumn + column, v, old);
      load8(tile + (row + 16) * PITCH + column, v);
      if (both) addRow<T>(a, firstRow + row + 16, firstColumn + column, v, next);
    }
    return;
  }
#pragma unroll 1
  for (int row = lane / 2; row < rows; row += 16) {
    float v[8];
    load8(tile + row * PITCH + column, v);
    write<T>(a, firstRow + row, firstColumn + column, v, v);
  }
}

/** Writes a warp's sums, some rows at a time, which it turns in its part of shared memory. */
template <typename T, typename Shape>
__device__ __forceinline__ void writeQuantLarge(const GemmArgs& a, float (&sum)[Shape::kSums], float* tile, int firstRow,
                                                int firstColumn) {
  int lane = threadIdx.x & 31;
  float* own = tile + (lane & 3) * 2 * Shape::kPitch + lane / 4;
  int end = min(2 * Shape::kSums, a.m - firstRow);
  __syncwarp();  // other lanes may still read parked sums
#pragma unroll 1
  for (int first = 0; first < end; first += Shape::kWriteRows) {  // the sums move down, or there would be code for each place
#pragma unroll
    for (int i = 0; i < Shape::kWriteRows / 2 && i < Shape::kSums; i++) {
      own[(i / 4 * 8 + (i & 1)) * Shape::kPitch + ((i >> 1) & 1) * 8] = sum[i];
    }
    __syncwarp();
    writeTurned<T, Shape::kPitch>(a, tile, firstRow + first, min(Shape::kWriteRows, end - first), firstColumn);
    __syncwarp();
#pragma unroll
    for (int i = 0; i + Shape::kWriteRows / 2 < Shape::kSums; i++) sum[i] = sum[i + Shape::kWriteRows / 2];
  }
}

/** Sums of a thread beside its current ones: the first in shared memory, the others in registers. */
template <typename Shape>
struct EarlierSums {
  float* parked;  // of this thread, 32 apart
  float kept[Shape::kSums - Shape::kParked];

  __device__ __forceinline__ explicit EarlierSums(float* shared) : parked(shared + (threadIdx.x & 31)) {
#pragma unroll
    for (int i = 0; i < Shape::kSums - Shape::kParked; i++) kept[i] = 0;
  }

  __device__ __forceinline__ void keep(const float (&sum)[Shape::kSums]) {
#pragma unroll
    for (int i = 0; i < Shape::kSums; i++) {
      if (i < Shape::kParked) {
        parked[i * 32] = sum[i];
      } else {
        kept[i - Shape::kParked] = sum[i];
      }
    }
  }

  __device__ __forceinline__ void addTo(float (&sum)[Shape::kSums]) const {
#pragma unroll
    for (int i = 0; i < Shape::kSums; i++) sum[i] += i < Shape::kParked ? parked[i * 32] : kept[i - Shape::kParked];
  }
};

/** A warpgroup's sums over all segments of a tile; shared is the warp's memory for sums. */
template <typename Shape, bool WHOLE, typename Multiplier>
__device__ __forceinline__ void sumQuantLarge(const GemmArgs& a, float (&sum)[Shape::kSums], Multiplier& multiplier,
                                              float* shared) {
  int kTiles = (a.k + kQuantTile - 1) / kQuantTile;
  bool narrow = ((a.k + 63) / 64) % 2 != 0;
#pragma unroll
  for (int i = 0; i < Shape::kSums; i++) sum[i] = 0;
  if constexpr (WHOLE) {
    multiplier.multiply(sum, kTiles, narrow);
  } else {
    EarlierSums<Shape> earlier(shared);
#pragma unroll 1
    for (int s = 0; s < a.splits; s++) {
      int count = (s + 1) * kTiles / a.splits - s * kTiles / a.splits;
      multiplier.multiply(sum, count, narrow && s + 1 == a.splits);
      if (s > 0) earlier.addTo(sum);
      if (s + 1 < a.splits) earlier.keep(sum);
    }
  }
}

template <Code CODE, typename T, int N, bool WHOLE>
__device__ __forceinline__ void gemmQuantLarge(const GemmArgs& a, Scales scales) {
  using Shape = QuantLargeShape<CODE, N, WHOLE>;
  extern __shared__ uint8_t raw[];
  QuantRings<Shape> rings((sharedAddress(raw) + 1023) & ~1023u);
  uint8_t* start = raw + (rings.stages - sharedAddress(raw));
  if (threadIdx.x == 0) rings.init();
  __syncthreads();
  if (threadIdx.x >= 256) {
    leaveRegisters<56>();
    if (threadIdx.x == 256) streamQuantLarge<CODE, Shape, N>(a, scales, rings);
  } else {
    takeRegisters<224>();
    int warp = threadIdx.x >> 5;
    float* sums = reinterpret_cast<float*>(start + (rings.sums - rings.stages) + warp * Shape::kSumBytes);
    withKnown<CODE, false>(scales, [&](auto known) {
      QuantMultiplier<CODE, T, Shape, N, decltype(known)::value> multiplier(scales, rings, start);
      LargeTiles tiles(a, N, kQuantTile);
      float sum[Shape::kSums];
#pragma unroll 1
      for (int index = blockIdx.x; index < tiles.count(); index += gridDim.x) {
        sumQuantLarge<Shape, WHOLE>(a, sum, multiplier, sums);
        int2 place = tiles.at(index);
        writeQuantLarge<T, Shape>(a, sum, sums, place.x * N, place.y * kQuantTile + warp * 16);
      }
    });
  }
}

#else

template <Code CODE, typename T, int N, bool WHOLE>
__device__ __forceinline__ void gemmQuantLarge(const GemmArgs&, Scales) {}  // other chips take gemm_quant_mma.cu

#endif

}  // namespace s3

#define S3_QUANT_LARGE(type, T, code, CODE, N, WHOLE, suffix)                                                   \
  extern "C" __global__ void __launch_bounds__(384, 1) gemm_##type##_##code##_n##N##_##suffix(                  \
      const void* w, const T* x, void* y, const T* bias, int m, int n, int k, int groups, int stride, int mode, \
      int splits, int activation, float factor, float cap, int scales) {                                        \
    s3::GemmArgs a{w, x, y, bias, m, n, k, groups, stride, mode, splits, activation, factor, cap};              \
    s3::gemmQuantLarge<s3::CODE, T, N, WHOLE>(a, s3::Scales(scales));                                           \
  }
#define S3_QUANT_LARGE_CODE(type, T, code, CODE)          \
  S3_QUANT_LARGE(type, T, code, CODE, 96, false, tiles)   \
  S3_QUANT_LARGE(type, T, code, CODE, 128, false, tiles)  \
  S3_QUANT_LARGE(type, T, code, CODE, 176, false, tiles)  \
  S3_QUANT_LARGE(type, T, code, CODE, 256, false, tiles)  \
  S3_QUANT_LARGE(type, T, code, CODE, 256, true, whole)
#define S3_QUANT_LARGE_CODES(type, T)       \
  S3_QUANT_LARGE_CODE(type, T, u4, kU4)     \
  S3_QUANT_LARGE_CODE(type, T, s8, kS8)     \
  S3_QUANT_LARGE_CODE(type, T, e4m3, kE4M3)
#ifdef S3_QUANT_LARGE_LIST
S3_QUANT_LARGE_LIST  // some of them, for experiments
#else
S3_FOR_TYPES(S3_QUANT_LARGE_CODES)
#endif
