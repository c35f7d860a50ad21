#!/bin/sh
# What needs an NVIDIA GPU, on a machine that has one.
#
#   JAVA=java CP='lib/*' s3-executor-jcuda/cuda/src/test/gpu/run.sh WHAT...
#
# CP holds the jars of s3-core (tests too), s3-model, s3-text, s3-executor-cpu, s3-executor-jcuda, its test classes,
# the command line, and the JUnit console launcher; with Maven at hand `./mvnw verify` on a machine with a GPU runs the same tests.
#
#   tests     the executor's contract, parity with the host backend, invariance, preemption, faults
#   lost      an error that breaks the GPU, in a process of its own
#   sanitize  contract and parity under compute-sanitizer (memcheck, then racecheck and initcheck)
#   parity    every model family against transformers on the same GPU (needs PyTorch, transformers)
#   speech    the speech model: contract and parity, texts of WAV files by strategy, times; from the checkout's folder, with
#             the jar of the speech example in CP
#   churn     cancels, timeouts, swaps and failing steps; memory must stay flat
#   soak      the same and worse for minutes, on the small model: bad consumers, forced overruns, faults of predictors
#   prefill   layers of llama-13b beside PyTorch's, in one graph each (needs PyTorch, and the fatbin in S3_FATBIN)
#   fp8       products with both operands in 8 bits: checks, times beside PyTorch's, steps (the same, and s3fp8.fatbin beside S3_FATBIN)
#   kv8       steps with KV in 8 bits beside 16, and the kernels alone (needs PyTorch, and the fatbin in S3_FATBIN)
#   constrained  a batch with a mask of 128,000 tokens for each sequence and step, against the same batch without
#   features  what the hidden states of a layer cost a decode step
#   stages    a step on one GPU, and with the layers on two
#   cards     two GPUs that run every layer together: the exchange alone, also under compute-sanitizer, tests, then steps on one and on two; llama-70b on two
#   cards-serve  one card, two engines and one engine on two cards at three loads; policies on the shape of 70 billion weights
#   peer      the same steps in PyTorch with a CUDA graph
#   serve     policies on a trace's lengths, on real steps
#   weights   products with weights in 4 and 8 bits: checks and times (needs PyTorch), then steps of llama-13b, and of
#             layers as a Q4_K_M file has them
#   step      ms a step and share of the roofline, for the shapes of docs/gpu-figures.md
set -eu
: "${JAVA:=java}"
: "${CP:?the class path}"

junit() {
  "$JAVA" -cp "$CP" org.junit.platform.console.ConsoleLauncher execute --details=tree --disable-banner \
    --disable-ansi-colors "$@"
}

cli() {
  "$JAVA" -cp "$CP" dev.s3llm.examples.cli.Main "$@"
}

check() {
  tool=$1
  shift
  compute-sanitizer --tool "$tool" --print-limit 5 --error-exitcode 9 \
    "$JAVA" -cp "$CP" org.junit.platform.console.ConsoleLauncher execute --details=summary --disable-banner "$@"
}

