package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.cpu.CpuDraws;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.execute.StepResult.LogProbabilities;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * Masks, biases, penalties, min-p and log probabilities of the GPU: against the host's sampler on
 * the GPU's own logits, so that tokens must be equal, and bit by bit against themselves.
 */
@GpuTest
class CudaSamplingTest {
  private static final int REQUESTS = 48;
  private static final int OUTPUT = 30;
  private static final int LARGE = 128_256;

  @Test
  void draws_areTheHosts_inBatchesOfAnyRequests() {
    for (ModelConfig config : new ModelConfig[] {RandomModels.llama(2), RandomModels.gemma()}) {
      follow(config, REQUESTS, OUTPUT);
    }
  }

  /** A vocabulary that is no multiple of 64, and one beyond what a block handles at once. */
  @Test
  void draws_areTheHosts_withOtherVocabularies() {
    follow(RandomModels.llama(2, 97), 12, 8);
    follow(RandomModels.llama(2, 1027), 12, 8);
    follow(RandomModels.llama(2, LARGE), 12, 6);
  }

  /** Few enough for tools that make every launch a hundred times slower. */
  @Test
  void fewDraws_areTheHosts() {
    follow(RandomModels.llama(2, 1027), 6, 4);
  }

  /** Runs requests together, of which the later steps are graphs. */
  private static void follow(ModelConfig config, int count, int steps) {
    int vocabulary = config.vocabularySize();
    ShapedRequests requests = new ShapedRequests(vocabulary);
    List<HandDrivenSequence> all = IntStream.range(0, count).mapToObj(requests::sequence).toList();
    try (JCudaExecutor gpu = gpu(config)) {
      all.forEach(sequence -> prefill(gpu, sequence));
      for (int n = 0; n < steps; n++) {
        List<float[]> logits = new ArrayList<>();
        for (HandDrivenSequence sequence : all) {
          ShapedRequests.plain(sequence.chunk(64));
          logits.add(gpu.logits(sequence.alone()));
        }
        for (HandDrivenSequence sequence : all) {
          requests.shape(sequence, n);
        }
        StepResult result = run(gpu, all);
        check(all, logits, result);
        for (int i = 0; i < count; i++) {
          all.get(i).apply(result, i);
        }
      }
    }
  }

  /** Computes the prompt but for its last token, so that a step of all requests has room. */
  private static void prefill(JCudaExecutor gpu, HandDrivenSequence sequence) {
    if (sequence.promptTokens() > 1) {
      run(gpu, List.of(sequence.chunk(sequence.promptTokens() - 1)));
    }
  }

  private static void check(List<HandDrivenSequence> all, List<float[]> logits, StepResult result) {
    assertThat(result.failures()).isEmpty();
    int at = 0;
    for (int i = 0; i < all.size(); i++) {
      HandDrivenSequence sequence = all.get(i);
      String name = "request %d after %d".formatted(i, sequence.output().length);
      int drawn = result.tokens()[i];
      assertThat(drawn).as(name).isEqualTo(CpuDraws.token(sequence, logits.get(i)));
      LogProbabilities expected = CpuDraws.logs(sequence, drawn, logits.get(i));
      int end = at + expected.values().length;
      assertThat(Arrays.copyOfRange(result.logProbabilities().tokens(), at, end))
          .as(name)
          .isEqualTo(expected.tokens());
      assertThat(Arrays.copyOfRange(result.logProbabilities().values(), at, end))
          .as(name)
          .containsExactly(expected.values(), within(1e-5f));
      at = end;
    }
    assertThat(result.logProbabilities().values()).hasSize(at);
  }

  @Test
  void tokensAndLogProbabilities_areBitwiseTheSame_aloneInBatchesAndAfterPreemption() {
    ModelConfig config = RandomModels.llama(2, 1027);
    ShapedRequests requests = new ShapedRequests(config.vocabularySize());
    List<List<String>> alone = new ArrayList<>();
    List<List<String>> together;
    List<List<String>> twoStages;
    try (JCudaExecutor gpu = gpu(config)) {
      for (int id = 0; id < REQUESTS; id++) {
        HandDrivenSequence sequence = requests.sequence(id);
        List<String> lines = new ArrayList<>();
        for (int n = 0; n < OUTPUT; n++) {
          requests.shape(sequence.chunk(64), n);
          StepResult result = run(gpu, List.of(sequence));
          LogProbabilities logs = result.logProbabilities();
          lines.add(line(result.tokens()[0], logs, 0, logs.values().length));
          sequence.apply(result, 0);
        }
        alone.add(lines);
      }
      together = new Mixed(gpu, requests, 5).run();
    }
    try (JCudaExecutor gpu =
        RandomModels.unchecked(config, 64L << 20, 64L << 20).devices(0, 0).build()) {
      twoStages = new Mixed(gpu, requests, 6).run();
    }
    for (int id = 0; id < REQUESTS; id++) {
      assertThat(together.get(id)).as("request %d", id).isEqualTo(alone.get(id));
      assertThat(twoStages.get(id)).as("request %d in two stages", id).isEqualTo(alone.get(id));
    }
  }

  private static String line(int token, LogProbabilities logs, int from, int to) {
    return token
        + " "
        + Arrays.toString(Arrays.copyOfRange(logs.tokens(), from, to))
        + Arrays.toString(Arrays.copyOfRange(logs.values(), from, to)); // all digits
  }

  /** Steps of random requests with random chunks, of which some start over. */
  private static final class Mixed {
    private final JCudaExecutor gpu;
    private final ShapedRequests requests;
    private final Random random;
    private final List<HandDrivenSequence> all = new ArrayList<>();
    private final List<List<String>> lines = new ArrayList<>();

