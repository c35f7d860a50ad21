// What the kernels around a draw share: the parameters of a row, and the order of logits.
#pragma once

#include "common.cuh"

namespace s3 {

/** How one row is drawn; 56 bytes, the fields of SamplingParameters and where the row's lists are. */
struct SampleRow {
  double temperature;  // 0 takes the most probable token
  double topP;
  double leastExponent;  // the logarithm of min-p: negative infinity keeps all
  long long seed;
  int topK;  // 0 keeps all
  int position;  // of the token that is drawn
  int forbiddenStart;  // tokens that are never drawn: lists[forbiddenStart ...]
  int forbidden;
  int shaping;  // the row's Shaping begins at lists[shaping]; -1 for none
  int logProbabilities;  // number of most probable tokens whose values are requested; -1 for no values
};

static_assert(sizeof(SampleRow) == 56, "BatchFormat.SAMPLE_ROW_BYTES");

/**
 * What changes a row's logits before the draw; 32 bytes. Lists follow it at once: (token, bias) for each bias, the tokens
 * that occurred in the prompt alone, those that occurred once in the output, (token, occurrences) for the others. Each
 * token is in one of the last three.
 */
struct Shaping {
  float repetitionPenalty;  // 1 changes nothing
  float presencePenalty;
  float frequencyPenalty;
  int biases;
  int unseen;  // in the output
  int once;
  int repeated;
  int mask;  // the bits of the tokens that may come begin at lists[mask]; -1 for all tokens
};

static_assert(sizeof(Shaping) == 32, "RowShaping.HEAD_INTS");

/** The most probable tokens that a row may request, ExecutorProfile.MOST_LOG_PROBABILITIES. */
constexpr int kMostLogProbabilities = 20;

/** The log probabilities of a row; 176 bytes. The first value and token are those of the drawn token. */
struct LogProbabilityRow {
  float values[kMostLogProbabilities + 1];
  int tokens[kMostLogProbabilities + 1];
  double logSum;  // the logarithm of the sum of exponentials, less the largest logit ...
  // ... which is values[0] until the drawn token's takes its place
};

static_assert(sizeof(LogProbabilityRow) == 176, "LogProbabilityFormat.ROW_BYTES");

constexpr int kSampleThreads = 1024;

/** The logit of a token that may not come: finite, and its weight is zero. */
constexpr float kMasked = -3.402823466e+38f;

using Sum = unsigned long long;

/** The float of a key. */
__device__ __forceinline__ float ofKey(uint32_t key) {
  return __uint_as_float((key & 0x80000000u) ? key & 0x7fffffffu : ~key);
}

/** A number that orders like the logit, among equals by falling id; 0 is below all. */
__device__ __forceinline__ Sum rankOf(float logit, int id) {
  return static_cast<Sum>(keyOf(logit)) << 32 | (0xffffffffu - static_cast<uint32_t>(id));
}

/** The id of a rank. */
__device__ __forceinline__ int idOf(Sum rank) {
  return static_cast<int>(0xffffffffu - static_cast<uint32_t>(rank));
}

/** The largest of a value over the block. */
__device__ Sum blockMax(Sum v) {
  __shared__ Sum maxima[32];
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) {
    Sum other = __shfl_xor_sync(0xffffffffu, v, step);
    v = other > v ? other : v;
  }
  __syncthreads();
  if ((threadIdx.x & 31) == 0) maxima[threadIdx.x >> 5] = v;
  __syncthreads();
  for (int w = 0; w < kSampleThreads / 32; w++) v = maxima[w] > v ? maxima[w] : v;
  return v;
}

}  // namespace s3
