package dev.s3llm.engine.sequence;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthQuery;

/** A builder of sequences in a given state, for tests of plans. */
public final class TestSequences {
  private final Sequence sequence;

  private TestSequences(Sequence sequence) {
    this.sequence = sequence;
  }

  /** Returns a builder of a sequence without generated tokens and blocks. */
  public static TestSequences of(long id, int promptTokens, int maxNewTokens) {
    SequenceSink ignoring =
        new SequenceSink() {
          @Override
          public void onToken(int token) {}

          @Override
          public void onEnd(SequenceOutcome outcome) {}
        };
    Sequence sequence =
        new Sequence(
            id,
            new SequenceSpec(
                "r" + id,
                new int[promptTokens],
                new int[0],
                SamplingParameters.GREEDY,
                SequenceSpec.Standing.NONE,
                SequenceSpec.Times.of(0),
                new LengthQuery(promptTokens, null, null, 0, maxNewTokens),
                ignoring));
    sequence.setPrediction(LengthPrediction.uniform(maxNewTokens), 0);
    return new TestSequences(sequence);
  }

  /** Adds generated tokens. */
  public TestSequences generated(int tokens) {
    for (int i = 0; i < tokens; i++) {
      sequence.append(1, 0);
    }
    return this;
  }

  /** Sets the tokens in device memory. */
  public TestSequences kv(int tokens) {
    sequence.progress().setKvTokens(tokens);
    return this;
  }

  /** Makes the sequence decode on a canvas of so many positions, after its prefill. */
  public TestSequences canvas(int positions) {
    sequence.fixSlots(4);
    sequence.startStep(sequence.promptTokens());
    sequence.stepped(0, sequence.promptTokens() + positions, 3);
    return this;
  }

  /** Sets the number of reserved blocks. */
  public TestSequences reserved(int blocks) {
    KvBlockPool.Lease lease = new KvBlockPool(blocks).open(sequence.sequenceId());
    lease.reserve(blocks);
    sequence.holdDevice(lease);
    return this;
  }

  /** Returns the sequence. */
  public Sequence build() {
    return sequence;
  }
}
