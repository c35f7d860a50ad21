// Ampere's asynchronous copies and warp matrix products in PTX (sm_80 and later).
#pragma once

#include "common.cuh"

namespace s3 {

/** Copies 16 bytes from global to shared memory, or writes zeros when there is nothing to read. */
__device__ __forceinline__ void copyAsync(uint32_t to, const void* from, bool present) {
  int bytes = present ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes)
               : "memory");
}
__device__ __forceinline__ void copyAsync(void* to, const void* from, bool present) {
  copyAsync(static_cast<uint32_t>(__cvta_generic_to_shared(to)), from, present);
}
/** The same for 4 bytes. */
__device__ __forceinline__ void copyAsync4(void* to, const void* from, bool present) {
  uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(to));
  int bytes = present ? 4 : 0;
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address), "l"(from), "r"(bytes)
               : "memory");
}
__device__ __forceinline__ void copyCommit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int PENDING>
__device__ __forceinline__ void copyWait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
}

/** Four 8 x 8 matrices; lanes 8i to 8i + 7 give the rows of matrix i. */
__device__ __forceinline__ void loadMatrix4(uint32_t (&to)[4], uint32_t row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(row)
               : "memory");
}
__device__ __forceinline__ void loadMatrix4(uint32_t (&to)[4], const void* row) {
  loadMatrix4(to, static_cast<uint32_t>(__cvta_generic_to_shared(row)));
}
__device__ __forceinline__ void loadMatrix2(uint32_t (&to)[2], const void* row) {
  uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(to[0]), "=r"(to[1])
               : "r"(address)
               : "memory");
}
/** The same as loadMatrix4, each matrix transposed. */
__device__ __forceinline__ void loadMatrix4Transposed(uint32_t (&to)[4], const void* row) {
  uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
}
/** The same as loadMatrix2, each matrix transposed. */
__device__ __forceinline__ void loadMatrix2Transposed(uint32_t (&to)[2], const void* row) {
  uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(to[0]), "=r"(to[1])
               : "r"(address)
               : "memory");
}

/** d[16 x 8] += a[16 x 16] * b[16 x 8]. */
template <typename T>
__device__ __forceinline__ void multiplyAdd(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);
template <>
__device__ __forceinline__ void multiplyAdd<__half>(float (&d)[4], const uint32_t (&a)[4], uint32_t b0,
                                                    uint32_t b1) {
  asm(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <>
__device__ __forceinline__ void multiplyAdd<__nv_bfloat16>(float (&d)[4], const uint32_t (&a)[4],
                                                           uint32_t b0, uint32_t b1) {
  asm(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/** Two values rounded to T in one register, the first one low. */
template <typename T>
__device__ __forceinline__ uint32_t packed(float low, float high) {
  union {
    T values[2];
    uint32_t bits;
  } both;
  both.values[0] = fromFloat<T>(low);
  both.values[1] = fromFloat<T>(high);
  return both.bits;
}

template <typename T>
__device__ __forceinline__ float2 unpacked(uint32_t bits) {
  union {
    uint32_t bits;
    T values[2];
  } both;
  both.bits = bits;
  return make_float2(toFloat(both.values[0]), toFloat(both.values[1]));
}

/** The bytes 0 and 2, and 1 and 3, of four int8 codes as pairs of T; exact. */
template <typename T>
__device__ __forceinline__ void widen(uint32_t codes, uint32_t& even, uint32_t& odd);
template <>
__device__ __forceinline__ void widen<__half>(uint32_t codes, uint32_t& even, uint32_t& odd) {
  // 0x6400 | u is 1024 + u, and u = code + 128 is the code with its sign bit turned.
  auto numbers = [](uint32_t bytes) {
    uint32_t raised = flipBits(bytes, 0x00FF00FFu, 0x64806480u);
    __half2 v = __hsub2(reinterpret_cast<__half2&>(raised), __half2half2(__ushort_as_half(0x6480)));
    return reinterpret_cast<uint32_t&>(v);
  };
  even = numbers(codes);
  odd = numbers(codes >> 8);
}
template <>
__device__ __forceinline__ void widen<__nv_bfloat16>(uint32_t codes, uint32_t& even, uint32_t& odd) {
  // 0x4300 | u is 128 + u for u up to 127, and 0x4380 is 256: the low seven bits, less 128 where the sign bit is set.
  auto numbers = [](uint32_t bytes) {
    uint32_t raised = pickBits(bytes, 0x007F007Fu, 0x43004300u);
    uint32_t base = pickBits(bytes, 0x00800080u, 0x43004300u);
    __nv_bfloat162 v = __hsub2(reinterpret_cast<__nv_bfloat162&>(raised), reinterpret_cast<__nv_bfloat162&>(base));
    return reinterpret_cast<uint32_t&>(v);
  };
  even = numbers(codes);
  odd = numbers(codes >> 8);
}

}  // namespace s3
