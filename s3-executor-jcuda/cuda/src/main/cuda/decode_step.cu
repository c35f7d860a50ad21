// The layers of a decode step in one launch, for few rows on Hopper: memory delivers weights and KV without a pause.
//
//   decode_step_<type>_d<headDim>_n<N>   up to N rows (8), one new token each; grid (multiprocessors), block 320
//
// A block goes through the phases of every layer (norm, queries to values, attention, output, norm, gate and up, down), with a
// barrier over the grid after each. Its shared memory is a ring of stages which one warp fills with bulk copies, far ahead and
// across the ends of phases, since weights and old KV do not depend on what is being computed. A second warp adds the
// activations to a stage once the phase before is over. Eight warps multiply, each 16 rows of a weight over one segment of k.
// What a row's result is made of, and in which order, is that of the other kernels: the same products of 16 columns, one chain
// a segment, segments added in order; attention in units, parts and merges of attention_decode.cu. So the bits are the same.
//
// A product leaves the sums of its segments, and who reads them adds them up: attention for queries, keys and values, norms for
// what is added to the stream. Where gate and up have one segment, the warp that has them writes the activation.
//
// All blocks must run at once. A wait longer than `limit` ends the launch: state->failed says where (decode_step.cuh).
// What rows that only pad hold does not matter.
// Compile: nvcc -cubin -arch=sm_90a -std=c++17 decode_step.cu
#include "decode_step.cuh"

namespace s3 {

/** Nanoseconds in which every copy that a block asked for is over. */
constexpr unsigned long long kLeaveNanos = 100000;

/** Sizes of a block's shared memory in bytes. */
template <typename T, int HD, int N>
struct StepShape {
  static constexpr int kThreads = 32 * (kWorkers + 2);
  static constexpr int kWeightBytes = kStagePieces * kPieceBytes;
  static constexpr int kColumnBytes = N * 128;  // of x, for one column tile
  static constexpr int kUnitBytes = 2 * kUnit * kRow<T, HD> * static_cast<int>(sizeof(T));
  static constexpr int kProductBytes = kWeightBytes + kDepth * kColumnBytes;
  static constexpr int kStageBytes = kProductBytes > kUnitBytes ? kProductBytes : kUnitBytes;
  static constexpr int kStages = 6;
};

/** What a team of four warps needs for attention. */
template <typename T, int HD>
struct alignas(16) TeamMemory {
  union {
    T q[16][HD + 8];  // until every warp has its fragments
    T probabilities[16][kUnit + 8];
  };
  T fresh[2][HD];  // key and value of the new position
  float turns[HD];
  float maxima[4][16];
  unsigned lasts;  // items whose parts are to be added
};

template <typename T, int HD, int N>
struct StepMemory {
  uint8_t stages[StepShape<T, HD, N>::kStages][StepShape<T, HD, N>::kStageBytes];
  TeamMemory<T, HD> teams[kTeams];
  uint64_t full[StepShape<T, HD, N>::kStages];
  uint64_t empty[StepShape<T, HD, N>::kStages];
  StepRows<N> rows;
  float sums[32];
  StepPlan plan;
  unsigned base;
  int stopped;
};

#ifdef S3_HOPPER

/** What all roles know of the launch. */
template <typename T, int HD, int N>
struct StepRole {
  using Shape = StepShape<T, HD, N>;
  const StepPlan& a;
  StepMemory<T, HD, N>& memory;
  Watch watch;
  Ring ring;
  unsigned due;  // arrivals of blocks that end the phases so far
  int lane;

  __device__ __forceinline__ StepRole(const StepPlan& a, StepMemory<T, HD, N>& memory)
      : a(a),
        memory(memory),
        watch{a.state, a.report, &memory.stopped, nanoseconds() + a.limit},
        ring{sharedAddress(memory.stages), sharedAddress(memory.full), sharedAddress(memory.empty), Shape::kStages,
             Shape::kStageBytes},
        due(memory.base),
        lane(threadIdx.x & 31) {}

  /** The block's items of attention. */
  __device__ __forceinline__ int items() const {
    int all = memory.rows.items();
    int block = blockIdx.x;
    return block < all ? (all - 1 - block) / static_cast<int>(gridDim.x) + 1 : 0;
  }
  __device__ __forceinline__ AttentionItem item(int i) const {
    return memory.rows.item(blockIdx.x + i * gridDim.x, a.kvHeads);
  }

  /** Calls visit(team, unit) for each stage of the items from `first` on, one for each team: their units in turns. */
  template <typename Visit>
  __device__ __forceinline__ void forUnits(int first, int count, Visit visit) {
    unsigned units = 0;  // of each team, four bits each
    for (int t = 0; t < kTeams && first + t < count; t++) units |= item(first + t).units << (4 * t);
#pragma unroll 1
    for (int i = 0; i < kTeams * kPart / kUnit; i++) {
      int team = i % kTeams;
      int unit = i / kTeams;
      if (unit < static_cast<int>(units >> (4 * team) & 15)) {
        visit(team, unit);
        ring.next();
      }
    }
  }

