// Hopper's asynchronous machinery in PTX: mbarriers, bulk copies, clusters and warpgroup matrix products (sm_90a).
//
// References: PTX ISA 9.0, sections "mbarrier", "cp.async.bulk", "Asynchronous warpgroup level matrix instructions".
#pragma once

#include "common.cuh"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define S3_HOPPER 1
#endif

namespace s3 {

__device__ __forceinline__ uint32_t sharedAddress(const void* p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

#ifdef S3_HOPPER

// ---- mbarriers

__device__ __forceinline__ void barrierInit(uint32_t barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals));
}

/** Makes initialised barriers visible to the copy engine. */
__device__ __forceinline__ void barrierInitFence() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

__device__ __forceinline__ void barrierExpect(uint32_t barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
}

__device__ __forceinline__ void barrierArrive(uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

/** The same at a barrier of another block of the cluster, whose address peerAddress gives; orders no memory accesses. */
__device__ __forceinline__ void barrierArrivePeer(uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cluster.b64 _, [%0];" ::"r"(barrier) : "memory");
}

__device__ __forceinline__ void barrierWait(uint32_t barrier, int parity) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra finished;\n"
      "bra again;\n"
      "finished:\n"
      "}\n" ::"r"(barrier),
      "r"(parity)
      : "memory");
}

// ---- bulk copies

/** Copies bytes (a multiple of 16) from global to shared memory; the barrier counts them when they have landed. */
__device__ __forceinline__ void bulkCopy(uint32_t to, const void* from, int bytes, uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to),
      "l"(from), "r"(bytes), "r"(barrier)
      : "memory");
}

/** The same, for data that will not be read again: it is the first to leave the second-level cache. */
__device__ __forceinline__ void bulkCopyOnce(uint32_t to, const void* from, int bytes,
                                             uint32_t barrier, uint64_t policy) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], "
      "%2, [%3], %4;" ::"r"(to),
      "l"(from), "r"(bytes), "r"(barrier), "l"(policy)
      : "memory");
}

/** The same into the same place of every block of the cluster that mask has a bit for, counted by the barrier of each. */
__device__ __forceinline__ void bulkCopyAll(uint32_t to, const void* from, int bytes, uint32_t barrier, int mask) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], %2, [%3], %4;" ::"r"(to),
      "l"(from), "r"(bytes), "r"(barrier), "h"(static_cast<uint16_t>(mask))
      : "memory");
}

/**
 * Copies for a warp that goes through the same code together, with the same values in all lanes: one lane asks for them. Where a
 * branch has parted the lanes, a copy is a loop over them, and takes tens of instructions.
 */
struct WarpCopies {
  uint32_t chosen;

  __device__ __forceinline__ WarpCopies() {
    asm volatile("{\n.reg .pred p;\nelect.sync _|p, 0xffffffff;\nselp.u32 %0, 1, 0, p;\n}\n" : "=r"(chosen));
  }

  __device__ __forceinline__ void expect(uint32_t barrier, int bytes) const {
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.u32 p, %2, 0;\n"
        "@p mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;\n}\n" ::"r"(barrier),
        "r"(bytes), "r"(chosen)
        : "memory");
  }

  __device__ __forceinline__ void copy(uint32_t to, const void* from, int bytes, uint32_t barrier) const {
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.u32 p, %4, 0;\n"
        "@p cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];\n}\n" ::"r"(to),
        "l"(from), "r"(bytes), "r"(barrier), "r"(chosen)
        : "memory");
  }

  /** The same with a policy of the second-level cache. */
  __device__ __forceinline__ void copy(uint32_t to, const void* from, int bytes, uint32_t barrier, uint64_t policy) const {
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.u32 p, %5, 0;\n"
        "@p cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], "
        "%4;\n}\n" ::"r"(to),
        "l"(from), "r"(bytes), "r"(barrier), "l"(policy), "r"(chosen)
        : "memory");
  }
};

