// The exchange of two cards alone (cards.cu): sums, times in CUDA graphs, and a card that does not come.
//
// A graph holds 120 times a kernel that reads 26 MB, as a product would, and what follows: on one card the norm, on two the exchange with
// the norm. Times are the difference in microseconds. NCCL's all-reduce stands in place of the exchange where NCCL_LIB names its library.
//
// "exchange alone" runs every kernel alone, each card as if the other had come long ago, and checks the sums: for compute-sanitizer,
// which lets no two kernels run at once, so that cards would wait for each other until they give up.
//
// nvcc -O3 -std=c++17 -arch=sm_90a -I ../../main/cuda -o exchange exchange.cu -ldl && ./exchange
#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "cards.cu"
#include "norm.cu"

#define CHECK(call)                                                        \
  do {                                                                     \
    cudaError_t error = (call);                                            \
    if (error != cudaSuccess) {                                            \
      printf("line %d: %s\n", __LINE__, cudaGetErrorString(error));        \
      exit(1);                                                             \
    }                                                                      \
  } while (0)

const int kWidth = 6656, kMeetings = 120, kMostRows = 256, kGroups = kMostRows / 8, kRuns = 15, kWarm = 5;
const size_t kWeightBytes = 26 << 20;
const float kFactor = 0.001f;

__host__ __device__ inline float value(int card, int number, size_t i) {
  return i % 13 * 0.0078125f + card * 0.5f + number % 7 * 0.03125f;
}

/** Reads weights and writes this card's part. */
__global__ void product(float* part, int n, const uint4* weights, size_t vectors, float* never, int card, int number) {
  size_t start = blockIdx.x * blockDim.x + threadIdx.x, stride = gridDim.x * blockDim.x;
  for (size_t i = start; i < n; i += stride) part[i] = value(card, number, i);
  float sum = 0;
  for (size_t i = start; i < vectors; i += stride) {
    uint4 v = __ldcs(weights + i);
    sum += __uint_as_float(v.x ^ v.y ^ v.z ^ v.w);
  }
  if (sum == 1234567.0f) *never = sum;
}

struct Card {
  float *part[2], *residual, *never, *weight;
  __half* tiles;
  uint4* weights;
  unsigned* arrivals;
  s3::CardState* state;
  cudaStream_t stream;
  cudaGraphExec_t graph;
};

Card cards[2];
long long patience = 2000000000;

template <typename T, typename F>
s3::PerCard<T> each(F of) {
  s3::PerCard<T> all;
  for (int i = 0; i < s3::kMostCards; i++) all.of[i] = of(cards[i < 2 ? i : 0]);
  return all;
}

template <typename T>
T* reserve(size_t count) {
  T* memory;
  CHECK(cudaMalloc(&memory, count * sizeof(T)));
  return memory;
}

template <typename T>
T* allocate(size_t count) {
  T* memory = reserve<T>(count);
  CHECK(cudaMemset(memory, 0, count * sizeof(T)));
  return memory;
}

void open(int d) {
  Card& c = cards[d];
  CHECK(cudaSetDevice(d));
  CHECK(cudaDeviceEnablePeerAccess(1 - d, 0));
  for (float*& part : c.part) part = reserve<float>(kMostRows * kWidth);
  c.residual = allocate<float>(kMostRows * kWidth);
  c.tiles = reserve<__half>(kMostRows * kWidth);
  c.weights = allocate<uint4>(kWeightBytes / 2);
  c.weight = allocate<float>(kWidth);
  c.never = allocate<float>(1);
  c.arrivals = allocate<unsigned>(2);
  c.state = allocate<s3::CardState>(1);
  std::vector<float> ones(kWidth, 1.0f);
  CHECK(cudaMemcpy(c.weight, ones.data(), kWidth * sizeof(float), cudaMemcpyHostToDevice));
  CHECK(cudaStreamCreateWithFlags(&c.stream, cudaStreamNonBlocking));
}

void reset() {
  for (int d = 0; d < 2; d++) {
    CHECK(cudaSetDevice(d));
    CHECK(cudaDeviceSynchronize());
  }
  for (int d = 0; d < 2; d++) {
    CHECK(cudaSetDevice(d));
    CHECK(cudaMemset(cards[d].arrivals, 0, 2 * sizeof(unsigned)));
    CHECK(cudaMemset(cards[d].state, 0, sizeof(s3::CardState)));
    CHECK(cudaMemset(cards[d].residual, 0, kMostRows * kWidth * sizeof(float)));
    CHECK(cudaDeviceSynchronize());
  }
}

