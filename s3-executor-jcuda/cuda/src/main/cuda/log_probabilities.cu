// The logarithms of the probabilities that the model gives, before anything changes the logits: of the n most probable tokens
// of a row, and, once it is drawn, of the row's token.
//
// log_probabilities: grid (rows), block 1024, before shape.cu and sampling.cu. drawn_log_probability: grid (rows), block
// 256, after both. A step launches them only if a row requests values; the other rows' blocks end at once. Sums are double
// and in an order that depends on the vocabulary alone, so that a row has the same bits in any batch. Where a logit is a NaN
// or positive infinity, values are NaNs.
// Compile: nvcc -cubin -arch=sm_90a log_probabilities.cu
#include "sampling.cuh"

namespace s3 {

/** The two largest ranks of this thread's tokens that are below a rank; 0 where there are no more. */
struct TopTwo {
  Sum first = 0;
  Sum second = 0;
};

__device__ TopTwo largestBelow(const float* logits, int vocabulary, Sum limit) {
  TopTwo top;
#pragma unroll 4
  for (int i = threadIdx.x; i < vocabulary; i += kSampleThreads) {
    Sum rank = rankOf(logits[i], i);
    if (rank >= limit) continue;
    if (rank > top.first) {
      top.second = top.first;
      top.first = rank;
    } else if (rank > top.second) {
      top.second = rank;
    }
  }
  return top;
}

/** The sum over the block, in an order that depends on nothing. */
__device__ double blockSumOfDoubles(double v) {
  __shared__ double sums[32];
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) v += __shfl_xor_sync(0xffffffffu, v, step);
  __syncthreads();
  if ((threadIdx.x & 31) == 0) sums[threadIdx.x >> 5] = v;
  __syncthreads();
  double total = 0;
  for (int w = 0; w < kSampleThreads / 32; w++) total += sums[w];
  return total;
}

__device__ double sumOfExponentials(const float* logits, int vocabulary, float largest) {
  double mine = 0;
#pragma unroll 4
  for (int i = threadIdx.x; i < vocabulary; i += kSampleThreads) {
    mine += exp(static_cast<double>(logits[i]) - static_cast<double>(largest));
  }
  return blockSumOfDoubles(mine);
}

__device__ __forceinline__ float logProbability(float logit, float largest, double logSum) {
  return static_cast<float>(static_cast<double>(logit) - static_cast<double>(largest) - logSum);
}

}  // namespace s3

extern "C" __global__ void __launch_bounds__(1024)
    log_probabilities(const float* logits, int stride, int vocabulary, const s3::SampleRow* rows,
                      s3::LogProbabilityRow* results) {
  using namespace s3;
  int most = rows[blockIdx.x].logProbabilities;
  if (most < 0) return;
  most = min(most, kMostLogProbabilities);
  const float* own = logits + static_cast<size_t>(blockIdx.x) * stride;
  LogProbabilityRow* result = results + blockIdx.x;
  const Sum all = ~0ull;
  TopTwo top = largestBelow(own, vocabulary, all);
  Sum taken = blockMax(top.first);
  float largest = ofKey(static_cast<uint32_t>(taken >> 32));
  double logSum = log(sumOfExponentials(own, vocabulary, largest));
  if (threadIdx.x == 0) {
    result->values[0] = largest;
    result->tokens[0] = -1;
    result->logSum = logSum;
  }
  for (int n = 1; n <= most; n++) {
    if (threadIdx.x == 0) {
      bool none = taken == 0;  // the vocabulary has fewer tokens
      float logit = ofKey(static_cast<uint32_t>(taken >> 32));
      result->values[n] = none ? __int_as_float(0xff800000) : logProbability(logit, largest, logSum);
      result->tokens[n] = none ? -1 : idOf(taken);
    }
    if (taken != 0 && top.first == taken) {  // in one thread: ranks differ
      top.first = top.second;
      top.second = 0;
      if (top.first == 0) top = largestBelow(own, vocabulary, taken);
    }
    if (n < most) taken = blockMax(top.first);
  }
}

/** Puts in the values of the drawn tokens; saved holds the logits that shape.cu has changed. */
extern "C" __global__ void __launch_bounds__(256)
    drawn_log_probability(const float* logits, int stride, int vocabulary, const s3::SampleRow* rows, const int* lists,
                          const float* saved, int savedStride, const int* tokens, s3::LogProbabilityRow* results) {
  using namespace s3;
  SampleRow row = rows[blockIdx.x];
  int token = tokens[blockIdx.x];
  if (row.logProbabilities < 0 || token < 0 || token >= vocabulary) return;  // none requested, or the draw failed
  __shared__ int biased;
  __shared__ int penalised;
  if (threadIdx.x == 0) biased = penalised = -1;
  __syncthreads();
  if (row.shaping >= 0) {
    Shaping shaping = *reinterpret_cast<const Shaping*>(lists + row.shaping);
    const int* list = lists + row.shaping + sizeof(Shaping) / sizeof(int);
    for (int i = threadIdx.x; i < shaping.biases; i += blockDim.x) {
      if (list[2 * i] == token) biased = i;
    }
    list += 2 * shaping.biases;
    int single = shaping.unseen + shaping.once;
    for (int i = threadIdx.x; i < single + shaping.repeated; i += blockDim.x) {
      if (list[i < single ? i : single + 2 * (i - single)] == token) penalised = shaping.biases + i;
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    int at = biased >= 0 ? biased : penalised;
    float logit = at >= 0 ? saved[static_cast<size_t>(blockIdx.x) * savedStride + at]
                          : logits[static_cast<size_t>(blockIdx.x) * stride + token];
    LogProbabilityRow* result = results + blockIdx.x;
    result->values[0] = logProbability(logit, result->values[0], result->logSum);
    result->tokens[0] = token;
  }
}