  /** A part that a team attends to, as a warp that copies sees it. */
  struct Source {
    const T* vectors;
    int last;        // position within the part
    unsigned block;  // the part's blocks, one a lane
  };

  __device__ __forceinline__ Source source(const AttentionArgs& args, int i, int which) const {
    AttentionItem own = item(i);
    HeadMemory<T> head(args, own.kvHead, HD);
    Source source{head.keys + which * head.valuesOffset, min(kPart - 1, own.position - own.part * kPart), 0};
    const int* table = a.batch.tables + memory.rows.tables[own.row] + own.part * (kPart / kBlockTokens);
    if (lane <= source.last / kBlockTokens) source.block = table[lane];
    return source;
  }

  /** Copies the keys (0) or values (1) of the block's items into stages, without a wait for the phases before. */
  template <int WHICH>
  __device__ __forceinline__ void fetchAttention(int layer, int phase) {
    AttentionArgs args{nullptr, a.pool, nullptr, 0, 0, layer, a.layers, a.heads, a.kvHeads, a.scale, 0, 0, nullptr};
    unsigned stride = HeadMemory<T>(args, 0, HD).blockStride;
    int count = items();
    for (int first = 0; first < count; first += kTeams) {
      Source sources[kTeams];
#pragma unroll
      for (int t = 0; t < kTeams; t++) {
        if (first + t < count) {
          sources[t] = source(args, first + t, WHICH);
        } else {
          sources[t].last = -1;
        }
      }
      for (int unit = 0; unit < kPart / kUnit; unit++) {
#pragma unroll
        for (int t = 0; t < kTeams; t++) {
          if (unit * kUnit > sources[t].last) continue;
          ring.awaitEmpty(watch, phase);
          if (*watch.stopped == 0) fetchUnit<WHICH>(sources[t], unit, stride);
          ring.next();
        }
      }
    }
  }

  /** Copies the vectors of a unit, rows of kRow; of its last block also those after the last position. */
  template <int WHICH>
  __device__ __forceinline__ void fetchUnit(const Source& source, int unit, unsigned stride) {
    constexpr int kEach = kPiece<T>;
    constexpr int kPieces = HD / kEach;     // of a vector
    constexpr int kVectors = 32 / kPieces;  // that the warp copies at once
    T* to = reinterpret_cast<T*>(memory.stages[ring.slot]) + WHICH * kUnit * kRow<T, HD> +
            lane / kPieces * kRow<T, HD> + lane % kPieces * kEach;
#pragma unroll
    for (int b = 0; b < kUnit / kBlockTokens; b++) {
      int at = unit * (kUnit / kBlockTokens) + b;
      unsigned block = __shfl_sync(0xffffffffu, source.block, at);
      if (at * kBlockTokens > source.last) break;
      const T* from = source.vectors + static_cast<size_t>(block) * stride + lane * kEach;
#pragma unroll
      for (int v = 0; v < kBlockTokens; v += kVectors) {
        copyAsync(to + (b * kBlockTokens + v) * kRow<T, HD>, from + v * HD, true);
      }
    }
    asm volatile("cp.async.mbarrier.arrive.shared::cta.b64 [%0];" ::"r"(ring.fullBarrier()) : "memory");
    __syncwarp();
    if (lane == 0) barrierArrive(ring.fullBarrier());
  }

  __device__ __forceinline__ void passNorm() { due += a.rows; }
  __device__ __forceinline__ void passAll() { due += gridDim.x; }
  __device__ __forceinline__ void passAttention() { due += min(static_cast<int>(gridDim.x), memory.rows.items()); }
};

/** The warp that copies weights and keys, as far ahead as there are stages. */
template <typename T, int HD, int N>
struct Streamer : StepRole<T, HD, N> {
  using Base = StepRole<T, HD, N>;
  using Shape = StepShape<T, HD, N>;
  using Base::a, Base::lane, Base::memory, Base::ring, Base::watch;
  uint64_t once = evictFirstPolicy();

  __device__ __forceinline__ Streamer(const StepPlan& a, StepMemory<T, HD, N>& memory) : Base(a, memory) {}

  __device__ __forceinline__ void norm(int, int, int) {}
  __device__ __forceinline__ void activate(int, int) {}

  __device__ __forceinline__ void multiply(int layer, int which, int phase) {
    Product p(a, layer, which, HD);
    for (Groups g(p); g.next();) {
      for (int t = g.from; t < g.to; t += g.depth) {
        int pieces = min(g.depth, g.to - t) * g.units;
        ring.awaitEmpty(watch, phase);
        if (*watch.stopped == 0) {
          if (lane == 0) barrierExpect(ring.fullBarrier(), pieces * kPieceBytes);
          __syncwarp();
          for (int i = lane; i < pieces; i += 32) {
            int row = g.first + i % g.units;
            size_t tile = static_cast<size_t>(row / 4) * p.kTiles + t + i / g.units;
            bulkCopyOnce(ring.stage() + i * kPieceBytes, p.w + tile * (kTileElements * 2) + row % 4 * kPieceBytes,
                         kPieceBytes, ring.fullBarrier(), once);
          }
        }
        ring.next();
      }
    }
  }

