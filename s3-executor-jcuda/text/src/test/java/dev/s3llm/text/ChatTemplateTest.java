package dev.s3llm.text;

import static dev.s3llm.text.ChatMessage.assistant;
import static dev.s3llm.text.ChatMessage.system;
import static dev.s3llm.text.ChatMessage.user;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Templates like those of model families, and what happens with those that are not valid. */
class ChatTemplateTest {
  private static final List<ChatMessage> TALK =
      List.of(system("Be brief."), user(" Hi "), assistant("Hello"), user("Bye"));

  private static final String CHAT_ML =
      """
      {% for message in messages %}
      {{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}
      {%- endfor %}

      {%- if add_generation_prompt %}
      {{- '<|im_start|>assistant\\n' }}
      {%- endif %}
      """;

  private static final String LLAMA_3 =
      """
      {{- bos_token }}
      {%- if messages[0]['role'] == 'system' %}
          {%- set system_message = messages[0]['content'] | trim %}
          {%- set messages = messages[1:] %}
      {%- else %}
          {%- set system_message = "" %}
      {%- endif %}
      {%- if not date_string is defined %}
          {%- set date_string = "1 Jan 2026" %}
      {%- endif %}
      {{- "<|start_header_id|>system<|end_header_id|>\\n\\nToday: " + date_string + "\\n\\n" }}
      {{- system_message + "<|eot_id|>" }}
      {%- for message in messages %}
          {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}
          {{- message['content'] | trim + '<|eot_id|>' }}
      {%- endfor %}
      {%- if add_generation_prompt %}
          {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
      {%- endif %}
      """;

  private static final String MISTRAL =
      """
      {{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'].strip() + '\\n\\n' %}{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}
      {% for message in rest %}
      {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
      {{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
      {% endif %}
      {% if loop.index0 == 0 %}{% set content = first + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}
      {% if message['role'] == 'user' %}
      {{ '[INST] ' + content.strip() + ' [/INST]' }}
      {%- elif message['role'] == 'assistant' %}
      {{ ' ' + content.strip() + eos_token }}
      {%- endif %}
      {% endfor %}""";

  private static final String QWEN_2 =
      """
      {%- set ns = namespace(users=0) -%}
      {% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}{% if message.role == 'user' %}{% set ns.users = ns.users + 1 %}{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>'}}{% if not loop.last or add_generation_prompt %}{{ '\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}{% if ns.users > 9 %}{{ raise_exception('too long') }}{% endif %}""";

  @Test
  void chatMl_putsEachMessageBetweenItsMarks() {
    assertThat(ChatTemplate.jinja(CHAT_ML, "", "").render(TALK))
        .isEqualTo(
            "<|im_start|>system\nBe brief.<|im_end|>\n"
                + "<|im_start|>user\n Hi <|im_end|>\n"
                + "<|im_start|>assistant\nHello<|im_end|>\n"
                + "<|im_start|>user\nBye<|im_end|>\n"
                + "<|im_start|>assistant\n");
  }

  @Test
  void llama3_headsEachMessageAndTrimsIt() {
    assertThat(ChatTemplate.jinja(LLAMA_3, "<|begin_of_text|>", "<|eot_id|>").render(TALK))
        .isEqualTo(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
                + "Today: 1 Jan 2026\n\nBe brief.<|eot_id|>"
                + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
                + "<|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>"
                + "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
                + "<|start_header_id|>assistant<|end_header_id|>\n\n");
  }

  @Test
  void mistral_wrapsInstructionsAndEndsAnswers() {
    assertThat(ChatTemplate.jinja(MISTRAL, "<s>", "</s>").render(TALK))
        .isEqualTo("<s>[INST] Be brief.\n\n Hi [/INST] Hello</s>[INST] Bye [/INST]");
  }

  @Test
  void mistral_refusesRolesThatDoNotAlternateWithItsOwnWords() {
    ChatTemplate template = ChatTemplate.jinja(MISTRAL, "<s>", "</s>");
    assertThatThrownBy(() -> template.render(List.of(user("a"), user("b"))))
        .isInstanceOf(ChatTemplateException.class)
        .hasMessage("Conversation roles must alternate user/assistant/user/assistant/...");
  }

