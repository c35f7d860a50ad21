package dev.s3llm.examples.server.openai;

import dev.s3llm.GenerationResult.TokenScores;
import dev.s3llm.GenerationResult.TokenScores.Alternative;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Log probabilities of tokens, in the forms of the endpoints. */
final class LogProbs {
  private static final String BYTES = "bytes";

  private LogProbs() {}

  /** Returns the form of chat completions. */
  static Object chat(List<TokenScores> scores, TokenTexts texts) {
    List<Object> content = new ArrayList<>();
    for (TokenScores one : scores) {
      if (!texts.isStop(one.token())) {
        Map<String, @Nullable Object> token = entry(one.token(), one.logProbability(), texts);
        token.put("top_logprobs", alternatives(one, texts));
        content.add(token);
      }
    }
    return ResponseStream.map("content", content, "refusal", null);
  }

  private static List<Object> alternatives(TokenScores scores, TokenTexts texts) {
    List<Object> all = new ArrayList<>();
    for (Alternative one : scores.alternatives()) {
      all.add(entry(one.token(), one.logProbability(), texts));
    }
    return all;
  }

  /**
   * Returns the form of responses.
   *
   * @param bytes whether tokens have their bytes, which those of events have not
   */
  static List<Object> output(List<TokenScores> scores, TokenTexts texts, boolean bytes) {
    List<Object> all = new ArrayList<>();
    for (TokenScores one : scores) {
      Map<String, @Nullable Object> token = entry(one.token(), one.logProbability(), texts);
      List<Object> top = new ArrayList<>();
      for (Alternative other : one.alternatives()) {
        Map<String, @Nullable Object> entry = entry(other.token(), other.logProbability(), texts);
        entry.keySet().removeIf(name -> !bytes && name.equals(BYTES));
        top.add(entry);
      }
      token.keySet().removeIf(name -> !bytes && name.equals(BYTES));
      token.put("top_logprobs", top);
      all.add(token);
    }
    return all;
  }

  private static Map<String, @Nullable Object> entry(
      int token, double logProbability, TokenTexts texts) {
    return ResponseStream.map(
        "token", texts.text(token), "logprob", number(logProbability), BYTES, texts.bytes(token));
  }

  /**
   * Returns the form of completions.
   *
   * @param offset number of characters of the answer before the first of these tokens
   */
  static Object completion(List<TokenScores> scores, TokenTexts texts, int offset) {
    List<String> tokens = new ArrayList<>();
    List<@Nullable Double> values = new ArrayList<>();
    List<Object> tops = new ArrayList<>();
    List<Integer> offsets = new ArrayList<>();
    int place = offset;
    for (TokenScores one : scores) {
      if (!texts.isStop(one.token())) {
        String text = texts.text(one.token());
        tokens.add(text);
        values.add(number(one.logProbability()));
        Map<String, @Nullable Double> top = new LinkedHashMap<>();
        for (Alternative other : one.alternatives()) {
          top.putIfAbsent(texts.text(other.token()), number(other.logProbability()));
        }
        tops.add(top);
        offsets.add(place);
        place += text.length();
      }
    }
    return ResponseStream.map(
        "tokens", tokens, "token_logprobs", values, "top_logprobs", tops, "text_offset", offsets);
  }

  /** Returns a value that JSON can have; null for one that is unknown. */
  private static @Nullable Double number(double logProbability) {
    if (Double.isNaN(logProbability)) {
      return null;
    }
    return Math.max(logProbability, -9999.0); // of an impossible token, as the API has it
  }
}
