package dev.s3llm.jcuda;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.Decoding.Strategy;
import dev.s3llm.model.speech.SpeechFiles;
import dev.s3llm.model.speech.SpeechInput;
import dev.s3llm.testkit.ExecutorContract;
import java.util.Arrays;
import org.junit.jupiter.api.Nested;

/** The contract of executors for speech on the GPU. */
class JCudaSpeechExecutorTest {
  /** First feature frame of the part of the recording, which has some characters. */
  private static final int FIRST = 32;

  private static final int END = 1;

  /** The contract, with the first frames of a recording. */
  private abstract static class Contract extends ExecutorContract {
    private final Decoding decoding;

    Contract(Strategy strategy) {
      decoding = Decoding.of(strategy, 3);
    }

    @Override
    protected Executor create() {
      try (SpeechFiles files = SpeechFixtures.model()) {
        return JCudaSpeechExecutor.builder(files.config(), files.tensors())
            .kvBytes(4L << 20)
            .swapBytes(2L << 20)
            .maxTokensPerStep(512)
            .build();
      }
    }

    @Override
    protected SequenceStep.Input input() {
      int frames = 4 * (decoding.strategy() == Strategy.LEFT_TO_RIGHT ? 12 : 13);
      float[] all = SpeechFixtures.features("middle");
      return new SpeechInput(
          Arrays.copyOfRange(all, FIRST * 64, (FIRST + frames) * 64), frames, decoding);
    }

    @Override
    protected int[] prompt(int vocabularySize) {
      int[] prompt = new int[13];
      prompt[12] = END; // counts left to right, behind 12 frames
      return prompt;
    }

    @Override
    protected int[] stopTokens() {
      return new int[] {END};
    }
  }

  @Nested
  @GpuTest
  class EasyFirst extends Contract {
    EasyFirst() {
      super(Strategy.EASY_FIRST);
    }
  }

  @Nested
  @GpuTest
  class MaskPredict extends Contract {
    MaskPredict() {
      super(Strategy.MASK_PREDICT);
    }
  }

  @Nested
  @GpuTest
  class MaskCtc extends Contract {
    MaskCtc() {
      super(Strategy.MASK_CTC);
    }
  }

  @Nested
  @GpuTest
  class LeftToRight extends Contract {
    LeftToRight() {
      super(Strategy.LEFT_TO_RIGHT);
    }
  }
}
