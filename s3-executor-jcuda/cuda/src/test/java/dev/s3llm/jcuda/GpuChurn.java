package dev.s3llm.jcuda;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.observe.EngineSnapshot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;

/**
 * Churn on a GPU, or on several cards, for some seconds: requests that come, are cancelled, time
 * out, are swapped, and steps that fail. Prints memory on the way; exits 1 if the pools are not
 * whole at the end or memory grew.
 */
final class GpuChurn {
  private static final int LIVE = 200;
  private static final int ENGINE_LIVES = 4;
  private static final long GROWTH_BYTES = 64L << 20;

  private GpuChurn() {}

  public static void main(String[] args) throws Exception {
    int seconds = args.length > 0 ? Integer.parseInt(args[0]) : 60;
    int[] cards = IntStream.range(0, args.length > 1 ? Integer.parseInt(args[1]) : 1).toArray();
    boolean whole = true;
    boolean flat = true;
    long[] first = null;
    System.out.println(
        "life  requests     steps  preempted  swapped  failed  cancelled  timed out  GPU free MiB  RSS MiB");
    for (int life = 0; life < ENGINE_LIVES; life++) {
      whole &= live(life, seconds / ENGINE_LIVES, cards);
      System.gc(); // frees the buffers of random weights
      long[] memory = {freeBytes(cards), residentBytes()};
      System.out.printf(
          "      after close: GPU free %d MiB, RSS %d MiB%n", memory[0] >> 20, memory[1] >> 20);
      if (first == null) {
        first = memory;
      } else {
        flat &= memory[0] >= first[0] - GROWTH_BYTES && memory[1] <= first[1] + 4 * GROWTH_BYTES;
      }
    }
    System.out.println((flat ? "flat" : "GREW") + (whole ? ", pools whole" : ", POOLS NOT WHOLE"));
    System.exit(flat && whole ? 0 : 1);
  }

  private static boolean live(int life, int seconds, int... cards) throws Exception {
    Random random = new Random(life);
    JCudaExecutor gpu =
        RandomModels.gpu(RandomModels.llama(2), 8L << 20, 32L << 20).cards(cards).build();
    try (S3Engine engine =
        S3Engine.builder(new Failing(gpu, life)).planner(new OnDemandPlanner()).build()) {
      Deque<Generation> open = new ArrayDeque<>();
      long end = System.nanoTime() + seconds * 1_000_000_000L;
      while (System.nanoTime() < end) {
        while (open.size() < LIVE) {
          open.add(engine.submit(request(random)));
        }
        Generation oldest = open.pop();
        if (random.nextInt(5) == 0) {
          oldest.cancel();
        }
        oldest.result().join();
      }
      open.forEach(Generation::cancel);
      open.forEach(generation -> generation.result().join());
      while (engine.snapshot().memory().reservedBlocks() > 0) {
        Thread.sleep(1); // the last step is still in flight
      }
      EngineSnapshot now = engine.snapshot();
      System.out.printf(
          "%4d %9d %9d %10d %8d %7d %10d %10d %13d %8d%n",
          life,
          now.requests().submitted(),
          gpu.times().steps(),
          now.work().preemptions(),
          now.work().swappedTokens(),
          now.requests().ended().failed(),
          now.requests().ended().cancelled(),
          now.requests().ended().timedOut(),
          freeBytes(cards) >> 20,
          residentBytes() >> 20);
      return now.healthy()
          && now.memory().allocatedBlocks() == 0
          && now.memory().hostAllocatedBlocks() == 0;
    }
  }

  private static GenerationRequest request(Random random) {
    GenerationRequest.Builder builder =
        GenerationRequest.builder(random.ints(1 + random.nextInt(200), 0, 1000).toArray())
            .maxNewTokens(1 + random.nextInt(150))
            .sampling(new SamplingParameters(0.8, 40, 0.9, 1.1, random.nextLong()));
    return (random.nextInt(10) == 0
            ? builder.deadline(Duration.ofMillis(1 + random.nextInt(200)))
            : builder)
        .build();
  }

  private static long freeBytes(int... cards) {
    long bytes = 0;
    for (int card : cards) {
      try (Device device = Device.open(card)) {
        bytes += device.freeBytes();
      }
    }
    return bytes;
  }

  private static long residentBytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
      }
    }
    return 0;
  }

  /** Fails one step in a thousand, before or after the GPU ran it. */
  private static final class Failing extends ForwardingExecutor {
    private final Random random;

    Failing(Executor executor, long seed) {
      super(executor);
      this.random = new Random(seed);
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      int draw = random.nextInt(2000);
      if (draw == 0) {
        return CompletableFuture.failedFuture(new IllegalStateException("injected before"));
      }
      CompletionStage<StepResult> step = super.execute(batch);
      return draw > 1
          ? step
          : step.thenApply(
              result -> {
                throw new IllegalStateException("injected after");
              });
    }
  }
}
