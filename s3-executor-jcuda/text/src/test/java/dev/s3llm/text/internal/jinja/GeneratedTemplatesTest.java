package dev.s3llm.text.internal.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BinaryOperator;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random templates. Those of {@code generated.jsonl} were made by a grammar of our own, and each
 * has the output, or the kind of failure, of Jinja2 3.1.6 with the settings of transformers; the
 * others need no oracle.
 */
class GeneratedTemplatesTest {
  private static final String PRELUDE =
      "{% set n = 1 %}{% set s = 'sTr' %}{% set l = [3,1] %}{% set d = {'a':1,'b':[1,2]} %}"
          + "{% set ns = namespace(x=5) %}{% macro mac(v) %}<{{ v }}>{% endmacro %}";

  static Stream<JsonNode> generated() throws IOException {
    ObjectMapper json = new ObjectMapper();
    try (InputStream in =
            Objects.requireNonNull(
                GeneratedTemplatesTest.class.getResourceAsStream("generated.jsonl"));
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      List<JsonNode> rows = new ArrayList<>();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        rows.add(json.readTree(line));
      }
      return rows.stream();
    }
  }

  @ParameterizedTest
  @MethodSource
  void generated(JsonNode row) {
    String source = PRELUDE + row.get("template").textValue();
    if (row.has("error")) {
      JinjaException failure = catchThrowableOfType(JinjaException.class, () -> render(source));
      assertThat(failure.kind().name()).as(source).isEqualTo(row.get("error").textValue());
    } else {
      assertThat(render(source)).as(source).isEqualTo(row.get("text").textValue());
    }
  }

  private static String render(String source) {
    Map<String, Object> foreign = new HashMap<>();
    foreign.put(
        "messages",
        List.of(
            message("system", "You are a pirate."),
            message("user", "Hello"),
            message("assistant", "Hi!"),
            message("user", "Bye")));
    foreign.put("add_generation_prompt", true);
    foreign.put("tools", null);
    foreign.put("documents", null);
    return Template.parse(source)
        .render(
            Map.of("bos_token", "<BOS>", "eos_token", "<EOS>"),
            foreign,
            RenderLimits.standard(),
            Renders.CLOCK)
        .text();
  }

  private static Map<String, String> message(String role, String content) {
    Map<String, String> message = new LinkedHashMap<>();
    message.put("role", role);
    message.put("content", content);
    return message;
  }

  /** An expression with the value that it must have. */
  record Sum(String source, BigInteger value, boolean atom) {
    String operand() {
      return atom ? source : "(" + source + ")";
    }
  }

  @Provide
  Arbitrary<Sum> sums() {
    Arbitrary<Sum> numbers =
        Arbitraries.integers()
            .between(0, 9)
            .map(i -> new Sum(String.valueOf(i), BigInteger.valueOf(i), true));
    return Arbitraries.recursive(() -> numbers, GeneratedTemplatesTest::larger, 4);
  }

  private static Arbitrary<Sum> larger(Arbitrary<Sum> smaller) {
    return Arbitraries.oneOf(
        smaller,
        binary(smaller, "+", BigInteger::add),
        binary(smaller, "-", BigInteger::subtract),
        binary(smaller, "*", BigInteger::multiply),
        smaller.map(sum -> new Sum("-" + sum.operand(), sum.value().negate(), false)));
  }

  private static Arbitrary<Sum> binary(
      Arbitrary<Sum> operands, String operator, BinaryOperator<BigInteger> meaning) {
    return Combinators.combine(operands, operands)
        .as(
            (a, b) ->
                new Sum(
                    a.operand() + " " + operator + " " + b.operand(),
                    meaning.apply(a.value(), b.value()),
                    false));
  }

  @Property(tries = 300)
  void sums_haveTheValuesOfArithmetic(@ForAll("sums") Sum sum) {
    assertThat(Renders.text("{{ " + sum.source() + " }}")).isEqualTo(sum.value().toString());
  }

  @Provide
  Arbitrary<String> sources() {
    return Arbitraries.of(
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "-",
            "+",
            " ",
            "\n",
            "if",
            "endif",
            "for",
            "in",
            "endfor",
            "set",
            "=",
            "macro",
            "f",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ":",
            ",",
            ".",
            "|",
            "x",
            "messages",
            "'",
            "\"",
            "a",
            "1",
            "0",
            "not",
            "is",
            "and",
            "defined",
            "else",
            "~",
            "*",
            "**",
            "/",
            "%",
            "<",
            "raw",
            "endraw",
            "endmacro",
            "loop",
            "\\",
            "😀",
            "é",
            "e",
            "\u00a0",
            "trim",
            "length",
            "upper",
            "range",
            "namespace",
            "recursive",
            "break")
        .list()
        .ofMaxSize(25)
        .map(parts -> String.join(" ".repeat(parts.size() % 2), parts));
  }

  @Property(tries = 3000)
  void anySource_rendersOrSaysWhyNot(@ForAll("sources") String source) {
    try {
      Rendering rendering = Renders.rendering(source);
      int[] ranges = rendering.foreignRanges();
      assertThat(ranges).isSorted();
      assertThat(Arrays.stream(ranges).allMatch(i -> i >= 0 && i <= rendering.text().length()))
          .isTrue();
    } catch (JinjaException e) {
      assertThat(e.kind()).isNotEqualTo(JinjaException.Kind.RAISED);
      assertThat(e).hasMessageStartingWith("line ");
    }
  }

  /** Texts without marks are written as they are, but for line ends. */
  @Property(tries = 300)
  void text_isWrittenAsItIs(@ForAll String text) {
    String plain = text.replace('{', '(').replace('\r', ' ') + ".";
    assertThat(Renders.text(plain)).isEqualTo(plain);
    assertThat(Renders.rendering("{{ t }}{{ t|tojson|length > 1 }}", Map.of("t", text)).text())
        .isEqualTo(text + "True");
  }
}
