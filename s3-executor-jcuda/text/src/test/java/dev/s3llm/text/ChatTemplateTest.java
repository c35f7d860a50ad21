package dev.s3llm.text;

import static dev.s3llm.text.ChatMessage.assistant;
import static dev.s3llm.text.ChatMessage.system;
import static dev.s3llm.text.ChatMessage.user;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.model.testing.Allocations;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Templates like those of model families, and the limits of templates. */
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

  private static final String TWO_MILLION =
      "{% set ns = namespace(s='ab') %}{% for i in range(20) %}{% set ns.s = ns.s + ns.s %}"
          + "{% endfor %}";

  @TempDir Path folder;

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
        "{{ 'abc'.startswith('ab') and 'abc'.endswith('bc') and 'b' in 'abc' }}#true",
        "{{ 'a</t>b'.split('</t>')[-1] }}{{ 'a b  c'.split()[2] }}#bc",
        "{{ 'aXb'.replace('X', '-').upper() }}{{ 'AB'.lower() }}#A-Bab",
        "{{ 'aXbX' | replace('X', '$1') }}{{ 'aaa'.replace('a', 'b', 2) }}{{ 'ab'.replace('', '-') }}#a$1b$1bba-a-b-",
        "{{ 'ab' | list | length }}{{ ' a b '.split() | length }}{{ ',a'.split(',') | length }}#222",
        "{{ x | replace('a', 'b') }}{{ none | replace('a', 'b') }}{{ messages[0].foo | replace('a', 'b') }}x#x",
        "{{ messages[0].content | tojson }}#\"Be brief.\"",
        "{{ messages[-1]['content'] }}{{ messages | length }}{{ messages[0].get('name', 'n') }}#Bye4n",
        "{% if tools is defined and tools %}t{% else %}f{% endif %}{{ 'name' in messages[0] }}#ffalse",
        "{% for m in messages %}{{ loop.index }}{{ loop.last }}{% endfor %}"
            + "#1false2false3false4true",
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

  /**
   * Each of these took the heap, or came near it, before anything stopped it. Of what they may
   * still allocate, most is garbage at once.
   */
  @Timeout(30)
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% set s = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' %}{% set s = s.replace('a', s) %}"
            + "{% set s = s.replace('a', s) %}{% set s = s.replace('a', s) %}"
            + "{% set s = s.replace('a', s) %}{% set s = s.replace('a', s) %}{{ s | length }}",
        "{% set s = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' %}{% set s = s | replace('a', s) %}"
            + "{% set s = s | replace('a', s) %}{% set s = s | replace('a', s) %}"
            + "{% set s = s | replace('a', s) %}{% set s = s | replace('a', s) %}{{ s | length }}",
        "{{ 'a'.split('') }}",
        "{% set ns = namespace(s='ab') %}{% for i in range(20) %}{% set ns.s = ns.s + ns.s %}"
            + "{% endfor %}{{ ns.s.split('a') | length }}",
        "{% set ns = namespace(s='ab') %}{% for i in range(20) %}{% set ns.s = ns.s + ns.s %}"
            + "{% endfor %}{{ ns.s | list | length }}",
        "{% set ns = namespace(s='ab', l=[]) %}{% for i in range(20) %}"
            + "{% set ns.s = ns.s + ns.s %}{% endfor %}"
            + "{% for i in range(1000) %}{% set ns.l = ns.l + [ns.s ~ i] %}{% endfor %}",
        TWO_MILLION + "{{ [0@, ns.s ~ 0@] | length }}",
        TWO_MILLION + "{% set s = ns.s %}{{ [0@, s ~ 0@] | length }}",
        TWO_MILLION + "{% set l = [ns.s] %}{{ [0@, l ~ 0@] | length }}",
        TWO_MILLION + "{{ [0@, ns.s + 'x'@] | length }}",
        TWO_MILLION + "{{ [0@, ns.s[1:]@] | length }}",
        TWO_MILLION + "{{ [0@, ns.s | upper@] | length }}",
        TWO_MILLION + "{% macro f() %}{{ ns.s }}{% endmacro %}{{ [0@, f()@] | length }}",
        "{{ [0@, range(1000)@] | length }}",
        "{% for a in range(1000) %}{% set x = [0@, range(1000)@] %}{% endfor %}",
        "{{ '%300000000d' | format(5) }}",
        "{{ 'x' | center(300000000) }}",
        "{{ ['x'] | map('center', 300000000) | join }}",
        "{{ [1] | batch(300000000, 'x') }}",
        "{{ 1 | round(1000000000) }}",
      })
  void template_isEndedBeforeItTakesMuchMemory(String source) throws Exception {
    Allocations.assertWithin(
        2L << 30,
        () ->
            assertThatThrownBy(() -> ChatTemplate.jinja(manyTimes(source), "", "").render(TALK))
                .isInstanceOf(ChatTemplateException.class));
  }

  private static String manyTimes(String source) {
    String[] parts = source.split("@");
    return parts.length == 1 ? source : parts[0] + parts[1].repeat(20_000) + parts[2];
  }

  /** Forty times twice: 2^40 items in a few bytes. */
  @Timeout(30)
  @ParameterizedTest
  @ValueSource(
      strings = {
        "@{% set l = [l, l] %}@{{ l ~ '' }}",
        "@{% set l = [l, l] %}@{{ l | string | length }}",
        "@{% set l = [l, l] %}@{{ l | join | length }}",
        "@{% set l = [l, l] %}{% set m = [m, m] %}@{{ l == m }}",
        "@{% set l = {'a': l, 'b': l} %}@{{ l }}",
        "@{% set l = namespace(a=l, b=l) %}@{{ l }}",
        "@{% set l = {'a': l, 'b': l}.items() %}@{{ l ~ '' }}",
        "{% set e = [1] %}@{% set ns = namespace(a=1) %}{% set f = ns | dictsort %}{{ f | length }}"
            + "{% set ns.a = [e, e] %}{% set e = f %}{% set e = [e, ns.a] %}@{{ e ~ '' }}",
        "{% set ns = namespace(a=1) %}{% set ns.a = ns %}{{ ns }}",
        "{% set ns = namespace(a=1) %}{% set l = [ns] %}{{ l }}",
        "{% macro f(x, n) %}{% if n > 0 %}{{ f([x, x], n - 1) }}{% else %}{{ x ~ '' }}{% endif %}"
            + "{% endmacro %}{% set ns = namespace(l=[1]) %}"
            + "{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ f(ns.l, 9) }}",
      })
  void valuesThatHoldOthersTwice_areRefused(String source) throws Exception {
    String[] parts = source.split("@");
    String whole =
        parts.length == 1
            ? source
            : "{% set l = {'c': 1} %}{% set m = {'c': 1} %}" + parts[1].repeat(40) + parts[2];
    Allocations.assertWithin(
        400L << 20,
        () ->
            assertThatThrownBy(() -> ChatTemplate.jinja(whole, "", "").render(TALK))
                .isInstanceOf(ChatTemplateException.class));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ messages[::-1] }}",
        "{{ 'a'.zfill(3) }}",
        "{{ 'a'.replace('a') }}",
        "{{ 'a'.replace('a', 'b', 'x') }}",
        "{{ 'a' | replace('a', 'b', 'x') }}",
        "{{ messages | groupby('role') }}",
        "{{ 'a' | wordwrap(3) }}",
        "{{ nothing | wordwrap }}",
        "{% if 'a' is wordy %}x{% endif %}",
        "{% if 'a' is not wordy %}x{% endif %}",
        "{% if %}",
        "{{ nofunction() }}",
        "{% for x in %}"
      })
  void whatIsNotSupported_isRefusedAndNotLeftOut(String source) {
    assertThatThrownBy(() -> ChatTemplate.jinja(source, "", "").render(TALK))
        .isInstanceOf(ChatTemplateException.class);
  }

  @Test
  void unknownFilterOrTest_isNamed() {
    assertThatThrownBy(() -> ChatTemplate.jinja("{{ 'a' | forcescape }}", "", "").render(TALK))
        .isInstanceOf(ChatTemplateException.class)
        .hasMessageContaining("filter 'forcescape'");
    assertThatThrownBy(() -> ChatTemplate.jinja("{{ 1 is callable }}", "", "").render(TALK))
        .isInstanceOf(ChatTemplateException.class)
        .hasMessageContaining("test 'callable'");
  }

  @Test
  void folder_givesItsTemplateAndTokens() throws IOException {
    assertThat(ChatTemplate.load(folder).isPlain()).isTrue();
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        """
        {"bos_token": {"content": "<s>"}, "eos_token": "</s>", "chat_template": [
          {"name": "tool_use", "template": "tools"},
          {"name": "default", "template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"}]}
        """);
    assertThat(ChatTemplate.load(folder).render(List.of(user("Hi")))).isEqualTo("<s>Hi</s>");
    Files.writeString(folder.resolve("chat_template.jinja"), "own{{ eos_token }}\n");
    assertThat(ChatTemplate.load(folder).render(List.of(user("Hi")))).isEqualTo("own</s>");
  }

  @Test
  void plainTemplate_joinsAllTexts() {
    assertThat(ChatTemplate.plain().render(TALK)).isEqualTo("Be brief.\n\n Hi \n\nHello\n\nBye");
  }
}
