// Draws the next token of each sampled row from its logits: forbidden tokens, temperature, top-k, min-p, top-p. What few
// requests use has kernels of its own, which a step launches only if one of its rows uses them: shape.cu before this one for
// biases, penalties and masks, log_probabilities.cu around both.
//
// Grid (rows), block 1024. logits [..][stride] of float are changed (forbidden). The result is the host Sampler's, except
// that probabilities are whole multiples of 2^-44 of the largest one: whole numbers add up to the same sum in any order, so
// a draw never depends on timing.
//
// No sort: ranks are found by radix descent. A pass counts tokens, or adds up their weights, by 11 bits of a key that
// orders like the logit; the bin in which the wanted rank or share lies is opened in the next pass.
// Compile: nvcc -cubin -arch=sm_90a sampling.cu
#include "sampling.cuh"

namespace s3 {

constexpr int kBins = 2048;
constexpr double kUnitWeight = 17592186044416.0;  // 2^44

/** Tokens that may be drawn: keys above `key`, and of those with this key the `equals` lowest ids. */
struct Cut {
  uint32_t key = 0;
  uint32_t equals = 0;
};

/** A place in the order by falling probability: the key, and the how manieth with this key. */
struct Place {
  uint32_t key;
  uint32_t index;
};

/** The draw for a position, uniform in [0, 1): the finaliser of SplitMix64. */
__device__ __forceinline__ double uniformDraw(long long seed, int position) {
  unsigned long long z = seed + 0x9E3779B97F4A7C15ull * (position + 1ull);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 1.1102230246251565e-16;
}

/** The sum over threads 0 to this one; total gets the whole sum. */
__device__ Sum blockScan(Sum v, Sum& total) {
  __shared__ Sum sums[32];
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int step = 1; step < 32; step <<= 1) {
    Sum other = __shfl_up_sync(0xffffffffu, v, step);
    if (lane >= step) v += other;
  }
  __syncthreads();
  if (lane == 31) sums[threadIdx.x >> 5] = v;
  __syncthreads();
  Sum before = 0;
  total = 0;
  for (int w = 0; w < kSampleThreads / 32; w++) {
    if (w == threadIdx.x >> 5) before = total;
    total += sums[w];
  }
  return before + v;
}

struct Draw {
  const float* logits;
  int vocabulary;
  float best;
  double temperature;
  const float* candidates;  // logits with keys above the cut, and perhaps others
  int count;

  __device__ __forceinline__ Sum weight(float logit) const {
    double exponent = static_cast<double>(logit) - static_cast<double>(best);
    return static_cast<Sum>(exp(exponent / temperature) * kUnitWeight + 0.5);
  }
};

/** Sums of 64 bits in two halves: shared memory adds 32 bits at once, but 64 only in a loop of retries. */
struct Bins {
  uint32_t low[kBins];
  uint32_t high[kBins];

  __device__ __forceinline__ void add(int bin, Sum value) {
    uint32_t part = static_cast<uint32_t>(value);
    uint32_t before = atomicAdd(&low[bin], part);
    uint32_t carried = static_cast<uint32_t>(value >> 32) + (before + part < before ? 1 : 0);
    if (carried != 0) atomicAdd(&high[bin], carried);
  }
  __device__ __forceinline__ Sum at(int bin) const { return static_cast<Sum>(high[bin]) << 32 | low[bin]; }
};

/** Which share of the whole a descent looks for. */
enum Wanted { kRank, kNucleus, kShare };

__device__ __forceinline__ Sum targetOf(Wanted wanted, double amount, Sum total) {
  double target = wanted == kRank ? amount - 1 : floor(amount * static_cast<double>(total));
  if (wanted == kNucleus) target = ceil(amount * static_cast<double>(total)) - 1;
  Sum whole = target <= 0 ? 0 : static_cast<Sum>(target);
  return whole < total ? whole : total - 1;
}

/**
 * Finds where, by falling probability among the cut's tokens, the running count (kRank) or weight first exceeds the
 * target that `amount` stands for: a rank, a nucleus' probability, or a draw.
 */