  @Test
  void qwen2_addsItsOwnSystemMessageWhereThereIsNone() {
    ChatTemplate template = ChatTemplate.jinja(QWEN_2, "", "<|im_end|>");
    assertThat(template.render(List.of(user("Hi"))))
        .isEqualTo(
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
                + "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    assertThat(template.render(TALK)).startsWith("<|im_start|>system\nBe brief.<|im_end|>\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "{{ ' x '.strip() }}{{ 'xax'.lstrip('x') }}{{ 'xax'.rstrip('x') }}#xaxxa",
        "{{ 'abc'.startswith('ab') and 'abc'.endswith('bc') and 'b' in 'abc' }}#True",
        "{{ 'a</t>b'.split('</t>')[-1] }}{{ 'a b  c'.split()[2] }}#bc",
        "{{ 'aXb'.replace('X', '-').upper() }}{{ 'AB'.lower() }}#A-Bab",
        "{{ 'aXbX' | replace('X', '$1') }}{{ 'aaa'.replace('a', 'b', 2) }}{{ 'ab'.replace('', '-') }}#a$1b$1bba-a-b-",
        "{{ 'ab' | list | length }}{{ ' a b '.split() | length }}{{ ',a'.split(',') | length }}#222",
        "{{ x | replace('a', 'b') }}{{ none | replace('a', 'b') }}{{ messages[0].foo | replace('a', 'b') }}x#Nonex",
        "{{ messages[0].content | tojson }}#\"Be brief.\"",
        "{{ messages[-1]['content'] }}{{ messages | length }}{{ messages[0].get('name', 'n') }}#Bye4n",
        "{% if tools is defined and tools %}t{% else %}f{% endif %}{{ 'name' in messages[0] }}#fFalse",
        "{% for m in messages %}{{ loop.index }}{{ loop.last }}{% endfor %}"
            + "#1False2False3False4True",
        "{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}#role=system;content=Be brief.;",
        "{% macro f(x) %}[{{ x }}]{% endmacro %}{{ f('a') }}#[a]",
        "{{ messages | map(attribute='role') | join(',') }}#system,user,assistant,user",
        "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}#2",
        "{% if messages[0]['content'] is string %}s{% endif %}#s",
        "{{ 'a' ~ 1 }}{{ 'abc'[1:] }}{{ (x | default('d')) }}#a1bcd",
      })
  void whatTemplatesUse_works(String source, String expected) {
    assertThat(ChatTemplate.jinja(source, "", "").render(TALK)).isEqualTo(expected);
  }

  @Test
  void message_isTextWhateverItLooksLike() {
    String hostile = "{{ 1 + 1 }}{% for %} {# gone #} {{ bos_token }}";
    assertThat(
            ChatTemplate.jinja("{{ messages[0].content }}", "<s>", "")
                .render(List.of(user(hostile))))
        .isEqualTo(hostile);
    String chat = ChatTemplate.jinja(CHAT_ML, "<s>", "").render(List.of(user(hostile)));
    assertThat(chat).contains(hostile);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ ''.getClass() }}",
        "{{ ''.class }}",
        "{{ messages.getClass().forName('java.lang.Runtime') }}",
        "{{ messages.class.classLoader }}",
        "{{ loop.class }}{% for m in messages %}{{ loop.getClass() }}{% endfor %}",
        "{{ ____int3rpr3t3r____.config }}",
        "{{ ____int3rpr3t3r____.getContext() }}",
        "{% include '/etc/hostname' %}",
        "{% include 'META-INF/MANIFEST.MF' %}",
        "{% import 'META-INF/MANIFEST.MF' as x %}",
        "{% extends 'META-INF/MANIFEST.MF' %}",
        "{% for m in messages %}{{ m.entrySet() }}{% endfor %}",
      })
  void template_reachesNoJavaObjectAndNoFile(String source) {
    try {
      assertThat(ChatTemplate.jinja(source, "", "").render(TALK).strip()).isEmpty();
    } catch (ChatTemplateException refused) {
      assertThat(refused).hasMessageContaining("chat template");
    }
  }

  @Timeout(30)
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}"
            + "{% for d in range(1000) %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}"
            + "x{{ c }}{% endfor %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='aaaaaaaaaaaaaaaa') %}{% for a in range(100) %}"
            + "{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
      })
  void template_isEndedWhenItDoesTooMuch(String source) {
    assertThatThrownBy(() -> ChatTemplate.jinja(source, "", "").render(TALK))
        .isInstanceOf(ChatTemplateException.class);
  }

  /** Templates that read the message before must not need time for all messages at each message. */
  @Timeout(30)
  @ParameterizedTest
  @ValueSource(strings = {"messages", "messages[0:]", "messages | selectattr('role') | list"})
  void longConversations_areRenderedInLinearTime(String all) {
    String source =
        "{% set all = ALL %}{% set ns = namespace(all=all) %}{% for m in all %}"
            + "{% if loop.index0 > 0 and all[loop.index0 - 1].role != m.role %}"
            + "{{ ns.all[loop.index0].content }}{% endif %}{% endfor %}";
    List<ChatMessage> talk =
        Collections.nCopies(5_000, List.of(user("q"), assistant("a"))).stream()
            .flatMap(List::stream)
            .toList();
    String text = ChatTemplate.jinja(source.replace("ALL", all), "", "").render(talk);
    assertThat(text).isEqualTo("qa".repeat(5_000).substring(1));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "{% if %}#column 7: expected an expression but found '%}'#1#7",
        "{{ 'a' | forcescape }}#no filter is named 'forcescape'#1#10",
        "a@{{ 1 is callabel }}#no test is named 'callabel'#2#9",
        "@@{% for x in %}#expected#3#13",
        "{{ messages[0].content.zfull(3) }}#zfull#1#29",
        "{% include 'x' %}#include#1#4",
      })
  void mistake_isNamedWithLineAndColumn(String source, String what, int line, int column) {
    assertThatThrownBy(() -> ChatTemplate.jinja(source.replace('@', '\n'), "", "").render(TALK))
        .isInstanceOfSatisfying(
            ChatTemplateException.class,
            e -> {
              assertThat(e).hasMessageStartingWith("the chat template, line " + line);
              assertThat(e).hasMessageContaining(what);
              assertThat(e.line()).hasValue(line);
              assertThat(e.column()).hasValue(column);
            });
  }

  @Test
  void plainTemplate_joinsAllTexts() {
    assertThat(ChatTemplate.plain().render(TALK)).isEqualTo("Be brief.\n\n Hi \n\nHello\n\nBye");
  }
}