__device__ __forceinline__ uint64_t evictFirstPolicy() {
  uint64_t policy;
  asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
  return policy;
}

__device__ __forceinline__ uint64_t evictNormalPolicy() {
  uint64_t policy;
  asm volatile("createpolicy.fractional.L2::evict_normal.b64 %0, 1.0;" : "=l"(policy));
  return policy;
}

// ---- clusters

__device__ __forceinline__ void clusterSync() {
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::
                   : "memory");
}

/** The same without an order of memory accesses, which takes a microsecond: for what barriers and registers order already. */
__device__ __forceinline__ void clusterMeet() {
  asm volatile("barrier.cluster.arrive.relaxed.aligned;\nbarrier.cluster.wait.aligned;" ::: "memory");
}

/** The two halves of clusterSync. */
__device__ __forceinline__ void clusterArrive() {
  asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
}
__device__ __forceinline__ void clusterWait() { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }

/** The address of the same shared variable in another block of the cluster. */
__device__ __forceinline__ uint32_t peerAddress(uint32_t address, int rank) {
  uint32_t peer;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(peer) : "r"(address), "r"(rank));
  return peer;
}

__device__ __forceinline__ float4 loadPeer(uint32_t address) {
  float4 v;
  asm volatile("ld.shared::cluster.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
               : "r"(address)
               : "memory");
  return v;
}

__device__ __forceinline__ void storePeer(uint32_t address, float x, float y, float z, float w) {
  asm volatile("st.shared::cluster.v4.f32 [%0], {%1, %2, %3, %4};" ::"r"(address), "f"(x), "f"(y), "f"(z), "f"(w)
               : "memory");
}
__device__ __forceinline__ void storePeer(uint32_t address, float v) {
  asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(address), "f"(v) : "memory");
}

/** Arrives at a barrier of another block; what this warp stored there before is visible to who waits with barrierWaitCluster. */
__device__ __forceinline__ void barrierReleasePeer(uint32_t barrier) {
  asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(barrier) : "memory");
}
__device__ __forceinline__ void barrierWaitCluster(uint32_t barrier, int parity) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 done, [%0], %1;\n"
      "@done bra finished;\n"
      "bra again;\n"
      "finished:\n"
      "}\n" ::"r"(barrier),
      "r"(parity)
      : "memory");
}

// ---- warpgroups

/** Hands a warpgroup's registers over: the copying one needs few, the multiplying ones many. */
template <int REGISTERS>
__device__ __forceinline__ void takeRegisters() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}
template <int REGISTERS>
__device__ __forceinline__ void leaveRegisters() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}

// ---- warpgroup matrix products

/** Describes a tile of 128-byte rows in the 128-byte swizzle: groups of 8 rows lie 1024 bytes apart. */
__device__ __forceinline__ uint64_t matrixDescriptor(uint32_t address) {
  return static_cast<uint64_t>((address & 0x3FFFF) >> 4) | (1ull << 16) | (64ull << 32) | (1ull << 62);
}

/**
 * Describes a right operand whose rows are the 16 steps of the sum: pieces of 64 columns in the 128-byte swizzle, each a tile
 * of 128-byte rows, pieceBytes apart.
 */
__device__ __forceinline__ uint64_t transposedDescriptor(uint32_t address, int pieceBytes) {
  return static_cast<uint64_t>((address & 0x3FFFF) >> 4) | (static_cast<uint64_t>(pieceBytes >> 4) << 16) | (64ull << 32) |
         (1ull << 62);
}

__device__ __forceinline__ void wgmmaFence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void wgmmaCommit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int PENDING>
__device__ __forceinline__ void wgmmaWait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

// Operand lists, eight accumulators at a time.
#define S3_O8(i)                                                                            \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), \
      "+f"(d[i + 6]), "+f"(d[i + 7])
