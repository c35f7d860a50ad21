package dev.s3llm.examples.server.openai;

import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import org.jspecify.annotations.Nullable;

/** A prompt of {@code /v1/completions}: a text, or token ids. Immutable. */
public final class Prompt {
  private final @Nullable String text;
  private final int[] tokens;

  private Prompt(@Nullable String text, int[] tokens) {
    this.text = text;
    this.tokens = tokens;
  }

  static Prompt of(String text) {
    return new Prompt(text, new int[0]);
  }

  static Prompt of(int... tokens) {
    return new Prompt(null, tokens);
  }

  /** Returns a builder of a request that continues the prompt. */
  public TextRequest.Builder request() {
    return text == null
        ? TextRequest.builder().promptTokens(tokens)
        : TextRequest.builder().prompt(text);
  }

  /** Returns the prompt's text. */
  public String text(TextModel model) {
    return text == null ? model.decode(tokens) : text;
  }

  /** Returns the number of tokens of the prompt. */
  public int length(TextModel model) {
    return text == null ? tokens.length : model.encode(text).length;
  }
}
