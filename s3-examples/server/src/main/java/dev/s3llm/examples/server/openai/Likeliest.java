package dev.s3llm.examples.server.openai;

import dev.s3llm.GenerationResult;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The choice of the likeliest of several answers: by the mean log probability of their tokens. */
public final class Likeliest {
  private static final Comparator<Finished> FIRST =
      Comparator.comparingDouble(Likeliest::meanLogProbability).reversed();

  private Likeliest() {}

  /**
   * Returns the likeliest answers to each prompt, likeliest first.
   *
   * @param answers the answers with log probabilities, those to a prompt in a row
   * @param each number of answers to each prompt
   * @param kept how many of them to return
   */
  public static List<Finished> of(List<Finished> answers, int each, int kept) {
    List<Finished> chosen = new ArrayList<>();
    for (int i = 0; i < answers.size(); i += each) {
      answers.subList(i, i + each).stream().sorted(FIRST).limit(kept).forEach(chosen::add);
    }
    return chosen;
  }

  private static double meanLogProbability(Finished answer) {
    return answer
        .tokens()
        .map(GenerationResult::meanLogProbability)
        .orElse(Double.NEGATIVE_INFINITY);
  }
}
