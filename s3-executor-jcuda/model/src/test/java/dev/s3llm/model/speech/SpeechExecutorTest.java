package dev.s3llm.model.speech;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.model.speech.Decoding.Strategy;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Steps of the executor, driven by hand. */
class SpeechExecutorTest {
  private static final int END = HashSpeechDevice.CONFIG.endId();
  private static final int LIMIT = 32;

  @ParameterizedTest
  @EnumSource(Strategy.class)
  void sequenceThatStartsOverAfterAnyPass_hasTheSameText(Strategy strategy) throws Exception {
    SpeechInput input = recording(11, 3, new Decoding(strategy, 5, 3));
    try (SpeechExecutor executor = executor(new HashSpeechDevice(60))) {
      int steps = 0;
      for (int after = 1; after < 30; after++) {
        SpeechInput fresh = recording(11, 3, input.decoding()); // its passes are chosen anew
        HandDrivenSequence sequence = sequence(after, fresh);
        int made = 0;
        for (; made < after && !ended(sequence); made++) {
          step(executor, sequence, 4); // others wait, so 3 passes are chosen
        }
        if (ended(sequence)) {
          steps = made;
          break;
        }
        executor.released(after);
        sequence.startOver();
        while (!ended(sequence)) {
          step(executor, sequence, 0);
        }
        assertThat(sequence.output()).isEqualTo(expected(input, 3));
      }
      assertThat(steps).isPositive();
    }
  }

  @Test
  void sequenceThatStartsAtZero_forgetsItsCanvas() throws Exception {
    SpeechInput input = recording(11, 3, Decoding.of(Strategy.EASY_FIRST, 3));
    try (SpeechExecutor executor = executor(new HashSpeechDevice(60))) {
      HandDrivenSequence sequence = sequence(1, input);
      step(executor, sequence, 0);
      step(executor, sequence, 0);
      sequence.startOver(); // without a release
      while (!ended(sequence)) {
        step(executor, sequence, 0);
      }
      assertThat(sequence.output()).isEqualTo(expected(input, 3));
      assertThat(executor.canvases()).isEqualTo(1);
      executor.released(1);
      assertThat(executor.canvases()).isZero();
    }
  }

  @Test
  void releasedSequenceThatGoesOn_fails() throws Exception {
    try (SpeechExecutor executor = executor(new HashSpeechDevice(60))) {
      HandDrivenSequence sequence =
          sequence(1, recording(11, 3, Decoding.of(Strategy.EASY_FIRST, 3)));
      step(executor, sequence, 0);
      executor.released(1);
      StepResult result = run(executor, sequence.chunk(99), 0);
      assertThat(result.failures().get(0)).hasMessageContaining("not encoded");
      assertThat(result.count(0)).isZero();
      assertThat(result.slots(0)).isZero();
    }
  }

  @Test
  void easyFirst_commitsThePrefixAsItGrows() throws Exception {
    SpeechInput input = recording(12, 12, Decoding.of(Strategy.EASY_FIRST, 12));
    try (SpeechExecutor executor = executor(new HashSpeechDevice(60))) {
      HandDrivenSequence sequence = sequence(1, input);
      List<Integer> lengths = new ArrayList<>();
      List<Integer> left = new ArrayList<>();
      while (!ended(sequence)) {
        StepResult result = step(executor, sequence, 0);
        lengths.add(sequence.output().length);
        left.add(result.stepsLeft(0));
      }
      assertThat(lengths.get(0)).isZero();
      assertThat(lengths.stream().distinct().count()).isGreaterThan(3);
      assertThat(left).containsExactly(12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    }
  }

  @Test
  void close_closesTheDeviceOnce() {
    HashSpeechDevice device = new HashSpeechDevice(60);
    SpeechExecutor executor = executor(device);
    assertThat(executor.stepThread()).isEmpty();
    executor.close();
    executor.close();
    assertThat(device.closed).isTrue();
    assertThatThrownBy(() -> executor.execute(new StepBatch(0, List.of(), List.of(), List.of())))
        .isInstanceOf(RuntimeException.class);
  }

  @Test
  void deviceOfAnotherGrowth_isRefused() {
    ExecutorProfile paged =
        ExecutorProfile.builder()
            .kvBlocks(9, 4, 64)
            .maxContextTokens(30)
            .maxTokensPerStep(30)
            .maxSequencesPerStep(3)
            .vocabularySize(12)
            .takesInputs(true)
            .build();
    SpeechDevice device =
        new HashSpeechDevice(9) {
          @Override
          public ExecutorProfile profile() {
            return paged;
          }
        };
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SpeechExecutor(device, Thread::new))
        .withMessageContaining("FIXED_CANVAS");
  }

  // ---- the world

  private static SpeechExecutor executor(SpeechDevice device) {
    return new SpeechExecutor(device, Thread::new);
  }

  private static SpeechInput recording(int length, int ctcLength, Decoding decoding) {
    return HashSpeechDevice.recording(length, length, ctcLength, 8, decoding);
  }

  private static int[] expected(SpeechInput input, int passes) {
    return CanvasStrategyTest.reference(input, HashSpeechDevice.ctc(input), LIMIT)
        .answer(input.decoding().strategy(), passes);
  }

  private static HandDrivenSequence sequence(long id, SpeechInput input) {
    boolean causal = input.decoding().strategy() == Strategy.LEFT_TO_RIGHT;
    int[] prompt = new int[input.slots() + (causal ? 1 : 0)];
    Arrays.fill(prompt, END);
    int[] blocks = IntStream.range(0, 20).map(i -> (int) (id + i) % 60).toArray();
    return new HandDrivenSequence(id, prompt, SamplingParameters.GREEDY, blocks)
        .with(input)
        .fixed()
        .limit(LIMIT);
  }

  private static boolean ended(HandDrivenSequence sequence) {
    int[] output = sequence.output();
    return output.length > 0 && output[output.length - 1] == END;
  }

  private static StepResult step(SpeechExecutor executor, HandDrivenSequence sequence, int waiting)
      throws Exception {
    StepResult result = run(executor, sequence.chunk(99), waiting);
    assertThat(result.failures()).isEmpty();
    sequence.apply(result, 0);
    return result;
  }

  private static StepResult run(SpeechExecutor executor, HandDrivenSequence sequence, int waiting)
      throws Exception {
    return executor
        .execute(new StepBatch(0, List.of(sequence), List.of(), List.of(), waiting))
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
  }
}
