// The layers of a decode step in one launch, for few rows on Hopper: memory delivers weights and KV without a pause.
//
//   decode_step_<type>_d<headDim>_n<N>          up to N rows (1, 8, 16), one new token each; grid (multiprocessors), block 384
//   decode_step_<type>_<code>_d<headDim>_n<N>   the same with weights in 4 and 8 bits
//   decode_step_cards_...                       the same on one of several cards, which have a part of every layer each
//
// A block goes through the phases of every layer (norm, queries to values, attention, output, norm, gate and up, down), with a
// barrier over the grid after each. Its shared memory is a ring of stages which one warp fills with bulk copies, far ahead and
// across the ends of phases, since weights and old KV do not depend on what is being computed. A second warp adds the
// activations to a stage once the phase before is over. Eight warps multiply, each 16 rows of a weight over one segment of k, and
// attend, all or half of them together, to a part of 256 positions of a row and key head.
// What a row's result is made of, and in which order, is that of the other kernels: the same products of 16 columns, one chain
// a segment, segments added in order (with codes those of gemm_quant_few.cu); attention in units, parts and merges of
// attention_decode.cu. So the bits are the same.
//
// A product leaves the sums of its segments, and who reads them adds them up: attention for queries, keys and values, norms for
// what is added to the stream. Where gate and up have one segment, the warp that has them writes the activation.
//
// A lone row (N = 1) has fewer phases: every block norms it, and adds up the parts of attention that its units read, into its own
// shared memory. So nobody waits for a block that does it for all.
//
// Of several cards, the last warp with a segment of 16 columns of the output or of down adds up their segments, and puts the result into
// the memory of each card over peer access; every block counts on each card that it is done. Who norms waits for the blocks of all cards,
// adds the cards in their order, and norms as exchange_rms of cards.cu: again the same bits. The two products have memory of their own,
// so that a card writes one only after the other's sums have come from all cards, which they send once they have read the one.
//
// All blocks must run at once. A wait longer than `limit` ends the launch: state->failed says where (decode_step.cuh).
// What rows that only pad hold does not matter.
// Compile: nvcc -cubin -arch=sm_90a -std=c++17 decode_step.cu
#include "decode_step.cuh"

namespace s3 {

/** Nanoseconds in which every copy that a block asked for is over. */
constexpr unsigned long long kLeaveNanos = 100000;

/** Registers of a thread: spilled ones are slow, since shared memory leaves little of the first-level cache. */
constexpr int kWorkRegisters = 216;
constexpr int kCopyRegisters = 72;

/** Sizes of a block's shared memory in bytes. */
template <typename T, int HD, int N>
struct StepShape {
  static constexpr int kThreads = 32 * (kWorkers + 4);  // registers move between groups of four warps: two of the last have no job
  static constexpr int kWeightBytes = kStagePieces * kPieceBytes;
  static constexpr int kColumnBytes = N * 128;  // of x, for one column tile
  static constexpr int kUnitBytes = 2 * kUnit * kRow<T, HD> * static_cast<int>(sizeof(T));
  static constexpr int kProductBytes = kWeightBytes + kDepth * kColumnBytes;
  static constexpr int kStageBytes = kProductBytes > kUnitBytes ? kProductBytes : kUnitBytes;
  static constexpr int kStages = N > 8 ? 5 : 6;
  static constexpr bool kLone = N == 1;  // each block norms the row and adds up its parts of attention, for itself
};

/** Items whose queries are turned at once, at most. */
constexpr int kBatch = 4;

/**
 * The warps that attend to an item. All, where a block has hardly more than one (a lone row) or where memory is what they wait
 * for; else half of them, so that the others' work fills their waits.
 */
template <int HD, int N>
struct StepTeam {
  static constexpr int kTeams = N > 1 && HD == 64 ? 2 : 1;
  static constexpr int kWarps = kWorkers / kTeams;
  static constexpr int kUnits = N == 1 ? 4 : kTeams == 1 ? 2 : 1;  // that are added at once
};

/** What a block needs for attention. */
template <typename T, int HD, typename TEAM>
struct alignas(16) StepAttention {
  T queries[16][HD + 8];  // of a batch of items
  T probabilities[TEAM::kTeams][16][TEAM::kUnits * kUnit + 8];
  T fresh[kBatch][2][HD];  // key and value of a new position
  float maxima[TEAM::kTeams][TEAM::kUnits * 4][16];
  unsigned lasts;  // items whose parts are to be added
};

/** Columns of the stream and of attention's result at most. */
constexpr int kMostColumns = 8192;

template <typename T, int HD, int N>
struct StepMemory {
  uint8_t stages[StepShape<T, HD, N>::kStages][StepShape<T, HD, N>::kStageBytes];
  union {
    StepAttention<T, HD, StepTeam<HD, N>> attention;
    T x[StepShape<T, HD, N>::kLone ? kMostColumns : 8];  // what a lone row's product reads, but that of down
  };
  float turns[N][HD];  // cosines and sines of each row
  T zeros[HD + 8];     // a query that is none
  uint64_t full[StepShape<T, HD, N>::kStages];
  uint64_t empty[StepShape<T, HD, N>::kStages];
  StepRows<N> rows;
  float sums[32];
  StepPlan plan;
  Product ahead;  // after a lone row's norm: looked up before the norm waits
  unsigned base;
  int stopped;
  unsigned meetings;  // of several cards: kMeetings
};

#ifdef S3_HOPPER

/** What all roles know of the launch. */
template <typename T, int HD, int N, bool CARDS>
struct StepRole {
  using Shape = StepShape<T, HD, N>;
  using Team = StepTeam<HD, N>;
  const StepPlan& a;
  const StepCards& cards;
  StepMemory<T, HD, N>& memory;
  Watch watch;
  Ring ring;
  unsigned due;  // arrivals of blocks that end the phases so far
  int lane;

  __device__ __forceinline__ StepRole(const StepPlan& a, const StepCards& cards, StepMemory<T, HD, N>& memory)
      : a(a),
        cards(cards),
        memory(memory),
        watch{a.state, a.report, &memory.stopped, nanoseconds() + a.limit + (CARDS ? a.limit / 4 : 0), a.limit / 4},
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

  /** Items that are attended to at once. */
  __device__ __forceinline__ int teams() const { return min(Team::kTeams, 16 * a.kvHeads / a.heads); }

  /** An item as a warp that copies sees it. */
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

