// What the warps of decode_step.cu share: the tables of a model, the walk through the phases of a step, the division of a
// phase among blocks, and waits that end.
#pragma once

#include <utility>

#include "attention.cuh"
#include "cards.cuh"
#include "gemm_output.cuh"
#include "hopper.cuh"
#include "quant_few.cuh"
#include "rotary.cuh"

namespace s3 {

/** A layer's addresses; [layer] in device memory. Biases of T or null, norms' scales and frequencies of float. */
struct StepLayer {
  const void* weights[4];  // tiles, in the order of StepProduct
  const void* biases[4];
  const float* attentionNorm;
  const float* feedForwardNorm;
  const float* frequencies;
};

/** The products of a layer. */
enum StepProduct { kQueryKeyValue = 0, kOutput = 1, kUp = 2, kDown = 3 };

/** What blocks tell each other; zero before the first launch, and again after a launch that failed. */
struct StepState {
  unsigned arrived;  // blocks at the ends of phases, over all launches
  unsigned base;     // arrived, when a launch begins
  unsigned left;     // blocks that have ended
  unsigned failed;   // 0, or 1 + (phase << 16 | awaited << 12 | block) of a wait that took too long; awaited: 0, or 1 + another card
};

/** What launches of a model on a device have in common, in device memory. */
struct StepPlan {
  const StepLayer* table;
  const int* shares;  // [layer][product][gridDim.x + 1]: where the units of a block begin
  StepState* state;
  unsigned* report;  // in the host's memory: gets `failed` of a launch that fails
  Batch batch;
  void* pool;
  float* stream[2];   // [row][hidden]; the second is for a lone row between its norms, see Worker::normRow
  void* normed;    // activation tiles
  void* attended;
  void* activated;
  float* partial[2];  // sums of segments: [segment][N rows][n]; the second of products that are added to the stream
  float* sums;     // partial results of attention, see attention_decode.cu
  float2* states;
  int* counters;
  int layers, hidden, heads, kvHeads, inner;
  int splits[4];   // segments of the sum over k of each product
  int rotaryDim, interleaved;
  float magnitude, epsilon, factor, scale;  // factor of what is added to the stream, scale of scores
  int activation, gated, groups, maxParts;
  int scales;       // of weights in 4 and 8 bits, as in Scales
  int rows;         // of a launch; set by it
  long long limit;  // nanoseconds that a launch may wait
};

/**
 * Where the cards of a model put what they add up, for a kernel of one of them. A card's sums are those of the output, then of down,
 * [card][N rows][hidden] each; the second begin where the first would end with the most rows. Its arrivals are [2][card] counters of
 * blocks, over all launches, that have put their sums of the output and of down, at kMeetings what all of them were when a launch began,
 * and from kWritten on the segments written of each 16 columns. All zero at first. givenUp: CardState::givenUp of cards.cu, gets -1 from a launch that fails, so that no later kernel
 * of the step waits.
 */
struct StepCards {
  const PerCard<float>* sums;
  const PerCard<unsigned>* arrivals;
  int* givenUp;
  int rank, count;
};

/** Rows that a kernel has room for, at most. */
constexpr int kMostRows = 16;

/** Where a card's arrivals before a launch stand in its counters, and where the segments that its blocks have written begin. */
constexpr int kMeetings = 2 * kMostCards;
constexpr int kWritten = kMeetings + 16;

static_assert(sizeof(StepLayer) == 88 && sizeof(StepPlan) == 248 && sizeof(StepState) == 16, "StepKernels has the same");

// ---- phases

/** Phases of a layer: 2 * product is what stands before it (a norm, attention, or an activation), + 1 the product. */
constexpr int kPhases = 8;

constexpr int kWorkers = 8;      // warps that multiply, a unit of 16 rows each; more would leave them too few registers
constexpr int kUnitRows = 16;
constexpr int kPieceBytes = kUnitRows * 128;  // a unit's part of a tile
constexpr int kStagePieces = 16; // of a stage at most
constexpr int kDepth = 3;        // column tiles of a stage at most

/** Weights of 16 bits, in tiles of 64 x 64. */
struct FullWeights {
  static constexpr bool kCoded = false;
  static constexpr int kEach = 1;         // units of a worker at once, at most
  static constexpr int kColumns = kTile;  // of a tile
  static constexpr int kSomeSplits = 4;   // segments of a sum, where they are not 1, 2 or 8
};

/** Weights in 4 and 8 bits, in tiles of 128 x 128; all of a model have the same codes and scales. */
template <Code CODE>
struct CodedWeights {
  static constexpr bool kCoded = true;
  /** With 4 bits two sums, since widening takes the time, and one's steps wait for each other. */
  static constexpr int kEach = bitsOf(CODE) == 4 ? 2 : 1;
  static constexpr Code kCode = CODE;
  static constexpr int kColumns = kQuantTile;
  static constexpr int kSomeSplits = 5;
  static constexpr int kTileUnits = kQuantTile / kUnitRows;
  static constexpr int kUnitBytes = codeBytes(CODE) / kTileUnits;  // a unit's codes of a tile
};

/** One product as its block sees it. */
struct Product {
  const uint8_t* w;
  const void* bias;
  const void* x;                       // activation tiles
  int which, n, kTiles, splits;
  int begin, end;  // the block's units, a unit being 16 rows of the weight over one segment: [segment][16 rows]

