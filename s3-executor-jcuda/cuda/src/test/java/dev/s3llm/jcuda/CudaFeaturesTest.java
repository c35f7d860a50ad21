package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Features of the GPU against those of the host, and tokens with and without features. */
@GpuTest
class CudaFeaturesTest {
  private static final int SEQUENCES = 12;
  private static final int OUTPUT = 40;
  private static final SamplingParameters SAMPLED = new SamplingParameters(0.9, 0, 0.95, 1.1, 7);

  @Test
  void features_areNearTheHosts() {
    ModelConfig[] configs = {RandomModels.llama(2), RandomModels.gptJ(), RandomModels.gemma()};
    for (ModelConfig config : configs) {
      for (int layer = 1; layer <= config.layerCount(); layer++) {
        int[] prompt = new Random(layer).ints(37, 0, config.vocabularySize()).toArray();
        try (CpuExecutor host = RandomModels.host(config).featureLayer(layer).build();
            JCudaExecutor gpu = RandomModels.gpu(config).featureLayer(layer).build()) {
          follow(host, gpu, prompt);
        }
      }
    }
  }

  /** Compares a prefill, then decodes, of which the later ones are graphs. */
  private static void follow(CpuExecutor host, JCudaExecutor gpu, int... prompt) {
    HandDrivenSequence one = sequence(1, SamplingParameters.GREEDY, prompt).features(true);
    HandDrivenSequence two = sequence(1, SamplingParameters.GREEDY, prompt).features(true);
    for (int n = 0; n < 6; n++) {
      StepResult expected = run(host, one.chunk(256).alone());
      StepResult actual = run(gpu, two.chunk(256).alone());
      assertThat(FamilyParity.error(actual.features(), expected.features()))
          .as("%s, after %d tokens", host.config(), n)
          .isLessThan(1e-2);
      one.apply(expected, 0);
      two.apply(expected, 0); // the same context, where the top two logits are near
    }
  }

  @Test
  void tokens_areBitwiseTheSame_withoutAndWithFeatures_onOneStageAndOnTwo() {
    ModelConfig config = RandomModels.llama(2);
    List<int[]> without = generate(RandomModels.gpu(config), 0);
    assertThat(generate(RandomModels.gpu(config).featureLayer(1), 0))
        .usingRecursiveComparison()
        .isEqualTo(without);
    assertThat(generate(RandomModels.gpu(config).featureLayer(1), 1))
        .usingRecursiveComparison()
        .isEqualTo(without);
    assertThat(generate(RandomModels.gpu(config).featureLayer(2), 3))
        .usingRecursiveComparison()
        .isEqualTo(without);
    int[] twice = {0, 0};
    for (int layer = 1; layer <= 2; layer++) {
      assertThat(generate(RandomModels.gpu(config).featureLayer(layer).devices(twice), 2))
          .usingRecursiveComparison()
          .isEqualTo(without);
    }
  }

  @Test
  void requestedFeatures_areThoseOfTheSequenceAlone_onOneStageAndOnTwo() {
    ModelConfig config = RandomModels.llama(2);
    for (int layer = 1; layer <= config.layerCount(); layer++) {
      try (JCudaExecutor one = RandomModels.gpu(config).featureLayer(layer).build();
          JCudaExecutor two = RandomModels.gpu(config).featureLayer(layer).devices(0, 0).build()) {
        for (int requester = 0; requester < SEQUENCES; requester += 5) {
          float[] alone = run(one, prepared(requester).features(true).chunk(64).alone()).features();
          assertThat(alone).hasSize(config.hiddenSize());
          List<HandDrivenSequence> all = new ArrayList<>();
          for (int i = 0; i < SEQUENCES; i++) {
            all.add(prepared(i).features(i == requester).chunk(64));
          }
          StepBatch batch = new StepBatch(0, List.copyOf(all), List.of(), List.of());
          assertThat(run(one, batch).features()).isEqualTo(alone);
          assertThat(run(two, batch).features()).isEqualTo(alone);
        }
      }
    }
  }

  private static HandDrivenSequence prepared(int id) {
    int[] prompt = new Random(id).ints(1 + 2 * id, 0, 500).toArray();
    return sequence(id, SAMPLED, prompt);
  }

  /** Decodes sequences together; in step n those request features whose number has the rest n. */
  private static List<int[]> generate(JCudaExecutor.Builder builder, int every) {
    List<HandDrivenSequence> sequences =
        IntStream.range(0, SEQUENCES).mapToObj(CudaFeaturesTest::prepared).toList();
    try (JCudaExecutor gpu = builder.build()) {
      for (int n = 0; n < OUTPUT; n++) {
        int requests = 0;
        for (int i = 0; i < SEQUENCES; i++) {
          boolean wanted = every > 0 && (i + n) % every == 0;
          requests += wanted ? 1 : 0;
          sequences.get(i).features(wanted).chunk(64);
        }
        StepResult result =
            run(gpu, new StepBatch(n, List.copyOf(sequences), List.of(), List.of()));
        assertThat(result.features()).hasSize(requests * gpu.profile().featureWidth());
        for (int i = 0; i < SEQUENCES; i++) {
          sequences.get(i).apply(result, i);
        }
      }
    }
    return sequences.stream().map(HandDrivenSequence::output).toList();
  }

  private static StepResult run(Executor executor, StepBatch batch) {
    return executor.execute(batch).toCompletableFuture().join();
  }

  private static HandDrivenSequence sequence(int id, SamplingParameters sampling, int... prompt) {
    return new HandDrivenSequence(
        id, prompt, sampling, IntStream.range(id * 6, id * 6 + 6).toArray());
  }
}