  /**
   * Copies the keys (0) or values (1) of the block's items into stages, without a wait for the phases before; units of items that
   * are attended to at once in turns.
   */
  template <int WHICH>
  __device__ __forceinline__ void fetchAttention(int layer, int phase) {
    AttentionArgs args{nullptr, a.pool, nullptr, 0, 0, layer, a.layers, a.heads, a.kvHeads, a.scale, 0, 0, nullptr};
    unsigned stride = HeadMemory<T>(args, 0, HD).blockStride;
    int count = items();
    if (count == 0) return;
    int teams = this->teams();
    Source own[Team::kTeams], next[Team::kTeams];
#pragma unroll
    for (int t = 0; t < Team::kTeams; t++) next[t] = source(args, min(t, count - 1), WHICH);
    for (int first = 0; first < count; first += teams) {
#pragma unroll
      for (int t = 0; t < Team::kTeams; t++) {
        own[t] = next[t];
        next[t] = source(args, min(first + teams + t, count - 1), WHICH);  // its blocks are here when they are needed
      }
      for (int unit = 0; unit < kPart / kUnit; unit++) {
#pragma unroll
        for (int t = 0; t < Team::kTeams; t++) {
          if (t >= min(teams, count - first) || unit * kUnit > own[t].last) continue;
          ring.awaitEmpty(watch, phase);
          if (*watch.stopped == 0) fetchUnit<WHICH>(own[t], unit, stride);
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
    endCopies();
    if (lane == 0) barrierArrive(ring.fullBarrier());
  }

  /** Lets the stage wait for the copies of all lanes so far. */
  __device__ __forceinline__ void endCopies() {
    asm volatile("cp.async.mbarrier.arrive.shared::cta.b64 [%0];" ::"r"(ring.fullBarrier()) : "memory");
    __syncwarp();
  }

  __device__ __forceinline__ void passNorm() { due += Shape::kLone ? 0 : a.rows; }
  __device__ __forceinline__ void passAll() { due += gridDim.x; }
  __device__ __forceinline__ void passProduct(int which) { due += exchanged(which) ? 0 : gridDim.x; }

  /** Whether the cards add up a product: its blocks arrive on all cards, not at the end of a phase. */
  __device__ __forceinline__ static bool exchanged(int which) { return CARDS && (which & 1) != 0; }
  __device__ __forceinline__ void passAttention() { due += min(static_cast<int>(gridDim.x), memory.rows.items()); }
};

/** The warp that copies weights and keys, as far ahead as there are stages. */
template <typename T, int HD, int N, typename Weights, bool CARDS>
struct Streamer : StepRole<T, HD, N, CARDS> {
  using Base = StepRole<T, HD, N, CARDS>;
  using Shape = StepShape<T, HD, N>;
  using Units = Groups<Weights, Shape::kStageBytes, N>;
  using Base::a, Base::lane, Base::memory, Base::ring, Base::watch;
  uint64_t once = evictFirstPolicy();

  __device__ __forceinline__ Streamer(const StepPlan& a, const StepCards& cards, StepMemory<T, HD, N>& memory)
      : Base(a, cards, memory) {}

  __device__ __forceinline__ void norm(int, int, int) {}
  __device__ __forceinline__ void activate(int, int) {}

  __device__ __forceinline__ void multiply(int layer, int which, int phase) {
    Product p(a, layer, which, HD, Weights::kColumns);
    for (Units g(a, p); g.next();) {
      for (int t = g.from; t < g.to; t += g.depth) {
        int pieces = min(g.depth, g.to - t) * g.units;
        ring.awaitEmpty(watch, phase);
        if constexpr (Weights::kCoded) {
          if (*watch.stopped == 0) fetchCodes(p, g, t, min(g.depth, g.to - t));
        } else if (*watch.stopped == 0) {
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

  /** Copies what a group has of column tiles: the codes and the strips of up to three tiles of rows each, a copy a lane. */
  __device__ __forceinline__ void fetchCodes(const Product& p, const Units& g, int tile, int tiles) {
    constexpr int kTileUnits = Weights::kTileUnits;
    static_assert(8 * Units::kCodedDepth <= 32 && Weights::kEach <= 2, "a lane has one copy");
    int parts = g.part(g.units - 1) + 1;
    if (lane == 0) barrierExpect(ring.fullBarrier(), tiles * g.tileBytes);
    __syncwarp();
    int part = lane & 3;
    if (lane >= 8 * tiles || part >= parts) return;
    int row = g.first / kTileUnits + part;
    size_t weightBytes = codeBytes(Weights::kCode) + g.stripBytes;
    const uint8_t* from = p.w + (static_cast<size_t>(row) * p.kTiles + tile + lane / 8) * weightBytes;
    uint32_t to = ring.stage() + lane / 8 * g.tileBytes;
    if (lane & 4) {
      bulkCopyOnce(to + g.stripsAt() + part * g.stripBytes, from + codeBytes(Weights::kCode), g.stripBytes, ring.fullBarrier(), once);
    } else {
      int begin = max(g.first, row * kTileUnits);
      int end = min(g.first + g.units, (row + 1) * kTileUnits);
      bulkCopyOnce(to + g.codesAt(begin - g.first), from + begin % kTileUnits * Weights::kUnitBytes, (end - begin) * Weights::kUnitBytes,
                   ring.fullBarrier(), once);
    }
  }

  __device__ __forceinline__ void attend(int layer, int phase) { this->template fetchAttention<0>(layer, phase); }
};

/** The warp that adds activations to the stages of products, and values to those of attention. */
template <typename T, int HD, int N, typename Weights, bool CARDS>
struct Feeder : StepRole<T, HD, N, CARDS> {
  using Base = StepRole<T, HD, N, CARDS>;
  using Shape = StepShape<T, HD, N>;
  using Units = Groups<Weights, Shape::kStageBytes, N>;
  using Base::a, Base::due, Base::lane, Base::memory, Base::ring, Base::watch;

  __device__ __forceinline__ Feeder(const StepPlan& a, const StepCards& cards, StepMemory<T, HD, N>& memory)
      : Base(a, cards, memory) {}

  __device__ __forceinline__ void norm(int, int, int) { this->passNorm(); }
  __device__ __forceinline__ void activate(int, int) { this->passAll(); }

  __device__ __forceinline__ void attend(int layer, int phase) {
    this->template fetchAttention<1>(layer, phase);
    this->passAttention();
  }

  __device__ __forceinline__ void multiply(int layer, int which, int phase) {
    Product p(a, layer, which, HD, Weights::kColumns);
    bool feeds = !Shape::kLone || which == kDown;
    if (feeds && p.begin < p.end) {
      if (lane == 0) watch.awaitBlocks(due, phase);
      __syncwarp();
    }
    for (Units g(a, p); g.next();) {
      for (int t = g.from; t < g.to; t += g.depth) {
        ring.awaitEmpty(watch, phase);
        if (*watch.stopped == 0) {
          if (feeds) fetchColumns(p, t, min(g.depth, g.to - t));
          if (lane == 0) barrierArrive(ring.fullBarrier());
        }
        ring.next();
      }
    }
    this->passProduct(which);
  }

  /** Copies column tiles of x into a stage; not as bulk copies, which would queue behind those of weights. */
  __device__ __forceinline__ void fetchColumns(const Product& p, int tile, int tiles) {
    constexpr int kPieces = Shape::kColumnBytes / 16;
    constexpr int kEach = Weights::kColumns / kTile;  // of x, for one of the weight
    const uint8_t* x = static_cast<const uint8_t*>(p.x);
    uint32_t to = ring.stage() + (Weights::kCoded ? Units::kColumnsAt : Shape::kWeightBytes);
    for (int i = lane; i < tiles * kEach * kPieces; i += 32) {
      copyAsync(to + i * 16, x + static_cast<size_t>(tile * kEach + i / kPieces) * a.groups * 1024 + i % kPieces * 16, true);
    }
    this->endCopies();
  }
};

/** One of the warps that multiply, norm and attend. */
template <typename T, int HD, int N, typename Weights, bool CARDS>
struct Worker : StepRole<T, HD, N, CARDS> {
  using Base = StepRole<T, HD, N, CARDS>;
  using Shape = StepShape<T, HD, N>;
  using Units = Groups<Weights, Shape::kStageBytes, N>;
  using Base::a, Base::cards, Base::due, Base::lane, Base::memory, Base::ring, Base::watch;
  using Team = typename Base::Team;
  static constexpr int kThreads = 32 * kWorkers;
  static constexpr int NT = Shape::kLone ? 1 : N / 8;
  static constexpr int kMostSplits = 8;
  static constexpr int kOutputs = HD > 16 * Team::kWarps ? HD / (16 * Team::kWarps) : 1;
  int thread, warp;

  __device__ __forceinline__ Worker(const StepPlan& a, const StepCards& cards, StepMemory<T, HD, N>& memory)
      : Base(a, cards, memory) {}

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

  /** Tells all cards that the block has put its sums of a product; what they then read is visible to them. */
  __device__ __forceinline__ void arriveOnCards(int which) {
    partSync(1, kThreads);
    if (thread < cards.count) {
      countReleaseSystem(cards.arrivals->of[thread] + (which == kDown ? kMostCards : 0) + cards.rank);
    }
  }

  /** Waits for the sums of a product from all cards, with all workers of the block. done: layers before that had it. */
  __device__ __forceinline__ void awaitCards(int which, int done, int phase) {
    if (thread < cards.count) {
      const unsigned* counter = cards.arrivals->of[cards.rank] + (which == kDown ? kMostCards : 0) + thread;
      watch.awaitCard(counter, memory.meetings + (done + 1) * gridDim.x, thread == cards.rank ? 0 : 1 + thread, phase);
    }
    partSync(1, kThreads);
  }

  /** Where a card has the sums of a product that another card puts there. */
  __device__ __forceinline__ float* sumsOf(int which, int card, int from) const {
    size_t row = (which == kDown ? cards.count * kMostRows : 0) + from * N;
    return cards.sums->of[card] + row * a.hidden;
  }

  /**
   * Adds up the segments of a product on this card, and puts the sums on every card: 16 columns by a warp of the block that is the
   * last with a segment of them.
   */
  __device__ __forceinline__ void putSums(const Product& p) {
    if (p.splits == 1) return;  // it was put when it was there
    partSync(1, kThreads);
    unsigned* written = cards.arrivals->of[cards.rank] + kWritten;
    for (int first = p.begin + warp; first < p.end; first += 32 * kWorkers) {
      int unit = first + lane * kWorkers;
      int group = unit % (p.n / kUnitRows);
      bool last = unit < p.end && addAcquireRelease(written + group, 1) == p.splits - 1;
      if (last) written[group] = 0;  // for the next product
      for (unsigned lasts = __ballot_sync(0xffffffffu, last); lasts != 0; lasts &= lasts - 1) {
        int column = __shfl_sync(0xffffffffu, group, __ffs(lasts) - 1) * kUnitRows;
        for (int i = lane; i < 4 * a.rows; i += 32) {
          int own = column + i % 4 * 4;
          float4 sum = joined(a.partial[1], p.splits, p.n, i / 4, own);
          for (int card = 0; card < cards.count; card++) {
            *reinterpret_cast<float4*>(sumsOf(p.which, card, cards.rank) + i / 4 * p.n + own) = sum;
          }
        }
      }
    }
  }

  // ---- products

  __device__ __forceinline__ void multiply(int layer, int which, int phase) {
    begin();
    Product p = Shape::kLone && (which == kQueryKeyValue || which == kUp) ? memory.ahead : Product(a, layer, which, HD, Weights::kColumns);
    if (Shape::kLone && which == kOutput) {
      gatherAttention(p, phase);
    } else if (p.begin >= p.end) {
      awaitPhases(phase);
    }
    for (Units g(a, p); g.next();) {
      if constexpr (Weights::kCoded) {
        if (g.units > kWorkers) {
          multiplyCodes<Weights::kEach>(p, g, phase);
        } else {
          multiplyCodes<1>(p, g, phase);
        }
        continue;
      }
      float sum[NT][4] = {};
      for (int t = g.from; t < g.to; t += g.depth) {
        int tiles = min(g.depth, g.to - t);
        ring.awaitFull(watch, phase);
        const uint8_t* stage = memory.stages[ring.slot];
        if (warp < g.units) {
          for (int i = 0; i < tiles; i++) {
            addTile(sum, reinterpret_cast<const T*>(stage + (i * g.units + warp) * kPieceBytes),
                    Shape::kLone && which != kDown
                        ? memory.x + (t + i) * kTile
                        : reinterpret_cast<const T*>(stage + Shape::kWeightBytes + i * Shape::kColumnBytes));
          }
        }
        leaveStage(ring.emptyBarrier());
        ring.next();
      }
      if (warp < g.units) write(p, g.segment, (g.first + warp) * kUnitRows, sum);
    }
    if (Base::exchanged(which)) {
      putSums(p);
      arriveOnCards(which);
    } else {
      arrive();
    }
    this->passProduct(which);
  }

  /** The products of a warp's units with codes over the group's segment, EACH at most. */
  template <int EACH>
  __device__ __forceinline__ void multiplyCodes(const Product& p, const Units& g, int phase) {
    if (warp * EACH >= g.units) {
      for (int t = g.from; t < g.to; t += g.depth) {
        ring.awaitFull(watch, phase);
        leaveStage(ring.emptyBarrier());
        ring.next();
      }
      return;
    }
    float sums[EACH][4 * NT] = {};
    Scales scales(a.scales);
    withKnown<Weights::kCode, true>(scales, [&](auto known) {
      addCodes<decltype(known)::value, EACH>(sums, scales, g, !Shape::kLone || p.which == kDown, phase);
    });
#pragma unroll
    for (int u = 0; u < EACH; u++) {
      int unit = warp * EACH + u;
      if (unit < g.units) {
        write(p, g.segment, (g.first + unit) * kUnitRows, reinterpret_cast<const float(&)[NT][4]>(sums[u]));
      }
    }
  }

  /** Says that the warp has read a stage. */
  __device__ __forceinline__ void leaveStage(uint32_t empty) const {
    __syncwarp();
    if (lane == 0) barrierArrive(empty);
  }

  /** Adds them, tile after tile; x comes with the stages, or is a lone row in memory.x. */
  template <Known KNOWN, int EACH>
  __device__ __forceinline__ void addCodes(float (&sums)[EACH][4 * NT], const Scales& scales, const Units& g, bool fed,
                                           int phase) {
    const uint8_t* stages = memory.stages[0];
    const uint8_t* rows = fed ? stages + Units::kColumnsAt : reinterpret_cast<const uint8_t*>(memory.x);
    int own = Shape::kLone ? (lane >> 3) * 16 : HalfRows<T, NT>::place(lane);  // a lone row stands for all eight
    CodedTiles<Weights::kCode, T, NT, KNOWN, EACH> tiles(scales, sharedAddress(rows) + own);
#pragma unroll
    for (int u = 0; u < EACH; u++) {
      int unit = min(warp * EACH + u, g.units - 1);  // the last again where there is none
      tiles.units[u].place(stages + g.codesAt(unit), stages + g.stripsAt() + g.part(unit) * g.stripBytes,
                           (g.first + unit) % Weights::kTileUnits);
    }
    ring.awaitFull(watch, phase);
    int at = ring.slot * Shape::kStageBytes;
    int rowsAt = fed ? at : g.from * Units::kCodedColumns;
    int left = g.depth;  // tiles of the stage
    tiles.begin(at, rowsAt);
#pragma unroll 1
    for (int t = g.from; t < g.to; t++) {
      bool more = t + 1 < g.to;
      bool last = --left == 0 || !more;  // of the stage
      uint32_t empty = ring.emptyBarrier();
      tiles.firstHalf(sums, at, rowsAt, Shape::kColumnBytes);
      at += g.tileBytes;
      rowsAt += Units::kCodedColumns;
      if (last) {
        ring.next();
        left = g.depth;
        if (more) ring.awaitFull(watch, phase);
        at = ring.slot * Shape::kStageBytes;
        if (fed) rowsAt = at;
      }
      if (more) tiles.begin(at, rowsAt);
      tiles.secondHalf(sums);
      if (last) leaveStage(empty);
    }
  }

  /** Adds the products of one column tile, 16 columns after 16. */
  __device__ __forceinline__ void addTile(float (&sum)[NT][4], const T* w, const T* x) const {
    uint32_t left[4][4], right[2 * NT][4];
    int row = Shape::kLone ? 0 : lane & 7;  // a lone one stands for all eight
#pragma unroll
    for (int i = 0; i < 4; i++) loadMatrix4(left[i], w + swizzled(lane & 15, i * 16 + (lane >> 4) * 8));
#pragma unroll
    for (int i = 0; i < 2 * NT; i++) {  // 8 rows and 32 columns each
      loadMatrix4(right[i], x + i / 2 * (8 * kTile) + swizzled(row, i % 2 * 32 + (lane >> 3) * 8));
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
        } else if (Base::exchanged(p.which) && p.splits == 1) {
          int at = row * p.n + own;
          for (int card = 0; card < cards.count; card++) {
            float* to = sumsOf(p.which, card, cards.rank) + at;
            to[0] = sum[t][i];
            to[8] = sum[t][i + 2];
          }
        } else {
          float* to = a.partial[p.which & 1] + (static_cast<size_t>(segment) * N + row) * p.n + own;
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
  __device__ __forceinline__ float4 joined(const float* partial, int splits, int n, int row, int column) const {
    const float* from = partial + static_cast<size_t>(row) * n + column;
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
    float4 v = joined(a.partial[0], splits, n, row, column);
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

  /**
   * Adds the product before to a row of the stream, and norms the row unless all layers are done: a row a block, into tiles; a
   * lone row in every block, into its shared memory, so that nobody waits for it.
   */
  __device__ __forceinline__ void norm(int layer, int which, int phase) {
    begin();
    if (Shape::kLone || static_cast<int>(blockIdx.x) < a.rows) {
      bool last = layer == a.layers;
      const StepLayer& own = a.table[last ? 0 : layer];
      const StepLayer& before = a.table[which == kUp ? layer : max(layer - 1, 0)];
      Pending pending{layer > 0 || which == kUp, a.splits[which == kUp ? kOutput : kDown],
                      static_cast<const T*>(before.biases[which == kUp ? kOutput : kDown]),
                      a.stream[Shape::kLone && which != kUp && layer > 0], a.stream[Shape::kLone && which == kUp]};
      const float* weight = which == kUp ? own.feedForwardNorm : own.attentionNorm;
      if (Shape::kLone && thread == 0 && !last) memory.ahead = Product(a, layer, which, HD, Weights::kColumns);
      if (CARDS && pending.exists) {
        awaitAndNormRow(pending, weight, last, which == kUp ? kOutput : kDown, which == kUp ? layer : layer - 1, phase);
      } else {
        normRow(pending, weight, last, phase);
      }
      if (!Shape::kLone && !last) arrive();
    }
    this->passNorm();
  }

  /** A product whose segments have not been added to the stream yet; a lone row's goes back and forth between two. */
  struct Pending {
    bool exists;
    int splits;
    const T* bias;
    const float* from;
    float* to;
  };

  /** Columns of a row that a thread keeps, from a norm's first pass to its second. */
  static constexpr int kKept = 32 / kWorkers;

  /**
   * The sums run as those of rms_norm with 1024 threads, each worker taking the parts of several of its warps; widths up to
   * 8,192, so that a thread of those has at most eight values.
   */
  __device__ __forceinline__ void normRow(const Pending& pending, const float* weight, bool last, int phase) {
    float v[kKept][8];
    float4 w[kKept][2];
#pragma unroll
    for (int i = 0; i < kKept; i++) {
      if (column(i) >= a.hidden) continue;
      load8Fresh(pending.from + row() * a.hidden + column(i), v[i]);  // written long before
      w[i][0] = loadFresh(weight + column(i));
      w[i][1] = loadFresh(weight + column(i) + 4);
    }
    awaitPhases(phase);
    if (!CARDS && pending.exists) add(pending, v);
#pragma unroll
    for (int i = 0; i < kKept; i++) {
      float sum = 0;
      if (i * (kThreads * 8) < a.hidden) {
        if (column(i) < a.hidden) {
#pragma unroll
          for (int j = 0; j < 8; j++) sum += v[i][j] * v[i][j];
        }
        sum = warpSum(sum);
      }
      if (lane == 0) memory.sums[i * kWorkers + warp] = sum;
    }
    if (last) return;
    partSync(1, kThreads);
    float scale = 1.0f / sqrtf(warpSum(memory.sums[lane]) / a.hidden + a.epsilon);
#pragma unroll
    for (int i = 0; i < kKept; i++) {
      if (column(i) >= a.hidden) continue;
#pragma unroll
      for (int j = 0; j < 8; j++) v[i][j] = v[i][j] * scale * (&w[i][j / 4].x)[j % 4];
      store8(Shape::kLone ? memory.x + column(i) : static_cast<T*>(a.normed) + activationOffset(row(), column(i), a.groups), v[i]);
    }
    if (Shape::kLone) partSync(1, kThreads);
  }

  /** The first of the i-th eight columns of a thread. */
  __device__ __forceinline__ int column(int i) const { return (i * kThreads + thread) * 8; }

  /** The row that the block norms. */
  __device__ __forceinline__ int row() const { return Shape::kLone ? 0 : blockIdx.x; }

  /** Whether the block writes the i-th eight columns of a thread to the stream. */
  __device__ __forceinline__ bool writes(int i) const {
    return !Shape::kLone || (i * kThreads + thread) % gridDim.x == blockIdx.x;
  }

  __device__ __forceinline__ static void load8Fresh(const float* from, float (&to)[8]) {
    float4 low = loadFresh(from);
    float4 high = loadFresh(from + 4);
    to[0] = low.x, to[1] = low.y, to[2] = low.z, to[3] = low.w;
    to[4] = high.x, to[5] = high.y, to[6] = high.z, to[7] = high.w;
  }

  /** Adds the pending product to a thread's values and to the stream. */
  __device__ __forceinline__ void add(const Pending& pending, float (&v)[kKept][8]) const {
    switch (pending.splits) {
      case 1: return addSegments<1>(pending, v);
      case 2: return addSegments<2>(pending, v);
      case Weights::kSomeSplits: return addSegments<Weights::kSomeSplits>(pending, v);
      default: return addSegments<8>(pending, v);
    }
  }

  /** Adds a product of SPLITS segments; as many loads as there are registers for travel together. */
  template <int SPLITS>
  __device__ __forceinline__ void addSegments(const Pending& pending, float (&v)[kKept][8]) const {
    constexpr int kAtOnce = kKept < 8 / SPLITS ? kKept : 8 / SPLITS;
    static_assert(kAtOnce > 0 && kKept % kAtOnce == 0, "all that a thread keeps, and no more");
    const float* sums = a.partial[1] + row() * a.hidden;
    size_t segment = static_cast<size_t>(N) * a.hidden;
#pragma unroll
    for (int first = 0; first < kKept; first += kAtOnce) {
      if (first * (kThreads * 8) >= a.hidden) break;
      float4 part[kAtOnce][SPLITS][2];
#pragma unroll
      for (int i = 0; i < kAtOnce; i++) {
        const float* from = sums + min(column(first + i), a.hidden - 8);  // without branches, or registers run out
#pragma unroll
        for (int s = 0; s < SPLITS; s++) {
          part[i][s][0] = loadFresh(from + s * segment);
          part[i][s][1] = loadFresh(from + s * segment + 4);
        }
      }
#pragma unroll
      for (int i = 0; i < kAtOnce; i++) {
        int c = column(first + i);
        if (c >= a.hidden) continue;
#pragma unroll
        for (int j = 0; j < 8; j++) {
          float sum = (&part[i][0][j / 4].x)[j % 4];
#pragma unroll
          for (int s = 1; s < SPLITS; s++) sum += (&part[i][s][j / 4].x)[j % 4];
          if (pending.bias != nullptr) sum += toFloat(pending.bias[c + j]);
          v[first + i][j] = fmaf(a.factor, sum, v[first + i][j]);
        }
        if (writes(first + i)) store8(pending.to + row() * a.hidden + c, v[first + i]);
      }
    }
  }

  // ---- norms of several cards

  /** Pieces of four columns of a row that a thread keeps. */
  static constexpr int kPieces = 2 * kKept;

  /** The first of the i-th four columns of a thread. */
  __device__ __forceinline__ int piece(int i) const { return (i * kThreads + thread) * 4; }

  /**
   * Adds a product of all cards to a row of the stream, and norms the row unless it is the last product of all. The sums run as those of
   * exchange_rms with 512 threads, each worker taking the parts of two of them.
   *
   * @param product the product, of the layer `done`
   */
  __device__ __forceinline__ void awaitAndNormRow(const Pending& pending, const float* weight, bool last, int product, int done,
                                                  int phase) {
    float4 v[kPieces], w[kPieces];
#pragma unroll
    for (int i = 0; i < kPieces; i++) {
      if (piece(i) >= a.hidden) continue;
      v[i] = loadFresh(pending.from + row() * a.hidden + piece(i));  // written long before
    }
    awaitCards(product, done, phase);
    addCards(pending, product, v);
    if (last) return;
#pragma unroll
    for (int i = 0; i < kPieces; i++) w[i] = loadFresh(weight + min(piece(i), a.hidden - 4));  // earlier there are no registers
    float squares[2] = {};
#pragma unroll
    for (int i = 0; i < kPieces; i++) {
      if (piece(i) < a.hidden) squares[i % 2] += squaresOf(v[i]);
    }
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float sum = warpSum(squares[half]);
      if (lane == 0) memory.sums[half * kWorkers + warp] = sum;
    }
    partSync(1, kThreads);
    float scale = 1.0f / sqrtf(warpSum(lane < 2 * kWorkers ? memory.sums[lane] : 0.0f) / a.hidden + a.epsilon);
#pragma unroll
    for (int i = 0; i < kPieces; i++) {
      if (piece(i) >= a.hidden) continue;
      T* to = Shape::kLone ? memory.x + piece(i)
                           : static_cast<T*>(a.normed) + activationOffset(row(), piece(i), a.groups);
      store4(to, scaled(v[i], scale, w[i], make_float4(0, 0, 0, 0)));
    }
    if (Shape::kLone) partSync(1, kThreads);
  }

  /** Adds a product of all cards; what two of them have put travels together. */
  __device__ __forceinline__ void addCards(const Pending& pending, int product, float4 (&v)[kPieces]) const {
    constexpr int kAtOnce = 4;
#pragma unroll
    for (int first = 0; first < kPieces; first += kAtOnce) {
      if (first * (kThreads * 4) >= a.hidden) break;
      float4 sum[kAtOnce];
#pragma unroll 1
      for (int card = 0; card < cards.count; card += 2) {
        int second = min(card + 1, cards.count - 1);
        float4 part[2][kAtOnce];
#pragma unroll
        for (int i = 0; i < kAtOnce; i++) {
          int at = row() * a.hidden + min(piece(first + i), a.hidden - 4);  // without branches, or registers run out
          part[0][i] = loadFresh(sumsOf(product, cards.rank, card) + at);
          part[1][i] = loadFresh(sumsOf(product, cards.rank, second) + at);
        }
#pragma unroll
        for (int i = 0; i < kAtOnce; i++) {
          sum[i] = card == 0 ? part[0][i] : plus(sum[i], part[0][i]);
          if (second > card) sum[i] = plus(sum[i], part[1][i]);
        }
      }
#pragma unroll
      for (int i = 0; i < kAtOnce; i++) {
        int c = piece(first + i);
        if (c >= a.hidden) continue;
        v[first + i] = added(a.factor, sum[i], v[first + i]);
        if (writes(first + i)) *reinterpret_cast<float4*>(pending.to + row() * a.hidden + c) = v[first + i];
      }
    }
  }

  // ---- attention

  __device__ __forceinline__ void attend(int layer, int phase) {
    begin();
    int count = this->items();
    if (count > 0) {
      const T* bias = static_cast<const T*>(a.table[layer].biases[kQueryKeyValue]);  // read before the wait
      prepareTurns(layer);
      awaitPhases(phase);
      int teams = this->teams();
      int most = min(kBatch, 16 * a.kvHeads / a.heads) / teams * teams;
      for (int first = 0; first < count; first += most) {
        int size = min(most, count - first);
        if (first > 0) partSync(1, kThreads);  // a team may still need the queries before
        turnItems(layer, first, size, bias);
        partSync(1, kThreads);
        for (int i = 0; i < size; i += teams) attendItems(layer, phase, first + i, i, min(teams, size - i));
      }
      if (!Shape::kLone && memory.rows.parts > 1) mergeItems(count);
      arrive();
    }
    this->passAttention();
  }

  /** Fills in the cosines and sines of all rows, unless those of the layer before are the same. */
  __device__ __forceinline__ void prepareTurns(int layer) {
    const float* frequencies = a.table[layer].frequencies;
    if (layer > 0 && frequencies == a.table[layer - 1].frequencies) return;
    constexpr int kEach = HD / 2;
    for (int row = thread / kEach; row < a.rows; row += kThreads / kEach) {
      float* turns = memory.turns[row];
      turnsOf(memory.rows.positions[row], frequencies, a.rotaryDim, a.magnitude, turns, turns + a.rotaryDim / 2,
              thread % kEach, kEach);
    }
  }

  /** A head's values before its turn, in shared memory. */
  struct Head {
    const T* values;

    __device__ __forceinline__ float operator()(int d) const { return toFloat(values[d]); }
  };

  /** Turns the queries of a batch of items; those with the new position also turn its key, and store key and value. */
  __device__ __forceinline__ void turnItems(int layer, int first, int size, const T* bias) {
    int group = a.heads / a.kvHeads;
    for (int i = warp; i < size * (group + 2); i += kWorkers) {
      int of = i / (group + 2);
      int r = i % (group + 2);  // group is the key, group + 1 the value
      AttentionItem item = this->item(first + of);
      if (r >= group && item.part < item.parts - 1) continue;
      T* values = r < group ? memory.attention.queries[of * group + r] : memory.attention.fresh[of][r - group];
      turnHead(item, r < group ? item.kvHead * group + r : a.heads + (r - group) * a.kvHeads + item.kvHead, r <= group, bias,
               values);
      if (r >= group) store(layer, item, r - group, values);
    }
  }

  /** Adds up a head of a row, and turns it; by a warp. */
  __device__ __forceinline__ void turnHead(const AttentionItem& item, int head, bool turns, const T* bias, T* values) {
    int n = (a.heads + 2 * a.kvHeads) * HD;
    if (lane * 4 < HD) {
      float v[4];
      joined(a.splits[kQueryKeyValue], n, item.row, head * HD + lane * 4, bias, v);
      *reinterpret_cast<uint2*>(values + lane * 4) = make_uint2(packed<T>(v[0], v[1]), packed<T>(v[2], v[3]));
    }
    __syncwarp();
    if (!turns) return;
    int half = a.rotaryDim / 2;
    const float* cosines = memory.turns[item.row];
    const float* sines = cosines + half;
    for (int d = lane; d < half; d += 32) {
      int low = a.interleaved ? 2 * d : d;  // its pair turns at once
      int high = a.interleaved ? 2 * d + 1 : d + half;
      T turnedLow = fromFloat<T>(turned(Head{values}, low, a.rotaryDim, a.interleaved, cosines, sines));
      values[high] = fromFloat<T>(turned(Head{values}, high, a.rotaryDim, a.interleaved, cosines, sines));
      values[low] = turnedLow;
    }
    __syncwarp();
  }

  /** Stores the key (0) or value (1) of an item's new position; by a warp. */
  __device__ __forceinline__ void store(int layer, const AttentionItem& item, int which, const T* values) {
    int d = lane * 8;
    if (d >= HD) return;
    int block = a.batch.tables[memory.rows.tables[item.row] + item.position / kBlockTokens];
    size_t at = kvOffset<T>(block, layer, a.layers, which, item.kvHead, a.kvHeads, HD);
    *reinterpret_cast<uint4*>(static_cast<T*>(a.pool) + at + item.position % kBlockTokens * HD + d) =
        *reinterpret_cast<const uint4*>(values + d);
  }

  /**
   * Attends to as many items as there are teams, or fewer. Of each unit four warps have the scores, and each warp of a team has
   * some dimensions of the output, 16 after 16.
   */
  __device__ __forceinline__ void attendItems(int layer, int phase, int i, int of, int count) {
    int team = warp / Team::kWarps;
    AttentionItem item{};  // none, with no units, where there are fewer than teams
    int units[Team::kTeams];
    int most = 0;
#pragma unroll
    for (int t = 0; t < Team::kTeams; t++) {
      AttentionItem one = this->item(t < count ? i + t : this->items());
      units[t] = one.units;
      most = max(most, one.units);
      if (t == team) item = one;
    }
    AttentionArgs args{nullptr,   a.pool,  a.attended, 0, a.groups, layer, a.layers, a.heads,
                       a.kvHeads, a.scale, 0,          0, nullptr};
    ScoreScale scale(args);
    int group = a.heads / a.kvHeads;
    int r = lane & 15;
    const T* queries = (r < group && team < count ? memory.attention.queries[(of + team) * group + r] : memory.zeros) +
                       (lane >> 4) * 8;
    uint32_t query[HD / 16][4];
#pragma unroll
    for (int step = 0; step < HD / 16; step++) loadMatrix4(query[step], queries + step * 16);
    RowState low, high;
    float out[kOutputs][2][4] = {};
#pragma unroll 1
    for (int unit = 0; unit < most; unit += Team::kUnits) {
      int slot = 0, own = 0;  // the team's first stage, and how many
#pragma unroll
      for (int t = 0; t < Team::kTeams; t++) {
        int stages = min(Team::kUnits, units[t] - unit);
        if (t == team) slot = ring.slot, own = stages;
        for (int u = 0; u < stages; u++) {
          if (t == team) ring.awaitFull(watch, phase);
          ring.next();
        }
      }
      if (own <= 0) continue;
      if (item.part == item.parts - 1 && unit + own == item.units) {
        complete(of + team, item.position % kUnit, keysOf(slot, own - 1));
      }
      addUnits(args, scale, item.part * kPart + unit * kUnit, item.position, own, query, slot, low, high, out);
      __syncwarp();
      if (lane == 0) {
        copyFenceShared();  // the stages were written by threads; the next copy into them may be a bulk one
        for (int u = 0; u < own; u++) {
          for (int t = 0; t < Team::kTeams; t++) barrierArrive(ring.empty + slotAfter(slot, u) * 8);  // for all warps
        }
      }
    }
    if (item.units > 0 && warp % Team::kWarps * 16 < HD) end(item, low, high, out);
  }

  /** Waits for the warps of the team. */
  __device__ __forceinline__ void teamSync() const { partSync(2 + warp / Team::kWarps, 32 * Team::kWarps); }

  /** The stage that comes so many after one; fewer than there are. */
  __device__ __forceinline__ static int slotAfter(int slot, int more) {
    int next = slot + more;
    return next < Shape::kStages ? next : next - Shape::kStages;
  }

  /** The keys of the stage so many after one; its values come after them. */
  __device__ __forceinline__ T* keysOf(int slot, int more) const {
    return reinterpret_cast<T*>(memory.stages[slotAfter(slot, more)]);
  }

  /** Puts the new key and value into the row of its unit, and zeros into the rows after it. */
  __device__ __forceinline__ void complete(int of, int last, T* keys) {
    constexpr int kPieces = HD / 8;
    T* values = keys + kUnit * kRow<T, HD>;
    constexpr int kTeam = 32 * Team::kWarps;
    for (int i = thread % kTeam; i < (kUnit - last) * kPieces; i += kTeam) {
      int d = i % kPieces * 8;
      int at = (last + i / kPieces) * kRow<T, HD> + d;
      bool fresh = i < kPieces;
      uint4 zero = make_uint4(0, 0, 0, 0);
      *reinterpret_cast<uint4*>(keys + at) = fresh ? *reinterpret_cast<const uint4*>(&memory.attention.fresh[of][0][d]) : zero;
      *reinterpret_cast<uint4*>(values + at) = fresh ? *reinterpret_cast<const uint4*>(&memory.attention.fresh[of][1][d]) : zero;
    }
    teamSync();
  }

  /** Adds units of 64 positions, as many as Team::kUnits or fewer, from a stage on, in the order of attention_decode.cu. */
  __device__ __forceinline__ void addUnits(const AttentionArgs& args, ScoreScale scale, int start, int position, int count,
                                           const uint32_t (&query)[HD / 16][4], int slot, RowState& low, RowState& high,
                                           float (&out)[kOutputs][2][4]) {
    constexpr int kUnits = Team::kUnits;
    constexpr int kSets = Team::kWarps / 4;  // of warps, each with the scores of every so many units
    constexpr int kOwn = kUnits / kSets;
    auto& maxima = memory.attention.maxima[warp / Team::kWarps];
    auto& probabilities = memory.attention.probabilities[warp / Team::kWarps];
    int set = warp % Team::kWarps / 4;
    int quarter = warp % 4;
    float s[kOwn][2][4] = {};
#pragma unroll
    for (int i = 0; i < kOwn; i++) {
      int u = i * kSets + set;
      if (u >= count) continue;
      int first = start + u * kUnit + quarter * 16;
      scores16<T, T, HD>(s[i][0], s[i][1], query, keysOf(slot, u) + quarter * 16 * kRow<T, HD>);
      scaleAndMask<false>(s[i][0], args, scale, first, position, position);
      scaleAndMask<false>(s[i][1], args, scale, first + 8, position, position);
      float maxLow = quadMax(fmaxf(fmaxf(s[i][0][0], s[i][0][1]), fmaxf(s[i][1][0], s[i][1][1])));
      float maxHigh = quadMax(fmaxf(fmaxf(s[i][0][2], s[i][0][3]), fmaxf(s[i][1][2], s[i][1][3])));
      if ((lane & 3) == 0) {
        maxima[u * 4 + quarter][lane / 4] = maxLow;
        maxima[u * 4 + quarter][lane / 4 + 8] = maxHigh;
      }
    }
    teamSync();
    RowState lows[kUnits], highs[kUnits];  // after each unit; their sums do not count
    float factorsLow[kUnits], factorsHigh[kUnits];
#pragma unroll
    for (int u = 0; u < kUnits; u++) {
      lows[u] = u == 0 ? low : lows[u - 1];
      highs[u] = u == 0 ? high : highs[u - 1];
      if (u >= count) continue;
      factorsLow[u] = lows[u].raise(unitMax(u, lane / 4));
      factorsHigh[u] = highs[u].raise(unitMax(u, lane / 4 + 8));
    }
#pragma unroll
    for (int i = 0; i < kOwn; i++) {
      int u = i * kSets + set;
      if (u >= count) continue;
      RowState ownLow = set == 0 ? lows[i * kSets] : lows[i * kSets + kSets - 1];
      RowState ownHigh = set == 0 ? highs[i * kSets] : highs[i * kSets + kSets - 1];
#pragma unroll
      for (int t = 0; t < 2; t++) {
        int column = u * kUnit + quarter * 16 + t * 8 + (lane & 3) * 2;
        *reinterpret_cast<uint32_t*>(&probabilities[lane / 4][column]) =
            packed<T>(ownLow.probability(s[i][t][0]), ownLow.probability(s[i][t][1]));
        *reinterpret_cast<uint32_t*>(&probabilities[lane / 4 + 8][column]) =
            packed<T>(ownHigh.probability(s[i][t][2]), ownHigh.probability(s[i][t][3]));
      }
    }
    teamSync();
#pragma unroll
    for (int u = 0; u < kUnits; u++) {
      if (u >= count || warp % Team::kWarps * 16 >= HD) continue;
      low.sum = __fmul_rn(low.sum, factorsLow[u]);
      high.sum = __fmul_rn(high.sum, factorsHigh[u]);
      addValues(u, keysOf(slot, u) + kUnit * kRow<T, HD>, factorsLow[u], factorsHigh[u], low, high, out);
    }
    low.max = lows[kUnits - 1].max;
    high.max = highs[kUnits - 1].max;
  }

  /** The largest score of a query and a unit, from the warps that have its positions. */
  __device__ __forceinline__ float unitMax(int unit, int r) const {
    const auto& maxima = memory.attention.maxima[warp / Team::kWarps];
    float max = maxima[unit * 4][r];
#pragma unroll
    for (int w = 1; w < 4; w++) max = fmaxf(max, maxima[unit * 4 + w][r]);
    return max;
  }

  /** Adds the probabilities of a unit to the sums, and times its values to the warp's dimensions of the output. */
  __device__ __forceinline__ void addValues(int unit, const T* values, float factorLow, float factorHigh, RowState& low,
                                            RowState& high, float (&out)[kOutputs][2][4]) {
    const auto& probabilities = memory.attention.probabilities[warp / Team::kWarps];
#pragma unroll
    for (int o = 0; o < kOutputs; o++) {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        float factor = j < 2 ? factorLow : factorHigh;
        out[o][0][j] = __fmul_rn(out[o][0][j], factor);
        out[o][1][j] = __fmul_rn(out[o][1][j], factor);
      }
    }
#pragma unroll
    for (int step = 0; step < kUnit / 16; step++) {
      uint32_t p[4];
      loadMatrix4(p, &probabilities[lane & 15][unit * kUnit + step * 16 + (lane >> 4) * 8]);
      addToSums<T>(low, high, p);
#pragma unroll
      for (int o = 0; o < kOutputs; o++) {
        addValues16<T, T, HD>(out[o][0], out[o][1], p, values + step * 16 * kRow<T, HD> + dimension(o));
      }
    }
  }

  /** The first dimension of the o-th 16 of a warp. */
  __device__ __forceinline__ int dimension(int o) const { return (o * Team::kWarps + warp % Team::kWarps) * 16; }

  /** Writes an item's result, or what mergeItems or gatherAttention needs of it; by the warps that have dimensions of it. */
  __device__ __forceinline__ void end(const AttentionItem& item, const RowState& low, const RowState& high,
                                      const float (&out)[kOutputs][2][4]) {
    int group = a.heads / a.kvHeads;
    bool apart = Shape::kLone || item.parts > 1;
    float sumLow = quadSum(low.sum);
    float sumHigh = quadSum(high.sum);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int r = lane / 4 + half * 8;
      if (r >= group) continue;
      int head = item.kvHead * group + r;
      float sum = half == 0 ? sumLow : sumHigh;
      size_t at = (static_cast<size_t>(item.row) * a.heads + head) * a.maxParts + item.part;
      if (apart && warp % Team::kWarps == 0 && (lane & 3) == 0) {
        a.states[at] = make_float2(half == 0 ? low.max : high.max, sum);
      }
#pragma unroll
      for (int i = 0; i < 2 * kOutputs; i++) {
        int d = dimension(i / 2) + i % 2 * 8 + (lane & 3) * 2;
        float x = out[i / 2][i % 2][2 * half];
        float y = out[i / 2][i % 2][2 * half + 1];
        if (apart) {
          *reinterpret_cast<float2*>(a.sums + at * HD + d) = make_float2(x, y);
        } else {
          *reinterpret_cast<uint32_t*>(static_cast<T*>(a.attended) + activationOffset(item.row, head * HD + d, a.groups)) =
              packed<T>(ended<false>(x, 1.0f, sum), ended<false>(y, 1.0f, sum));
        }
      }
    }
  }

  /** Counts the block's items; the last item of a row and key head to be counted has all of its parts added, in order. */
  __device__ __forceinline__ void mergeItems(int count) {
    auto& shared = memory.attention;
    for (int first = 0; first < count; first += 32) {
      partSync(1, kThreads);
      if (warp == 0) {
        AttentionItem item = this->item(min(first + lane, count - 1));
        bool last = false;
        if (first + lane < count && item.parts > 1) {
          unsigned* counter = reinterpret_cast<unsigned*>(a.counters) + item.row * a.kvHeads + item.kvHead;
          last = addAcquireRelease(counter, 1) == item.parts - 1;
          if (last) *counter = 0;  // for the next layer
        }
        unsigned lasts = __ballot_sync(0xffffffffu, last);
        if (lane == 0) shared.lasts = lasts;
      }
      partSync(1, kThreads);
      int group = a.heads / a.kvHeads;
      int before = 0;  // heads of the items before
      for (unsigned lasts = shared.lasts; lasts != 0; lasts &= lasts - 1, before += group) {
        AttentionItem item = this->item(first + __ffs(lasts) - 1);
        for (int r = (warp - before) & (kWorkers - 1); r < group; r += kWorkers) merge(item, item.kvHead * group + r);
      }
    }
  }

  /** Adds up what a lone row's units read of attention. */
  __device__ __forceinline__ void gatherAttention(const Product& p, int phase) {
    awaitPhases(phase);
    int rowGroups = p.n / kUnitRows;
    int from = p.begin / rowGroups * p.kTiles / p.splits * Weights::kColumns / HD;
    int to = ((p.end - 1) / rowGroups + 1) * p.kTiles / p.splits * Weights::kColumns;
    AttentionItem item{};
    item.parts = memory.rows.parts;
    for (int head = from + warp; p.begin < p.end && head * HD < to; head += kWorkers) merge(item, head);
    partSync(1, kThreads);
  }

  /** Adds all parts of a row and head; by a warp. */
  __device__ __forceinline__ void merge(const AttentionItem& item, int head) {
    size_t at = (static_cast<size_t>(item.row) * a.heads + head) * a.maxParts;
    const float2* states = a.states + at;
    const float* sums = a.sums + at * HD + lane * 2;
    float max = -INFINITY, sum = 0;
    float2 out[HD / 64] = {};
#pragma unroll 4  // loads of four parts travel together
    for (int part = 0; part < item.parts; part++) {
      float2 state = __ldcg(states + part);
      Merge merge(max, state.x);
      bool all = Shape::kLone && item.parts == 1;  // a zero keeps its sign
      max = merge.max;
      sum = all ? state.y : merge(sum, state.y);
#pragma unroll
      for (int i = 0; i < HD / 64; i++) {
        float2 v = __ldcg(reinterpret_cast<const float2*>(sums + part * HD + i * 64));
        out[i].x = all ? v.x : merge(out[i].x, v.x);
        out[i].y = all ? v.y : merge(out[i].y, v.y);
      }
    }
#pragma unroll
    for (int i = 0; i < HD / 64; i++) {
      int column = head * HD + i * 64 + lane * 2;
      T* to = Shape::kLone ? memory.x + column
                           : static_cast<T*>(a.attended) + activationOffset(item.row, column, a.groups);
      *reinterpret_cast<uint32_t*>(to) = packed<T>(ended<false>(out[i].x, 1.0f, sum), ended<false>(out[i].y, 1.0f, sum));
    }
  }
};

template <typename T, int HD, int N, typename Weights, bool CARDS>
__device__ __forceinline__ void decodeStep(const StepPlan& plan, int rows, const StepCards& cards) {
  using Shape = StepShape<T, HD, N>;
  extern __shared__ __align__(1024) uint8_t raw[];
  auto& memory = *reinterpret_cast<StepMemory<T, HD, N>*>(raw);
  static_assert(sizeof(memory) <= 227 * 1024, "a block has no more shared memory");
  static_assert(Shape::kStageBytes % 128 == 0, "stages and x begin at multiples of the rows that are swapped");
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
    if (CARDS) memory.meetings = loadAcquire(cards.arrivals->of[cards.rank] + kMeetings);
    memory.stopped = 0;
  }
  if (threadIdx.x < HD + 8) memory.zeros[threadIdx.x] = T{};
  __syncthreads();
  int warp = threadIdx.x >> 5;
  if (warp >= kWorkers) {
    leaveRegisters<kCopyRegisters>();
    if (warp == kWorkers) {
      Streamer<T, HD, N, Weights, CARDS> role(a, cards, memory);
      walk(a, role);
    } else if (warp == kWorkers + 1) {
      Feeder<T, HD, N, Weights, CARDS> role(a, cards, memory);
      walk(a, role);
    }
  } else {
    takeRegisters<kWorkRegisters>();
    Worker<T, HD, N, Weights, CARDS> role(a, cards, memory);
    walk(a, role);
  }
  __syncthreads();
  if (memory.stopped != 0) {  // copies may still be under way into this memory
    for (unsigned long long start = nanoseconds(); nanoseconds() - start < kLeaveNanos;) {
    }
    if (CARDS && threadIdx.x == 0) atomicCAS(cards.givenUp, 0, -1);
  }
  if (threadIdx.x == 0 && atomicAdd(&a.state->left, 1u) == gridDim.x - 1) {  // every block knows its base by now
    a.state->left = 0;
    a.state->base = loadAcquire(&a.state->arrived);
    if (CARDS) cards.arrivals->of[cards.rank][kMeetings] = memory.meetings + a.layers * gridDim.x;
  }
}

#else

template <typename T, int HD, int N, typename Weights, bool CARDS>
__device__ __forceinline__ void decodeStep(const StepPlan&, int, const StepCards&) {}  // other chips launch a kernel for each part

#endif

}  // namespace s3

#define S3_STEP(name, T, HD, N, ...)                                                                                        \
  extern "C" __global__ void __launch_bounds__(s3::StepShape<T, HD, N>::kThreads, 1) decode_step_##name##_d##HD##_n##N(     \
      const s3::StepPlan* plan, int rows) {                                                                                 \
    s3::decodeStep<T, HD, N, s3::__VA_ARGS__, false>(*plan, rows, {});                                                      \
  }                                                                                                                         \
  extern "C" __global__ void __launch_bounds__(s3::StepShape<T, HD, N>::kThreads, 1) decode_step_cards_##name##_d##HD##_n##N( \
      const s3::StepPlan* plan, int rows, const __grid_constant__ s3::PerCard<float> sums,                                  \
      const __grid_constant__ s3::PerCard<unsigned> arrivals, int* givenUp, int rank, int cards) {                          \
    s3::decodeStep<T, HD, N, s3::__VA_ARGS__, true>(*plan, rows, {&sums, &arrivals, givenUp, rank, cards});                 \
  }
#define S3_STEP_ROWS(name, T, HD, ...) \
  S3_STEP(name, T, HD, 1, __VA_ARGS__) S3_STEP(name, T, HD, 8, __VA_ARGS__) S3_STEP(name, T, HD, 16, __VA_ARGS__)
#define S3_STEP_HEADS(name, T, ...) S3_STEP_ROWS(name, T, 64, __VA_ARGS__) S3_STEP_ROWS(name, T, 128, __VA_ARGS__)
#define S3_STEPS(suffix, T)                                 \
  S3_STEP_HEADS(suffix, T, FullWeights)                     \
  S3_STEP_HEADS(suffix##_u4, T, CodedWeights<s3::kU4>)      \
  S3_STEP_HEADS(suffix##_s8, T, CodedWeights<s3::kS8>)      \
  S3_STEP_HEADS(suffix##_e4m3, T, CodedWeights<s3::kE4M3>)
#ifdef S3_STEP_LIST
S3_STEP_LIST  // some of them, for experiments
#else
S3_FOR_TYPES(S3_STEPS)
#endif

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
                                     const int* tables, void* pool, float* stream, float* secondStream, void* normed,
                                     void* attended, void* activated, float* partial, float* secondPartial, float* sums, float2* states, int* counters, int layers,
                                     int hidden, int heads, int kvHeads, int inner, int splitsOfQueryKeyValue,
                                     int splitsOfOutput, int splitsOfUp, int splitsOfDown, int rotaryDim, int interleaved,
                                     float magnitude, float epsilon, float factor, float scale, int activation, int gated,
                                     int groups, int maxParts, int scales, long long limit) {
  *plan = {table,     shares,   state,      report,
           {positions, sequences, tableStarts, tables},
           pool,      {stream, secondStream}, normed, attended, activated, {partial, secondPartial}, sums, states, counters,
           layers,    hidden,   heads,      kvHeads,     inner,
           {splitsOfQueryKeyValue, splitsOfOutput, splitsOfUp, splitsOfDown},
           rotaryDim, interleaved, magnitude, epsilon,   factor,    scale,   activation, gated, groups,     maxParts,
           scales,    0,         limit};
}
