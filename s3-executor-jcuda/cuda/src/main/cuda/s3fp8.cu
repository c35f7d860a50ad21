// The kernels of products with both operands in 8 bits, a fatbin of its own for sm_90a; build.sh makes it.
#include "gemm_fp8.cu"
#include "retile_fp8.cu"
#include "round_fp8.cu"
