// Rotary embedding of queries and keys, with the norms before it, fused with storing keys and values into the paged KV pool.
//
// qkv is [rows][(heads + 2 * kvHeads) * headDim]: queries are turned in place, keys and values go to the pool.
// interleaved = 0: dimension i turns with i + rotaryDim / 2 (Llama); 1: 2i with 2i + 1 (GPT-J). Dimensions from
// rotaryDim on stay; 0 turns nothing. frequencies holds rotaryDim / 2 angles a position; what is turned is multiplied
// by magnitude. Where queryNorm is not null, queries and keys get an RMSNorm before: over each head, or, where whole is 1,
// over all query heads and over all key heads; then gridDim.y must be 1, since a block's queries are written in place.
// Grid (rows, any), block 256: block y takes a share of the heads. Shared memory rotaryDim * 4 bytes, and with norms
// (heads + kvHeads) * 4 more. rotate_and_store_<type>_kv8 writes KV in 8 bits (kv.cuh), from the turned keys before they
// are rounded to T. Compile: nvcc -cubin -arch=sm_90a rotary.cu
#include "kv.cuh"
#include "rotary.cuh"

namespace s3 {

/** How queries and keys are turned and normed. */
struct HeadArgs {
  const float* frequencies;
  int rotaryDim, interleaved;
  float magnitude;
  const float* queryNorm;  // scales, or null
  const float* keyNorm;
  float epsilon;
  int whole;
};

__device__ __forceinline__ float inverseOf(float squares, int count, float epsilon) {
  return 1.0f / sqrtf(squares / count + epsilon);
}

/** The factor of each query and key head of a block's share: 1 / root mean square, over a head or over all of them. */
template <typename T>
__device__ __forceinline__ void findInverses(const T* base, const HeadArgs& a, int first, int last, int heads,
                                             int kvHeads, int headDim, float* inverses) {
  if (a.whole) {
    float query = 0, key = 0;
    for (int i = threadIdx.x; i < (heads + kvHeads) * headDim; i += blockDim.x) {
      float v = toFloat(base[i]);
      (i < heads * headDim ? query : key) += v * v;
    }
    query = inverseOf(blockSum(query), heads * headDim, a.epsilon);
    key = inverseOf(blockSum(key), kvHeads * headDim, a.epsilon);
    for (int h = threadIdx.x; h < heads + kvHeads; h += blockDim.x) inverses[h] = h < heads ? query : key;
  } else {
    for (int h = first + (threadIdx.x >> 5); h < min(last, heads + kvHeads); h += blockDim.x >> 5) {
      float squares = 0;
      for (int d = threadIdx.x & 31; d < headDim; d += 32) {
        float v = toFloat(base[h * headDim + d]);
        squares += v * v;
      }
      squares = warpSum(squares);
      if ((threadIdx.x & 31) == 0) inverses[h] = inverseOf(squares, headDim, a.epsilon);
    }
  }
}

/** Whether eight values of 16 bits, or of T, can be moved at once. */
template <typename T>
__device__ __forceinline__ bool movesAtOnce(const T* values, int count) {
  return count == 8 && reinterpret_cast<uintptr_t>(values) % (8 * sizeof(T)) == 0;
}

template <typename T>
__device__ __forceinline__ void load(const T* from, int count, float (&to)[8]) {
  if (movesAtOnce(from, count)) return load8(from, to);
#pragma unroll
  for (int i = 0; i < 8; i++) to[i] = i < count ? toFloat(from[i]) : 0.0f;
}

template <typename T>
__device__ __forceinline__ void store(T* to, int count, const float (&from)[8]) {
  if (movesAtOnce(to, count)) return store8(to, from);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    if (i < count) to[i] = fromFloat<T>(from[i]);
  }
}

/** How a head's values are divided among threads, so that no thread needs what another one writes. */
struct Units {
  int half;   // dimensions that turn with those as many further on; 0 where neighbours turn together, or nothing turns
  int pairs;  // units of up to eight such pairs
  int rest;   // units of up to eight other dimensions

  __device__ __forceinline__ Units(const HeadArgs& a, int headDim)
      : half(a.interleaved ? 0 : a.rotaryDim / 2), pairs((half + 7) / 8), rest((headDim - 2 * half + 7) / 8) {}

  __device__ __forceinline__ int count() const { return pairs + rest; }
};

/** The values of a unit after norm and turn (none without cosines): count from low on and, if it is not negative, from high. */
struct TurnedUnit {
  int low, high, count;
  float lows[8], highs[8];

