package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.model.ActivationFormat;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.WeightFormat;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A request's tokens are bitwise the same alone, and in random batches with random prefill chunks
 * and swaps at random steps; on one stage and on two, which lie on two devices where there are two.
 */
@GpuTest
class CudaInvarianceTest {
  private static final int REQUESTS = 200;
  private static final int OUTPUT = 20;
  private static final int MOST_BLOCKS = 10;
  private static final int AT_ONCE = 50;

  static Stream<Arguments> models() {
    return Stream.of(
        model("multi-head", RandomModels.llama(8), Precision.FP16, KvPrecision.FULL),
        model("one launch", RandomModels.wide(4), Precision.FP16, KvPrecision.FULL),
        model("one launch, grouped", RandomModels.wide(1), Precision.BF16, KvPrecision.FULL),
        model("grouped queries", RandomModels.llama(2), Precision.BF16, KvPrecision.FULL),
        model("GPT-J", RandomModels.gptJ(), Precision.FP16, KvPrecision.FULL),
        model("windows and caps", RandomModels.gemma(), Precision.BF16, KvPrecision.FULL),
        model("experts and sinks", RandomModels.gptOss(), Precision.FP16, KvPrecision.FULL),
        model("experts", RandomModels.qwen3Moe(), Precision.BF16, KvPrecision.FULL),
        model("norms over all heads", RandomModels.olmo2(4), Precision.FP16, KvPrecision.FULL),
        model("fp8 activations", RandomModels.llama(8), Precision.FP16, KvPrecision.FULL),
        model("fp8 activations, biases", RandomModels.gptJ(), Precision.BF16, KvPrecision.FULL),
        model("KV in 8 bits", RandomModels.llama(2), Precision.FP16, KvPrecision.INT8),
        model("windows, KV in 8 bits", RandomModels.gemma(), Precision.BF16, KvPrecision.INT8),
        model("one launch, INT4", RandomModels.wide(4), Precision.FP16, KvPrecision.FULL),
        model("one launch, INT8", RandomModels.wide(1), Precision.BF16, KvPrecision.FULL),
        model("one launch, FP8", RandomModels.wide(4), Precision.BF16, KvPrecision.FULL));
  }

  private static Arguments model(
      String name, ModelConfig config, Precision precision, KvPrecision kvPrecision) {
    return Arguments.of(name, config, precision, kvPrecision);
  }

  @ParameterizedTest
  @MethodSource("models")
  void tokens_dependOnTheRequestAlone(
      String name, ModelConfig config, Precision precision, KvPrecision kvPrecision) {
    List<int[]> alone;
    List<int[]> together;
    List<int[]> twoStages;
    try (JCudaExecutor gpu =
        builder(name, config)
            .precision(precision)
            .kvPrecision(kvPrecision)
            .persistentDecode(name.startsWith("one launch"))
            .build()) {
      alone = alone(gpu);
      together = new RandomDrive(gpu, 5).run();
    }
    int second = Device.list().size() > 1 ? 1 : 0;
    try (JCudaExecutor gpu =
        builder(name, config)
            .precision(precision)
            .kvPrecision(kvPrecision)
            .devices(0, second)
            .build()) {
      twoStages = new RandomDrive(gpu, 6).run();
    }
    int same = 0;
    for (int i = 0; i < REQUESTS; i++) {
      assertThat(together.get(i)).as("%s, request %d", name, i).isEqualTo(alone.get(i));
      assertThat(twoStages.get(i))
          .as("%s, stages on devices 0 and %d, request %d", name, second, i)
          .isEqualTo(alone.get(i));
      same++;
    }
    System.out.printf(
        "%s: %d requests bitwise the same alone, together, in two stages on devices 0 and %d%n",
        name, same, second);
  }

  private static JCudaExecutor.Builder builder(String name, ModelConfig config) {
    JCudaExecutor.Builder builder = withWeights(name, config);
    return name.startsWith("fp8")
        ? builder.weights(WeightFormat.FP8).activations(ActivationFormat.FP8)
        : builder;
  }

  /** The executor with weights in the format in which the name ends, if it does. */
  static JCudaExecutor.Builder withWeights(String name, ModelConfig config) {
    JCudaExecutor.Builder builder = RandomModels.gpu(config);
    for (WeightFormat format : List.of(WeightFormat.INT4, WeightFormat.INT8, WeightFormat.FP8)) {
      if (name.endsWith(format.name())) {
        builder = builder.weights(format);
      }
    }
    return builder;
  }

  /** Half of the requests are greedy, the others drawn, with penalties. */
  private static HandDrivenSequence request(int id, int... blocks) {
    Random random = new Random(id);
    int[] prompt = random.ints(1 + random.nextInt(120), 0, 1000).toArray();
    SamplingParameters sampling =
        id % 2 == 0 ? SamplingParameters.GREEDY : new SamplingParameters(0.8, 40, 0.9, 1.1, id);
    return new HandDrivenSequence(id, prompt, sampling, blocks);
  }

