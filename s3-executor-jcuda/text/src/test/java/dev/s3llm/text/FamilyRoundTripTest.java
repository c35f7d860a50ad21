package dev.s3llm.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.text.internal.tool.AnswerParsers;
import dev.s3llm.text.internal.tool.Functions;
import dev.s3llm.text.internal.tool.StreamingParser.Thinking;
import dev.s3llm.text.tool.AnswerFormat;
import dev.s3llm.text.tool.AnswerParser;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What a template writes as an earlier answer is what a model of its family answers: the parser,
 * whose format follows from the template, reads the same calls out of it.
 */
class FamilyRoundTripTest {
  private static final String USER = "{% if m.role == 'user' %}<user>{{ m.content }}</user>";
  private static final String RESULT =
      "{% elif m.role == 'tool' %}<result>{{ m.content }}</result>{% endif %}{% endfor %}";
  private static final String TOOLS =
      "{% if tools %}<tools>{{ tools | tojson }}</tools>{% endif %}{% for m in messages %}";
  private static final String CALLS = "{% elif m.tool_calls %}{{ m.content or '' }}";

  /** Templates of the families' formats, reduced to the calls. */
  private static final Map<AnswerFormat, String> TEMPLATES =
      new LinkedHashMap<>(
          Map.of(
              AnswerFormat.HERMES,
              template(
                  "{% for c in m.tool_calls %}<tool_call>\n{\"name\": \"{{ c.function.name }}\","
                      + " \"arguments\": {{ c.function.arguments | tojson }}}\n</tool_call>"
                      + "{{ '' if loop.last else '\\n' }}{% endfor %}"),
              AnswerFormat.LLAMA_JSON,
              template(
                  "{% for c in m.tool_calls %}{{ '<|python_tag|>' if loop.first else '; ' }}"
                      + "{\"name\": \"{{ c.function.name }}\", \"parameters\": "
                      + "{{ c.function.arguments | tojson }}}{% endfor %}"),
              AnswerFormat.MISTRAL,
              template(
                  "[TOOL_CALLS] [{% for c in m.tool_calls %}{{ '' if loop.first else ', ' }}"
                      + "{{ c.function | tojson }}{% endfor %}]"),
              AnswerFormat.PYTHONIC,
              template(
                  "[{% for c in m.tool_calls %}{{ '' if loop.first else ', ' }}"
                      + "{{ c.function.name }}({% for k, v in c.function.arguments | items %}"
                      + "{{ '' if loop.first else ', ' }}{{ k }}={{ v | tojson }}{% endfor %})"
                      + "{% endfor %}]"),
              AnswerFormat.DEEPSEEK,
              template(
                  "<｜tool▁calls▁begin｜>{% for c in m.tool_calls %}<｜tool▁call▁begin｜>function"
                      + "<｜tool▁sep｜>{{ c.function.name }}\n```json\n{{ c.function.arguments }}"
                      + "\n```<｜tool▁call▁end｜>{% endfor %}<｜tool▁calls▁end｜>"),
              AnswerFormat.KIMI,
              template(
                  "<|tool_calls_section_begin|>{% for c in m.tool_calls %}<|tool_call_begin|>"
                      + "functions.{{ c.function.name }}:{{ loop.index0 }}"
                      + "<|tool_call_argument_begin|>{{ c.function.arguments | tojson }}"
                      + "<|tool_call_end|>{% endfor %}<|tool_calls_section_end|>"),
              AnswerFormat.PHI,
              template(
                  "<|tool_call|>[{% for c in m.tool_calls %}{{ '' if loop.first else ', ' }}"
                      + "{{ c.function | tojson }}{% endfor %}]<|/tool_call|>"),
              AnswerFormat.COHERE,
              template(
                  "<|START_ACTION|>[{% for c in m.tool_calls %}{{ '' if loop.first else ', ' }}"
                      + "{\"tool_call_id\": \"{{ loop.index0 }}\", \"tool_name\": "
                      + "\"{{ c.function.name }}\", \"parameters\": "
                      + "{{ c.function.arguments | tojson }}}{% endfor %}]<|END_ACTION|>"),
              AnswerFormat.HARMONY,
              template(
                  "{% for c in m.tool_calls %}<|start|>assistant<|channel|>commentary "
                      + "to=functions.{{ c.function.name }} <|constrain|>json<|message|>"
                      + "{{ c.function.arguments | tojson }}<|call|>{% endfor %}"),
              AnswerFormat.JSON,
              template(
                  "[{% for c in m.tool_calls %}{{ '' if loop.first else ', ' }}"
                      + "{{ c.function | tojson }}{% endfor %}]")));

