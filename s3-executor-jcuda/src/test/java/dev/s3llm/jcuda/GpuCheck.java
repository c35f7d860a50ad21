package dev.s3llm.jcuda;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.S3Engine;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.jcuda.model.LlamaWeights;
import dev.s3llm.jcuda.model.ModelConfig;
import dev.s3llm.jcuda.model.RotaryEmbedding;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.memory.SequenceView;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.recover.Recovery;
import dev.s3llm.recover.RecoveryPolicy;
import dev.s3llm.schedule.PreemptionMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Compares the GPU with the host backend, and the GPU with itself: alone, in batches, with
 * preemptions by swap and by recompute. Run on a machine with a GPU; prints what it found and exits
 * 1 if tokens that must be bitwise the same are not.
 */
final class GpuCheck {
  private static final int REQUESTS = 60;
  private static boolean sound = true;

  private GpuCheck() {}

  public static void main(String[] args) {
    for (int kvHeads : new int[] {8, 2}) {
      ModelConfig config =
          new ModelConfig(
              1000,
              256,
              4,
              8,
              kvHeads,
              32,
              704,
              1024,
              1e-5f,
              RotaryEmbedding.of(32, 10_000),
              false,
              new int[] {3});
      check(config, LlamaWeights.random(config, 7));
    }
    System.exit(sound ? 0 : 1);
  }

  private static void check(ModelConfig config, LlamaWeights weights) {
    List<GenerationRequest> greedy = requests(SamplingParameters.GREEDY);
    List<GenerationRequest> drawn = requests(new SamplingParameters(0.8, 40, 0.9, 1.1, 5));
    List<int[]> gpu = run("gpu, large batch", gpu(config, weights, 64L << 20, 0), greedy, false);
    List<int[]> host = run("host", HostExecutor.builder(config, weights).build(), greedy, false);
    System.out.printf("greedy answers equal to the host's: %s%n", equal(gpu, host));
    for (List<GenerationRequest> requests : List.of(greedy, drawn)) {
      List<int[]> large =
          run("gpu, large batch", gpu(config, weights, 64L << 20, 0), requests, false);
      List<int[]> alone = run("gpu, alone", gpu(config, weights, 64L << 20, 0), requests, true);
      List<int[]> swap =
          run("gpu, swapping", gpu(config, weights, 2L << 20, 64 << 20), requests, false);
      List<int[]> again =
          run("gpu, recomputing", gpu(config, weights, 2L << 20, 0), requests, false);
      require("alone", equal(large, alone));
      require("swapped", equal(large, swap));
      require("recomputed", equal(large, again));
    }
  }

  private static JCudaExecutor gpu(ModelConfig config, LlamaWeights weights, long kv, long swap) {
    return JCudaExecutor.builder(config, weights)
        .kvBytes(kv)
        .swapBytes(swap)
        .maxTokensPerStep(256)
        .maxSequencesPerStep(64)
        .build();
  }

  private static void require(String what, String equal) {
    boolean all = equal.equals(REQUESTS + " of " + REQUESTS);
    sound &= all;
    System.out.printf("bitwise the same, %s: %s%s%n", what, equal, all ? "" : "  FAILED");
  }

  private static List<int[]> run(
      String name, Executor executor, List<GenerationRequest> requests, boolean oneByOne) {
    long start = System.nanoTime();
    List<int[]> outputs = new ArrayList<>();
    long tokens = 0;
    try (S3Engine engine =
        S3Engine.builder(executor)
            .planner(oneByOne ? new WorstCasePlanner() : new OnDemandPlanner())
            .recovery(new AlwaysSwapping())
            .build()) {
      List<Generation> generations = new ArrayList<>();
      for (GenerationRequest request : requests) {
        Generation generation = engine.submit(request);
        generations.add(generation);
        if (oneByOne) {
          generation.result().join();
        }
      }
      for (Generation generation : generations) {
        GenerationResult result = generation.result().join();
        result.failure().ifPresent(e -> System.out.println("failure: " + e));
        outputs.add(result.tokens());
        tokens += result.outputTokens();
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      System.out.printf(
          "%-18s %6d tokens, %8.0f tokens/s, %d preemptions, %d swapped, %d recomputed tokens%n",
          name,
          tokens,
          tokens / seconds,
          engine.snapshot().preemptions(),
          engine.snapshot().swappedTokens(),
          engine.snapshot().recomputedTokens());
    }
    return outputs;
  }

  private static String equal(List<int[]> one, List<int[]> other) {
    int same = 0;
    for (int i = 0; i < one.size(); i++) {
      same += Arrays.equals(one.get(i), other.get(i)) ? 1 : 0;
    }
    return same + " of " + one.size();
  }

  private static List<GenerationRequest> requests(SamplingParameters sampling) {
    Random random = new Random(3);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      int[] prompt = random.ints(1 + random.nextInt(300), 0, 1000).toArray();
      requests.add(
          GenerationRequest.builder(prompt)
              .id("r" + i)
              .maxNewTokens(20 + random.nextInt(100))
              .sampling(sampling)
              .build());
    }
    return requests;
  }

  /** Swaps whenever the host has room, whatever it costs. */
  private static final class AlwaysSwapping implements RecoveryPolicy {
    private final Recovery newest = Recovery.preempting(Recovery.Victim.NEWEST);

    @Override
    public String name() {
      return "always swapping";
    }

    @Override
    public SequenceView victim(
        SequenceView outgrown, List<? extends SequenceView> candidates, RecoveryMemory memory) {
      return newest.victim(outgrown, candidates, memory);
    }

    @Override
    public PreemptionMode mode(SequenceView victim, RecoveryMemory memory) {
      return PreemptionMode.SWAP;
    }
  }
}
