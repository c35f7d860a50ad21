// Changes the logits of rows before sampling.cu draws from them: biases, penalties, then the mask of the tokens that may
// come. Mirrors LogitShaping of the CPU executor: single precision, rounded after each operation.
//
// Grid (rows), block 1024. A step launches it only if a row has a Shaping; the other rows' blocks end at once. saved
// [rows][savedStride] gets the logits before they change, in the order of the lists: first of the biases, then of the tokens
// that occurred. log_probabilities.cu reads them.
// Compile: nvcc -cubin -arch=sm_90a shape.cu
#include "sampling.cuh"

namespace s3 {

/** Adds the biases, each of another token. */
__device__ void addBiases(float* logits, int vocabulary, const int* list, int count, float* saved) {
  for (int i = threadIdx.x; i < count; i += kSampleThreads) {
    int token = list[2 * i];
    if (token < 0 || token >= vocabulary) continue;
    float logit = logits[token];
    saved[i] = logit;
    logits[token] = __fadd_rn(logit, __int_as_float(list[2 * i + 1]));
  }
}

/** Penalises tokens that occurred, each once. */
__device__ void penalise(float* logits, int vocabulary, const int* list, const Shaping& shaping, float* saved) {
  int single = shaping.unseen + shaping.once;
  for (int i = threadIdx.x; i < single + shaping.repeated; i += kSampleThreads) {
    int at = i < single ? i : single + 2 * (i - single);
    int occurrences = i < shaping.unseen ? 0 : (i < single ? 1 : list[at + 1]);
    int token = list[at];
    if (token < 0 || token >= vocabulary) continue;
    float logit = logits[token];
    saved[i] = logit;
    if (shaping.repetitionPenalty != 1) {
      logit = logit > 0 ? __fdiv_rn(logit, shaping.repetitionPenalty) : __fmul_rn(logit, shaping.repetitionPenalty);
    }
    if (occurrences > 0 && (shaping.presencePenalty != 0 || shaping.frequencyPenalty != 0)) {
      float frequency = __fmul_rn(shaping.frequencyPenalty, static_cast<float>(occurrences));
      logit = __fsub_rn(logit, __fadd_rn(frequency, shaping.presencePenalty));
    }
    logits[token] = logit;
  }
}

/** Masks the tokens whose bit is not set. */
__device__ void maskTokens(float* logits, int vocabulary, const int* bits) {
#pragma unroll 4
  for (int i = threadIdx.x; i < vocabulary; i += kSampleThreads) {
    if ((static_cast<uint32_t>(bits[i >> 5]) >> (i & 31) & 1u) == 0) logits[i] = kMasked;
  }
}

}  // namespace s3

extern "C" __global__ void __launch_bounds__(1024)
    shape_logits(float* logits, int stride, int vocabulary, const s3::SampleRow* rows, const int* lists, float* saved,
                 int savedStride) {
  using namespace s3;
  int start = rows[blockIdx.x].shaping;
  if (start < 0) return;
  Shaping shaping = *reinterpret_cast<const Shaping*>(lists + start);
  const int* list = lists + start + sizeof(Shaping) / sizeof(int);
  float* own = logits + static_cast<size_t>(blockIdx.x) * stride;
  float* before = saved + static_cast<size_t>(blockIdx.x) * savedStride;
  addBiases(own, vocabulary, list, shaping.biases, before);
  __syncthreads();  // a token may have a bias and have occurred
  penalise(own, vocabulary, list + 2 * shaping.biases, shaping, before + shaping.biases);
  __syncthreads();
  if (shaping.mask >= 0) maskTokens(own, vocabulary, lists + shaping.mask);
}
