// Puts the columns of activations into the order in which a weight has its columns, before their product.
//
// gather_columns_<type>: y[row][i] = x[row][order[i]], both in activation tiles. GPTQ with desc_act needs it: the columns of a
// group are not consecutive in the file, and are in the weight's tiles. Any grid and block.
// Compile: nvcc -cubin -arch=sm_90a gather.cu
#include "common.cuh"

namespace s3 {

/** One thread for eight columns of a row; columns from k to the end of their tile become zero. */
template <typename T>
__device__ void gatherColumns(const T* x, const int* order, T* y, int rows, int k, int groups) {
  int pieces = (k + kTile - 1) / kTile * 8;
  for (int p = blockIdx.x * blockDim.x + threadIdx.x; p < rows * pieces; p += gridDim.x * blockDim.x) {
    int row = p / pieces;
    int column = p % pieces * 8;
    Vector8<T> v;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      v.values[i] = column + i < k ? x[activationOffset(row, order[column + i], groups)] : fromFloat<T>(0.0f);
    }
    *reinterpret_cast<uint4*>(y + activationOffset(row, column, groups)) = v.bits;
  }
}

}  // namespace s3

#define S3_GATHER_COLUMNS(suffix, T)                                                                              \
  extern "C" __global__ void gather_columns_##suffix(const T* x, const int* order, T* y, int rows, int k, int groups) { \
    s3::gatherColumns<T>(x, order, y, rows, k, groups);                                                           \
  }
S3_FOR_TYPES(S3_GATHER_COLUMNS)