  Product() = default;
  __device__ __forceinline__ Product(const StepPlan& a, int layer, int which, int headDim, int columns) : which(which) {
    const StepLayer& own = a.table[layer];
    w = static_cast<const uint8_t*>(own.weights[which]);
    bias = own.biases[which];
    splits = a.splits[which];
    bool intoStream = which == kOutput || which == kDown;
    n = intoStream ? a.hidden : which == kUp ? (a.gated ? 2 : 1) * a.inner : (a.heads + 2 * a.kvHeads) * headDim;
    kTiles = (which == kOutput ? a.heads * headDim : which == kDown ? a.inner : a.hidden) / columns;
    x = which == kOutput ? a.attended : which == kDown ? a.activated : a.normed;
    const int* share = a.shares + (layer * 4 + which) * (gridDim.x + 1) + blockIdx.x;
    begin = share[0];
    end = share[1];
  }
};

/**
 * Goes through a block's units in groups: one or two a worker, of the same segment, which read the same columns of x. Of each
 * column tile of codes a stage has the codes of the units and the strips of the tiles that have them; x is always in one place of
 * it, where no bulk copy writes.
 */
template <typename Weights, int STAGE_BYTES, int N>
struct Groups {
  static constexpr int kCodedDepth = N == 1 ? 4 : N == 8 ? 3 : 2;  // column tiles of codes of a stage at most
  static constexpr int kCodedColumns = N * 2 * kQuantTile;         // bytes of x for one
  static constexpr int kColumnsAt = STAGE_BYTES - kCodedDepth * kCodedColumns;
  int unit, end, rowGroups, splits, kTiles;
  int segment, first, units, from, to, depth;  // of the group: its first 16 rows, and column tiles [from, to)
  int stripBytes, tileBytes;                   // with codes: scales of a tile, and what the group has of a column tile

  __device__ __forceinline__ Groups(const StepPlan& a, const Product& p)
      : unit(p.begin), end(p.end), rowGroups(p.n / kUnitRows), splits(p.splits), kTiles(p.kTiles) {
    if constexpr (Weights::kCoded) stripBytes = Scales(a.scales).bytes();
  }

  __device__ __forceinline__ bool next() {
    if (unit >= end) return false;
    segment = unit / rowGroups;
    int left = min(end, (segment + 1) * rowGroups) - unit;
    constexpr int kMost = kWorkers * Weights::kEach;
    int groups = (left + kMost - 1) / kMost;
    units = (left + groups - 1) / groups;
    first = unit - segment * rowGroups;
    from = segment * kTiles / splits;
    to = (segment + 1) * kTiles / splits;
    if constexpr (Weights::kCoded) {
      tileBytes = stripsAt() + (part(units - 1) + 1) * stripBytes;
      depth = min(kCodedDepth, kColumnsAt / tileBytes);
    } else {
      depth = min(kDepth, kStagePieces / units);
    }
    unit += units;
    return true;
  }

  /** Where the codes of a unit of the group lie in what a stage has of a column tile. */
  __device__ __forceinline__ int codesAt(int own) const { return own * Weights::kUnitBytes; }
  __device__ __forceinline__ int stripsAt() const { return codesAt(units); }
  /** The tile of rows with a unit of the group, from 0 for its first. */
  __device__ __forceinline__ int part(int own) const {
    return (first + own) / Weights::kTileUnits - first / Weights::kTileUnits;
  }
};

/** A part of 256 positions of a row and a key head. */
struct AttentionItem {
  int row, kvHead, part, parts, units, position;
};

/** The rows of a step, in shared memory. */
template <int N>
struct StepRows {
  int firstItem[N + 1];
  int positions[N];
  int tables[N];
  int parts;  // of the row that has most

  __device__ __forceinline__ void load(const StepPlan& a) {
    firstItem[0] = 0;
    parts = 1;
    for (int r = 0; r < N; r++) {
      int sequence = r < a.rows ? a.batch.sequences[r] : -1;
      positions[r] = sequence < 0 ? 0 : a.batch.positions[r];
      tables[r] = sequence < 0 ? 0 : a.batch.tableStarts[sequence];
      parts = max(parts, positions[r] / kPart + 1);
      firstItem[r + 1] = firstItem[r] + (sequence < 0 ? 0 : a.kvHeads * (positions[r] / kPart + 1));
    }
  }

