// What cards do together that each hold a part of every layer: they add their parts of a product, gather logits and share an
// embedding, over plain peer access.
//
//   exchange                        adds all cards' parts of rows to the residual stream, or puts their sum in its place
//   exchange_rms_<type>, exchange_layer_<type>   the first, then the norm of the rows into activation tiles
//   meet_cards                      no sum: the other cards have come as far as this one
//   advance_meetings                ends a step
//   lookup_cards_<type>             an embedding whose rows lie on several cards
//   square_heads_<type>, norm_heads_<type>   an RMSNorm of queries and keys over the heads of all cards, in two parts
//
// Every card runs the same kernels in the same order. The meetings of a step are numbered from 0. A card counts on each other card that
// it has come; at a meeting it waits for state->epoch + number + 1 of each. Parts are rows of float in one of two buffers of each card,
// number % 2, where the others read them: a card writes a buffer again only after the next meeting, which the others reach when they have
// read it. Parts are added in the order of the cards: every card gets the same bits, and those of a row depend on that row alone.
//
// Waits are bounded. A card that waits too long notes in its state for which card and at which meeting; from then on, or once the host
// has written there, nothing on this card waits, and results are undefined. The host then waits for the work of all cards and sets
// counters and states to zero.
//
// Blocks wait for other cards only, never for blocks of their own card, so that a grid needs not be resident at once.
// Grid (rows) or fewer, block 512; width a multiple of 8.
// Compile: nvcc -cubin -arch=sm_90a cards.cu
#include "cards.cuh"

namespace s3 {

/** Of each card; zero at first. */
struct CardState {
  unsigned epoch;  // of the last meeting of the last step
  int givenUp;     // 0: the step goes on; 1 + card: that card did not come; negative: given up by the host
  int meeting;     // where it did not come
};

/** Where this card is in a step. */
struct Place {
  CardState* state;
  int rank, cards, number;
  long long patience;  // nanoseconds that a meeting may take

