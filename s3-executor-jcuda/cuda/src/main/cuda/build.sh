#!/bin/sh
# Builds s3kernels.fatbin, and beside it s3cards.fatbin, what several cards need besides, and s3speech.fatbin, the kernels of the
# speech model: machine code for sm_80, sm_86, sm_89 and sm_90a, and PTX for later GPUs; and for sm_90a alone s3step.fatbin, whole
# decode steps, and s3fp8.fatbin, products with both operands in 8 bits.
# Usage: build.sh [output] [architectures, such as "90a"]; needs nvcc 12.4 or later.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
output=${1:-$here/s3kernels.fatbin}
architectures=${2:-80 86 89 90a}
targets=""
for a in $architectures; do
  targets="$targets -gencode arch=compute_$a,code=sm_$a"
done
if [ "$#" -lt 2 ]; then
  targets="$targets -gencode arch=compute_80,code=compute_80"
fi
build() {
  to=$1
  from=$2
  shift 2
  nvcc -fatbin -std=c++17 -O3 --threads 0 --split-compile 0 --compress-mode=size "$@" -o "$(dirname "$output")/$to" "$here/$from"
}
# shellcheck disable=SC2086 # the targets are words
build "$(basename "$output")" s3kernels.cu $targets
# shellcheck disable=SC2086
build s3cards.fatbin cards.cu $targets
# shellcheck disable=SC2086
build s3speech.fatbin speech.cu $targets
build s3step.fatbin decode_step.cu -gencode arch=compute_90a,code=sm_90a
build s3fp8.fatbin s3fp8.cu -gencode arch=compute_90a,code=sm_90a
# What the fatbins were made of, for the test that compares the shipped ones with the sources.
if [ "$#" -lt 2 ]; then
  (cd "$here" && cat $(ls *.cu *.cuh | LC_ALL=C sort)) | sha256sum | cut -d' ' -f1 > "$output.sources"
fi
