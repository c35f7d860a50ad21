package dev.s3llm.model.speech;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.model.speech.Decoding.Strategy;
import dev.s3llm.testkit.ExecutorContract;
import org.junit.jupiter.api.Nested;

/** The contract of executors, for each strategy. */
class SpeechExecutorContractTest {

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
  class Leftmost extends Contract {
    Leftmost() {
      super(Strategy.LEFTMOST);
    }
  }

  @Nested
  class LeftToRight extends Contract {
    LeftToRight() {
      super(Strategy.LEFT_TO_RIGHT);
    }
  }

  @Nested
  class Ctc extends Contract {
    Ctc() {
      super(Strategy.CTC);
    }
  }

  /** The contract for one strategy. */
  abstract static class Contract extends ExecutorContract {
    private final Strategy strategy;

    Contract(Strategy strategy) {
      this.strategy = strategy;
    }

    @Override
    protected Executor create() {
      return new SpeechExecutor(new HashSpeechDevice(60), Thread::new);
    }

    @Override
    protected SequenceStep.Input input() {
      int slots = strategy == Strategy.LEFT_TO_RIGHT ? 12 : 13; // the last is the prompt's token
      return HashSpeechDevice.recording(1, 9, 3, slots, Decoding.of(strategy, 4));
    }

    @Override
    protected int[] stopTokens() {
      return new int[] {HashSpeechDevice.CONFIG.endId()};
    }
  }
}