void multiply(int d, int rows, int i) {
  Card& c = cards[d];
  const uint4* weights = c.weights + i % 8 * (kWeightBytes / 16);
  product<<<264, 256, 0, c.stream>>>(c.part[i % 2], rows * kWidth, weights, kWeightBytes / 16, c.never, d, i);
}

void normStep(int d, int rows) {
  Card& c = cards[d];
  for (int i = 0; i < kMeetings; i++) {
    multiply(d, rows, i);
    rms_norm_f16<<<rows, 1024, 0, c.stream>>>(c.residual, nullptr, nullptr, c.weight, c.tiles, kWidth, kGroups, 1e-5f);
  }
}

void exchangeStep(int d, int rows) {
  Card& c = cards[d];
  auto arrivals = each<unsigned>([](Card& o) { return o.arrivals; });
  for (int i = 0; i < kMeetings; i++) {
    multiply(d, rows, i);
    auto parts = each<float>([&](Card& o) { return o.part[i % 2]; });
    exchange_rms_f16<<<std::min(rows, 132), s3::kRowThreads, 0, c.stream>>>(
        arrivals, parts, c.state, d, 2, i, patience, c.residual, rows, kWidth, kFactor, c.weight, c.tiles, kGroups, 1e-5f);
  }
  advance_meetings<<<1, 1, 0, c.stream>>>(c.state, kMeetings);
}