  __device__ __forceinline__ void attend(int layer, int phase) { this->template fetchAttention<0>(layer, phase); }
};

/** The warp that adds activations to the stages of products, and values to those of attention. */
template <typename T, int HD, int N>
struct Feeder : StepRole<T, HD, N> {
  using Base = StepRole<T, HD, N>;
  using Shape = StepShape<T, HD, N>;
  using Base::a, Base::due, Base::lane, Base::ring, Base::watch;

  __device__ __forceinline__ Feeder(const StepPlan& a, StepMemory<T, HD, N>& memory) : Base(a, memory) {}

  __device__ __forceinline__ void norm(int, int, int) { this->passNorm(); }
  __device__ __forceinline__ void activate(int, int) { this->passAll(); }

  __device__ __forceinline__ void attend(int layer, int phase) {
    this->template fetchAttention<1>(layer, phase);
    this->passAttention();
  }

  __device__ __forceinline__ void multiply(int layer, int which, int phase) {
    Product p(a, layer, which, HD);
    if (p.begin < p.end) {
      if (lane == 0) watch.awaitBlocks(due, phase);
      __syncwarp();
      copyFence();
    }
    const uint8_t* x = static_cast<const uint8_t*>(p.x);
    for (Groups g(p); g.next();) {
      for (int t = g.from; t < g.to; t += g.depth) {
        int tiles = min(g.depth, g.to - t);
        ring.awaitEmpty(watch, phase);
        if (*watch.stopped == 0) {
          if (lane == 0) barrierExpect(ring.fullBarrier(), tiles * Shape::kColumnBytes);
          __syncwarp();
          if (lane < tiles) {
            bulkCopy(ring.stage() + Shape::kWeightBytes + lane * Shape::kColumnBytes,
                     x + static_cast<size_t>(t + lane) * a.groups * 1024, Shape::kColumnBytes, ring.fullBarrier());
          }
        }
        ring.next();
      }
    }
    this->passAll();
  }
};

/** One of the warps that multiply, norm and attend. */
template <typename T, int HD, int N>
struct Worker : StepRole<T, HD, N> {
  using Base = StepRole<T, HD, N>;
  using Shape = StepShape<T, HD, N>;
  using Base::a, Base::due, Base::lane, Base::memory, Base::ring, Base::watch;
  static constexpr int kThreads = 32 * kWorkers;
  static constexpr int NT = N / 8;
  static constexpr int kMostSplits = 8;
  int thread, warp;

  __device__ __forceinline__ Worker(const StepPlan& a, StepMemory<T, HD, N>& memory) : Base(a, memory) {}

  /** Reads the thread's number again, so that nothing that follows from it stays in registers from phase to phase. */
  __device__ __forceinline__ void begin() {
    asm volatile("mov.u32 %0, %tid.x;" : "=r"(thread));
    warp = thread >> 5;
    lane = thread & 31;
  }

  /** Waits for the phases before, with all workers of the block. */
  __device__ __forceinline__ void awaitPhases(int phase) {
    if (thread == 0) watch.awaitBlocks(due, phase);
    partSync(1, kThreads);
  }

  /** Ends the block's part of a phase. */
  __device__ __forceinline__ void arrive() {
    partSync(1, kThreads);
    if (thread == 0) {
      asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(&a.state->arrived) : "memory");
    }
  }

  // ---- products

  __device__ __forceinline__ void multiply(int layer, int which, int phase) {
    begin();
    Product p(a, layer, which, HD);
    if (p.begin >= p.end) awaitPhases(phase);
    for (Groups g(p); g.next();) {
      float sum[NT][4] = {};
      for (int t = g.from; t < g.to; t += g.depth) {
        int tiles = min(g.depth, g.to - t);
        ring.awaitFull(watch, phase);
        const uint8_t* stage = memory.stages[ring.slot];
        if (warp < g.units) {
          for (int i = 0; i < tiles; i++) {
            addTile(sum, reinterpret_cast<const T*>(stage + (i * g.units + warp) * kPieceBytes),
                    reinterpret_cast<const T*>(stage + Shape::kWeightBytes + i * Shape::kColumnBytes));
          }
        }
        __syncwarp();
        if (lane == 0) barrierArrive(ring.emptyBarrier());
        ring.next();
      }
      if (warp < g.units) write(p, g.segment, (g.first + warp) * kUnitRows, sum);
    }
    arrive();
    this->passAll();
  }

  /** Adds the products of one column tile, 16 columns after 16. */
  __device__ __forceinline__ void addTile(float (&sum)[NT][4], const T* w, const T* x) const {
    uint32_t left[4][4], right[2 * NT][4];
#pragma unroll
    for (int i = 0; i < 4; i++) loadMatrix4(left[i], w + swizzled(lane & 15, i * 16 + (lane >> 4) * 8));
#pragma unroll
    for (int i = 0; i < 2 * NT; i++) {  // 8 rows and 32 columns each
      loadMatrix4(right[i], x + i / 2 * (8 * kTile) + swizzled(lane & 7, i % 2 * 32 + (lane >> 3) * 8));
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
      for (int t = 0; t < NT; t++) {
        multiplyAdd<T>(sum[t], left[i], right[2 * t + i / 2][i % 2 * 2], right[2 * t + i / 2][i % 2 * 2 + 1]);
      }
    }
  }