  private static String template(String calls) {
    return TOOLS + USER + CALLS + calls + RESULT;
  }

  @TestFactory
  Stream<DynamicTest> callsOfATemplate_areReadFromItsOwnText() {
    return TEMPLATES.entrySet().stream()
        .map(
            entry ->
                DynamicTest.dynamicTest(
                    entry.getKey().name(), () -> check(entry.getKey(), entry.getValue())));
  }

  private static void check(AnswerFormat format, String source) {
    ChatTemplate template = ChatTemplate.jinja(source, "<s>", "</s>");
    Random random = new Random(format.ordinal());
    for (int round = 0; round < 25; round++) {
      List<ToolCall> calls = calls(random);
      ChatMessage.Builder answer = ChatMessage.builder(ChatRole.ASSISTANT);
      calls.forEach(answer::toolCall);
      List<ChatMessage> talk = new ArrayList<>(List.of(ChatMessage.user("Do it.")));
      Conversation before = conversation(talk);
      talk.add(answer.build());
      Conversation after = conversation(talk);
      assertThat(template.traits(after).format()).isEqualTo(format);
      String text = template.render(after).substring(template.render(before).length());
      AnswerRecord read = parse(format, text, after, random);
      assertThat(read.calls()).as(text).hasSameSizeAs(calls);
      for (int i = 0; i < calls.size(); i++) {
        ToolCall call = read.calls().get(i);
        assertThat(call.name()).isEqualTo(calls.get(i).name());
        String written = new ToolCall(call.id(), call.name(), call.arguments()).argumentsJson();
        assertThat(written).as(text).isEqualTo(calls.get(i).argumentsJson());
        assertThat(ToolCall.parse(call.id(), call.name(), call.argumentsJson())).isEqualTo(call);
      }
      assertThat(read.content()).isEmpty();
    }
  }

  private static Conversation conversation(List<ChatMessage> messages) {
    return Conversation.builder(messages)
        .tools(
            Stream.of("search", "save_file", "now")
                .map(name -> Map.of("type", "function", "function", Map.of("name", name)))
                .toList())
        .build();
  }

  private static AnswerRecord parse(
      AnswerFormat format, String text, Conversation conversation, Random random) {
    Functions functions = Functions.of(conversation.tools());
    AnswerParser parser = AnswerParsers.create(format, functions, Thinking.NONE);
    AnswerRecord record = new AnswerRecord();
    int at = 0;
    while (at < text.length()) {
      int end = Math.min(text.length(), at + 1 + random.nextInt(7));
      parser.text(text.substring(at, end)).forEach(record::add);
      at = end;
    }
    parser.finish().forEach(record::add);
    return record;
  }

  private static List<ToolCall> calls(Random random) {
    List<ToolCall> calls = new ArrayList<>();
    for (int i = random.nextInt(3); i >= 0; i--) {
      String name = List.of("search", "save_file", "now").get(random.nextInt(3));
      Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
      for (int k = random.nextInt(4); k > 0; k--) {
        arguments.put("key" + k, value(random, 2));
      }
      calls.add(new ToolCall("call00" + i + "xy", name, arguments));
    }
    return calls;
  }

  private static @Nullable Object value(Random random, int depth) {
    return switch (random.nextInt(depth > 0 ? 7 : 5)) {
      case 0 -> random.nextInt(2000) - 1000;
      case 1 -> random.nextBoolean();
      case 2 -> null;
      case 3 -> "a \"b\" \\ }]) \n é 👍🏽 </tool_call>".substring(0, random.nextInt(20));
      case 4 -> random.nextInt(1000) / 8.0;
      case 5 -> List.of(String.valueOf(value(random, depth - 1)), random.nextInt(9));
      default -> Map.of("inner", String.valueOf(value(random, depth - 1)));
    };
  }
}