#define S3_O16(i) S3_O8(i), S3_O8(i + 8)
#define S3_O32(i) S3_O16(i), S3_O16(i + 16)
#define S3_O64(i) S3_O32(i), S3_O32(i + 32)
#define S3_N0 "%0,%1,%2,%3,%4,%5,%6,%7"
#define S3_N1 S3_N0 ",%8,%9,%10,%11,%12,%13,%14,%15"
#define S3_N3 S3_N1 ",%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
#define S3_N5 S3_N3 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47"
#define S3_N7                                                                                     \
  S3_N3 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,"   \
        "%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define S3_N11                                                                                    \
  S3_N7 ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,"   \
        "%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95"
#define S3_N9                                                                                      \
  S3_N7 ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79"
#define S3_N10                                                                                     \
  S3_N9 ",%80,%81,%82,%83,%84,%85,%86,%87"
#define S3_N4 S3_N3 ",%32,%33,%34,%35,%36,%37,%38,%39"
#define S3_N6 S3_N5 ",%48,%49,%50,%51,%52,%53,%54,%55"
#define S3_N8 S3_N7 ",%64,%65,%66,%67,%68,%69,%70,%71"
#define S3_N13                                                                                     \
  S3_N11 ",%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111"
#define S3_N14 S3_N13 ",%112,%113,%114,%115,%116,%117,%118,%119"
#define S3_N15                                                                                    \
  S3_N11 ",%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111,%112,"     \
         "%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"

/** d[64 rows x N columns] = weights * activations, added to d if keep. */
template <typename T, int N>
struct Wgmma;

// a, b and p are the numbers of the operands that follow the accumulators.
#define S3_WGMMA(T, type, N, numbers, a, b, p, ...)                                               \
  template <>                                                                                     \
  struct Wgmma<T, N> {                                                                            \
    static __device__ __forceinline__ void multiply(float (&d)[N / 2], uint64_t weights,          \
                                                    uint64_t activations, int keep) {             \
      asm volatile(                                                                               \
          "{\n.reg .pred keep;\nsetp.ne.b32 keep, %" p ", 0;\n"                                   \
          "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." type "." type " {" numbers "}, %" a    \
          ", %" b ", keep, 1, 1, 0, 0;\n}\n"                                                      \
          : __VA_ARGS__                                                                           \
          : "l"(weights), "l"(activations), "r"(keep));                                           \
    }                                                                                             \
  };
#define S3_WGMMAS(T, type)                                                       \
  S3_WGMMA(T, type, 16, S3_N0, "8", "9", "10", S3_O8(0))                         \
  S3_WGMMA(T, type, 32, S3_N1, "16", "17", "18", S3_O16(0))                      \
  S3_WGMMA(T, type, 64, S3_N3, "32", "33", "34", S3_O32(0))                      \
  S3_WGMMA(T, type, 80, S3_N4, "40", "41", "42", S3_O32(0), S3_O8(32))           \
  S3_WGMMA(T, type, 96, S3_N5, "48", "49", "50", S3_O32(0), S3_O16(32))          \
  S3_WGMMA(T, type, 112, S3_N6, "56", "57", "58", S3_O32(0), S3_O16(32), S3_O8(48))       \
  S3_WGMMA(T, type, 128, S3_N7, "64", "65", "66", S3_O64(0))                     \
  S3_WGMMA(T, type, 144, S3_N8, "72", "73", "74", S3_O64(0), S3_O8(64))          \
  S3_WGMMA(T, type, 160, S3_N9, "80", "81", "82", S3_O64(0), S3_O16(64))         \
  S3_WGMMA(T, type, 192, S3_N11, "96", "97", "98", S3_O64(0), S3_O32(64))        \
  S3_WGMMA(T, type, 224, S3_N13, "112", "113", "114", S3_O64(0), S3_O32(64), S3_O16(96))  \
  S3_WGMMA(T, type, 240, S3_N14, "120", "121", "122", S3_O64(0), S3_O32(64), S3_O16(96), S3_O8(112)) \
  S3_WGMMA(T, type, 256, S3_N15, "128", "129", "130", S3_O64(0), S3_O64(64))