  __device__ __forceinline__ unsigned epoch() const { return state->epoch + number + 1; }
};

__device__ __forceinline__ long long nanos() {
  long long now;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
  return now;
}

__device__ __forceinline__ bool isGivenUp(const Place& place) {
  return *const_cast<volatile int*>(&place.state->givenUp) != 0;
}

/** Repeats come() until it holds; false once the step is given up. */
template <typename Come>
__device__ __forceinline__ bool await(const Place& place, int card, Come come) {
  long long start = 0;
  while (true) {
#pragma unroll 1
    for (int i = 0; i < 64; i++) {
      if (come()) return true;
    }
    if (isGivenUp(place)) return false;
    long long now = nanos();
    if (start == 0) {
      start = now;
    } else if (now - start > place.patience) {
      if (atomicCAS(&place.state->givenUp, 0, 1 + card) == 0) place.state->meeting = place.number;
      return false;
    }
  }
}

/**
 * Notes on the other cards that this card has come, with all that it wrote in earlier kernels, and waits for them. For a block; false
 * once the step is given up. arrivals: of each card, [cards] counters.
 */
__device__ __forceinline__ bool meet(const PerCard<unsigned>& arrivals, const Place& place, bool wait) {
  int card = threadIdx.x;
  bool come = true;
  if (card < place.cards && card != place.rank) {
    if (blockIdx.x == 0) {  // counts, since the epoch would have to be read first
      countReleaseSystem(arrivals.of[card] + place.rank);
    }
    const unsigned* counter = arrivals.of[place.rank] + card;
    unsigned epoch = place.epoch();
    come = !wait || await(place, card, [&] { return static_cast<int>(loadAcquireSystem(counter) - epoch) >= 0; });
  }
  return __syncthreads_and(come);
}

// ---- sums

enum class Norm { kNone, kRms, kLayer };

/** A norm and where its result goes. */
template <typename T>
struct NormTo {
  const float* weight;
  const float* bias;
  T* tiles;
  int groups;
  float epsilon;
};

__device__ __forceinline__ float4* at4(float* row, int c) { return reinterpret_cast<float4*>(row + c); }
__device__ __forceinline__ float4 get4(const float* row, int c) { return *reinterpret_cast<const float4*>(row + c); }

/** Threads of a block, which the sum of a norm depends on. */
constexpr int kRowThreads = 512;

/** Pieces of four columns of a row that a thread keeps, so that a row as wide as 8192 is read once. */
constexpr int kKept = 4;

/**
 * A block takes rows of its own, so that the norm finds a row's sum. A thread takes every kRowThreads-th piece of four columns: what a
 * warp reads from another card lies together.
 */
template <Norm NORM, typename T>
__device__ __forceinline__ void exchange(const PerCard<unsigned>& arrivals, const PerCard<float>& parts, const Place& place, float* stream,
                                         int rows, int width, float factor, bool add, const NormTo<T>& norm) {
  int first = threadIdx.x * 4;
  constexpr int step = kRowThreads * 4;
  for (int row = blockIdx.x; row < rows; row += gridDim.x) {
    float* to = stream + static_cast<size_t>(row) * width;
    float4 v[kKept];
#pragma unroll
    for (int k = 0; k < kKept; k++) {  // before the meeting, which takes as long
      int c = first + k * step;
      v[k] = add && c < width ? get4(to, c) : make_float4(0, 0, 0, 0);
    }
    if (row == blockIdx.x && !meet(arrivals, place, true)) return;
    auto part = [&](int card, int c) {
      return __ldcg(reinterpret_cast<const float4*>(parts.of[card] + static_cast<size_t>(row) * width + c));
    };
    float4 sum[kKept];
#pragma unroll
    for (int k = 0; k < kKept; k++) {
      if (first + k * step < width) sum[k] = part(0, first + k * step);
    }
#pragma unroll 1
    for (int card = 1; card < place.cards; card++) {
      float4 next[kKept];
#pragma unroll
      for (int k = 0; k < kKept; k++) {
        if (first + k * step < width) next[k] = part(card, first + k * step);
      }
#pragma unroll
      for (int k = 0; k < kKept; k++) sum[k] = plus(sum[k], next[k]);
    }
#pragma unroll
    for (int k = 0; k < kKept; k++) {
      if (first + k * step < width) *at4(to, first + k * step) = v[k] = added(factor, sum[k], v[k]);
    }
    for (int c = first + kKept * step; c < width; c += step) {  // what is wider
      float4 wide = part(0, c);
      for (int card = 1; card < place.cards; card++) wide = plus(wide, part(card, c));
      *at4(to, c) = added(factor, wide, add ? get4(to, c) : make_float4(0, 0, 0, 0));
    }
    if (NORM == Norm::kNone) continue;
    auto each = [&](auto f) {
#pragma unroll
      for (int k = 0; k < kKept; k++) {
        if (first + k * step < width) f(first + k * step, v[k]);
      }
      for (int c = first + kKept * step; c < width; c += step) f(c, get4(to, c));
    };
    float mean = 0, squares = 0;
    if (NORM == Norm::kLayer) {  // two passes, mean first: subtracting squares would lose digits
      each([&](int, float4 x) { mean += x.x + x.y + x.z + x.w; });
      mean = blockSum(mean) / width;
    }
    auto centred = [&](float4 x) {
      return NORM == Norm::kLayer ? make_float4(x.x - mean, x.y - mean, x.z - mean, x.w - mean) : x;
    };
    each([&](int, float4 x) { squares += squaresOf(centred(x)); });
    float scale = 1.0f / sqrtf(blockSum(squares) / width + norm.epsilon);
    each([&](int c, float4 x) {
      float4 b = NORM == Norm::kLayer ? get4(norm.bias, c) : make_float4(0, 0, 0, 0);
      store4(norm.tiles + activationOffset(row, c, norm.groups), scaled(centred(x), scale, get4(norm.weight, c), b));
    });
  }
}

// ---- norms over the heads of all cards

/**
 * part[r] = the sums of squares of this card's queries and of its keys of a row, before a meeting. A row of qkv has queries, keys
 * and as many values. Grid (rows), block kRowThreads; numbers of queries and keys are multiples of 8.
 */
template <typename T>
__device__ void squareHeads(const T* qkv, float* part, int queries, int keys) {
  const T* row = qkv + static_cast<size_t>(blockIdx.x) * (queries + 2 * keys);
  float query = 0, key = 0;
  for (int c = threadIdx.x * 8; c < queries + keys; c += kRowThreads * 8) {
    float v[8];
    load8(row + c, v);
    float sum = 0;
#pragma unroll
    for (int i = 0; i < 8; i++) sum += v[i] * v[i];
    (c < queries ? query : key) += sum;
  }
  query = blockSum(query);
  key = blockSum(key);
  if (threadIdx.x == 0) reinterpret_cast<float2*>(part)[blockIdx.x] = make_float2(query, key);
}

/** Meets the other cards, and norms this card's queries and keys in place by the sums of all cards, in their order. */
template <typename T>
__device__ void normHeads(const PerCard<unsigned>& arrivals, const PerCard<float>& parts, const Place& place, T* qkv, int rows, int queries,
                          int keys, const float* queryNorm, const float* keyNorm, float epsilon) {
  for (int row = blockIdx.x; row < rows; row += gridDim.x) {
    if (row == blockIdx.x && !meet(arrivals, place, true)) return;
    float query = 0, key = 0;
    for (int card = 0; card < place.cards; card++) {
      float2 own = __ldcg(reinterpret_cast<const float2*>(parts.of[card]) + row);
      query += own.x, key += own.y;
    }
    query = 1.0f / sqrtf(query / (place.cards * queries) + epsilon);
    key = 1.0f / sqrtf(key / (place.cards * keys) + epsilon);
    T* values = qkv + static_cast<size_t>(row) * (queries + 2 * keys);
    for (int c = threadIdx.x * 8; c < queries + keys; c += kRowThreads * 8) {
      bool isQuery = c < queries;
      float v[8], w[8];
      load8(values + c, v);
      load8(isQuery ? queryNorm + c : keyNorm + (c - queries), w);
#pragma unroll
      for (int i = 0; i < 8; i++) v[i] *= (isQuery ? query : key) * w[i];
      store8(values + c, v);
    }
  }
}

/** stream[r] = factor * the row of tokens[r]; every card has rowsEach rows, the last one all that are left. Grid (rows). */
template <typename T>
__device__ void lookupCards(const PerCard<const T>& tables, const int* tokens, float* stream, int rowsEach, int cards, int width,
                           float factor) {
  int token = tokens[blockIdx.x];
  int card = min(token / rowsEach, cards - 1);
  const T* from = tables.of[card] + static_cast<size_t>(token - card * rowsEach) * width;
  float* to = stream + static_cast<size_t>(blockIdx.x) * width;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float v[8];
    load8(from + c, v);
#pragma unroll
    for (int i = 0; i < 8; i++) v[i] *= factor;
    store8(to + c, v);
  }
}

}  // namespace s3