  template <typename T>
  __device__ __forceinline__ TurnedUnit(const T* head, const float* scales, float inverse, const Units& units, int unit,
                                        const HeadArgs& a, int headDim, const float* cosines, const float* sines) {
    bool paired = unit < units.pairs;
    low = paired ? unit * 8 : 2 * units.half + (unit - units.pairs) * 8;
    high = paired ? low + units.half : -1;
    count = min(8, (paired ? units.half : headDim) - low);
    read(head, scales, inverse, low, lows);
    if (paired) {
      read(head, scales, inverse, high, highs);
#pragma unroll
      for (int i = 0; i < 8; i++) {
        if (cosines != nullptr && i < count) turn(lows[i], highs[i], cosines[low + i], sines[low + i]);
      }
    } else if (a.interleaved) {
#pragma unroll
      for (int i = 0; i < 8; i += 2) {
        if (low + i < a.rotaryDim) turn(lows[i], lows[i + 1], cosines[(low + i) / 2], sines[(low + i) / 2]);
      }
    }
  }

  template <typename T>
  __device__ __forceinline__ void writeTo(T* head) const {
    store(head + low, count, lows);
    if (high >= 0) store(head + high, count, highs);
  }

  __device__ __forceinline__ uint32_t largest() const {
    uint32_t most = 0;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      if (i < count) most = max(most, max(magnitudeBits(lows[i]), high >= 0 ? magnitudeBits(highs[i]) : 0u));
    }
    return most;
  }

  __device__ __forceinline__ void writeCodes(int8_t* vector, const Quantizer& quantizer) const {
    storeCodes(vector + low, count, lows, quantizer);
    if (high >= 0) storeCodes(vector + high, count, highs, quantizer);
  }

 private:
  template <typename T>
  __device__ __forceinline__ void read(const T* head, const float* scales, float inverse, int d, float (&v)[8]) const {
    load(head + d, count, v);
    if (scales == nullptr) return;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      if (i < count) v[i] = v[i] * inverse * scales[d + i];
    }
  }

  static __device__ __forceinline__ void turn(float& first, float& second, float cosine, float sine) {
    float before = first;
    first = turnedFirst(first, second, cosine, sine);
    second = turnedSecond(before, second, cosine, sine);
  }

  static __device__ __forceinline__ void storeCodes(int8_t* to, int count, const float (&v)[8],
                                                    const Quantizer& quantizer) {
    union {
      int8_t values[8];
      uint2 bits;
    } codes;
#pragma unroll
    for (int i = 0; i < 8; i++) codes.values[i] = quantizer(v[i]);
    if (movesAtOnce(to, count)) {
      *reinterpret_cast<uint2*>(to) = codes.bits;
      return;
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
      if (i < count) to[i] = codes.values[i];
    }
  }
};

template <typename T, typename KV>
struct RowOfHeads {
  T* base;  // [heads + 2 * kvHeads][headDim]
  KV* pool;
  HeadArgs a;
  int heads, kvHeads, headDim, layer, layers, block, slot;
  const float *cosines, *sines, *inverses;

  /** A unit of a query or key head. */
  __device__ __forceinline__ TurnedUnit turnedUnit(const Units& units, int head, int unit) const {
    const float* scales = nullptr;
    if (a.queryNorm != nullptr) {
      int own = head < heads ? head : head - heads;
      scales = (head < heads ? a.queryNorm : a.keyNorm) + (a.whole ? own * headDim : 0);
    }
    return {base + head * headDim, scales, scales == nullptr ? 1.0f : inverses[head], units, unit, a, headDim, cosines,
            sines};
  }

  /** The slots of a key or value head. */
  __device__ __forceinline__ KV* slots(int head) const {
    int which = head < heads + kvHeads ? 0 : 1;
    return pool + kvOffset<KV>(block, layer, layers, which, head - heads - which * kvHeads, kvHeads, headDim);
  }

  /** Turns query heads in place, and key heads into the pool. */
  __device__ __forceinline__ void turnHeads(int first, int last) const {
    Units units(a, headDim);
    for (int i = threadIdx.x; i < (last - first) * units.count(); i += blockDim.x) {
      int head = first + i / units.count();
      TurnedUnit unit = turnedUnit(units, head, i % units.count());
      if (head < heads) {
        unit.writeTo(base + head * headDim);
      } else if constexpr (!kCoded<KV>) {
        unit.writeTo(slots(head) + slot * headDim);
      }
    }
  }

