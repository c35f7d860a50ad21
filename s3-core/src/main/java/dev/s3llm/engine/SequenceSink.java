package dev.s3llm.engine;

/** Where a sequence's output goes. Called from the loop, so it must neither block nor throw. */
public interface SequenceSink {

  /** The next token. */
  void onToken(int token);

  /** The end; called exactly once, after the last token. */
  void onEnd(SequenceOutcome outcome);
}