/** Microseconds of one of a step's 120 parts, as a graph on both cards. */
float micros(const std::function<void(int)>& step, const std::function<void()>& both = nullptr) {
  for (int d = 0; d < 2; d++) {
    CHECK(cudaSetDevice(d));
    CHECK(cudaStreamBeginCapture(cards[d].stream, cudaStreamCaptureModeRelaxed));
    if (!both) step(d);
  }
  if (both) both();
  for (int d = 0; d < 2; d++) {
    cudaGraph_t graph;
    CHECK(cudaSetDevice(d));
    CHECK(cudaStreamEndCapture(cards[d].stream, &graph));
    CHECK(cudaGraphInstantiate(&cards[d].graph, graph, 0));
    CHECK(cudaGraphDestroy(graph));
  }
  CHECK(cudaSetDevice(0));
  cudaEvent_t begin, end;
  CHECK(cudaEventCreate(&begin));
  CHECK(cudaEventCreate(&end));
  std::vector<float> times;
  for (int r = 0; r < kRuns; r++) {
    CHECK(cudaSetDevice(0));
    CHECK(cudaEventRecord(begin, cards[0].stream));
    CHECK(cudaGraphLaunch(cards[0].graph, cards[0].stream));
    CHECK(cudaEventRecord(end, cards[0].stream));
    CHECK(cudaSetDevice(1));
    CHECK(cudaGraphLaunch(cards[1].graph, cards[1].stream));
    CHECK(cudaStreamSynchronize(cards[1].stream));
    CHECK(cudaEventSynchronize(end));
    float millis;
    CHECK(cudaEventElapsedTime(&millis, begin, end));
    if (r >= kWarm) times.push_back(millis * 1000 / kMeetings);
  }
  for (Card& c : cards) CHECK(cudaGraphExecDestroy(c.graph));
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

/** Values of the residual stream that are not the sums in the order of the cards. */
int wrong(int rows) {
  int bad = 0;
  std::vector<float> got(rows * kWidth);
  for (int d = 0; d < 2; d++) {
    CHECK(cudaSetDevice(d));
    CHECK(cudaMemcpy(got.data(), cards[d].residual, got.size() * sizeof(float), cudaMemcpyDeviceToHost));
    for (size_t j = 0; j < got.size(); j += 31) {
      float expected = 0;
      for (int r = 0; r < kRuns; r++) {
        for (int i = 0; i < kMeetings; i++) expected = fmaf(kFactor, value(0, i, j) + value(1, i, j), expected);
      }
      bad += got[j] != expected;
    }
  }
  return bad;
}

s3::CardState stateOf(int d) {
  s3::CardState state;
  CHECK(cudaSetDevice(d));
  CHECK(cudaDeviceSynchronize());
  CHECK(cudaMemcpy(&state, cards[d].state, sizeof state, cudaMemcpyDeviceToHost));
  return state;
}

/** NCCL's all-reduce of floats above the products alone; negative without the library. */
float nccl(int rows) {
  static void* lib = getenv("NCCL_LIB") ? dlopen(getenv("NCCL_LIB"), RTLD_NOW) : nullptr;
  if (lib == nullptr) return -1;
  const int kFloat = 7, kSum = 0;
  static void* comms[2];
  auto reduce = reinterpret_cast<int (*)(const void*, void*, size_t, int, int, void*, cudaStream_t)>(dlsym(lib, "ncclAllReduce"));
  auto start = reinterpret_cast<int (*)()>(dlsym(lib, "ncclGroupStart"));
  auto finish = reinterpret_cast<int (*)()>(dlsym(lib, "ncclGroupEnd"));
  auto all = [&](int i, int count) {
    start();
    for (int d = 0; d < 2; d++) reduce(cards[d].part[i % 2], cards[d].residual, count, kFloat, kSum, comms[d], cards[d].stream);
    finish();
  };
  if (comms[0] == nullptr) {
    int numbers[] = {0, 1};
    reinterpret_cast<int (*)(void**, int, const int*)>(dlsym(lib, "ncclCommInitAll"))(comms, 2, numbers);
    all(0, 4096);  // connects, which a capture does not allow
    reset();
  }
  auto products = [&](int i) {
    for (int d = 0; d < 2; d++) {
      CHECK(cudaSetDevice(d));
      multiply(d, rows, i);
    }
  };
  float alone = micros(nullptr, [&] {
    for (int i = 0; i < kMeetings; i++) products(i);
  });
  float with = micros(nullptr, [&] {
    for (int i = 0; i < kMeetings; i++) {
      products(i);
      all(i, rows * kWidth);
    }
  });
  return with - alone;
}

void lateCard() {
  reset();
  patience = 200000000;
  CHECK(cudaSetDevice(0));
  exchangeStep(0, 16);
  s3::CardState waited = stateOf(0);
  printf("card 0 without card 1: given up %d at meeting %d\n", waited.givenUp, waited.meeting);
  CHECK(cudaSetDevice(1));
  exchangeStep(1, 16);
  printf("card 1 later: given up %d\n", stateOf(1).givenUp);
  reset();
  for (int d = 0; d < 2; d++) {
    CHECK(cudaSetDevice(d));
    exchangeStep(d, 16);
  }
  printf("both, afterwards: given up %d, %d\n", stateOf(0).givenUp, stateOf(1).givenUp);
}

/** Does something on both cards, one after the other. */
void onBoth(const std::function<void(int)>& what) {
  for (int d = 0; d < 2; d++) {
    CHECK(cudaSetDevice(d));
    what(d);
    CHECK(cudaGetLastError());
    CHECK(cudaDeviceSynchronize());
  }
}

/** Values of a card's residual stream that are not the sums of some meetings. */
int wrongAlone(int d, int rows, int meetings) {
  std::vector<float> got(rows * kWidth);
  CHECK(cudaMemcpy(got.data(), cards[d].residual, got.size() * sizeof(float), cudaMemcpyDeviceToHost));
  int bad = 0;
  for (size_t j = 0; j < got.size(); j++) {
    float expected = 0;
    for (int i = 0; i < meetings; i++) expected = fmaf(kFactor, value(0, i, j) + value(1, i, j), expected);
    bad += got[j] != expected;
  }
  return bad;
}

/** The norm of queries and keys over the heads of both cards, which have the same values: queries 1, 2, 3, ..., keys half of that. */
int headsAlone() {
  const int kRows = 3, kQueries = 1024, kKeys = 256, kAll = kQueries + 2 * kKeys;
  static __half* qkv[2];
  std::vector<__half> given(kRows * kAll);
  for (size_t i = 0; i < given.size(); i++) given[i] = __float2half((i % kAll % 8 + 1) * (i % kAll < kQueries ? 1.0f : 0.5f));
  auto arrivals = each<unsigned>([](Card& o) { return o.arrivals; });
  auto parts = each<float>([](Card& o) { return o.part[0]; });
  onBoth([&](int d) {
    qkv[d] = reserve<__half>(given.size());
    CHECK(cudaMemcpy(qkv[d], given.data(), given.size() * sizeof(__half), cudaMemcpyHostToDevice));
    square_heads_f16<<<kRows, s3::kRowThreads, 0, cards[d].stream>>>(qkv[d], cards[d].part[0], kQueries, kKeys);
  });
  int bad = 0;
  onBoth([&](int d) {
    Card& c = cards[d];
    norm_heads_f16<<<2, s3::kRowThreads, 0, c.stream>>>(arrivals, parts, c.state, d, 2, 0, patience, qkv[d], kRows, kQueries, kKeys, c.weight,
                                                        c.weight, 0.0f);
    CHECK(cudaDeviceSynchronize());
    std::vector<__half> got(given.size());
    CHECK(cudaMemcpy(got.data(), qkv[d], got.size() * sizeof(__half), cudaMemcpyDeviceToHost));
    for (size_t i = 0; i < got.size(); i++) {
      bool value = i % kAll >= kQueries + kKeys;
      float expected = value ? __half2float(given[i]) : (i % kAll % 8 + 1) / std::sqrt(25.5f);  // the mean of 1, 4, 9, ..., 64
      bad += std::fabs(__half2float(got[i]) - expected) > 1e-3f;
    }
  });
  return bad;
}

/** Every kernel of the exchange alone. */
int alone() {
  const int kSome = 6;
  int bad = 0;
  auto arrivals = each<unsigned>([](Card& o) { return o.arrivals; });
  for (int rows : {1, 5, 40}) {
    reset();
    onBoth([&](int d) {
      unsigned longAgo[] = {1 << 20, 1 << 20};
      CHECK(cudaMemcpy(cards[d].arrivals, longAgo, sizeof longAgo, cudaMemcpyHostToDevice));
    });
    for (int i = 0; i < kSome; i++) {
      onBoth([&](int d) { product<<<264, 256, 0, cards[d].stream>>>(cards[d].part[i % 2], rows * kWidth, nullptr, 0, nullptr, d, i); });
      auto parts = each<float>([&](Card& o) { return o.part[i % 2]; });
      onBoth([&](int d) {
        Card& c = cards[d];
        if (i % 3 == 0) {
          exchange<<<4, s3::kRowThreads, 0, c.stream>>>(arrivals, parts, c.state, d, 2, i, patience, c.residual, rows, kWidth, kFactor, 1);
        } else if (i % 3 == 1) {
          exchange_rms_f16<<<rows, s3::kRowThreads, 0, c.stream>>>(arrivals, parts, c.state, d, 2, i, patience, c.residual, rows, kWidth,
                                                                   kFactor, c.weight, c.tiles, kGroups, 1e-5f);
        } else {
          exchange_layer_f16<<<rows, s3::kRowThreads, 0, c.stream>>>(arrivals, parts, c.state, d, 2, i, patience, c.residual, rows, kWidth,
                                                                     kFactor, c.weight, c.weight, c.tiles, kGroups, 1e-5f);
        }
      });
    }
    onBoth([&](int d) { meet_cards<<<1, 32, 0, cards[d].stream>>>(arrivals, cards[d].state, d, 2, kSome, patience, d == 0); });
    onBoth([&](int d) { advance_meetings<<<1, 1, 0, cards[d].stream>>>(cards[d].state, kSome + 1); });
    onBoth([&](int d) { bad += wrongAlone(d, rows, kSome) + (stateOf(d).givenUp != 0); });
  }
  bad += headsAlone();
  printf("every kernel alone: %d wrong\n", bad);
  return bad;
}

int main(int count, char** arguments) {
  int reachable;
  CHECK(cudaDeviceCanAccessPeer(&reachable, 0, 1));
  if (!reachable) {
    printf("these cards cannot read each other's memory\n");
    return 1;
  }
  open(0);
  open(1);
  if (count > 1 && std::string(arguments[1]) == "alone") return alone() != 0;
  int bad = 0;
  for (int rows : {1, 16, 64, 128, 256}) {
    reset();
    float one = micros([&](int d) { normStep(d, rows); });
    reset();
    float two = micros([&](int d) { exchangeStep(d, rows); });
    int here = wrong(rows);
    bad += here;
    printf("%3d rows: product and norm %.2f us, with the exchange +%.2f, %d wrong; NCCL's all-reduce +%.2f\n", rows, one, two - one,
           here, nccl(rows));
  }
  lateCard();
  return bad != 0;
}