for what in "$@"; do
  echo "== $what"
  case $what in
    tests)
      junit -c dev.s3llm.jcuda.JCudaExecutorTest -c dev.s3llm.jcuda.JCudaInt8KvTest -c dev.s3llm.jcuda.CudaParityTest -c dev.s3llm.jcuda.CudaWeightsTest -c dev.s3llm.jcuda.CudaActivationsTest \
        -c dev.s3llm.jcuda.CudaInvarianceTest -c dev.s3llm.jcuda.CudaSamplingTest -c dev.s3llm.jcuda.CudaFeaturesTest -c dev.s3llm.jcuda.CudaEngineTest -c dev.s3llm.jcuda.CudaFaultsTest \
        -c dev.s3llm.jcuda.internal.kv.DeviceKvPoolTest ;;
    speech)
      junit -c dev.s3llm.jcuda.CudaSpeechTest -c dev.s3llm.jcuda.JCudaSpeechExecutorTest
      "$JAVA" -cp "$CP" dev.s3llm.jcuda.SpeechThroughput 2.7x32x20x1 21x256x158x1 50x512x300x1 \
        2.7x32x20x8 2.7x32x20x32 2.7x32x20x64 21x256x158x7
      "$JAVA" -cp "$CP" "$(dirname "$0")/SpeechTexts.java" cuda ;;
    lost) junit -c dev.s3llm.jcuda.CudaLostTest ;;
    sanitize)
      check memcheck -c dev.s3llm.jcuda.JCudaExecutorTest
      check memcheck -m 'dev.s3llm.jcuda.CudaSpeechTest#results_areBitwiseTheSameAloneAndInAnyBatch()'
      check racecheck -m 'dev.s3llm.jcuda.CudaSpeechTest#swappedSequence_goesOnWithTheSameLogits()'
      for tool in memcheck racecheck initcheck; do
        check $tool -m 'dev.s3llm.jcuda.CudaSamplingTest#fewDraws_areTheHosts()'
      done
      check racecheck -m 'dev.s3llm.jcuda.CudaParityTest#fewLogits_areNearTheHosts()'
      check initcheck -m 'dev.s3llm.jcuda.CudaParityTest#fewLogits_areNearTheHosts()' ;;
    parity)
      rm -rf /tmp/s3-parity
      python3 "$(dirname "$0")/../../../../model/src/test/reference/families.py" /tmp/s3-parity
      "$JAVA" -cp "$CP" dev.s3llm.jcuda.FamilyParity /tmp/s3-parity ;;
    weights)
      kernels="$(dirname "$0")/../../main/resources/dev/s3llm/jcuda/internal/driver/s3kernels.fatbin"
      python3 "$(dirname "$0")/../cuda/check_quant.py" "$kernels"
      python3 "$(dirname "$0")/../cuda/bench.py" "$kernels" quant
      for format in WIDE INT8 FP8 INT4; do
        cli bench step --model llama-13b --weights $format --points 1x512,16x512,64x512,128x512
      done
      "$JAVA" -Xmx12g -cp "$CP" dev.s3llm.jcuda.BlockSteps 8 1x512,16x512,64x512,128x512 ;;
    churn) "$JAVA" -Xmx1g -cp "$CP" dev.s3llm.jcuda.GpuChurn "${S3_CHURN_SECONDS:-120}" ;;
    soak) cli bench soak --device cuda --minutes "${S3_SOAK_MINUTES:-8}" ;;
    prefill) python3 "$(dirname "$0")/../cuda/prefill.py" "${S3_FATBIN:?the fatbin}" 2048 512 256 ;;
    fp8)
      both="$(dirname "${S3_FATBIN:?the fatbin}")/s3fp8.fatbin,$S3_FATBIN"
      for part in check bench; do python3 "$(dirname "$0")/../cuda/fp8.py" "$both" $part; done
      for activations in wide fp8; do
        cli bench step --model llama-13b --weights fp8 --activations $activations --points 1x512,16x512,64x512,128x512,256x256
      done ;;
    kv8)
      for kv in full int8; do
        cli bench step --model llama-13b --kv $kv --points 1x2000,64x512,64x1900,128x512
      done
      python3 "$(dirname "$0")/../cuda/check.py" "${S3_FATBIN:?the fatbin}" kv8
      python3 "$(dirname "$0")/../cuda/bench.py" "$S3_FATBIN" kv8 ;;
    constrained)
      cli bench step --model llama-1b --vocabulary 128000 --constrained --points 1x512,16x512,64x512,128x512
      cli bench step --model llama-13b --vocabulary 128000 --constrained --points 64x512
      "$JAVA" -cp "$CP" dev.s3llm.jcuda.ConstrainedThroughput llama-1b 64 128000
      "$JAVA" -cp "$CP" dev.s3llm.jcuda.ConstrainedThroughput llama-13b 64 128000 ;;
    features)
      "$JAVA" -cp "$CP" dev.s3llm.jcuda.FeatureCost llama-1b 128 512
      "$JAVA" -cp "$CP" dev.s3llm.jcuda.FeatureCost llama-13b 128 512 ;;
    stages)
      cli bench step --model llama-13b --points 1x512,64x512,128x512
      cli bench step --model llama-13b --devices 0,1 --points 1x512,64x512,128x512 ;;
    cards)
      if command -v nvcc > /dev/null; then
        here=$(cd "$(dirname "$0")" && pwd)
        nvcc -O3 -std=c++17 -arch=native -I "$here/../../main/cuda" -o /tmp/s3-exchange "$here/../cuda/exchange.cu" -ldl
        /tmp/s3-exchange
        for tool in memcheck racecheck initcheck; do
          compute-sanitizer --tool $tool --print-limit 5 --error-exitcode 9 /tmp/s3-exchange alone
        done
      fi
      junit -c dev.s3llm.jcuda.CudaCardsTest
      junit -c dev.s3llm.jcuda.CudaCardLostTest
      MALLOC_ARENA_MAX=2 "$JAVA" -Xmx1g -cp "$CP" dev.s3llm.jcuda.GpuChurn "${S3_CHURN_SECONDS:-40}" 2
      for cards in 0 0,1; do
        cli bench step --model llama-33b --cards $cards --points 1x512,16x512,64x512,128x256
      done
      cli bench step --model llama-70b --cards 0,1 --points 1x512,16x512,64x512,128x512 ;;
    cards-serve)
      : "${S3_TRACE:?the trace alpaca-vicuna.csv}"
      serve="bench serve --trace $S3_TRACE --order srpt --seconds ${S3_SERVE_SECONDS:-40}"
      rates=${S3_RATES:-10,20,30}
      half=$(echo "$rates" | awk -F, '{ for (i = 1; i <= NF; i++) printf "%s%g", (i > 1 ? "," : ""), $i / 2 }')
      echo "one card"
      cli $serve --model llama-33b --policy forecast --rate "$rates" --cards 0 --kv-gb 60
      echo "two engines, a card and half of the requests each"
      for card in 0 1; do
        cli $serve --model llama-33b --policy forecast --rate "$half" --seed "$card" --cards $card --kv-gb 60 &
      done
      wait
      echo "one engine on two cards"
      cli $serve --model llama-33b --policy forecast --rate "$rates" --cards 0,1 --kv-gb 120
      cli $serve --model llama-70b --policy worst-case,s3,on-demand,forecast --cards 0,1 --kv-gb 100 ;;
    step)
      cli bench step --model llama-1b --points 1x512,128x512,512x256
      cli bench step --model llama-13b --points 1x512,16x512,64x512,128x512,256x256
      cli bench step --model llama-33b --points 1x512,16x512,48x512,128x256 ;;
    peer)
      python3 "$(dirname "$0")/peer.py" llama-1b:1x512,128x512,512x256 \
        llama-13b:1x512,16x512,64x512,128x512,256x256 llama-33b:1x512,16x512,48x512,128x256 ;;
    serve)
      : "${S3_TRACE:?the trace alpaca-vicuna.csv}"
      policies=worst-case,s3,oracle,on-demand,forecast
      cli bench serve --model llama-33b --trace "$S3_TRACE" --kv-gb 12 --policy $policies \
        --seconds "${S3_SERVE_SECONDS:-40}"
      cli bench serve --model gpt-j-6b --trace "$S3_TRACE" --kv-gb 66 --policy $policies --max-running 1024 \
        --seconds "${S3_SERVE_SECONDS:-40}"
      cli bench serve --model llama-13b --trace "$S3_TRACE" --kv-gb 60 --policy on-demand --max-running 128 \
        --seconds 16 ;;
    *) echo "unknown: $what" >&2; exit 2 ;;
  esac
done
