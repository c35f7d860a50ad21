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

/** One head's values as they are before they are turned. */
template <typename T>
struct HeadValues {
  const T* values;
  const float* scales;  // of the norm's weights, or null
  float inverse;        // 1 / root mean square

  __device__ __forceinline__ float operator()(int d) const {
    float v = toFloat(values[d]);
    return scales == nullptr ? v : v * inverse * scales[d];
  }
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

/** Stores a piece of eight of a head's vector of 8 bits; the piece at 0 stores the scale, too. */
__device__ __forceinline__ void storeCodes(int8_t* slots, int slot, int d, int headDim, const float (&v)[8],
                                           uint32_t largest) {
  Quantizer quantizer(largest);
  union {
    int8_t values[8];
    uint2 bits;
  } codes;
#pragma unroll
  for (int i = 0; i < 8; i++) codes.values[i] = quantizer(v[i]);
  *reinterpret_cast<uint2*>(slots + slot * headDim + d) = codes.bits;
  if (d == 0) reinterpret_cast<float*>(slots + kBlockTokens * headDim)[slot] = quantizer.scale;
}

template <typename T, typename KV>
__device__ void rotateAndStore(T* qkv, KV* pool, Batch batch, const HeadArgs& a, int layer, int layers, int heads,
                               int kvHeads, int headDim) {
  extern __shared__ float cosines[];
  __shared__ uint32_t largest[kCoded<KV> ? 128 : 1];  // magnitude of each head of a turn
  float* sines = cosines + a.rotaryDim / 2;
  float* inverses = cosines + a.rotaryDim;  // of query and key heads
  int row = blockIdx.x;
  int sequence = batch.sequences[row];
  if (sequence < 0) return;
  int position = batch.positions[row];
  int allHeads = heads + 2 * kvHeads;
  T* base = qkv + static_cast<size_t>(row) * allHeads * headDim;
  int firstHead = blockIdx.y * allHeads / gridDim.y;
  int lastHead = (blockIdx.y + 1) * allHeads / gridDim.y;
  turnsOf(position, a.frequencies, a.rotaryDim, a.magnitude, cosines, sines, threadIdx.x, blockDim.x);
  if (a.queryNorm != nullptr) {
    findInverses(base, a, firstHead, lastHead, heads, kvHeads, headDim, inverses);
  }
  __syncthreads();
  int block = blockOf(batch, sequence, position);
  int slot = position % kBlockTokens;
  int pieces = headDim / 8;
  int begin = firstHead * pieces;
  int end = lastHead * pieces;
  // Queries turn in place: a thread's piece is read by another, so whole heads are read before they are written.
  int wholeHeads = blockDim.x / pieces * pieces;
  for (int start = begin; start < end; start += wholeHeads) {
    int p = threadIdx.x < wholeHeads ? start + threadIdx.x : end;
    float v[8];
    int head = p / pieces;
    int d = (p % pieces) * 8;
    if (p < end && head < heads + kvHeads) {
      HeadValues<T> values{base + head * headDim, nullptr, 1.0f};
      if (a.queryNorm != nullptr) {
        int own = head < heads ? head : head - heads;
        values.scales = (head < heads ? a.queryNorm : a.keyNorm) + (a.whole ? own * headDim : 0);
        values.inverse = inverses[head];
      }
#pragma unroll
      for (int i = 0; i < 8; i++) v[i] = turned(values, d + i, a.rotaryDim, a.interleaved, cosines, sines);
    }
    if constexpr (kCoded<KV>) {
      if (threadIdx.x < 128) largest[threadIdx.x] = 0;
      __syncthreads();
      if (p < end && head >= heads) {
        if (head >= heads + kvHeads) load8(base + head * headDim + d, v);
        uint32_t most = 0;
#pragma unroll
        for (int i = 0; i < 8; i++) most = max(most, magnitudeBits(v[i]));
        atomicMax(largest + threadIdx.x / pieces, most);
      }
    }
    __syncthreads();
    if (p >= end) continue;
    if (head < heads) {
      store8(base + head * headDim + d, v);
      continue;
    }
    int which = head < heads + kvHeads ? 0 : 1;
    KV* slots = pool + kvOffset<KV>(block, layer, layers, which, head - heads - which * kvHeads, kvHeads, headDim);
    if constexpr (kCoded<KV>) {
      storeCodes(slots, slot, d, headDim, v, largest[threadIdx.x / pieces]);
    } else if (which == 0) {
      store8(slots + slot * headDim + d, v);
    } else {
      *reinterpret_cast<uint4*>(slots + slot * headDim + d) =
          *reinterpret_cast<const uint4*>(base + head * headDim + d);
    }
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