  __device__ __forceinline__ int items() const { return firstItem[N]; }

  __device__ __forceinline__ AttentionItem item(int i, int kvHeads) const {
    AttentionItem item{};
    if (i >= items()) return item;
    while (i >= firstItem[item.row + 1]) item.row++;
    i -= firstItem[item.row];
    item.part = i / kvHeads;
    item.kvHead = i % kvHeads;
    item.position = positions[item.row];
    item.parts = item.position / kPart + 1;
    item.units = item.part == item.parts - 1 ? item.position % kPart / kUnit + 1 : kPart / kUnit;
    return item;
  }
};

#ifdef S3_HOPPER

// ---- waits that end

__device__ __forceinline__ unsigned long long nanoseconds() {
  unsigned long long t;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(t));
  return t;
}

__device__ __forceinline__ unsigned loadAcquire(const unsigned* p) {
  unsigned v;
  asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(v) : "l"(p) : "memory");
  return v;
}

/** Adds to a number that other blocks add to; what they wrote before is visible after, and the other way round. */
__device__ __forceinline__ unsigned addAcquireRelease(unsigned* p, unsigned value) {
  unsigned before;
  asm volatile("atom.acq_rel.gpu.global.add.u32 %0, [%1], %2;" : "=r"(before) : "l"(p), "r"(value) : "memory");
  return before;
}

__device__ __forceinline__ bool barrierTry(uint32_t barrier, int parity) {
  uint32_t done;
  asm volatile(
      "{\n.reg .pred p;\n"
      "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
      "selp.u32 %0, 1, 0, p;\n}\n"
      : "=r"(done)
      : "r"(barrier), "r"(parity)
      : "memory");
  return done != 0;
}

/**
 * Waits that end when a launch has waited too long, here or in another block. From then on nothing waits: every warp goes
 * through the rest of its walk at once, over memory that is there, and leaves.
 */
struct Watch {
  StepState* state;
  unsigned* report;
  volatile int* stopped;  // of the block
  unsigned long long deadline;
  long long early;  // nanoseconds that waits for other cards end before those for blocks, so that it is the card that is named

  /** Returns whether a wait ends before its time. awaited: 0 for blocks of this card, 1 + card for those of another. */
  __device__ __forceinline__ bool ended(int spin, int phase, int awaited = 0) const {
    if (*stopped != 0) return true;
    if ((spin & 63) != 0) return false;
    if (loadAcquire(&state->failed) != 0) {
      *stopped = 1;
    } else if (nanoseconds() > deadline - (awaited > 0 ? early : 0)) {
      unsigned failure = 1u + (static_cast<unsigned>(phase) << 16 | awaited << 12 | blockIdx.x);
      if (atomicCAS(&state->failed, 0u, failure) == 0) {
        *report = failure;
        __threadfence_system();
      }
      *stopped = 1;
    }
    return false;
  }

  /** Waits for a barrier in shared memory. */
  __device__ __forceinline__ void await(uint32_t barrier, int parity, int phase) const {
    for (int spin = 1; !barrierTry(barrier, parity); spin++) {
      if (ended(spin, phase)) return;
    }
  }

  /** Waits until so many blocks have arrived at the ends of phases; by one thread. */
  __device__ __forceinline__ void awaitBlocks(unsigned due, int phase) const {
    for (int spin = 1; static_cast<int>(loadAcquire(&state->arrived) - due) < 0; spin++) {
      if (ended(spin, phase)) return;
    }
  }

  /** Waits until so many blocks of a card have put their sums; by a thread for each card. */
  __device__ __forceinline__ void awaitCard(const unsigned* arrivals, unsigned due, int awaited, int phase) const {
    for (int spin = 1; static_cast<int>(loadAcquireSystem(arrivals) - due) < 0; spin++) {
      if (ended(spin, phase, awaited)) return;
    }
  }
};

/** The ring of stages, as one role goes through it. */
struct Ring {
  uint32_t stages, full, empty;  // in shared memory
  int count, bytes;
  int slot = 0, turn = 0;

  __device__ __forceinline__ uint32_t stage() const { return stages + slot * bytes; }
  __device__ __forceinline__ uint32_t fullBarrier() const { return full + slot * 8; }
  __device__ __forceinline__ uint32_t emptyBarrier() const { return empty + slot * 8; }
  __device__ __forceinline__ void awaitFull(const Watch& watch, int phase) const {
    watch.await(fullBarrier(), turn & 1, phase);
  }
  __device__ __forceinline__ void awaitEmpty(const Watch& watch, int phase) const {
    watch.await(emptyBarrier(), (turn & 1) ^ 1, phase);
  }
  __device__ __forceinline__ void next() {
    if (++slot == count) {
      slot = 0;
      turn++;
    }
  }
};