    Mixed(JCudaExecutor gpu, ShapedRequests requests, long seed) {
      this.gpu = gpu;
      this.requests = requests;
      this.random = new Random(seed);
      for (int id = 0; id < REQUESTS; id++) {
        all.add(requests.sequence(id));
        lines.add(new ArrayList<>());
      }
    }

    List<List<String>> run() {
      while (lines.stream().anyMatch(own -> own.size() < OUTPUT)) {
        List<HandDrivenSequence> batch = new ArrayList<>();
        int budget = gpu.profile().maxTokensPerStep();
        for (HandDrivenSequence sequence : all) {
          int done = lines.get((int) sequence.sequenceId()).size();
          if (done < OUTPUT && random.nextInt(3) > 0 && budget > 0) {
            if (random.nextInt(20) == 0) {
              sequence.startOver();
            }
            requests.shape(sequence.chunk(Math.min(budget, 1 + random.nextInt(30))), done);
            budget -= sequence.tokenCount();
            batch.add(sequence);
          }
        }
        note(batch, CudaSamplingTest.run(gpu, batch));
      }
      return lines;
    }

    private void note(List<HandDrivenSequence> batch, StepResult result) {
      int at = 0;
      for (int i = 0; i < batch.size(); i++) {
        HandDrivenSequence sequence = batch.get(i);
        if (sequence.samples()) {
          int end = at + 1 + sequence.logProbabilities();
          lines
              .get((int) sequence.sequenceId())
              .add(line(result.tokens()[i], result.logProbabilities(), at, end));
          at = end;
          sequence.append(result.tokens()[i]);
        }
      }
    }
  }

  @Test
  void masksThatLeaveNothing_failTheirSequenceAlone() {
    try (JCudaExecutor gpu = gpu(RandomModels.llama(2))) {
      ShapedRequests requests = new ShapedRequests(1000);
      HandDrivenSequence free = requests.sequence(1).chunk(64);
      HandDrivenSequence none = requests.sequence(2).chunk(64).allow(2).forbid(1);
      HandDrivenSequence reader = requests.sequence(4).chunk(64).logProbabilities(1);
      StepResult result = run(gpu, List.of(free, none.logProbabilities(2), reader));
      assertThat(result.failures()).containsOnlyKeys(1);
      assertThat(result.failures().get(1)).hasMessageContaining("leave no token");
      assertThat(result.tokens()[1]).isEqualTo(StepResult.NO_TOKEN);
      assertThat(result.tokens()[0]).isNotNegative();
      assertThat(result.logProbabilities().values()).hasSize(3 + 2);
      assertThat(result.logProbabilities().tokens()[3]).isEqualTo(result.tokens()[2]);
    }
  }

  /** More masks than the device keeps, each of one token, some of them often and some once. */
  @Test
  void masks_areThoseOfTheStep_whateverTheDeviceKeeps() {
    Random random = new Random(9);
    List<long[]> masks = new ArrayList<>();
    for (int token = 0; token < 40 * 2600; token += 40) {
      long[] mask = new long[(LARGE + 63) / 64];
      mask[token / 64] = 1L << token;
      masks.add(mask);
    }
    try (JCudaExecutor gpu = gpu(RandomModels.llama(2, LARGE))) {
      for (int step = 0; step < 250; step++) {
        int first = 32 * step;
        List<HandDrivenSequence> all =
            IntStream.range(0, 32)
                .mapToObj(
                    i ->
                        new HandDrivenSequence(
                            first + i, new int[] {5}, SamplingParameters.GREEDY, i))
                .toList();
        int[] expected = new int[all.size()];
        for (int i = 0; i < all.size(); i++) {
          int some = random.nextInt(random.nextBoolean() ? 40 : masks.size());
          expected[i] = 40 * some;
          long[] mask = masks.get(some);
          all.get(i).chunk(1).allow(random.nextInt(9) > 0 ? mask : mask.clone());
        }
        assertThat(run(gpu, all).tokens()).as("step %d", step).isEqualTo(expected);
      }
    }
  }

  /** As many distinct tokens as a context has, and as many biases as a request may have. */
  @Test
  void longestLists_fit() {
    int context = 1000;
    Map<Integer, Double> biases = new HashMap<>();
    for (int token = 0; token < SamplingParameters.MOST_BIASES; token++) {
      biases.put(3 * token, token % 7 - 3.0);
    }
    SamplingParameters all = new SamplingParameters(0.9, 0, 1, 0.001, 1.2, 0.5, 0.25, biases, 1);
    int[] prompt = new Random(1).ints(context, 0, 4000).toArray();
    try (JCudaExecutor gpu = gpu(RandomModels.llama(2, 4000))) {
      int[] blocks = IntStream.range(0, 64).toArray();
      HandDrivenSequence sequence = new HandDrivenSequence(1, prompt, all, blocks);
      while (sequence.output().length < 20) {
        sequence.chunk(256);
        if (!sequence.samples()) {
          run(gpu, List.of(sequence));
          continue;
        }
        sequence.sampling(SamplingParameters.GREEDY).logProbabilities(-1);
        List<float[]> logits = List.of(gpu.logits(sequence.alone()));
        StepResult result = run(gpu, List.of(sequence.sampling(all).logProbabilities(20)));
        check(List.of(sequence), logits, result);
        sequence.apply(result, 0);
      }
    }
  }

  private static JCudaExecutor gpu(ModelConfig config) {
    return RandomModels.unchecked(config, 64L << 20, 64L << 20).build();
  }

  private static StepResult run(JCudaExecutor gpu, List<HandDrivenSequence> sequences) {
    StepBatch batch = new StepBatch(0, List.copyOf(sequences), List.of(), List.of());
    return gpu.execute(batch).toCompletableFuture().join();
  }
}
