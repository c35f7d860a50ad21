package dev.s3llm.onnx;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Map;

/**
 * Turns prompts into the token ids that a length model reads. A prompt longer than the model's
 * input keeps its head and its tail, half each: what is asked stands at either end more often than
 * in the middle. Thread-safe.
 */
final class PromptEncoder implements AutoCloseable {
  /** No token takes more characters than this on average; what is beyond is cut before encoding. */
  private static final int CHARACTERS_PER_TOKEN = 16;

  private final HuggingFaceTokenizer tokenizer;
  private final int maxTokens;

  PromptEncoder(byte[] tokenizerJson, int maxTokens) {
    stayOffline();
    this.maxTokens = maxTokens;
    try {
      Map<String, String> options =
          Map.of("addSpecialTokens", "true", "truncation", "false", "padding", "false");
      this.tokenizer =
          HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(tokenizerJson), options);
    } catch (IOException | RuntimeException e) {
      throw new LengthModelException(
          LengthModelFolder.TOKENIZER + " is no usable tokenizer: " + e.getMessage(), e);
    }
  }

  /** The library underneath would otherwise look for a cloud's metadata service. */
  private static void stayOffline() {
    if (System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
  }

  /** Token ids, special ones included; from 1 to the model's limit. */
  long[] encode(String prompt) {
    long[] ids = tokenizer.encode(headAndTail(prompt)).getIds();
    return ids.length == 0 ? new long[] {0} : headAndTail(ids, maxTokens);
  }

  /** Bounds the work that an absurdly long prompt can cause. */
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
