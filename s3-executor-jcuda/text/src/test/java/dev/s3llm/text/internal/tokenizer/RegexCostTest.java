package dev.s3llm.text.internal.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.regex.PatternSyntaxException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The bounds of searches by expressions. */
class RegexCostTest {
  private static final String O200K =
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
          + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
          + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
          + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+"
          + "|\\s+(?!\\S)|\\s+";

  /** Expressions of GPT-2, Llama 3, GPT-4, GPT-4o, DeepSeek, EXAONE, and small parts. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
        "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+"
            + "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s",
        O200K,
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
            + "| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
        "[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
        "\\p{N}{1}",
        "[\\p{L}\\p{M}]+",
        "\\p{Han}+",
        "[\u4e00-\u9fa5\u0800-\u4e00]+",
        " ?[^(\\s|.,!?\u2026\u3002)]+",
        "(?:a|b)?c*",
        "x(?!y)|(?:a+|b)?c{0,9}d*",
        "(?<=a)b",
        "(?>a+)",
        "(a+)+",
        "a{1000}",
        "a**",
        "[]a]",
      })
  void expressionsOfRealTokenizers_takeTimeInProportionToTheText(String regex) {
    assertThat(RegexCost.of(regex).degree()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        "\\s+$ 1",
        "\\w+(?!\\S) 1",
        "a+b 1",
        "a*b*c 2",
        "(?=a+)a 1",
        "a++b 1",
        "(?:abc)*d 1",
        "a+[bd]|a+[ce] 1",
        "\\d{1,3}(?=(?:\\d{3})*\\b) 2",
        "a+?b 1",
      })
  void repetitionsBeforeWhatCanFail_takeMore(String regex, int degree) {
    assertThat(RegexCost.of(regex).degree()).isEqualTo(degree);
  }

  /** With these the native library ends the process or needs hours, so no text is encoded. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a+)+c", "(?:a*|b)*c", "(a|a)*b", "(?:a{1,99}|b){1,99}c", "(a?){30}b", "(?:a{1,3})+b",
            "(a)\\1", "\\k<n>",
        "[a", "(", ")", "a)b", "\\", "*a", "(?y)", "a*b*c*d*e*f*g*h",
      })
  void expressionsWithoutABound_areRefused(String regex) {
    assertThatThrownBy(() -> RegexCost.of(regex)).isInstanceOf(PatternSyntaxException.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {28, 40})
  void waysMultiply(int parts) {
    assertThatThrownBy(() -> RegexCost.of("(a|a)".repeat(parts) + "b"))
        .hasMessageContaining("too many ways");
    assertThatThrownBy(() -> RegexCost.of("a?".repeat(parts) + "b"))
        .hasMessageContaining("too many ways");
  }
}
