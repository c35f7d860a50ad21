package dev.s3llm.text.internal.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.model.testing.Allocations;
import dev.s3llm.text.internal.jinja.JinjaException.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A hostile template ends soon, with little memory, and with a message. */
@Timeout(60)
class LimitsTest {
  /** The standard limits with a tenth of the steps, so that the tests are short. */
  private static final RenderLimits FEWER_STEPS =
      new RenderLimits(4_000_000, 100_000, 200_000_000, 1_000_000, 50, Duration.ofSeconds(5));

  private static final String TWO_MILLION =
      "{% set ns = namespace(s='ab') %}{% for i in range(20) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}"
            + "{% endfor %}{% endfor %}",
        TWO_MILLION
            + "{% for i in range(99999) %}{% if ns.s == ns.s ~ 'x' %}{% endif %}{% endfor %}",
        TWO_MILLION + "{{ ns.s ~ ns.s }}{{ ns.s }}",
        TWO_MILLION + "{% for c in range(9999) %}{% set x = ns.s.upper() %}{% endfor %}",
        TWO_MILLION + "{{ ns.s|list }}",
        TWO_MILLION + "{{ ns.s.split('a') }}",
        TWO_MILLION + "{{ ns.s.replace('a', ns.s) }}",
        TWO_MILLION + "{{ ns.s.replace('', ns.s) }}",
        TWO_MILLION + "{{ ns.s|replace('b', 'long replacement') }}",
        TWO_MILLION + "{{ ns.s|tojson|tojson|e|e ~ ns.s }}{{ ns.s|urlencode|forceescape ~ ns.s }}",
        "{{ range(1000000) }}",
        "{{ 'x' * 9999999 }}",
        "{{ [1] * 9999999 }}",
        "{{ 'x'.center(999999999) }}",
        "{{ 'x'|center(999999999) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%.99999999f' % 1 }}",
        "{{ 'a\\nb'|indent(999999999) }}",
        "{{ [1]|batch(999999999, 0)|list }}",
        "{{ [1]|slice(999999999)|list }}",
        "{{ [1]|tojson(indent=999999999) }}",
        "{{ 9 ** 99999 }}",
        "{{ 1.5|round(999999999) }}",
        "{% set ns = namespace(n=3) %}{% for i in range(99) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}",
      })
  void hostileTemplate_isEnded(String source) throws Exception {
    Allocations.assertWithin(2L << 30, () -> assertLimited(source));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "@{% set l = [l, l] %}@{{ l }}",
        "@{% set l = [l, l] %}@{{ l|string|length }}",
        "@{% set l = [l, l] %}{% set m = [m, m] %}@{{ l == m }}",
        "@{% set l = [l, l] %}{% set m = [m, m] %}@{{ [l, m]|sort }}",
        "@{% set l = {'a': l, 'b': l} %}@{{ l|tojson }}",
        "@{% set l = {'a': l, 'b': l}.items() %}@{{ l }}",
        "@{% set l = namespace(a=l, b=l) %}@{{ l }}",
        "@{% set l = (l, l) %}{% set m = (m, m) %}@{{ l < m }}",
        "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
        "{% set ns = namespace() %}{% set ns.a = [ns, ns] %}{{ ns.a == [ns] * 2 }}{{ ns }}",
        "{% set ns = namespace(l=[]) %}{% for i in range(9999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
      })
  void valuesInValues_areNotFollowedForEver(String source) throws Exception {
    String[] parts = source.split("@");
    String whole =
        parts.length == 1
            ? source
            : "{% set l = [1] %}{% set m = [1] %}" + parts[1].repeat(40) + parts[2];
    Allocations.assertWithin(400L << 20, () -> assertLimited(whole));
  }

  @ParameterizedTest
  @ValueSource(strings = {"(", "[", "-", "not ", "{1:", "a[", "f(", "a if b else "})
  void deepSource_isRefusedAndDoesNotOverflow(String part) {
    assertThatThrownBy(() -> Renders.text("{{ " + part.repeat(20_000) + "1 }}"))
        .isInstanceOf(JinjaException.class);
    assertThatThrownBy(() -> Renders.text("{% if 1 %}".repeat(20_000)))
        .isInstanceOf(JinjaException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {" + 1", " ~ 1", " and 1", " or 1", " < 1", " * 1", " ** 1", " == 1"})
  void longSource_isNoDeepSource(String part) {
    assertThat(Renders.text("{{ 1" + part.repeat(20_000) + " }}")).isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {".a", "[0]", "|trim", "()", " is odd"})
  void longChain_doesNotOverflow(String part) {
    assertThatThrownBy(() -> Renders.text("{{ 1" + part.repeat(20_000) + " }}"))
        .isInstanceOf(JinjaException.class);
  }

  @Test
  void longConversation_takesLinearTime() {
    List<Map<String, String>> messages =
        Collections.nCopies(25_000, List.of(message("user"), message("assistant"))).stream()
            .flatMap(List::stream)
            .toList();
    String source =
        "{% for m in messages %}{% if loop.index0 > 0 and messages[loop.index0 - 1].role != m.role %}"
            + "{{ '<' ~ m.role ~ '>' + m.content | trim }}{% endif %}{% endfor %}";
    String text = Renders.rendering(source, Map.of("messages", messages)).text();
    assertThat(text).hasSize(25_000 * 12 + 24_999 * 7);
  }

  private static Map<String, String> message(String role) {
    return Map.of("role", role, "content", " x ");
  }

  @Test
  void givenLimits_areKept() {
    assertLimited("{{ 'abcdef' }}", new RenderLimits(5, 9, 99, 99, 9, Duration.ofSeconds(9)));
    assertLimited("{{ [1, 2, 3] }}", new RenderLimits(99, 2, 99, 99, 9, Duration.ofSeconds(9)));
    assertLimited("{{ 'abc' ~ 'def' }}", new RenderLimits(9, 9, 6, 99, 9, Duration.ofSeconds(9)));
    assertLimited("{{ 1 + 2 + 3 }}", new RenderLimits(9, 9, 99, 2, 9, Duration.ofSeconds(9)));
    assertLimited("{{ [[[]]] }}", new RenderLimits(99, 9, 999, 99, 1, Duration.ofSeconds(9)));
    assertLimited(
        "{% for i in range(9999) %}{% endfor %}",
        new RenderLimits(99_999, 99_999, 9_999_999, 999_999, 9, Duration.ofNanos(1)));
    assertThatThrownBy(() -> new RenderLimits(0, 1, 1, 1, 1, Duration.ofSeconds(1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void deepVariable_isRefused() {
    List<Object> nested = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      nested = new ArrayList<>(List.of(nested));
    }
    Map<String, Object> variables = Map.of("x", nested);
    assertThatThrownBy(() -> Renders.rendering("{{ x }}", variables))
        .isInstanceOf(JinjaException.class);
  }

  @Test
  void tooLongSource_isRefused() {
    String source = "x".repeat(Template.MAX_SOURCE_CHARS + 1);
    assertThatThrownBy(() -> Template.parse(source)).isInstanceOf(IllegalArgumentException.class);
  }

  private static void assertLimited(String source) {
    assertLimited(source, FEWER_STEPS);
  }

  private static void assertLimited(String source, RenderLimits limits) {
    assertThatThrownBy(
            () -> Template.parse(source).render(Map.of(), Map.of(), limits, Renders.CLOCK))
        .asInstanceOf(InstanceOfAssertFactories.throwable(JinjaException.class))
        .extracting(JinjaException::kind)
        .isEqualTo(Kind.LIMIT);
  }
}
