// The turn of queries and keys by their positions, which rotary.cu and decode_step.cu share.
#pragma once

#include "common.cuh"

namespace s3 {

/** The first value of a pair after its turn, each step rounded alike wherever it is compiled. */
__device__ __forceinline__ float turnedFirst(float first, float second, float cosine, float sine) {
  return fmaf(first, cosine, -__fmul_rn(second, sine));
}

/** The second value of a pair after its turn. */
__device__ __forceinline__ float turnedSecond(float first, float second, float cosine, float sine) {
  return fmaf(second, cosine, __fmul_rn(first, sine));
}

/** Dimension d of a head after its turn; head(d) is a value before it. */
template <typename Head>
__device__ __forceinline__ float turned(const Head& head, int d, int rotaryDim, int interleaved, const float* cosines,
                                        const float* sines) {
  float own = head(d);
  if (d >= rotaryDim) return own;
  int half = rotaryDim / 2;
  int i = interleaved ? d >> 1 : (d < half ? d : d - half);
  bool first = interleaved ? (d & 1) == 0 : d < half;
  float other = head(interleaved ? d ^ 1 : (first ? d + half : d - half));
  return first ? turnedFirst(own, other, cosines[i], sines[i]) : turnedSecond(other, own, cosines[i], sines[i]);
}

/** Fills in the cosines and sines of a position's angles, each times magnitude; worker and workers share them out. */
__device__ __forceinline__ void turnsOf(int position, const float* frequencies, int rotaryDim, float magnitude,
                                        float* cosines, float* sines, int worker, int workers) {
  for (int i = worker; i < rotaryDim / 2; i += workers) {
    float angle = position * frequencies[i];
    float sine, cosine;
    sincosf(angle, &sine, &cosine);
    sines[i] = sine * magnitude;
    cosines[i] = cosine * magnitude;
  }
}

}  // namespace s3
