package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.recover.PreemptionMode;
import dev.s3llm.recover.Recovery;
import dev.s3llm.recover.RecoveryPolicy;
import dev.s3llm.schedule.SequenceView;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The engine on the GPU: preemption changes no token. */
@GpuTest
class CudaEngineTest {
  private static final ModelConfig CONFIG = RandomModels.llama(2);
  private static final int REQUESTS = 60;

  @Test
  void preemption_changesNoToken() {
    requireSameTokens((kvBytes, swapBytes) -> RandomModels.gpu(CONFIG, kvBytes, swapBytes).build());
  }

  /** Makes an executor with some bytes of KV memory and of swap space. */
  interface Maker {
    JCudaExecutor make(long kvBytes, long swapBytes);
  }

  static void requireSameTokens(Maker maker) {
    List<int[]> roomy = run(maker.make(64L << 20, 0), PreemptionMode.RECOMPUTE, 0);
    assertThat(run(maker.make(2L << 20, 64L << 20), PreemptionMode.SWAP, 1))
        .usingRecursiveComparison()
        .isEqualTo(roomy);
    assertThat(run(maker.make(2L << 20, 0), PreemptionMode.RECOMPUTE, 1))
        .usingRecursiveComparison()
        .isEqualTo(roomy);
  }

  private static List<int[]> run(
      JCudaExecutor executor, PreemptionMode mode, int fewestPreemptions) {
    try (S3Engine engine =
        S3Engine.builder(executor)
            .planner(new OnDemandPlanner())
            .recovery(new Always(mode))
            .build()) {
      List<Generation> generations = new ArrayList<>();
      requests().forEach(request -> generations.add(engine.submit(request)));
      List<int[]> outputs = new ArrayList<>();
      generations.forEach(generation -> outputs.add(generation.result().join().tokens()));
      assertThat(engine.snapshot().work().preemptions()).isGreaterThanOrEqualTo(fewestPreemptions);
      System.out.printf(
          "engine on the GPU, %s: %d preemptions, %d tokens swapped, %d recomputed%n",
          mode,
          engine.snapshot().work().preemptions(),
          engine.snapshot().work().swappedTokens(),
          engine.snapshot().work().recomputedTokens());
      return outputs;
    }
  }

  static List<GenerationRequest> requests() {
    Random random = new Random(3);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      requests.add(
          GenerationRequest.builder(random.ints(1 + random.nextInt(300), 0, 1000).toArray())
              .id("r" + i)
              .maxNewTokens(20 + random.nextInt(100))
              .sampling(new SamplingParameters(0.8, 40, 0.9, 1.1, i))
              .build());
    }
    return requests;
  }

  /** Preempts the newest, always the same way. */
  private record Always(PreemptionMode preemption) implements RecoveryPolicy {
    private static final Recovery NEWEST = Recovery.preempting(Recovery.Victim.NEWEST);

    @Override
    public String name() {
      return "always " + preemption;
    }

    @Override
    public SequenceView victim(
        SequenceView outgrown, List<? extends SequenceView> candidates, RecoveryMemory memory) {
      return NEWEST.victim(outgrown, candidates, memory);
    }

    @Override
    public PreemptionMode mode(SequenceView victim, RecoveryMemory memory) {
      return preemption;
    }
  }
}