  /** Writes the sums of 16 columns of the result, from `column` on. */
  __device__ __forceinline__ void write(const Product& p, int segment, int column, const float (&sum)[NT][4]) const {
    bool activated = p.which == kUp && p.splits == 1;
    int own = column + lane / 4;
#pragma unroll
    for (int t = 0; t < NT; t++) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        int row = t * 8 + (lane & 3) * 2 + i;
        if (row >= a.rows) continue;
        if (activated) {
          activate(p.bias, row, own, sum[t][i], sum[t][i + 2]);
        } else {
          float* to = a.partial + (static_cast<size_t>(segment) * N + row) * p.n + own;
          to[0] = sum[t][i];
          to[8] = sum[t][i + 2];
        }
      }
    }
  }

  /** Writes the activation of columns `column` and, where nothing is gated, column + 8; a gated one's up is the second. */
  __device__ __forceinline__ void activate(const void* biases, int row, int column, float low, float high) const {
    const T* bias = static_cast<const T*>(biases);
    T* to = static_cast<T*>(a.activated);
    if (bias != nullptr) {
      low += toFloat(bias[column]);
      high += toFloat(bias[column + 8]);
    }
    if (a.activation == kClampedSwiglu) {
      to[activationOffset(row, column / 16 * 8 + column % 8, a.groups)] = fromFloat<T>(clampedSwiglu(low, high));
      return;
    }
    low = a.activation == kSilu ? silu(low) : geluTanh(low);
    if (a.gated) {
      to[activationOffset(row, column / 16 * 8 + column % 8, a.groups)] = fromFloat<T>(low * high);
    } else {
      high = a.activation == kSilu ? silu(high) : geluTanh(high);
      to[activationOffset(row, column, a.groups)] = fromFloat<T>(low);
      to[activationOffset(row, column + 8, a.groups)] = fromFloat<T>(high);
    }
  }

  /** Four floats that another block wrote. In the order of the program: moved up, such loads take too many registers. */
  __device__ __forceinline__ static float4 loadFresh(const float* from) {
    float4 v;
    asm volatile("ld.global.cg.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "l"(from));
    return v;
  }

  /** The sum of a result's segments in order, without bias; four columns. The loads travel together. */
  __device__ __forceinline__ float4 joined(int splits, int n, int row, int column) const {
    const float* from = a.partial + static_cast<size_t>(row) * n + column;
    float4 part[kMostSplits];
#pragma unroll
    for (int s = 0; s < kMostSplits; s++) {
      if (s < splits) part[s] = loadFresh(from + static_cast<size_t>(s) * N * n);
    }
    float4 v = part[0];
#pragma unroll
    for (int s = 1; s < kMostSplits; s++) {
      if (s < splits) v.x += part[s].x, v.y += part[s].y, v.z += part[s].z, v.w += part[s].w;
    }
    return v;
  }

  /** The same plus bias. */
  __device__ __forceinline__ void joined(int splits, int n, int row, int column, const T* bias, float (&to)[4]) const {
    float4 v = joined(splits, n, row, column);
    to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
    if (bias == nullptr) return;
#pragma unroll
    for (int i = 0; i < 4; i++) to[i] += toFloat(bias[column + i]);
  }

  /** The activation of a product with several segments. */
  __device__ __forceinline__ void activate(int layer, int phase) {
    begin();
    awaitPhases(phase);
    int n = (a.gated ? 2 : 1) * a.inner;
    const void* bias = a.table[layer].biases[kUp];
    for (int i = blockIdx.x * kThreads + thread; i < a.rows * (n / 8); i += gridDim.x * kThreads) {
      int row = i / (n / 8);
      int column = i % (n / 8) / 2 * 16 + i % 2 * 4;
      float low[4], high[4];
      joined(a.splits[kUp], n, row, column, nullptr, low);
      joined(a.splits[kUp], n, row, column + 8, nullptr, high);
#pragma unroll
      for (int j = 0; j < 4; j++) activate(bias, row, column + j, low[j], high[j]);
    }
    arrive();
    this->passAll();
  }

  // ---- norms

  /** Adds the product before to a row of the stream, a row a block, and norms the row into tiles unless all layers are done. */
  __device__ __forceinline__ void norm(int layer, int which, int phase) {
    begin();
    if (static_cast<int>(blockIdx.x) < a.rows) {
      bool last = layer == a.layers;
      const StepLayer& own = a.table[last ? 0 : layer];
      const StepLayer& before = a.table[which == kUp ? layer : max(layer - 1, 0)];
      Pending pending{layer > 0 || which == kUp, a.splits[which == kUp ? kOutput : kDown],
                      static_cast<const T*>(before.biases[which == kUp ? kOutput : kDown])};
      const float* weight = which == kUp ? own.feedForwardNorm : own.attentionNorm;
      normRow(pending, weight, last, phase);
      if (!last) arrive();
    }
    this->passNorm();
  }

  /** A product whose segments have not been added to the stream yet. */
  struct Pending {
    bool exists;
    int splits;
    const T* bias;
  };

  /** Columns of a row that a thread keeps, from a norm's first pass to its second. */
  static constexpr int kKept = 32 / kWorkers;

  /**
   * The sums run as those of rms_norm with 1024 threads, each worker taking the parts of several of its warps; widths up to
   * 8,192, so that a thread of those has at most eight values.
   */
  __device__ __forceinline__ void normRow(const Pending& pending, const float* weight, bool last, int phase) {
    float v[kKept][8], w[kKept][8];
#pragma unroll
    for (int i = 0; i < kKept; i++) {
      if (column(i) < a.hidden) asm volatile("prefetch.global.L2 [%0];" ::"l"(weight + column(i)));
    }
    awaitPhases(phase);
#pragma unroll
    for (int i = 0; i < kKept; i++) {
      float sum = 0;
      if (column(i) < a.hidden) {
        add(pending, column(i), v[i]);
#pragma unroll
        for (int j = 0; j < 8; j++) sum += v[i][j] * v[i][j];
      }
      sum = warpSum(sum);
      if (lane == 0) memory.sums[i * kWorkers + warp] = sum;
    }
    if (last) return;
#pragma unroll
    for (int i = 0; i < kKept; i++) {
      if (column(i) < a.hidden) load8(weight + column(i), w[i]);
    }
    partSync(1, kThreads);
    float scale = 1.0f / sqrtf(warpSum(memory.sums[lane]) / a.hidden + a.epsilon);
#pragma unroll
    for (int i = 0; i < kKept; i++) {
      if (column(i) >= a.hidden) continue;
#pragma unroll
      for (int j = 0; j < 8; j++) v[i][j] = v[i][j] * scale * w[i][j];
      store8(static_cast<T*>(a.normed) + activationOffset(blockIdx.x, column(i), a.groups), v[i]);
    }
  }

  /** The first of the i-th eight columns of a thread. */
  __device__ __forceinline__ int column(int i) const { return (i * kThreads + thread) * 8; }

  /** Adds the pending product to eight values of the block's row of the stream, and returns them. */
  __device__ __forceinline__ void add(const Pending& pending, int c, float (&v)[8]) const {
    float* stream = a.stream + static_cast<size_t>(blockIdx.x) * a.hidden + c;
    load8(stream, v);
    if (!pending.exists) return;
    float part[2][4];
    joined(pending.splits, a.hidden, blockIdx.x, c, pending.bias, part[0]);
    joined(pending.splits, a.hidden, blockIdx.x, c + 4, pending.bias, part[1]);
#pragma unroll
    for (int i = 0; i < 8; i++) v[i] = fmaf(a.factor, part[i / 4][i % 4], v[i]);
    store8(stream, v);
  }

  // ---- attention

  __device__ __forceinline__ void attend(int layer, int phase) {
    begin();
    int count = this->items();
    if (count > 0) {
      const T* bias = static_cast<const T*>(a.table[layer].biases[kQueryKeyValue]);  // read before the wait
      for (int first = 0; first < count; first += kTeams) attendItems(layer, phase, first, count, bias);
      mergeItems(memory.teams[warp / 4], count);
      arrive();
    }
    this->passAttention();
  }

  /** An item for each team. */
  __device__ __forceinline__ void attendItems(int layer, int phase, int first, int count, const T* bias) {
    constexpr int kPairs = (HD / 16 + 3) / 4;
    int team = warp / 4;
    bool busy = first + team < count;
    AttentionItem item = this->item(first + team);
    AttentionArgs args{nullptr,   a.pool,  a.attended, 0, a.groups, layer, a.layers, a.heads,
                       a.kvHeads, a.scale, 0,          0, nullptr};
    TeamMemory<T, HD>& own = memory.teams[team];
    uint32_t query[HD / 16][4];
    if (busy) {
      turnsOf(item.position, a.table[layer].frequencies, a.rotaryDim, a.magnitude, own.turns, own.turns + a.rotaryDim / 2,
              thread & 127, 128);
    }
    if (first == 0) awaitPhases(phase);
    if (busy) {
      turn(own, layer, item, bias);
#pragma unroll
      for (int step = 0; step < HD / 16; step++) loadQueries<T, T, HD>(query[step], own.q[0], step);
    }
    ScoreScale scale(args);
    RowState low, high;
    float out[kPairs][2][4] = {};
    this->forUnits(first, count, [&](int of, int unit) {
      if (of != team) return;
      ring.awaitFull(watch, phase);
      T* keys = reinterpret_cast<T*>(memory.stages[ring.slot]);
      T* values = keys + kUnit * kRow<T, HD>;
      if (item.part == item.parts - 1 && unit == item.units - 1) complete(own, item.position % kUnit, keys, values);
      addUnit(own, args, scale, item.part * kPart + unit * kUnit, item.position, query, keys, values, low, high, out);
      __syncwarp();
      if (lane == 0) {
        copyFence();  // the stage was written by threads; the next copy into it may be a bulk one
        barrierArriveBy(ring.emptyBarrier(), kTeams);  // four warps for all workers
      }
    });
    if (busy) end(own, args, item, low, high, out);
  }

  /** A head's values before its turn, in shared memory. */
  struct Head {
    const T* values;

    __device__ __forceinline__ float operator()(int d) const { return toFloat(values[d]); }
  };

  /** Turns an item's queries; the item with the new position also turns its key, and stores key and value. */
  __device__ __forceinline__ void turn(TeamMemory<T, HD>& own, int layer, const AttentionItem& item, const T* bias) {
    int member = thread & 127;
    int group = a.heads / a.kvHeads;
    bool stores = item.part == item.parts - 1;
    int n = (a.heads + 2 * a.kvHeads) * HD;
    constexpr int kPieces = HD / 4;
    for (int i = member; i < (group + (stores ? 2 : 0)) * kPieces; i += 128) {
      int r = i / kPieces;
      int d = i % kPieces * 4;
      int which = r - group;  // 0 key, 1 value
      int head = which < 0 ? item.kvHead * group + r : a.heads + which * a.kvHeads + item.kvHead;
      float v[4];
      joined(a.splits[kQueryKeyValue], n, item.row, head * HD + d, bias, v);
      T* to = which < 0 ? &own.q[r][d] : &own.fresh[which][d];
      *reinterpret_cast<uint2*>(to) = make_uint2(packed<T>(v[0], v[1]), packed<T>(v[2], v[3]));
    }
    for (int i = member; i < (16 - group) * (HD / 8); i += 128) {
      *reinterpret_cast<uint4*>(&own.q[group + i / (HD / 8)][i % (HD / 8) * 8]) = make_uint4(0, 0, 0, 0);
    }
    teamSync();
    const float* cosines = own.turns;
    const float* sines = own.turns + a.rotaryDim / 2;
    int half = a.rotaryDim / 2;
    for (int i = member; i < (group + (stores ? 1 : 0)) * half; i += 128) {
      int r = i / half;
      int d = i % half;
      T* values = r < group ? own.q[r] : own.fresh[0];
      int low = a.interleaved ? 2 * d : d;  // its pair turns at once
      int high = a.interleaved ? 2 * d + 1 : d + half;
      T first = fromFloat<T>(turned(Head{values}, low, a.rotaryDim, a.interleaved, cosines, sines));
      values[high] = fromFloat<T>(turned(Head{values}, high, a.rotaryDim, a.interleaved, cosines, sines));
      values[low] = first;
    }
    teamSync();
    if (!stores) return;
    int block = a.batch.tables[memory.rows.tables[item.row] + item.position / kBlockTokens];
    for (int i = member; i < 2 * (HD / 8); i += 128) {
      int which = i / (HD / 8);
      int d = i % (HD / 8) * 8;
      size_t at = kvOffset<T>(block, layer, a.layers, which, item.kvHead, a.kvHeads, HD);
      *reinterpret_cast<uint4*>(static_cast<T*>(a.pool) + at + item.position % kBlockTokens * HD + d) =
          *reinterpret_cast<const uint4*>(&own.fresh[which][d]);
    }
  }

  /** Puts the new key and value into the row of its unit, and zeros into the rows after it. */
  __device__ __forceinline__ void complete(const TeamMemory<T, HD>& own, int last, T* keys, T* values) {
    constexpr int kPieces = HD / 8;
    for (int i = thread & 127; i < (kUnit - last) * kPieces; i += 128) {
      int d = i % kPieces * 8;
      int at = (last + i / kPieces) * kRow<T, HD> + d;
      bool fresh = i < kPieces;
      uint4 zero = make_uint4(0, 0, 0, 0);
      *reinterpret_cast<uint4*>(keys + at) = fresh ? *reinterpret_cast<const uint4*>(&own.fresh[0][d]) : zero;
      *reinterpret_cast<uint4*>(values + at) = fresh ? *reinterpret_cast<const uint4*>(&own.fresh[1][d]) : zero;
    }
    teamSync();
  }

  /** Adds a unit of 64 positions, as attention_decode.cu does. */
  template <int PAIRS>
  __device__ __forceinline__ void addUnit(TeamMemory<T, HD>& own, const AttentionArgs& args, ScoreScale scale, int start,
                                          int position, const uint32_t (&query)[HD / 16][4], const T* keys,
                                          const T* values, RowState& low, RowState& high, float (&out)[PAIRS][2][4]) {
    int quarter = warp & 3;
    float s[2][4] = {};
    scores16<T, T, HD>(s[0], s[1], query, keys + quarter * 16 * kRow<T, HD>);
    int first = start + quarter * 16;
    scaleAndMask<false>(s[0], args, scale, first, position, position);
    scaleAndMask<false>(s[1], args, scale, first + 8, position, position);
    float maxLow = quadMax(fmaxf(fmaxf(s[0][0], s[0][1]), fmaxf(s[1][0], s[1][1])));
    float maxHigh = quadMax(fmaxf(fmaxf(s[0][2], s[0][3]), fmaxf(s[1][2], s[1][3])));
    if ((lane & 3) == 0) {
      own.maxima[quarter][lane / 4] = maxLow;
      own.maxima[quarter][lane / 4 + 8] = maxHigh;
    }
    teamSync();
#pragma unroll
    for (int w = 0; w < 4; w++) {
      maxLow = fmaxf(maxLow, own.maxima[w][lane / 4]);
      maxHigh = fmaxf(maxHigh, own.maxima[w][lane / 4 + 8]);
    }
    float factorLow = low.raise(maxLow);
    float factorHigh = high.raise(maxHigh);
#pragma unroll
    for (int t = 0; t < 2; t++) {
      T* p = &own.probabilities[lane / 4][quarter * 16 + t * 8 + (lane & 3) * 2];
      *reinterpret_cast<uint32_t*>(p) = packed<T>(low.probability(s[t][0]), low.probability(s[t][1]));
      *reinterpret_cast<uint32_t*>(p + 8 * (kUnit + 8)) = packed<T>(high.probability(s[t][2]), high.probability(s[t][3]));
    }
    teamSync();
#pragma unroll
    for (int k = 0; k < PAIRS; k++) {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        float factor = j < 2 ? factorLow : factorHigh;
        out[k][0][j] = __fmul_rn(out[k][0][j], factor);
        out[k][1][j] = __fmul_rn(out[k][1][j], factor);
      }
    }
#pragma unroll
    for (int step = 0; step < kUnit / 16; step++) {
      uint32_t p[4];
      loadMatrix4(p, &own.probabilities[lane & 15][step * 16 + (lane >> 4) * 8]);
      addToSums<T>(low, high, p);
#pragma unroll
      for (int k = 0; k < PAIRS; k++) {
        int d = (quarter + 4 * k) * 16;
        if (d < HD) addValues16<T, T, HD>(out[k][0], out[k][1], p, values + step * 16 * kRow<T, HD> + d);
      }
    }
  }

  /** Writes an item's result, or what mergeItems needs of it. */
  template <int PAIRS>
  __device__ __forceinline__ void end(TeamMemory<T, HD>& own, const AttentionArgs& args, const AttentionItem& item,
                                      const RowState& low, const RowState& high, const float (&out)[PAIRS][2][4]) {
    int quarter = warp & 3;
    int group = a.heads / a.kvHeads;
    float sumLow = quadSum(low.sum);
    float sumHigh = quadSum(high.sum);
    T* result = static_cast<T*>(a.attended);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int r = lane / 4 + half * 8;
      if (r >= group) continue;
      int head = item.kvHead * group + r;
      float sum = half == 0 ? sumLow : sumHigh;
      size_t at = (static_cast<size_t>(item.row) * a.heads + head) * a.maxParts + item.part;
      if (item.parts > 1 && quarter == 0 && (lane & 3) == 0) a.states[at] = make_float2(half == 0 ? low.max : high.max, sum);
#pragma unroll
      for (int k = 0; k < PAIRS; k++) {
#pragma unroll
        for (int t = 0; t < 2; t++) {
          int d = (quarter + 4 * k) * 16 + t * 8 + (lane & 3) * 2;
          if (d >= HD) continue;
          float x = out[k][t][2 * half];
          float y = out[k][t][2 * half + 1];
          if (item.parts > 1) {
            *reinterpret_cast<float2*>(a.sums + at * HD + d) = make_float2(x, y);
          } else {
            *reinterpret_cast<uint32_t*>(result + activationOffset(item.row, head * HD + d, a.groups)) =
                packed<T>(ended<false>(x, 1.0f, sum), ended<false>(y, 1.0f, sum));
          }
        }
      }
    }
  }

  /** Counts the team's items; the last item of a row and key head to be counted has all of its parts added, in order. */
  __device__ __forceinline__ void mergeItems(TeamMemory<T, HD>& own, int count) {
    int team = warp / 4;
    __threadfence();  // this thread's partial results before the counts
    teamSync();
    for (int first = team; first < count; first += 32 * kTeams) {
      if (warp % 4 == 0) {
        int i = first + lane * kTeams;
        AttentionItem item = this->item(i < count ? i : first);
        bool last = false;
        if (i < count && item.parts > 1) {
          int* counter = a.counters + item.row * a.kvHeads + item.kvHead;
          last = atomicAdd(counter, 1) == item.parts - 1;
          if (last) *counter = 0;  // for the next layer
        }
        unsigned lasts = __ballot_sync(0xffffffffu, last);
        if (lane == 0) own.lasts = lasts;
      }
      teamSync();
      __threadfence();
      for (unsigned lasts = own.lasts; lasts != 0; lasts &= lasts - 1) merge(this->item(first + (__ffs(lasts) - 1) * kTeams));
      teamSync();
    }
  }

  /** Adds all parts of a row and key head. */
  __device__ __forceinline__ void merge(const AttentionItem& item) {
    int group = a.heads / a.kvHeads;
    for (int i = thread & 127; i < group * (HD / 2); i += 128) {
      int head = item.kvHead * group + i / (HD / 2);
      int d = i % (HD / 2) * 2;
      size_t at = (static_cast<size_t>(item.row) * a.heads + head) * a.maxParts;
      float max = -INFINITY, sum = 0, x = 0, y = 0;
#pragma unroll 4
      for (int part = 0; part < item.parts; part++) {
        float2 state = __ldcg(a.states + at + part);
        float2 v = __ldcg(reinterpret_cast<const float2*>(a.sums + (at + part) * HD + d));
        Merge merge(max, state.x);
        max = merge.max;
        sum = merge(sum, state.y);
        x = merge(x, v.x);
        y = merge(y, v.y);
      }
      *reinterpret_cast<uint32_t*>(static_cast<T*>(a.attended) + activationOffset(item.row, head * HD + d, a.groups)) =
          packed<T>(ended<false>(x, 1.0f, sum), ended<false>(y, 1.0f, sum));
    }
  }

  __device__ __forceinline__ void teamSync() const { partSync(2 + warp / 4, 128); }
};