extern "C" __global__ void __launch_bounds__(s3::kRowThreads)
    exchange(const __grid_constant__ s3::PerCard<unsigned> arrivals, const __grid_constant__ s3::PerCard<float> parts,
             s3::CardState* state, int rank, int cards, int number, long long patience, float* stream, int rows, int width,
             float factor, int add) {
  s3::exchange<s3::Norm::kNone, __half>(arrivals, parts, {state, rank, cards, number, patience}, stream, rows, width, factor, add, {});
}

#define S3_CARDS(suffix, T)                                                                                                \
  extern "C" __global__ void __launch_bounds__(s3::kRowThreads)                                                            \
      exchange_rms_##suffix(const __grid_constant__ s3::PerCard<unsigned> arrivals,                                        \
          const __grid_constant__ s3::PerCard<float> parts, s3::CardState* state, int rank, int cards, int number,         \
          long long patience, float* stream, int rows, int width, float factor, const float* weight,                       \
          T* tiles, int groups, float epsilon) {                                                                           \
    s3::exchange<s3::Norm::kRms, T>(arrivals, parts, {state, rank, cards, number, patience}, stream, rows,                 \
        width, factor, true, {weight, nullptr, tiles, groups, epsilon});                                                   \
  }                                                                                                                        \
  extern "C" __global__ void __launch_bounds__(s3::kRowThreads)                                                            \
      exchange_layer_##suffix(const __grid_constant__ s3::PerCard<unsigned> arrivals,                                      \
          const __grid_constant__ s3::PerCard<float> parts, s3::CardState* state, int rank, int cards, int number,         \
          long long patience, float* stream, int rows, int width, float factor, const float* weight,                       \
          const float* bias, T* tiles, int groups, float epsilon) {                                                        \
    s3::exchange<s3::Norm::kLayer, T>(arrivals, parts, {state, rank, cards, number, patience}, stream, rows,               \
        width, factor, true, {weight, bias, tiles, groups, epsilon});                                                      \
  }                                                                                                                        \
  extern "C" __global__ void lookup_cards_##suffix(const __grid_constant__ s3::PerCard<const T> tables, const int* tokens, \
      float* stream, int rowsEach, int cards, int width, float factor) {                                                   \
    s3::lookupCards<T>(tables, tokens, stream, rowsEach, cards, width, factor);                                            \
  }                                                                                                                        \
  extern "C" __global__ void __launch_bounds__(s3::kRowThreads)                                                            \
      square_heads_##suffix(const T* qkv, float* part, int queries, int keys) {                                            \
    s3::squareHeads<T>(qkv, part, queries, keys);                                                                          \
  }                                                                                                                        \
  extern "C" __global__ void __launch_bounds__(s3::kRowThreads)                                                            \
      norm_heads_##suffix(const __grid_constant__ s3::PerCard<unsigned> arrivals,                                          \
          const __grid_constant__ s3::PerCard<float> parts, s3::CardState* state, int rank, int cards, int number,         \
          long long patience, T* qkv, int rows, int queries, int keys, const float* queryNorm, const float* keyNorm,       \
          float epsilon) {                                                                                                 \
    s3::normHeads<T>(arrivals, parts, {state, rank, cards, number, patience}, qkv, rows, queries, keys, queryNorm,         \
        keyNorm, epsilon);                                                                                                 \
  }
S3_FOR_TYPES(S3_CARDS)

extern "C" __global__ void meet_cards(const __grid_constant__ s3::PerCard<unsigned> arrivals, s3::CardState* state, int rank,
                                      int cards, int number, long long patience, int wait) {
  s3::meet(arrivals, {state, rank, cards, number, patience}, wait);
}
extern "C" __global__ void advance_meetings(s3::CardState* state, int by) { state->epoch += by; }