/**
 * A warp's product of one or more times 16 rows of a weight, tile after tile of 128 columns. What 64 columns need is read from
 * shared memory while the 64 before are multiplied; a sum's steps wait for each other, so that widening must stand between them.
 */
template <Code CODE, typename T, int ROW_TILES, Known KNOWN, int UNITS>
struct CodedTiles {
  using Own = LaneScales<CODE, T, KNOWN>;

  /** What belongs to 16 rows. */
  struct Unit {
    Own own;
    typename Own::Entries next;
    HalfCodes<CODE> low, high;
    // Places of the lane in the first tile; a tile's are so many bytes further on.
    const uint8_t* laneCodes;
    const uint8_t* laneStrip;
    const uint8_t* strip;  // of the tile whose first half has been multiplied

    __device__ __forceinline__ Unit(const Scales& scales) : own(scales) {}

    /** From the codes of the rows, the strip, and the number of the rows in the tile. */
    __device__ __forceinline__ void place(const uint8_t* codes, const uint8_t* strip, int unit) {
      laneCodes = codes + (threadIdx.x & 31) * 16;
      laneStrip = strip + own.laneBytes(unit);
    }

    __device__ __forceinline__ void widen(uint32_t (&weights)[16], const HalfCodes<CODE>& codes, int half, const Scales& scales) {
      widenHalfAt<CODE, T, KNOWN>(weights, codes, own, strip, half, scales);
    }
  };

  const Scales& scales;
  Unit units[UNITS];
  HalfRows<T, ROW_TILES> lowRows, highRows;
  uint32_t laneRows;  // the lane's place in the rows of x

  __device__ __forceinline__ CodedTiles(const Scales& scales, uint32_t laneRows)
      : CodedTiles(scales, laneRows, std::make_integer_sequence<int, UNITS>()) {}

  /** Reads what a tile's first half needs; x may lie elsewhere. */
  __device__ __forceinline__ void begin(int at, int rowsAt) {
#pragma unroll
    for (Unit& unit : units) {
      unit.low.loadAt(unit.laneCodes + at, 0);
      unit.next = unit.own.readAt(unit.laneStrip + at, 0);
    }
    lowRows.load(laneRows + rowsAt, 0);
  }

  /** @param half bytes of 64 columns of x */
  template <int SUMS>
  __device__ __forceinline__ void firstHalf(float (&sums)[UNITS][SUMS], int at, int rowsAt, int half) {
#pragma unroll
    for (Unit& unit : units) {
      unit.own.set(unit.next);
      unit.strip = unit.laneStrip + at;
      unit.high.loadAt(unit.laneCodes + at, 1);
    }
    highRows.load(laneRows + rowsAt, half);
#pragma unroll
    for (int u = 0; u < UNITS; u++) {
      uint32_t weights[16];
      units[u].widen(weights, units[u].low, 0, scales);
      lowRows.multiply(sums[u], weights);
    }
  }

  template <int SUMS>
  __device__ __forceinline__ void secondHalf(float (&sums)[UNITS][SUMS]) {
#pragma unroll
    for (int u = 0; u < UNITS; u++) {
      uint32_t weights[16];
      units[u].widen(weights, units[u].high, 1, scales);
      highRows.multiply(sums[u], weights);
    }
  }

 private:
  template <int... NUMBERS>
  __device__ __forceinline__ CodedTiles(const Scales& scales, uint32_t laneRows, std::integer_sequence<int, NUMBERS...>)
      : scales(scales), units{(static_cast<void>(NUMBERS), Unit(scales))...}, laneRows(laneRows) {}
};

/** Makes writes of this thread to shared memory visible to bulk copies that come after. */
__device__ __forceinline__ void copyFenceShared() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

/** Waits for the threads of a part of the block. */
__device__ __forceinline__ void partSync(int number, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(threads) : "memory");
}

/** Goes through the phases of a step; every role of every block does, in the same order. */
template <typename Role>
__device__ __forceinline__ void walk(const StepPlan& a, Role& role) {
  for (int layer = 0;; layer++) {
#pragma unroll 1
    for (int which = 0; which < 4; which++) {
      int phase = layer * kPhases + 2 * which;
      if (which == kOutput) {
        role.attend(layer, phase);
      } else if (which != kDown) {
        role.norm(layer, which, phase);
        if (layer == a.layers) return;
      } else if (a.splits[kUp] > 1) {
        role.activate(layer, phase);
      }
      role.multiply(layer, which, phase + 1);
    }
  }
}

#endif  // S3_HOPPER

}  // namespace s3
