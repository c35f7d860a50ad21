package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.Decoding.Strategy;
import dev.s3llm.model.speech.SpeechFiles;
import dev.s3llm.model.speech.SpeechInput;
import dev.s3llm.testkit.ExecutorContract;
import java.util.Arrays;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class CpuSpeechExecutorTest {
  private static final CpuSpeechWeights WEIGHTS = SpeechFixtures.weights();

  /** First frame of the part of the recording, which has six characters. */
  private static final int FIRST = 32;

  private static CpuSpeechExecutor.Builder builder() {
    return new CpuSpeechExecutor.Builder(SpeechFixtures.CONFIG, WEIGHTS)
        .blockTokens(4)
        .kvBytes(2 << 20)
        .swapBytes(1 << 20)
        .threads(2);
  }

  /** The contract, with the first frames of a recording. */
  private abstract static class Contract extends ExecutorContract {
    private final Decoding decoding;

    Contract(Strategy strategy) {
      decoding = Decoding.of(strategy, 3);
    }

    @Override
    protected Executor create() {
      return builder().build();
    }

    @Override
    protected SequenceStep.Input input() {
      boolean causal = decoding.strategy() == Strategy.LEFT_TO_RIGHT;
      int frames = 4 * (causal ? 12 : 13);
      int from = FIRST * SpeechFixtures.CONFIG.melBands();
      int to = from + frames * SpeechFixtures.CONFIG.melBands();
      float[] features = Arrays.copyOfRange(SpeechFixtures.features("middle"), from, to);
      return new SpeechInput(features, frames, decoding);
    }

    @Override
    protected int[] prompt(int vocabularySize) {
      int[] prompt = new int[13];
      prompt[12] = SpeechFixtures.CONFIG.endId(); // counts left to right, behind 12 frames
      return prompt;
    }

    @Override
    protected int[] stopTokens() {
      return new int[] {SpeechFixtures.CONFIG.endId()};
    }
  }

  @Nested
  class EasyFirst extends Contract {
    EasyFirst() {
      super(Strategy.EASY_FIRST);
    }
  }

  @Nested
  class MaskPredict extends Contract {
    MaskPredict() {
      super(Strategy.MASK_PREDICT);
    }
  }

  @Nested
  class MaskCtc extends Contract {
    MaskCtc() {
      super(Strategy.MASK_CTC);
    }
  }

  @Nested
  class LeftToRight extends Contract {
    LeftToRight() {
      super(Strategy.LEFT_TO_RIGHT);
    }
  }

  @Test
  void profile_holdsRecordingsOf160SecondsByDefault() {
    try (SpeechFiles files = SpeechFiles.open(SpeechFixtures.MODEL);
        Executor executor =
            CpuSpeechExecutor.builder(files.config(), files.tensors()).kvBytes(64 << 20).build()) {
      ExecutorProfile profile = executor.profile();
      assertThat(profile.maxTokensPerStep()).isEqualTo(4096);
      assertThat(profile.maxContextTokens()).isEqualTo(8192);
      assertThat(profile.bytesPerBlock()).isEqualTo(4 * 2 * 128 * 4 * 16);
      assertThat(profile.blockCount()).isEqualTo(1024);
      assertThat(profile.growth()).isEqualTo(KvGrowth.FIXED_CANVAS);
      assertThat(profile.canvasPasses()).isEqualTo(3);
      assertThat(profile.takesInputs()).isTrue();
    }
  }

  @Test
  void budgetBelowOneBlock_isRefusedWithTheBytes() {
    assertThatThrownBy(
            () ->
                new CpuSpeechExecutor.Builder(SpeechFixtures.CONFIG, WEIGHTS).kvBytes(100).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("kvBytes is 100, but one block of 16 tokens takes 65536 bytes");
  }
}
