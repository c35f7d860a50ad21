package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.execute.BlockCopy;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.jcuda.model.LlamaWeights;
import dev.s3llm.jcuda.model.ModelConfig;
import dev.s3llm.jcuda.model.RotaryEmbedding;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HostExecutorTest {
  private static final ModelConfig CONFIG =
      new ModelConfig(
          100, 32, 2, 4, 2, 8, 64, 256, 1e-5f, RotaryEmbedding.of(8, 10_000), true, new int[] {3});
  private static final SamplingParameters SAMPLED = new SamplingParameters(0.8, 40, 0.9, 1.1, 7);
  private static final int[] PROMPT = {5, 17, 4, 99, 23, 8, 8, 61, 2, 40, 11, 12, 13};

  private final HostExecutor executor =
      HostExecutor.builder(CONFIG, LlamaWeights.random(CONFIG, 1))
          .blockTokens(4)
          .kvBytes(1 << 20)
          .swapBytes(1 << 20)
          .threads(2)
          .build();

  @AfterEach
  void close() {
    executor.close();
  }

  @Test
  void tokens_areTheSameAloneAndInABatch() {
    int[] alone = generate(sequence(1, 0), 20, 100);
    TestSequence one = sequence(1, 10);
    TestSequence two = new TestSequence(2, new int[] {1, 2, 3}, SAMPLED, blocks(30));
    for (int n = 0; n < 20; n++) {
      StepResult result =
          run(new StepBatch(n, List.of(two.chunk(99), one.chunk(99)), List.of(), List.of()));
      two.append(result.tokens()[0]);
      one.append(result.tokens()[1]);
    }
    assertThat(one.output()).isEqualTo(alone);
  }

  @Test
  void tokens_areTheSameHoweverThePromptIsCut() {
    int[] whole = generate(sequence(1, 0), 12, 100);
    for (int chunk = 1; chunk < PROMPT.length; chunk++) {
      assertThat(generate(sequence(chunk, 20), 12, chunk)).as("chunk %d", chunk).isEqualTo(whole);
    }
  }

  @Test
  void tokens_areTheSameAfterSwappingOutAndIn() {
    int[] undisturbed = generate(sequence(1, 0), 10, 100);
    TestSequence sequence = sequence(2, 10);
    TestSequence intruder = new TestSequence(3, PROMPT, SAMPLED, blocks(10));
    for (int n = 0; n < 10; n++) {
      if (n == 5) {
        List<BlockCopy> out =
            List.of(copy(10, 0), copy(11, 1), copy(12, 2), copy(13, 3), copy(14, 4));
        run(new StepBatch(n, List.of(intruder.chunk(99)), out, List.of()));
        sequence.moveTo(blocks(40));
        List<BlockCopy> in =
            List.of(copy(40, 0), copy(41, 1), copy(42, 2), copy(43, 3), copy(44, 4));
        run(new StepBatch(n, List.of(), List.of(), in));
      }
      sequence.append(run(sequence.chunk(99).alone()).tokens()[0]);
    }
    assertThat(sequence.output()).isEqualTo(undisturbed);
  }

  @Test
  void otherSeeds_giveOtherTokens() {
    TestSequence other =
        new TestSequence(1, PROMPT, new SamplingParameters(0.8, 40, 0.9, 1.1, 8), blocks(0));
    assertThat(generate(other, 20, 100)).isNotEqualTo(generate(sequence(1, 20), 20, 100));
  }

  @Test
  void budgetBelowOneBlock_isRefusedWithTheBytes() {
    assertThatThrownBy(
            () -> HostExecutor.builder(CONFIG, LlamaWeights.random(CONFIG, 1)).kvBytes(100).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("kvBytes is 100")
        .hasMessageContaining("4096 bytes");
  }

  @Test
  void close_isIdempotentAndStepsAfterItFail() {
    executor.close();
    executor.close();
    assertThatThrownBy(() -> run(sequence(1, 0).chunk(99).alone()))
        .isInstanceOf(RuntimeException.class);
  }

  private int[] generate(TestSequence sequence, int count, int chunk) {
    while (sequence.output().length < count) {
      int token = run(sequence.chunk(chunk).alone()).tokens()[0];
      if (token != StepResult.NO_TOKEN) {
        sequence.append(token);
      }
    }
    return sequence.output();
  }

  private StepResult run(StepBatch batch) {
    return executor.execute(batch).toCompletableFuture().join();
  }

  private static TestSequence sequence(long id, int firstBlock) {
    return new TestSequence(id, PROMPT, SAMPLED, blocks(firstBlock));
  }

  private static int[] blocks(int first) {
    return IntStream.range(first, first + 10).toArray();
  }

  private static BlockCopy copy(int device, int host) {
    return new BlockCopy(2, device, host);
  }
}
