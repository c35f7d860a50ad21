package dev.s3llm.onnx;

import dev.s3llm.model.ModelFormatException;
import dev.s3llm.text.internal.tokenizer.TextTokenizer;
import java.util.Arrays;

/**
 * Encodes prompts into the token ids that a length model reads. Of a prompt longer than the model's
 * input, the first half and the last half of the input remain: the question is more often at either
 * end than in the middle. Thread-safe.
 */
final class PromptEncoder implements AutoCloseable {
  /** More characters than a token has on average; a longer prompt is cut before it is encoded. */
  private static final int CHARACTERS_PER_TOKEN = 16;

  private final TextTokenizer tokenizer;
  private final int maxTokens;

  /**
   * Opens a tokenizer.
   *
   * @param tokenizerJson the content of {@code tokenizer.json}
   * @param maxTokens the longest input of the model, in tokens
   * @throws LengthModelException if the content is not a tokenizer
   */
  PromptEncoder(byte[] tokenizerJson, int maxTokens) {
    this.maxTokens = maxTokens;
    try {
      this.tokenizer = TextTokenizer.open(LengthModelFolder.TOKENIZER, tokenizerJson);
    } catch (ModelFormatException e) {
      throw new LengthModelException(String.valueOf(e.getMessage()), e);
    }
  }

  /** Returns token ids, special ones included: at least one, at most as many as the model reads. */
  long[] encode(String prompt) {
    int[] ids = tokenizer.encode(headAndTail(prompt));
    return ids.length == 0
        ? new long[] {0}
        : headAndTail(Arrays.stream(ids).asLongStream().toArray(), maxTokens);
  }

  /** Bounds the work for a very long prompt. */
  private String headAndTail(String prompt) {
    int half = maxTokens * CHARACTERS_PER_TOKEN / 2;
    return prompt.length() <= 2 * half
        ? prompt
        : prompt.substring(0, half) + " " + prompt.substring(prompt.length() - half);
  }

  static long[] headAndTail(long[] ids, int limit) {
    if (ids.length <= limit) {
      return ids;
    }
    long[] kept = new long[limit];
    int head = limit / 2;
    System.arraycopy(ids, 0, kept, 0, head);
    System.arraycopy(ids, ids.length - (limit - head), kept, head, limit - head);
    return kept;
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