__device__ Place descend(const Draw& draw, const Cut& cut, Wanted wanted, double amount) {
  __shared__ Bins bins;
  __shared__ uint32_t foundBin;
  __shared__ Sum foundLeft;
  uint32_t prefix = 0;
  Sum target = 0;
  for (int pass = 0; pass < 3; pass++) {
    int shift = pass == 0 ? 21 : (pass == 1 ? 10 : 0);
    uint32_t mask = pass == 2 ? 1023 : 2047;
    int above = pass == 0 ? 32 : (pass == 1 ? 21 : 10);
    for (int b = threadIdx.x; b < kBins; b += kSampleThreads) bins.low[b] = bins.high[b] = 0;
    __syncthreads();
#pragma unroll 4
    for (int i = threadIdx.x; i < draw.count; i += kSampleThreads) {
      float logit = draw.candidates[i];
      uint32_t key = keyOf(logit);
      bool open = key > cut.key && (pass == 0 || key >> above == prefix);
      if (open) {
        Sum value = wanted == kRank ? 1 : draw.weight(logit);
        if (value != 0) bins.add((key >> shift) & mask, value);
      }
    }
    if (threadIdx.x == 0 && cut.equals > 0 && (pass == 0 || cut.key >> above == prefix)) {
      Sum value = wanted == kRank ? 1 : draw.weight(ofKey(cut.key));
      bins.add((cut.key >> shift) & mask, value * cut.equals);
    }
    __syncthreads();
    int high = kBins - 1 - 2 * static_cast<int>(threadIdx.x);
    Sum first = bins.at(high), second = bins.at(high - 1), total;
    Sum end = blockScan(first + second, total);
    if (pass == 0) target = targetOf(wanted, amount, total);
    Sum begin = end - first - second;
    if (begin <= target && target < end) {
      bool inFirst = target < begin + first;
      foundBin = inFirst ? high : high - 1;
      foundLeft = target - begin - (inFirst ? 0 : first);
    }
    __syncthreads();
    prefix = pass == 2 ? (prefix << 10) | foundBin : (pass == 0 ? foundBin : (prefix << 11) | foundBin);
    target = foundLeft;
    __syncthreads();
  }
  Sum each = wanted == kRank ? 1 : draw.weight(ofKey(prefix));
  return {prefix, static_cast<uint32_t>(target / each)};
}

/** Whether a logit's probability is at least the part that min-p keeps; the same operations as on the host. */
__device__ __forceinline__ bool keptByMinP(const Draw& draw, float logit, double leastExponent) {
  double exponent = static_cast<double>(logit) - static_cast<double>(draw.best);
  return exponent / draw.temperature >= leastExponent;
}

/** The cut that also drops what min-p drops: all keys below the least one that it keeps. */
__device__ Cut cutByMinP(const Draw& draw, const Cut& cut, double leastExponent) {
  uint32_t dropped = keyOf(kMasked) - 1;  // below every finite logit
  uint32_t kept = keyOf(draw.best);
  while (kept - dropped > 1) {
    uint32_t middle = dropped + (kept - dropped) / 2;
    if (keptByMinP(draw, ofKey(middle), leastExponent)) {
      kept = middle;
    } else {
      dropped = middle;
    }
  }
  return kept > cut.key ? Cut{dropped, 0} : cut;
}

constexpr int kGathered = 1024;

/** Puts the fewer than kGathered logits above the cut together, in any order: only sums of them are taken. */
__device__ void gather(Draw& draw, const Cut& cut) {
  __shared__ float gathered[kGathered];
  __shared__ int count;
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
#pragma unroll 4
  for (int i = threadIdx.x; i < draw.vocabulary; i += kSampleThreads) {
    float logit = draw.logits[i];
    if (keyOf(logit) > cut.key) gathered[atomicAdd(&count, 1)] = logit;
  }
  __syncthreads();
  draw.candidates = gathered;
  draw.count = count;
}

/** This thread's consecutive tokens. */
__device__ __forceinline__ void chunk(int vocabulary, int& begin, int& end) {
  int size = (vocabulary + kSampleThreads - 1) / kSampleThreads;
  begin = min(vocabulary, static_cast<int>(threadIdx.x) * size);
  end = min(vocabulary, begin + size);
}

