package dev.s3llm.cpu;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Changes the logits of a sequence before a token is drawn from them, in the order of {@link
 * SamplingParameters}: biases, penalties, masks. All arithmetic is in single precision and rounds
 * after each operation, as the kernels of other devices do.
 */
final class LogitShaping {
  /** The logit of a token that may not come: finite, with a probability of zero. */
  static final float MASKED = -Float.MAX_VALUE;

  private final SequenceStep sequence;
  private final SamplingParameters sampling;
  private final float[] logits;
  private final int offset;
  private final int vocabulary;

  private LogitShaping(SequenceStep sequence, float[] logits, int offset, int vocabulary) {
    this.sequence = sequence;
    this.sampling = sequence.sampling();
    this.logits = logits;
    this.offset = offset;
    this.vocabulary = vocabulary;
  }

  /**
   * Changes the logits of a sequence.
   *
   * @param sequence the sequence whose next token is drawn
   * @param logits at least {@code offset + vocabulary} logits
   * @param offset index of the sequence's first logit
   * @param vocabulary number of logits of the sequence
   */
  static void apply(SequenceStep sequence, float[] logits, int offset, int vocabulary) {
    LogitShaping shaping = new LogitShaping(sequence, logits, offset, vocabulary);
    shaping.bias();
    shaping.penaliseRepetition();
    shaping.penaliseOutput();
    shaping.mask();
  }

  private void bias() {
    sampling
        .logitBias()
        .forEach(
            (token, bias) -> {
              if (token >= 0 && token < vocabulary) {
                logits[offset + token] += bias.floatValue();
              }
            });
  }

  /** Divides positive and multiplies negative logits of tokens that occurred, each once. */
  private void penaliseRepetition() {
    float penalty = (float) sampling.repetitionPenalty();
    if (sampling.repetitionPenalty() != 1) {
      for (int token : Arrays.stream(tokensFrom(0)).distinct().toArray()) {
        float logit = logits[offset + token];
        logits[offset + token] = logit > 0 ? logit / penalty : logit * penalty;
      }
    }
  }

  private void penaliseOutput() {
    float presence = (float) sampling.presencePenalty();
    float frequency = (float) sampling.frequencyPenalty();
    if (presence == 0 && frequency == 0) {
      return;
    }
    int[] output = tokensFrom(sequence.promptTokens());
    int first = 0;
    for (int i = 0; i < output.length; i++) {
      if (i + 1 == output.length || output[i + 1] != output[i]) {
        logits[offset + output[i]] -= frequency * (i + 1 - first) + presence;
        first = i + 1;
      }
    }
  }

  /** Returns the known tokens from a position on, ascending by id. */
  private int[] tokensFrom(int position) {
    int length = sequence.startPosition() + sequence.tokenCount();
    return IntStream.range(position, length)
        .map(sequence::token)
        .filter(token -> token >= 0 && token < vocabulary) // an input has no tokens
        .sorted()
        .toArray();
  }

  private void mask() {
    long[] allowed = sequence.allowedTokens();
    if (allowed != null) {
      for (int token = 0; token < vocabulary; token++) {
        int word = token >> 6;
        if (word >= allowed.length || (allowed[word] >>> token & 1) == 0) {
          logits[offset + token] = MASKED;
        }
      }
    }
    for (int token : sequence.forbiddenTokens()) {
      logits[offset + token] = MASKED;
    }
  }
}