template <typename T, int HD, int N>
__device__ __forceinline__ void decodeStep(const StepPlan& plan, int rows) {
  using Shape = StepShape<T, HD, N>;
  extern __shared__ __align__(1024) uint8_t raw[];
  auto& memory = *reinterpret_cast<StepMemory<T, HD, N>*>(raw);
  static_assert(sizeof(memory) <= 227 * 1024, "a block has no more shared memory");
  StepPlan& a = memory.plan;
  if (threadIdx.x == 0) {
    a = plan;
    a.rows = rows;
    for (int s = 0; s < Shape::kStages; s++) {
      barrierInit(sharedAddress(&memory.full[s]), 2);  // the streamer and the feeder
      barrierInit(sharedAddress(&memory.empty[s]), kWorkers);
    }
    barrierInitFence();
    memory.rows.load(a);
    memory.base = loadAcquire(&a.state->base);
    memory.stopped = 0;
  }
  __syncthreads();
  int warp = threadIdx.x >> 5;
  if (warp == kWorkers) {
    Streamer<T, HD, N> role(a, memory);
    walk(a, role);
  } else if (warp == kWorkers + 1) {
    Feeder<T, HD, N> role(a, memory);
    walk(a, role);
  } else {
    Worker<T, HD, N> role(a, memory);
    walk(a, role);
  }
  __syncthreads();
  if (memory.stopped != 0) {  // copies may still be under way into this memory
    for (unsigned long long start = nanoseconds(); nanoseconds() - start < kLeaveNanos;) {
    }
  }
  if (threadIdx.x == 0 && atomicAdd(&a.state->left, 1u) == gridDim.x - 1) {  // every block knows its base by now
    a.state->left = 0;
    a.state->base = loadAcquire(&a.state->arrived);
  }
}

