package dev.s3llm.text.internal.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.s3llm.text.internal.jinja.JinjaException.Kind;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the language means, in small cases whose results were checked against Jinja2 3.1. */
class TemplateTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "{{ not nope is defined }} {{ not 2 == 3 }} {{ not 'x' in 'xyz' }}#True True False",
        "{{ 1 + 2 * 3 - 4 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 7 // -2 }} {{ -7 % 3 }}#3 64 4 -4 2",
        "{{ 1 < 2 < 3 > 2 }} {{ 1 < 2 > 5 }}#True False",
        "{{ 'a' ~ 1 + 2 }}#!RUNTIME",
        "{{ 'p' if nope else 'q' if 1 else 'r' }}{{ 'x' if nope }}#q",
        "{{ 0 or '' or 'last' }} {{ 1 and 'two' }} {{ '' and 1 }}|#last two |",
        "{{ 3 / 2 }} {{ 4 / 2 }} {{ 1e16 }} {{ 0.1 + 0.2 }} {{ 1e-7 }}#1.5 2.0 1e+16 0.30000000000000004 1e-07",
        "{{ 2 ** 80 }} {{ 10 ** -2 }}#1208925819614629174706176 0.01",
        "{{ true + true }} {{ 1 == 1.0 }} {{ 1 == '1' }} {{ none == false }}#2 True False False",
        "{{ (1, 'a', none, 2.0) }} {{ (1,) }} {{ {'k': [true]} }}#(1, 'a', None, 2.0) (1,) {'k': [True]}",
        "{{ \"it's\" }} {{ [\"it's\", 'q\"'] }}#it's [\"it's\", 'q\"']",
        "{{ 'abcdef'[1:4] }} {{ 'abc'[::-1] }} {{ [1,2,3][-2:] }} {{ 'abcdef'[4:1:-2] }}#bcd cba [2, 3] ec",
        "{{ 'a' 'b' }} {{ 'x\\ty' }} {{ '\\u00e9\\x41\\101' }} {{ '\\q' }}#ab x\ty \u00e9AA \\q",
        "{{ 0x1f + 0b11 + 1_000 }} {{ 1.5e1 }}#1034 15.0",
        "{{ {'items': 1}.items()|list }} {{ {'items': 1}['items'] }}#[('items', 1)] 1",
        "{{ nope }}{{ {}.a }}{{ [][3] }}|{{ nope == nope }}#|True",
        "{{ nope.a }}#!UNDEFINED",
        "{{ nope + 1 }}#!UNDEFINED",
        "{{ nope() }}#!UNDEFINED",
        "{{ [].append(1) }}#!FORBIDDEN",
        "{{ {}.update({}) }}#!FORBIDDEN",
        "{{ ''.__class__ }}|{{ ''.__class__.__mro__ }}#!FORBIDDEN",
        "{{ 1 + 'a' }}#!RUNTIME",
        "{{ raise_exception('no: ' ~ 1) }}#!RAISED",
        "{{ 'ab' * 2 }} {{ [0] * 3 }} {{ 'a' in ['a'] }} {{ 'k' in {'k': 1} }}#abab [0, 0, 0] True True",
        "{{ '%s=%d|%5.1f|%-3s|%03d|%x|%r' % ('a', 2.9, 1.25, 'b', 7, 255, 'c') }}#a=2|  1.2|b  |007|ff|'c'",
        "{{ '%(a)s%%' % {'a': 1} }} {{ '{}{}{{'.format(1, 'b') }} {{ '{0}{n}'.format(1, n=2) }}#1% 1b{ 12",
      })
  void expressions_haveTheValuesOfJinja(String source, String expected) {
    check(source, expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "{{ ' a '.strip() }}{{ 'xaxx'.strip('x') }}{{ 'ab'.removeprefix('a') }}{{ 'ab'.removesuffix('b') }}#aaba",
        "{{ 'a b  c'.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }}#['a', 'b', 'c'] ['a', 'b,c'] ['a,b', 'c']",
        "{{ ' a b '.split(none, 1) }} {{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }}#['a', 'b '] ('a', '=', 'b=c') ('a=b', '=', 'c')",
        "{{ \"they're ok\".title() }} {{ \"they're ok\"|title }} {{ 'aBC'.capitalize() }}#They'Re Ok They're Ok Abc",
        "{{ 'aXbX'.replace('X', '-', 1) }} {{ 'ab'.replace('', '.') }} {{ 'aa'|replace('a', 'b', 1) }}#a-bX .a.b. ba",
        "{{ 'abcb'.find('b') }}{{ 'abcb'.rfind('b') }}{{ 'abc'.find('z') }}{{ 'abcb'.count('b') }}#13-12",
        "{{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith('c') }} {{ 'abc'.startswith('b', 1) }}#True True True",
        "{{ 'x'.center(4) }}|{{ 'x'.ljust(3, '.') }}|{{ 'x'.rjust(3) }}|{{ '-7'.zfill(4) }}# x  |x..|  x|-007",
        "{{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ ''.isalpha() }} {{ 'Ab'.isupper() }} {{ ' '.isspace() }}#True True False False True",
        "{{ {'a': 1}.get('a') }} {{ {}.get('b') }} {{ {}.get('b', 2) }} {{ {'a': 1}.keys() }}#1 None 2 dict_keys(['a'])",
        "{{ [1, 2, 1].count(1) }} {{ [4, 5].index(5) }} {{ ', '.join(['a', 'b']) }}#2 1 a, b",
        "{{ 'a\\nb\\r\\nc'.splitlines() }} {{ 'Ab'.swapcase() }}#['a', 'b', 'c'] aB",
        "{{ 'x'.encode() }}#!RUNTIME",
        "{{ 'x'.nothing() }}#!UNDEFINED",
      })
  void methods_areThoseOfPython(String source, String expected) {
    check(source, expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "{{ messages|map(attribute='role')|join(',') }}#system,user,assistant,user",
        "{{ messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|list }}#[' Hi ', 'Bye']",
        "{{ messages|rejectattr('role', 'in', ['user', 'system'])|list|length }}#1",
        "{{ [3, none, 0, 'a']|select|list }} {{ [1, 2, 3]|reject('odd')|list }}#[3, 'a'] [2]",
        "{{ ['b', 'A', 'c']|sort }} {{ [1, 3, 2]|sort(reverse=true) }} {{ ['b', 'A']|sort(case_sensitive=true) }}#['A', 'b', 'c'] [3, 2, 1] ['A', 'b']",
        "{{ {'b': 1, 'A': 2}|dictsort }} {{ {'b': 1, 'A': 2}|dictsort(by='value') }}#[('A', 2), ('b', 1)] [('b', 1), ('A', 2)]",
        "{% for g in messages|groupby('role') %}{{ g.grouper }}{{ g.list|length }} {% endfor %}#assistant1 system1 user2 ",
        "{{ [1, 2, 3, 4]|batch(3, 0)|list }} {{ [1, 2, 3]|slice(2)|list }}#[[1, 2, 3], [4, 0, 0]] [[1, 2], [3]]",
        "{{ ['a', 'A', 'b']|unique|list }} {{ [1, 2]|sum }} {{ [2, 1]|min }} {{ ['b', 'A']|max }}#['a', 'b'] 3 1 b",
        "{{ 'abc'|first }}{{ 'abc'|last }}{{ 'abc'|reverse }}{{ [1, 2]|reverse|list }}{{ 'abc'|length }}#accba[2, 1]3",
        "{{ nope|default('d') }} {{ ''|default('d') }}| {{ ''|d('d', true) }} {{ none|default('d') }}#d | d None",
        "{{ '42.9'|int }} {{ 'x'|int(7) }} {{ 'ff'|int(base=16) }} {{ '1.50'|float }} {{ 2.5|round }} {{ 1.25|round(1) }}#42 7 255 1.5 2.0 1.2",
        "{{ -3|abs }} {{ 3.2|round(method='ceil') }} {{ 7|string + '!' }}#3 4.0 7!",
        "{{ 'a\\nb\\n\\nc'|indent(2) }}#a¶  b¶¶  c",
        "{{ 'a\\nb'|indent(1, true) }}|{{ 'a\\n\\nb'|indent('-', blank=true) }}# a¶ b|a¶-¶-b",
        "{{ 'one two three'|truncate(9, false, '...', 0) }}|{{ 'abcdef'|truncate(5, true, '.', 0) }}#one...|abcd.",
        "{{ '<a&b>'|e }} {{ '<'|safe|e }} {{ '<'|e|e }} {{ ('<'|e) + '>' }}#&lt;a&amp;b&gt; < &lt; &lt;&gt;",
        "{{ 'a b'|urlencode }} {{ 'a b-c'|wordcount }} {{ 'x'|center(3) }}| {{ 'x'|attr('upper') is callable }}#a%20b 3  x | True",
        "{{ {'a': 1}|items|list }} {{ nope|items|list }} {{ '%s-%s'|format(1, 2) }}#[('a', 1)] [] 1-2",
        "{{ [1]|map('string')|first + 'x' }}#1x",
        "{{ [1]|map('odd')|list }}#!RUNTIME",
        "{{ messages|map('upper')|length }}#!RUNTIME",
        "{{ 1|upper(2)|nofilter }}#!SYNTAX",
        "{% if nope %}{{ 1|nofilter }}{% endif %}ok#ok",
        "{% if nope %}{% for x in [1] %}{{ 1|nofilter }}{% endfor %}{% endif %}#!SYNTAX",
        "{{ 1|nofilter if nope else 'ok' }}#ok",
        "{{ 1|wordwrap }}#!SYNTAX",
      })
  void filters_areThoseOfJinja(String source, String expected) {
    check(source, expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "{{ {'b': [1, 2.0, none, true], 'a': 'é<>&\"\\n'}|tojson }}#{\"b\": [1, 2.0, null, true], \"a\": \"é<>&\\\"\\n\"}",
        "{{ {'a': [1, {}], 'b': []}|tojson(indent=2) }}#{¶  \"a\": [¶    1,¶    {}¶  ],¶  \"b\": []¶}",
        "{{ {'b': 1, 'a': 2}|tojson(sort_keys=true, separators=(',', ':')) }}#{\"a\":2,\"b\":1}",
        "{{ 'é'|tojson(ensure_ascii=true) }}{{ {1: none}|tojson }}{{ (1, 'x')|tojson }}#\"\\u00e9\"{\"1\": null}[1, \"x\"]",
        "{{ nope|tojson }}#!RUNTIME",
        "{{ [1, nope]|tojson }}#!RUNTIME",
      })
  void json_isThatOfTransformers(String source, String expected) {
    check(source, expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "{{ 1 is odd }}{{ 4 is divisibleby 2 }}{{ 4 is divisibleby(3) }}{{ 'a' is in 'abc' }}#TrueTrueFalseTrue",
        "{{ 'a' is string }} {{ 'a' is iterable }} {{ {} is mapping }} {{ {} is sequence }} {{ 1 is iterable }}#True True True True False",
        "{{ true is integer }} {{ true is number }} {{ 1.0 is float }} {{ none is none }} {{ 1 is true }}#False True True True False",
        "{{ nope is undefined }} {{ nope is not defined }} {{ 'a' is lower }} {{ 2 is gt 1 }} {{ 2 is eq 2.0 }}#True True True True True",
        "{{ range is callable }} {{ 'upper' is filter }} {{ 'odd' is test }} {{ 'x'|e is escaped }}#True True True True",
        "{{ 1 is odd is even }}#!SYNTAX",
        "{{ 1 is strange }}#!SYNTAX",
      })
  void tests_areThoseOfJinja(String source, String expected) {
    check(source, expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "{% for x in 'ab' %}{{ loop.index }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}#11TrueFalse2 20FalseTrue2 ",
        "{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ m.content }}{% endfor %}#1 Hi 2Bye",
        "{% for x in [] %}a{% else %}none{% endfor %}{% for x in [1] %}{% break %}{% else %}!{% endfor %}#none!",
        "{% for x in [1, 2, 3, 4] %}{% if x == 2 %}{% continue %}{% elif x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}#13",
        "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% for k, v in {'x': 1}.items() %}{{ k }}{{ v }}{% endfor %}#123x1",
        "{% for a, b in [(1, 2, 3)] %}{% endfor %}#!RUNTIME",
        "{% for x in 3 %}{% endfor %}#!RUNTIME",
        "{% for x in nope %}a{% endfor %}ok#ok",
        "{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{{ loop.cycle('a', 'b') }} {% endfor %}#Truea Falseb Truea ",
        "{% for x in [1, 2] %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem is defined }} {% endfor %}#<1>True 1<2>False ",
        "{% for n in [{'v': 1, 'c': [{'v': 2}]}] recursive %}{{ n.v }}{{ loop.depth }}{% if n.c %}[{{ loop(n.c) }}]{% endif %}{% endfor %}#11[22]",
        "{% set x = 1 %}{% for i in [1] %}{{ x }}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}#121",
        "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}#2",
        "{% set n = namespace(a=1) %}{% for i in [1, 2] %}{% set n.a = n.a + i %}{% endfor %}{{ n.a }} {{ n }}#4 <Namespace {'a': 4}>",
        "{% set d = {} %}{% set d.a = 1 %}#!RUNTIME",
        "{% set a, b = 1, 2 %}{{ b }}{{ a }}{% set t = 1, %}{{ t }}#21(1,)",
        "{% set x %}<{{ 1 }}>{% endset %}{{ x }}{% set x | upper | trim %} a {% endset %}{{ x }}#<1>A",
        "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}#3",
        "{% filter upper %}a{{ 'b' }}{% endfilter %}{% generation %}g{% endgeneration %}{% print 1, 2 %}#ABg(1, 2)",
        "{% macro f(a, b=a ~ '!', c) %}{% endmacro %}#!SYNTAX",
        "{% macro f(a, b=a ~ '!') %}{{ a }}{{ b }} {% endmacro %}{{ f(1) }}{{ f(1, 2) }}{{ f(b=3) }}#11! 12 3 ",
        "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, k=2) }}#(1,){'k': 2}",
        "{% macro f() %}{% endmacro %}{{ f(1) }}#!RUNTIME",
        "{% macro f(x) %}<{{ caller(x) }}>{% endmacro %}{% call(y) f(3) %}{{ y }}{{ add_generation_prompt }}{% endcall %}#<3True>",
        "{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}#3210",
        "{% set x = 1 %}{% macro f() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ f() }}#2",
        "{% for i in [1] %}{% macro f() %}{{ loop.index }}{% endmacro %}{{ f() }}{% endfor %}#1",
        "{% set x = 1 %}{% block b %}{{ x }}{% set x = 2 %}{% endblock b %}{{ x }}#11",
        "{{ strftime_now('%d %b %Y, %A %H:%M:%S %j %-d %e %y %p %%') }}#09 Nov 2026, Monday 08:05:03 313 9  9 26 AM %",
        "{{ range(3)|list }} {{ range(5, 1, -2)|list }} {{ range(2, 4) }} {{ dict([('a', 1)], b=2) }}#[0, 1, 2] [5, 3] range(2, 4) {'a': 1, 'b': 2}",
        "{% include 'x' %}#!SYNTAX",
        "{% break %}#!SYNTAX",
      })
  void statements_runAsInJinja(String source, String expected) {
    check(source, expected);
  }

  @Test
  void whiteSpace_isStrippedAsWithTrimBlocksAndLstripBlocks() {
    assertThat(Renders.text("  {% if true %}\n  x\n  {% endif %}\n  y\n")).isEqualTo("  x\n  y");
    assertThat(Renders.text("a {% if true %}b{% endif %}\n\nc")).isEqualTo("a b\nc");
    assertThat(Renders.text("a \n {%- if true -%} \n b {%- endif +%}\nc")).isEqualTo("ab\nc");
    assertThat(Renders.text(" {%+ if true %} b{% endif %}")).isEqualTo("  b");
    assertThat(Renders.text("a\n {# c #}\nb {#- d -#} e")).isEqualTo("a\nbe");
    assertThat(Renders.text("{{ 1 }}\n {{- 2 -}} \n3")).isEqualTo("1\n 23".replace("\n ", ""));
    assertThat(Renders.text("{% raw %} {{ x }} {% if %}\n {% endraw %}\ny"))
        .isEqualTo(" {{ x }} {% if %}\ny");
    assertThat(Renders.text("a\r\n{% if true %}\r\nb\r{% endif %}\r\nc\r\n")).isEqualTo("a\nb\nc");
    assertThat(Renders.text("x\n\n")).isEqualTo("x\n");
    assertThat(Renders.text("\u3000{%- if true %}\u00a0{% endif %}")).isEqualTo("\u00a0");
  }

  @Test
  void texts_areCountedInCodePoints() {
    assertThat(
            Renders.text("{{ '😀a'|length }}{{ '😀a'[1] }}{{ '😀a'[::-1] }}{{ '😀'|list|length }}"))
        .isEqualTo("2aa😀1");
    assertThat(Renders.text("{{ 'x😀y'.find('y') }}{{ 'ß'.upper() }}{{ 'İ'.lower()|length }}"))
        .isEqualTo("2SS2");
    assertThat(Renders.text("{{ '\u00a0a\u200b\u2028'|trim|length }}")).isEqualTo("2");
  }

  @Test
  void variables_ofAllTypesOfJsonAreSeen() {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("none", null);
    all.put("list", Arrays.asList(1, 2L, 1.5, 2.5f, null, true, "x"));
    all.put("big", new BigInteger("18446744073709551616"));
    all.put("map", Map.of("k", Map.of()));
    assertThat(Renders.rendering("{{ list }}{{ big + 1 }}{{ map }}{{ list|tojson }}", all).text())
        .isEqualTo(
            "[1, 2, 1.5, 2.5, None, True, 'x']18446744073709551617{'k': {}}"
                + "[1, 2, 1.5, 2.5, null, true, \"x\"]");
    assertThatThrownBy(() -> Renders.rendering("x", Map.of("o", new Object())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("plain data");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "{{ 1 #line 1, column 5: expected '}}' but found the end of the template",
        "a {% if x %}b#line 1, column 14: expected 'elif' or 'else' or 'endif' but found the end of the template",
        "{% for x %}#line 1, column 10: expected 'in' but found '%}'",
        "{{ [1, 2 }}#line 1, column 10: unexpected '}'; expected ']'",
        "{{ 'abc }}#line 1, column 4: this string has no end; expected '",
        "{{ a.1b }}#line 1, column 7: expected '}}' but found 'b'",
        "{{ }}#line 1, column 4: expected an expression but found '}}'",
        "é😀{{ 1|nope }}#line 1, column 8: no filter is named 'nope'",
        "{{ 1|pprint }}#line 1, column 6: the filter 'pprint' is not supported in chat templates",
        "{% import 'x' %}#line 1, column 4: the tag 'import' is not supported in chat templates",
        "{% elif %}#line 1, column 4: expected a tag but found 'elif'",
        "{{ nope.x }}#line 1, column 9: 'nope' is undefined",
        "{{ 'a' + 1 }}#line 1, column 8: unsupported operand types for +: 'str' and 'int'",
      })
  void failure_saysWhereAndWhatWasExpected(String source, String message) {
    assertThatThrownBy(() -> Renders.text(source))
        .isInstanceOf(JinjaException.class)
        .hasMessage(message);
  }

  @Test
  void failure_namesTheLineOfTheSource() {
    JinjaException failure =
        catchThrowableOfType(
            JinjaException.class,
            () -> Renders.text("a\r\n{% if true %}\n  {{ 1 / 0 }}{% endif %}"));
    assertThat(failure.kind()).isEqualTo(Kind.RUNTIME);
    assertThat(failure.line()).isEqualTo(3);
    assertThat(failure.column()).isEqualTo(8);
    assertThat(failure).hasMessage("line 3, column 8: division by zero");
    assertThatThrownBy(() -> Renders.text("\n{{ raise_exception('Only user!') }}"))
        .isInstanceOf(JinjaException.class)
        .hasMessage("Only user!");
    assertThatThrownBy(() -> Renders.text("{# x"))
        .hasMessage("line 1, column 1: this comment has no end; expected '#}'");
  }

  private static void check(String source, String expected) {
    if (expected != null && expected.startsWith("!")) {
      JinjaException failure =
          catchThrowableOfType(JinjaException.class, () -> Renders.text(source));
      assertThat(failure.kind()).isEqualTo(Kind.valueOf(expected.substring(1)));
    } else {
      assertThat(Renders.text(source)).isEqualTo(expected.replace('¶', '\n'));
    }
  }
}
