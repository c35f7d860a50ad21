// Rotary embedding of queries and keys, fused with storing keys and values into the paged KV pool.
//
// qkv is [rows][(heads + 2 * kvHeads) * headDim]: queries are turned in place, keys and values go to the pool.
// interleaved = 0: dimension i turns with i + rotaryDim / 2 (Llama); 1: 2i with 2i + 1 (GPT-J). Dimensions from
// rotaryDim on stay. frequencies holds rotaryDim / 2 angles a position. Grid (rows, any), block 256: block y takes a
// share of the heads. Shared memory rotaryDim * 4 bytes. Compile: nvcc -cubin -arch=sm_90a rotary.cu
#include "kv.cuh"

namespace s3 {

template <typename T>
__device__ __forceinline__ float turned(const T* head, int d, int rotaryDim, int interleaved,
                                        const float* cosines, const float* sines) {
  float own = toFloat(head[d]);
  if (d >= rotaryDim) return own;
  int half = rotaryDim / 2;
  int i = interleaved ? d >> 1 : (d < half ? d : d - half);
  bool first = interleaved ? (d & 1) == 0 : d < half;
  float other = toFloat(head[interleaved ? d ^ 1 : (first ? d + half : d - half)]);
  return first ? own * cosines[i] - other * sines[i] : own * cosines[i] + other * sines[i];
}

template <typename T>
__device__ void rotateAndStore(T* qkv, T* pool, Batch batch, const float* frequencies, int layer,
                               int layers, int heads, int kvHeads, int headDim, int rotaryDim,
                               int interleaved) {
  extern __shared__ float cosines[];
  float* sines = cosines + rotaryDim / 2;
  int row = blockIdx.x;
  int sequence = batch.sequences[row];
  if (sequence < 0) return;
  int position = batch.positions[row];
  for (int i = threadIdx.x; i < rotaryDim / 2; i += blockDim.x) {
    float angle = position * frequencies[i];
    sincosf(angle, &sines[i], &cosines[i]);
  }
  __syncthreads();
  int block = blockOf(batch, sequence, position);
  int slot = position % kBlockTokens;
  int allHeads = heads + 2 * kvHeads;
  T* base = qkv + static_cast<size_t>(row) * allHeads * headDim;
  int pieces = headDim / 8;
  int begin = blockIdx.y * allHeads / gridDim.y * pieces;
  int end = (blockIdx.y + 1) * allHeads / gridDim.y * pieces;
  // Queries turn in place: a thread's piece is read by another, so whole heads are read before they are written.
  int wholeHeads = blockDim.x / pieces * pieces;
  for (int start = begin; start < end; start += wholeHeads) {
    int p = threadIdx.x < wholeHeads ? start + threadIdx.x : end;
    float v[8];
    int head = p / pieces;
    int d = (p % pieces) * 8;
    if (p < end && head < heads + kvHeads) {
#pragma unroll
      for (int i = 0; i < 8; i++) {
        v[i] = turned(base + head * headDim, d + i, rotaryDim, interleaved, cosines, sines);
      }
    }
    __syncthreads();
    if (p >= end) continue;
    if (head < heads) {
      store8(base + head * headDim + d, v);
    } else if (head < heads + kvHeads) {
      size_t at = kvOffset(block, layer, layers, 0, head - heads, kvHeads, headDim);
      store8(pool + at + slot * headDim + d, v);
    } else {
      size_t at = kvOffset(block, layer, layers, 1, head - heads - kvHeads, kvHeads, headDim);
      *reinterpret_cast<uint4*>(pool + at + slot * headDim + d) =
          *reinterpret_cast<const uint4*>(base + head * headDim + d);
    }
  }
}

}  // namespace s3

#define S3_ROTARY(suffix, T)                                                                     \
  extern "C" __global__ void rotate_and_store_##suffix(                                          \
      T* qkv, T* pool, const int* positions, const int* sequences, const int* tableStarts,       \
      const int* tables, const float* frequencies, int layer, int layers, int heads,             \
      int kvHeads, int headDim, int rotaryDim, int interleaved) {                                \
    s3::rotateAndStore<T>(qkv, pool, {positions, sequences, tableStarts, tables}, frequencies,   \
                          layer, layers, heads, kvHeads, headDim, rotaryDim, interleaved);       \
  }
S3_FOR_TYPES(S3_ROTARY)