#else

template <typename T, int HD, int N>
__device__ __forceinline__ void decodeStep(const StepPlan&, int) {}  // other chips launch a kernel for each part

#endif

}  // namespace s3

#define S3_STEP(suffix, T, HD, N)                                                                                  \
  extern "C" __global__ void __launch_bounds__(s3::StepShape<T, HD, N>::kThreads, 1) decode_step_##suffix##_d##HD##_n##N( \
      const s3::StepPlan* plan, int rows) {                                                                        \
    s3::decodeStep<T, HD, N>(*plan, rows);                                                                         \
  }
#define S3_STEPS(suffix, T) S3_STEP(suffix, T, 64, 8) S3_STEP(suffix, T, 128, 8)
S3_FOR_TYPES(S3_STEPS)

/** Fills in a layer of the table; by one thread. */
extern "C" __global__ void step_layer(s3::StepLayer* table, int layer, const void* queryKeyValue, const void* output,
                                      const void* up, const void* down, const void* queryKeyValueBias,
                                      const void* outputBias, const void* upBias, const void* downBias,
                                      const float* attentionNorm, const float* feedForwardNorm, const float* frequencies) {
  table[layer] = {{queryKeyValue, output, up, down},
                  {queryKeyValueBias, outputBias, upBias, downBias},
                  attentionNorm,
                  feedForwardNorm,
                  frequencies};
}

/** Fills in what launches have in common; by one thread. */
extern "C" __global__ void step_plan(s3::StepPlan* plan, const s3::StepLayer* table, const int* shares, s3::StepState* state,
                                     unsigned* report, const int* positions, const int* sequences, const int* tableStarts,
                                     const int* tables, void* pool, float* stream, void* normed, void* attended,
                                     void* activated, float* partial, float* sums, float2* states, int* counters, int layers,
                                     int hidden, int heads, int kvHeads, int inner, int splitsOfQueryKeyValue,
                                     int splitsOfOutput, int splitsOfUp, int splitsOfDown, int rotaryDim, int interleaved,
                                     float magnitude, float epsilon, float factor, float scale, int activation, int gated,
                                     int groups, int maxParts, long long limit) {
  *plan = {table,     shares,   state,      report,
           {positions, sequences, tableStarts, tables},
           pool,      stream,   normed,     attended,    activated, partial, sums,  states,     counters,
           layers,    hidden,   heads,      kvHeads,     inner,
           {splitsOfQueryKeyValue, splitsOfOutput, splitsOfUp, splitsOfDown},
           rotaryDim, interleaved, magnitude, epsilon,   factor,    scale,   activation, gated, groups,     maxParts,
           0,         limit};
}
