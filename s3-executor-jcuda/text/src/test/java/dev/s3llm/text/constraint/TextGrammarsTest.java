package dev.s3llm.text.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Regular expressions, choices, GBNF and masks in general. */
class TextGrammarsTest {
  private static final List<byte[]> TOKENS = Vocabularies.ofSize(1000);
  private static final TokenVocabulary VOCABULARY = TokenVocabulary.of(TOKENS);

  private static TokenConstraint compile(Grammar grammar) {
    return grammar.compile(VOCABULARY);
  }

  private static boolean allows(long[] mask, int token) {
    return (mask[token >>> 6] >>> token & 1) != 0;
  }

  /** The expressions have texts of ASCII alone: the JDK then tells what may follow a text. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "[a-z ]{3,40}",
        "(\\d{1,3}\\.){3}\\d{1,3}",
        "\\{\"name\": \"[a-z]{1,20}\"(, \"n\": -?\\d+)?\\}",
        "(a|ab|abc)(c|bc)*d?",
        "[^\"\\\\]{0,12}|true|null",
        "( *\\[ *\\] *){1,100}",
      })
  void masksOfExpressions_areThoseOfTheJdk(String expression) {
    Pattern pattern = Pattern.compile(expression);
    TokenConstraint constraint = compile(Constraints.regex(expression));
    Random random = new Random(3);
    for (int answer = 0; answer < 6; answer++) {
      TokenConstraint.State state = constraint.start();
      String text = "";
      for (int step = 0; step < 12; step++) {
        long[] mask = state.mask(Integer.MAX_VALUE);
        List<Integer> next = new ArrayList<>();
        for (int token = 0; token < TOKENS.size(); token++) {
          byte[] bytes = TOKENS.get(token);
          String longer = text + new String(bytes, StandardCharsets.US_ASCII);
          boolean ascii = longer.chars().allMatch(c -> c < 128);
          if (ascii && bytes.length > 0) {
            assertThat(allows(mask, token)).as(longer).isEqualTo(mayFollow(pattern, longer));
          }
          if (ascii && allows(mask, token)) {
            next.add(token);
          }
        }
        assertThat(state.complete()).isEqualTo(pattern.matcher(text).matches());
        if (next.isEmpty()) {
          break;
        }
        int token = next.get(random.nextInt(next.size()));
        text += new String(TOKENS.get(token), StandardCharsets.US_ASCII);
        state = state.after(token);
      }
    }
  }

  private static boolean mayFollow(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    return matcher.matches() || matcher.hitEnd();
  }

  @Test
  void controlTokens_areNeverAllowed() {
    TokenConstraint constraint = compile(Constraints.regex("(.|\\n)*"));
    assertThat(allows(constraint.start().mask(9), 0)).isFalse();
    assertThatIllegalArgumentException().isThrownBy(() -> constraint.start().after(0));
  }

  @Test
  void charactersSplitOverTokens_areWhole() {
    TokenConstraint constraint = compile(Constraints.regex("[\u00e0-\u00ff\ud83d\ude00]+"));
    TokenConstraint.State half = constraint.start().after(1 + 0xF0).after(1 + 0x9F);
    assertThat(half.complete()).isFalse();
    assertThat(allows(half.mask(9), 1 + 0x98)).isTrue();
    assertThat(allows(half.mask(9), 1 + 'a')).isFalse();
    assertThat(half.after(1 + 0x98).after(1 + 0x80).complete()).isTrue();
  }

  @Test
  void choice_isOneOfTheTexts() {
    TokenConstraint constraint = compile(Constraints.choice(List.of("yes", "yes please", "no")));
    assertThat(Reads.keeps(constraint, TOKENS, "yes")).isTrue();
    assertThat(Reads.keeps(constraint, TOKENS, "yes please")).isTrue();
    assertThat(Reads.keeps(constraint, TOKENS, "yes p")).isFalse();
    assertThat(constraint.longest()).isEqualTo(10);
    assertThatIllegalArgumentException().isThrownBy(() -> Constraints.choice(List.of()));
  }

  @Test
  void equalGrammars_shareConstraintAndMasks() {
    TokenConstraint one = compile(Constraints.json());
    TokenConstraint other = compile(Constraints.json());
    assertThat(other).isSameAs(one);
    TokenConstraint.State deep = one.start();
    for (int i = 0; i < 40; i++) {
      deep = deep.after(1 + '[');
    }
    long[] mask = deep.after(1 + '"').mask(Integer.MAX_VALUE);
    assertThat(deep.after(1 + '[').after(1 + '"').mask(Integer.MAX_VALUE)).isSameAs(mask);
  }

  @Test
  void limitThatIsNear_closesWhatIsOpen() {
    TokenConstraint json = compile(Constraints.json());
    for (int limit = 1; limit < 60; limit++) {
      for (Draws.Taste taste : Draws.Taste.values()) {
        Optional<String> answer = new Draws(TOKENS, limit).draw(json, limit, taste);
        assertThat(answer).as("limit %s", limit).isPresent();
      }
    }
  }

  @Test
  void nesting_isBounded() {
    TokenConstraint.State state = compile(Constraints.json()).start();
    int depth = 0;
    while (allows(state.mask(Integer.MAX_VALUE), 1 + '[')) {
      state = state.after(1 + '[');
      depth++;
      assertThat(depth).isLessThan(700);
    }
    assertThat(depth).isGreaterThan(400);
    assertThat(allows(state.mask(Integer.MAX_VALUE), 1 + ']')).isTrue();
  }

  @Test
  void countedTexts_needFewStates() {
    TokenConstraint constraint = compile(Constraints.regex("[a-z]{10000,20000}"));
    assertThat(constraint.longest()).isEqualTo(20000);
    assertThat(new Draws(TOKENS, 1).draw(constraint, 10100, Draws.Taste.ANY)).isPresent();
  }

  @Test
  void gbnf_keepsRulesRepetitionsAndComments() {
    TokenConstraint constraint =
        compile(
            Constraints.gbnf(
                """
                # a sum
                root  ::= term (op term){0,2}
                  | "none"
                op    ::= [-+] | "\\x2A"  # times
                term  ::= [0-9]+ | "(" root ")" | [^\\x00-\\u00ff]{2,}
                """));
    for (String text : List.of("1+2*3", "none", "(1-(2))", "\u65e5\u672c+1")) {
      assertThat(Reads.keeps(constraint, TOKENS, text)).as(text).isTrue();
    }
    for (String text : List.of("1+2*3-4", "1+", "()", "\u65e5")) {
      assertThat(Reads.keeps(constraint, TOKENS, text)).as(text).isFalse();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "expr ::= \"a\"                     | no rule 'root'",
        "root ::= item                      | no rule 'item'",
        "root ::= root \"a\" # b            | begins with itself",
        "root ::= (\"a\"                    | ')' is missing",
        "root ::= [z-a]                     | wrong order",
        "root ::= \"\\q\"                   | escape",
        "root ::= <think>                   | tokens by name",
        "root ::= \"a\"{3,1}                | repetition",
      })
  void badGrammar_isRefused(String grammar, String why) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> compile(Constraints.gbnf(grammar)))
        .withMessageContaining(why);
  }

  @Test
  void badGrammar_isRefusedWithLineAndColumn() {
    Map<String, String> places =
        Map.of(
            "root ::= item\n# and\nitem ::= \"a\" other",
                "'other', which is used here (line 3, column 14)",
            "root ::= [a-z]\n  | \"b", "literal is missing (line 2, column 7)",
            "root ::= \"a\"{x}", "(line 1, column 14)");
    places.forEach(
        (grammar, place) ->
            assertThatIllegalArgumentException()
                .isThrownBy(() -> Constraints.gbnf(grammar))
                .withMessageContaining(place));
  }

  @ParameterizedTest
  @ValueSource(strings = {"(a", "a)", "*a", "[a", "(?<!a)b", "\\1", "a{3,1}", "\\bword"})
  void badExpression_isRefused(String expression) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Constraints.regex(expression))
        .withMessageContaining(expression);
  }
}