/** Writes the token at a place: among equal keys, lower ids come first. */
__device__ void writeAt(const Draw& draw, Place place, int* token) {
  int begin, end;
  chunk(draw.vocabulary, begin, end);
  Sum mine = 0, total;
  for (int i = begin; i < end; i++) mine += keyOf(draw.logits[i]) == place.key;
  Sum before = blockScan(mine, total) - mine;
  for (int i = begin; i < end && before <= place.index; i++) {
    if (keyOf(draw.logits[i]) == place.key && before++ == place.index) *token = i;
  }
}

/** Draws from all tokens, in order of id as the host does. */
__device__ void drawFromAll(const Draw& draw, double uniform, int* token) {
  int begin, end;
  chunk(draw.vocabulary, begin, end);
  Sum mine = 0, total;
  for (int i = begin; i < end; i++) mine += draw.weight(draw.logits[i]);
  Sum before = blockScan(mine, total) - mine;
  Sum target = targetOf(kShare, uniform, total);
  if (before > target || target >= before + mine) return;
  for (int i = begin; i < end; i++) {
    before += draw.weight(draw.logits[i]);
    if (target < before) {
      *token = i;
      return;
    }
  }
}

/** Gives tokens the lowest finite logit, whose weight is zero. */
__device__ void forbid(float* logits, int vocabulary, const int* tokens, int count) {
  for (int i = threadIdx.x; i < count; i += kSampleThreads) {
    int token = tokens[i];
    if (token >= 0 && token < vocabulary) logits[token] = kMasked;
  }
  __syncthreads();
}

}  // namespace s3

/**
 * tokens[r] gets the drawn token. Where a logit is not finite, tokens[r] is -1 and failures[r] the token's id; where the
 * masks leave no token, tokens[r] is -1 and failures[r] is -2; else failures[r] is -1.
 */
extern "C" __global__ void __launch_bounds__(1024)
    sample(float* logits, int stride, int vocabulary, const s3::SampleRow* rows, const int* lists,
           int* tokens, int* failures) {
  using namespace s3;
  SampleRow row = rows[blockIdx.x];
  float* own = logits + static_cast<size_t>(blockIdx.x) * stride;
  if (row.forbidden > 0) forbid(own, vocabulary, lists + row.forbiddenStart, row.forbidden);
  Sum best = 0;  // the key above, the inverted id below: the lowest id wins among equals
  Sum bad = 0;
#pragma unroll 4
  for (int i = threadIdx.x; i < vocabulary; i += kSampleThreads) {
    float logit = own[i];
    Sum ranked = rankOf(logit, i);
    Sum id = ranked & 0xffffffffu;
    if (!isfinite(logit)) bad = id > bad ? id : bad;
    best = ranked > best ? ranked : best;
  }
  bad = blockMax(bad);
  best = blockMax(best);
  bool none = bad == 0 && static_cast<uint32_t>(best >> 32) == keyOf(kMasked);
  if (threadIdx.x == 0) {
    failures[blockIdx.x] = bad != 0 ? idOf(bad) : (none ? -2 : -1);
    if (bad != 0 || none) tokens[blockIdx.x] = -1;
  }
  if (bad != 0 || none) return;
  if (row.temperature == 0) {
    if (threadIdx.x == 0) tokens[blockIdx.x] = idOf(best);
    return;
  }
  Draw draw{own, vocabulary, ofKey(static_cast<uint32_t>(best >> 32)), row.temperature, own, vocabulary};
  double uniform = uniformDraw(row.seed, row.position);
  bool all = isinf(row.leastExponent);  // min-p keeps all
  if (row.topK == 0 && all && row.topP >= 1) {
    drawFromAll(draw, uniform, tokens + blockIdx.x);
    return;
  }
  Cut cut;
  bool few = row.topK > 0 && row.topK < vocabulary;
  if (few) {
    Place last = descend(draw, cut, kRank, row.topK);
    cut = {last.key, last.index + 1};
  }
  if (!all) cut = cutByMinP(draw, cut, row.leastExponent);
  if (few && row.topK <= kGathered) gather(draw, cut);
  Place last = descend(draw, cut, kNucleus, row.topP);
  cut = {last.key, last.index + 1};
  writeAt(draw, descend(draw, cut, kShare, uniform), tokens + blockIdx.x);
}
