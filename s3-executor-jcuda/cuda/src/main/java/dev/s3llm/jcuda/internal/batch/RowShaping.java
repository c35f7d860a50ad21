package dev.s3llm.jcuda.internal.batch;

import com.google.common.collect.MapMaker;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import java.util.Map;
import java.util.function.IntPredicate;

/**
 * Writes what changes a row's logits before a token is drawn, as {@code shape.cu} reads it: biases,
 * tokens that occurred, and the mask of the tokens that may come. Rows that need none of it have no
 * such lists.
 */
final class RowShaping {
  /** Words of the parameters before the lists, as {@code sampling.cuh} declares them. */
  static final int HEAD_INTS = 8;

  /** The place of a row that has no lists. */
  static final int NONE = -1;

  private final StepLists lists;
  private final int vocabulary;

  /**
   * Tokens of sequences with penalties. Keys are compared by identity, and the tokens of a sequence
   * only grow, so that entries stay right until the sequence is forgotten.
   */
  private final Map<SequenceStep, OccurredTokens> occurred = new MapMaker().weakKeys().makeMap();

  RowShaping(StepLists lists, int vocabulary) {
    this.lists = lists;
    this.vocabulary = vocabulary;
  }

  /**
   * Writes the lists of a sequence and returns their place, or {@link #NONE}.
   *
   * @param length number of the sequence's known tokens
   */
  int write(SequenceStep sequence, int length) {
    SamplingParameters sampling = sequence.sampling();
    boolean penalised = repeats(sampling) || penalisesOutput(sampling);
    long[] allowed = sequence.allowedTokens();
    if (allowed == null && !penalised && sampling.logitBias().isEmpty()) {
      return NONE;
    }
    int mask = allowed == null ? NONE : lists.mask(allowed);
    int place = head(sampling, mask);
    sampling
        .logitBias()
        .forEach(
            (token, bias) -> {
              lists.add(token.intValue());
              lists.add(bias.floatValue());
            });
    if (penalised) {
      occurred(place, occurred(sequence, length));
    }
    return place;
  }

  private static boolean repeats(SamplingParameters sampling) {
    return sampling.repetitionPenalty() != 1;
  }

  private static boolean penalisesOutput(SamplingParameters sampling) {
    return (float) sampling.presencePenalty() != 0 || (float) sampling.frequencyPenalty() != 0;
  }

  private int head(SamplingParameters sampling, int mask) {
    int place = lists.next();
    lists.add((float) sampling.repetitionPenalty());
    lists.add((float) sampling.presencePenalty());
    lists.add((float) sampling.frequencyPenalty());
    lists.add(sampling.logitBias().size());
    lists.add(0);
    lists.add(0);
    lists.add(0);
    lists.add(mask);
    return place;
  }

  private OccurredTokens occurred(SequenceStep sequence, int length) {
    int from = repeats(sequence.sampling()) ? 0 : sequence.promptTokens();
    OccurredTokens tokens = occurred.get(sequence);
    if (tokens == null || tokens.from() != from) {
      tokens = new OccurredTokens(from);
      occurred.put(sequence, tokens);
    }
    tokens.count(sequence, length, vocabulary);
    return tokens;
  }

  /** Writes tokens of the prompt alone, then those that the output has once, then the others. */
  private void occurred(int place, OccurredTokens tokens) {
    lists.set(place + 4, add(tokens, occurrences -> occurrences == 0, false));
    lists.set(place + 5, add(tokens, occurrences -> occurrences == 1, false));
    lists.set(place + 6, add(tokens, occurrences -> occurrences > 1, true));
  }

  private int add(OccurredTokens tokens, IntPredicate wanted, boolean withOccurrences) {
    int count = 0;
    for (int i = 0; i < tokens.size(); i++) {
      if (wanted.test(tokens.occurrences(i))) {
        lists.add(tokens.token(i));
        if (withOccurrences) {
          lists.add(tokens.occurrences(i));
        }
        count++;
      }
    }
    return count;
  }
}
