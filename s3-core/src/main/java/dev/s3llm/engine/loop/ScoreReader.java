package dev.s3llm.engine.loop;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.execute.StepResult;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Passes the log probabilities of a step to those who requested them, each token's before the
 * token. Arrays of a wrong length are ignored and counted.
 */
final class ScoreReader {
  private static final Logger log = LoggerFactory.getLogger(ScoreReader.class);
  private static final int NONE = -1;

  private final EngineState state;
  private boolean warned;
  private StepResult.LogProbabilities read = StepResult.LogProbabilities.NONE;

  /** The first value of the present sequence's next token; {@link #NONE} if the step has none. */
  private int next = NONE;

  ScoreReader(EngineState state) {
    this.state = state;
  }

  /** Starts to read the values of a step. */
  void open(List<Sequence> sequences, StepResult result) {
    next = NONE;
    long expected = 0;
    for (int i = 0; i < sequences.size(); i++) {
      expected += (long) tokens(result, i) * width(sequences.get(i));
    }
    read = result.logProbabilities();
    if (read.values().length == expected && read.tokens().length == expected) {
      next = expected == 0 ? NONE : 0;
    } else {
      reportLength(expected);
    }
  }

  /** Returns for how many tokens of a sequence a result has values, if it has requested them. */
  private static int tokens(StepResult result, int i) {
    return result.plain() ? 1 : result.count(i);
  }

  /** Returns how many values each token of a sequence has. */
  private static int width(Sequence sequence) {
    return 1 + sequence.logProbabilities();
  }

  /**
   * Passes the values of the latest token of a sequence to its sink.
   *
   * @param sequence the sequence
   * @param i which of the tokens that the step commits for it, from 0
   */
  void deliver(Sequence sequence, int i) {
    int width = width(sequence);
    if (next != NONE && width > 0) {
      sequence
          .spec()
          .sink()
          .onLogProbabilities(
              sequence.committedTokens() - 1, read.values(), read.tokens(), next + i * width);
    }
  }

  /** Goes on to the next sequence of the step. */
  void passed(Sequence sequence, StepResult result, int i) {
    if (next != NONE) {
      next += tokens(result, i) * width(sequence);
    }
  }

  private void reportLength(long expected) {
    state.counters.callbackFailures++;
    String message =
        "the executor returned {} log probabilities of {} tokens instead of {}; ignored";
    if (warned) {
      log.debug(message, read.values().length, read.tokens().length, expected);
    } else {
      warned = true;
      log.warn(
          message + ", and further ones are logged at DEBUG",
          read.values().length,
          read.tokens().length,
          expected);
    }
  }
}