S3_WGMMAS(__half, "f16")
S3_WGMMAS(__nv_bfloat16, "bf16")

/** The same with weights from registers, which must not change until the product is done. */
template <typename T, int N>
struct WgmmaRegisters;

/** The same with a right operand that transposedDescriptor describes. */
template <typename T, int N>
struct WgmmaTransposed;

// a to e are the numbers of the operands that follow the accumulators: four registers, then b and p as above.
#define S3_WGMMA_REGISTERS(T, type, N, numbers, a, b, c, d4, e, p, ...)                             \
  S3_WGMMA_FROM_REGISTERS(WgmmaRegisters, "0", T, type, N, numbers, a, b, c, d4, e, p, __VA_ARGS__)
#define S3_WGMMA_TRANSPOSED(T, type, N, numbers, a, b, c, d4, e, p, ...)                            \
  S3_WGMMA_FROM_REGISTERS(WgmmaTransposed, "1", T, type, N, numbers, a, b, c, d4, e, p, __VA_ARGS__)
#define S3_WGMMA_FROM_REGISTERS(NAME, transposed, T, type, N, numbers, a, b, c, d4, e, p, ...)      \
  template <>                                                                                     \
  struct NAME<T, N> {                                                                   \
    static __device__ __forceinline__ void multiply(float (&d)[N / 2], const uint32_t* w,           \
                                                    uint64_t activations, int keep) {             \
      asm volatile(                                                                               \
          "{\n.reg .pred keep;\nsetp.ne.b32 keep, %" p ", 0;\n"                                   \
          "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." type "." type " {" numbers "}, {%" a    \
          ", %" b ", %" c ", %" d4 "}, %" e ", keep, 1, 1, " transposed ";\n}\n"                   \
          : __VA_ARGS__                                                                           \
          : "r"(w[0]), "r"(w[1]), "r"(w[2]), "r"(w[3]), "l"(activations), "r"(keep));              \
    }                                                                                             \
  };
#define S3_WGMMAS_REGISTERS(T, type)                                                                     \
  S3_WGMMA_TRANSPOSED(T, type, 64, S3_N3, "32", "33", "34", "35", "36", "37", S3_O32(0))                 \
  S3_WGMMA_TRANSPOSED(T, type, 128, S3_N7, "64", "65", "66", "67", "68", "69", S3_O64(0))                \
  S3_WGMMA_REGISTERS(T, type, 64, S3_N3, "32", "33", "34", "35", "36", "37", S3_O32(0))                  \
  S3_WGMMA_REGISTERS(T, type, 96, S3_N5, "48", "49", "50", "51", "52", "53", S3_O32(0), S3_O16(32))      \
  S3_WGMMA_REGISTERS(T, type, 128, S3_N7, "64", "65", "66", "67", "68", "69", S3_O64(0))                 \
  S3_WGMMA_REGISTERS(T, type, 176, S3_N10, "88", "89", "90", "91", "92", "93", S3_O64(0), S3_O16(64), S3_O8(80)) \
  S3_WGMMA_REGISTERS(T, type, 256, S3_N15, "128", "129", "130", "131", "132", "133", S3_O64(0), S3_O64(64))
S3_WGMMAS_REGISTERS(__half, "f16")
S3_WGMMAS_REGISTERS(__nv_bfloat16, "bf16")

/** Starts the product of 64 columns whose weights are in registers. */
template <typename T, int N>
__device__ __forceinline__ void multiplyHalf(float (&sum)[N / 2], const uint32_t (&weights)[16], uint32_t activations,
                                             bool keep) {
  uint64_t rows = matrixDescriptor(activations);
  wgmmaFence();
#pragma unroll
  for (int step = 0; step < 4; step++) {
    WgmmaRegisters<T, N>::multiply(sum, weights + 4 * step, rows + 2 * step, keep || step > 0);
  }
  wgmmaCommit();
}

#endif  // S3_HOPPER

}  // namespace s3
