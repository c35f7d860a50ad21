package dev.s3llm.examples.server.http;

import dev.s3llm.Generation;
import dev.s3llm.GenerationResult.TokenScores;
import dev.s3llm.examples.server.call.Answer;
import dev.s3llm.examples.server.openai.Completion;
import dev.s3llm.examples.server.openai.CompletionForm;
import dev.s3llm.examples.server.openai.TokenTexts;
import dev.s3llm.text.TextGeneration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Adds log probabilities to the pieces of an answer: to each piece those of all tokens that have
 * come since the piece before, and the rest to the last one. Used by one subscriber.
 */
final class StreamedScores {
  private final CompletionForm form;
  private final Optional<Generation> generation;
  private final TokenTexts texts;
  private int next;
  private int characters;

  StreamedScores(CompletionForm form, Answer answer, TokenTexts texts) {
    this.form = form;
    this.texts = texts;
    generation = answer.generation().map(TextGeneration::generation);
  }

  Completion addTo(Completion piece) {
    List<TokenScores> scores = new ArrayList<>();
    while (true) {
      int index = next;
      Optional<TokenScores> one = generation.flatMap(g -> g.scores(index));
      if (one.isEmpty()) {
        break;
      }
      scores.add(one.get());
      next++;
    }
    int offset = characters;
    characters += texts.length(scores);
    return form.withLogprobs(piece, scores, texts, offset);
  }
}
