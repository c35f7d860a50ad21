package dev.s3llm.text.internal.tokenizer;

import com.google.common.base.Splitter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The expressions that GGUF files name by {@code tokenizer.ggml.pre}, as the tokenizers of the
 * models have them. Each one divides the pieces that the ones before it left.
 *
 * @param expressions in order
 * @param ignoreMerges whether a piece that is in the vocabulary becomes one token in any case
 * @param addsStart whether a start token is added where the file does not say it
 * @param composes whether texts are composed (NFC) first
 */
record GgufExpressions(
    List<String> expressions, boolean ignoreMerges, boolean addsStart, boolean composes) {
  private static final String CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d";
  private static final String ANY_CASE = "(?i:" + CONTRACTIONS + ")";
  private static final String BLANKS = "\\s+(?!\\S)|\\s+";
  private static final String LINES = "\\s*[\\r\\n]+|" + BLANKS;
  private static final String WORD = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
  private static final String SIGNS = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" + LINES;
  private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String CASED = "[^\\r\\n\\p{L}\\p{N}]?" + UPPER + "*" + LOWER + "+";
  private static final String CAPITALS = "[^\\r\\n\\p{L}\\p{N}]?" + UPPER + "+" + LOWER + "*";
  private static final String PATH_SIGNS = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" + LINES;
  private static final String HAN_AND_KANA = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";
  private static final String HAN_AND_HANGUL = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";

  private static final String GPT2 =
      CONTRACTIONS + "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|" + BLANKS;
  private static final String LLAMA3 = String.join("|", ANY_CASE, WORD, "\\p{N}{1,3}", SIGNS);
  private static final String QWEN2 = String.join("|", ANY_CASE, WORD, "\\p{N}", SIGNS);
  private static final String QWEN35 =
      String.join(
          "|",
          ANY_CASE,
          "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+",
          "\\p{N}",
          " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*",
          LINES);
  private static final String TEKKEN = String.join("|", CASED, CAPITALS, "\\p{N}", PATH_SIGNS);
  private static final String GPT4O =
      String.join(
          "|", CASED + ANY_CASE + "?", CAPITALS + ANY_CASE + "?", "\\p{N}{1,3}", PATH_SIGNS);
  private static final String DEEPSEEK3 =
      "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
          + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|"
          + LINES;

  /** Latin, Greek, Cyrillic, Armenian, Georgian, Cherokee and other letters with two cases. */
  private static final String CASED_LETTERS =
      "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293"
          + "\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c"
          + "\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5"
          + "\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77"
          + "\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59"
          + "\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc"
          + "\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107"
          + "\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139"
          + "\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee"
          + "\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e"
          + "\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a"
          + "\\x{10400}-\\x{1044f}\\x{104b0}-\\x{104d3}\\x{104d8}-\\x{104fb}\\x{10c80}-\\x{10cb2}"
          + "\\x{10cc0}-\\x{10cf2}\\x{118a0}-\\x{118df}\\x{1e900}-\\x{1e943}";

  private static final Splitter NAMES = Splitter.on(' ');
  private static final Map<String, GgufExpressions> BY_NAME = new HashMap<>();

  static {
    put(
        List.of(GPT2),
        "gpt-2 phi-2 mpt olmo jais trillion granite-docling exaone4 gigachat a.x-4.0");
    put(List.of("\\p{N}", GPT2), "starcoder refact command-r smollm codeshell exaone minerva-7b");
    put(List.of("\\p{N}", GPT2), "mellum2");
    put(List.of(GPT2), "mellum modern-bert");
    put(List.of(LLAMA3), "dbrx smaug-bpe glm4 chatglm-bpe");
    put(List.of(QWEN2), "stablelm2 hunyuan solar-open grok-2");
    put(List.of("[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"), "falcon");
    put(List.of("[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"), "default");
    put(List.of("\\p{N}{1,3}", HAN_AND_KANA, DEEPSEEK3), "deepseek-v3 hunyuan-dense joyai-llm");
    put(
        List.of(
            "[\\r\\n]",
            "\\s?[" + CASED_LETTERS + "]+",
            "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+",
            "\\s+$",
            HAN_AND_HANGUL,
            "\\p{N}+"),
        "deepseek-llm");
    put(
        List.of("[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", HAN_AND_HANGUL, "\\p{N}"),
        "deepseek-coder");
    put(List.of(GPT4O), "gpt-4o llama4 kanana2 minimax-m2");
    put(List.of(" ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"), "bloom poro-chat");
    put(List.of(" ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"), "gpt3-finnish");
    put(List.of(" ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+", "\\p{N}"), "viking");
    put(
        List.of(
            "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}"
                + "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|"
                + BLANKS),
        "bailingmoe bailingmoe2 llada-moe");
    put(
        List.of(
            String.join("|", ANY_CASE, WORD, "\\p{N}{1}", " ?[^\\s\\p{L}\\p{N}\\r\\n]+", LINES)),
        "seed-coder");
    List<String> llama = List.of(LLAMA3);
    for (String name :
        NAMES.split("llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2")) {
      BY_NAME.put(name, new GgufExpressions(llama, true, true, false));
    }
    BY_NAME.put("tekken", new GgufExpressions(List.of(TEKKEN), true, true, false));
    for (String name : NAMES.split("qwen2 deepseek-r1-qwen megrez")) {
      BY_NAME.put(name, new GgufExpressions(List.of(QWEN2), false, false, true));
    }
    BY_NAME.put("qwen35", new GgufExpressions(List.of(QWEN35), false, false, true));
  }

  private static void put(List<String> expressions, String names) {
    for (String name : NAMES.split(names)) {
      BY_NAME.put(name, new GgufExpressions(expressions, false, false, false));
    }
  }

  /** Returns the expressions of a name; null if it is not known. */
  static @Nullable GgufExpressions of(String name) {
    return BY_NAME.get(name);
  }

  /** Returns the known names, sorted. */
  static List<String> names() {
    return BY_NAME.keySet().stream().sorted().toList();
  }
}