  static List<int[]> alone(JCudaExecutor gpu) {
    List<int[]> outputs = new ArrayList<>();
    for (int id = 0; id < REQUESTS; id++) {
      HandDrivenSequence sequence = request(id, IntStream.range(0, MOST_BLOCKS).toArray());
      for (int n = 0; n < OUTPUT; n++) {
        StepBatch batch = sequence.chunk(Integer.MAX_VALUE).alone();
        sequence.append(gpu.execute(batch).toCompletableFuture().join().tokens()[0]);
      }
      outputs.add(sequence.output());
    }
    return outputs;
  }

  /**
   * Runs all requests, some at a time; chooses at random the sequences, their tokens, and swaps.
   */
  static final class RandomDrive {
    private final JCudaExecutor gpu;
    private final Random random;
    private final Deque<Integer> freeBlocks = new ArrayDeque<>();
    private final Deque<Integer> freeHostBlocks = new ArrayDeque<>();
    private final List<HandDrivenSequence> running = new ArrayList<>();
    private final Map<HandDrivenSequence, int[]> tables = new HashMap<>();
    private final Map<HandDrivenSequence, int[]> swapped = new HashMap<>();
    private final List<int[]> outputs = new ArrayList<>(Collections.nCopies(REQUESTS, new int[0]));
    private int next;

    RandomDrive(JCudaExecutor gpu, long seed) {
      this.gpu = gpu;
      this.random = new Random(seed);
      List<Integer> blocks = new ArrayList<>();
      int count = Math.min(gpu.profile().blockCount(), (AT_ONCE + 8) * MOST_BLOCKS);
      IntStream.range(0, count).forEach(blocks::add);
      Collections.shuffle(blocks, random);
      freeBlocks.addAll(blocks);
      int hosts = Math.min(gpu.profile().hostBlockCount(), count);
      IntStream.range(0, hosts).forEach(freeHostBlocks::add);
    }

    List<int[]> run() {
      while (next < REQUESTS || !running.isEmpty()) {
        while (next < REQUESTS && running.size() < AT_ONCE && freeBlocks.size() >= MOST_BLOCKS) {
          int[] table = take(freeBlocks);
          HandDrivenSequence sequence = request(next++, table.clone());
          tables.put(sequence, table);
          running.add(sequence);
        }
        step();
      }
      return outputs;
    }

    private void step() {
      List<StepBatch.BlockCopy> outs = new ArrayList<>();
      List<StepBatch.BlockCopy> ins = new ArrayList<>();
      List<int[]> freedAfter = new ArrayList<>();
      List<int[]> freedHostAfter = new ArrayList<>();
      Collections.shuffle(running, random);
      List<SequenceStep> batch = new ArrayList<>();
      int budget = gpu.profile().maxTokensPerStep();
      for (HandDrivenSequence sequence : running) {
        int[] host = swapped.get(sequence);
        if (host == null && random.nextInt(8) == 0 && freeHostBlocks.size() >= MOST_BLOCKS) {
          swapOut(sequence, outs, freedAfter);
        } else if (host != null && random.nextInt(3) == 0 && freeBlocks.size() >= MOST_BLOCKS) {
          freedHostAfter.add(host);
          swapIn(sequence, host, ins);
          host = null;
        }
        if (swapped.get(sequence) == null && random.nextInt(4) > 0 && budget > 0) {
          sequence.chunk(Math.min(budget, 1 + random.nextInt(60)));
          budget -= sequence.tokenCount();
          batch.add(sequence);
        }
      }
      int[] tokens =
          gpu.execute(new StepBatch(0, batch, outs, ins)).toCompletableFuture().join().tokens();
      freedAfter.forEach(table -> give(freeBlocks, table));
      freedHostAfter.forEach(table -> give(freeHostBlocks, table));
      for (int i = 0; i < batch.size(); i++) {
        if (batch.get(i).samples()) {
          append((HandDrivenSequence) batch.get(i), tokens[i]);
        }
      }
    }

    private void append(HandDrivenSequence sequence, int token) {
      sequence.append(token);
      if (sequence.output().length == OUTPUT) {
        outputs.set((int) sequence.sequenceId(), sequence.output());
        running.remove(sequence);
        give(freeBlocks, tables.remove(sequence));
      }
    }

    private void swapOut(
        HandDrivenSequence sequence, List<StepBatch.BlockCopy> outs, List<int[]> freedAfter) {
      int[] table = tables.get(sequence);
      int[] host = take(freeHostBlocks);
      for (int i = 0; i < MOST_BLOCKS; i++) {
        outs.add(new StepBatch.BlockCopy(sequence.sequenceId(), table[i], host[i]));
      }
      swapped.put(sequence, host);
      freedAfter.add(table);
    }

    private void swapIn(HandDrivenSequence sequence, int[] host, List<StepBatch.BlockCopy> ins) {
      int[] table = take(freeBlocks);
      for (int i = 0; i < MOST_BLOCKS; i++) {
        ins.add(new StepBatch.BlockCopy(sequence.sequenceId(), table[i], host[i]));
      }
      sequence.moveTo(table);
      tables.put(sequence, table);
      swapped.remove(sequence);
    }

    private static int[] take(Deque<Integer> from) {
      return IntStream.range(0, MOST_BLOCKS).map(i -> from.pop()).toArray();
    }

    private static void give(Deque<Integer> to, int[] blocks) {
      for (int block : blocks) {
        to.add(block);
      }
    }
  }
}