  /** Copies value heads to the pool as they are. */
  __device__ __forceinline__ void copyValues(int first, int last) const {
    int pieces = headDim / 8;
    for (int i = threadIdx.x; i < (last - first) * pieces; i += blockDim.x) {
      int head = first + i / pieces;
      int d = i % pieces * 8;
      *reinterpret_cast<uint4*>(slots(head) + slot * headDim + d) =
          *reinterpret_cast<const uint4*>(base + head * headDim + d);
    }
  }

  /** Stores key and value heads in 8 bits; as many lanes as a head has units find its largest magnitude together. */
  __device__ __forceinline__ void storeCoded(int first, int last) const {
    HeadArgs still{nullptr, headDim};
    Units turning(a, headDim), standing(still, headDim);
    int most = max(turning.count(), standing.count());
    int lanes = most > 16 ? 32 : most > 8 ? 16 : most > 4 ? 8 : 4;
    int lane = threadIdx.x % lanes;
    uint32_t mask = (0xffffffffu >> (32 - lanes)) << (threadIdx.x % 32 - lane);
    for (int head = first + threadIdx.x / lanes; head < last; head += blockDim.x / lanes) {
      bool key = head < heads + kvHeads;
      int units = (key ? turning : standing).count();
      auto unit = [&](int u) {
        return key ? turnedUnit(turning, head, u)
                   : TurnedUnit(base + head * headDim, nullptr, 1.0f, standing, u, still, headDim, nullptr, nullptr);
      };
      TurnedUnit own = unit(min(lane, units - 1));
      uint32_t largest = own.largest();
      for (int u = lane + lanes; u < units; u += lanes) largest = max(largest, unit(u).largest());
      Quantizer quantizer(__reduce_max_sync(mask, largest));
      KV* to = slots(head);
      if (lane < units) own.writeCodes(to + slot * headDim, quantizer);
      for (int u = lane + lanes; u < units; u += lanes) unit(u).writeCodes(to + slot * headDim, quantizer);
      if (lane == 0) reinterpret_cast<float*>(to + kBlockTokens * headDim)[slot] = quantizer.scale;
    }
  }
};

template <typename T, typename KV>
__device__ void rotateAndStore(T* qkv, KV* pool, Batch batch, const HeadArgs& a, int layer, int layers, int heads,
                               int kvHeads, int headDim) {
  extern __shared__ float cosines[];
  float* sines = cosines + a.rotaryDim / 2;
  float* inverses = cosines + a.rotaryDim;  // of query and key heads
  int row = blockIdx.x;
  int sequence = batch.sequences[row];
  if (sequence < 0) return;
  int position = batch.positions[row];
  int allHeads = heads + 2 * kvHeads;
  T* base = qkv + static_cast<size_t>(row) * allHeads * headDim;
  int first = blockIdx.y * allHeads / gridDim.y;
  int last = (blockIdx.y + 1) * allHeads / gridDim.y;
  turnsOf(position, a.frequencies, a.rotaryDim, a.magnitude, cosines, sines, threadIdx.x, blockDim.x);
  if (a.queryNorm != nullptr) {
    findInverses(base, a, first, last, heads, kvHeads, headDim, inverses);
  }
  __syncthreads();
  RowOfHeads<T, KV> own{base,   pool,     a,       heads, kvHeads, headDim, layer, layers, blockOf(batch, sequence, position),
                            position % kBlockTokens, cosines, sines, inverses};
  int turning = heads + kvHeads;
  if constexpr (kCoded<KV>) {
    own.turnHeads(first, min(last, heads));
    own.storeCoded(max(first, heads), last);
  } else {
    own.turnHeads(first, min(last, turning));
    own.copyValues(max(first, turning), last);
  }
}

}  // namespace s3

#define S3_ROTARY_OF(suffix, T, KV)                                                              \
  extern "C" __global__ void rotate_and_store_##suffix(                                          \
      T* qkv, KV* pool, const int* positions, const int* sequences, const int* tableStarts,       \
      const int* tables, const float* frequencies, int layer, int layers, int heads,             \
      int kvHeads, int headDim, int rotaryDim, int interleaved, float magnitude,                 \
      const float* queryNorm, const float* keyNorm, float epsilon, int whole) {                  \
    s3::HeadArgs a{frequencies, rotaryDim, interleaved, magnitude,                               \
                   queryNorm,   keyNorm,   epsilon,     whole};                                  \
    s3::rotateAndStore<T, KV>(qkv, pool, {positions, sequences, tableStarts, tables}, a, layer,  \
                              layers, heads, kvHeads, headDim);                                  \
  }
#define S3_ROTARY(suffix, T)      \
  S3_ROTARY_OF(suffix, T, T)      \
  S3_ROTARY_OF(suffix##_kv8, T, int8_t)
S3_FOR_TYPES(S3_ROTARY)
