package dev.s3llm.text.internal.tool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.text.internal.tool.StreamingParser.Thinking;
import dev.s3llm.text.tool.AnswerEvent;
import dev.s3llm.text.tool.AnswerEvent.CallArguments;
import dev.s3llm.text.tool.AnswerEvent.CallEnd;
import dev.s3llm.text.tool.AnswerEvent.CallRevoked;
import dev.s3llm.text.tool.AnswerEvent.CallStart;
import dev.s3llm.text.tool.AnswerEvent.Content;
import dev.s3llm.text.tool.AnswerEvent.Reasoning;
import dev.s3llm.text.tool.AnswerFormat;
import dev.s3llm.text.tool.AnswerParser;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Answers in the formats of the families, in pieces that are cut anywhere. */
class AnswerParserTest {
  private static final Functions FUNCTIONS =
      Functions.of(
          List.of(
              function("weather", Map.of("city", "string", "days", "integer")),
              function("add", Map.of("a", "number", "b", "number")),
              function("now", Map.of())));

  private static final Thinking THINK = new Thinking("<think>", "</think>", false);
  private static final Thinking BEGUN = new Thinking("<think>", "</think>", true);
  private static final String PARIS = "weather{\"city\":\"Paris\"}";
  private static final String SUM = "add{\"a\":1,\"b\":2}";

  /** The parts of an answer: calls as name and arguments. */
  private record Parts(String content, String reasoning, List<String> calls, int revoked) {}

  /** An answer, with special tokens between the signs ⟦ and ⟧, and its parts. */
  private record Case(
      String name,
      AnswerFormat format,
      Thinking thinking,
      String answer,
      String content,
      String reasoning,
      String... calls) {}

  private static Map<String, Object> function(String name, Map<String, String> types) {
    Map<String, Object> properties = new TreeMap<>();
    types.forEach((key, type) -> properties.put(key, Map.of("type", type)));
    return Map.of(
        "type",
        "function",
        "function",
        Map.of("name", name, "parameters", Map.of("type", "object", "properties", properties)));
  }

  private static Case calls(String name, AnswerFormat format, String answer, String... calls) {
    return new Case(name, format, Thinking.NONE, answer, "", "", calls);
  }

  private static Case mixed(
      String name, AnswerFormat format, String answer, String content, String... calls) {
    return new Case(name, format, Thinking.NONE, answer, content, "", calls);
  }

  private static Case content(String name, AnswerFormat format, String answer) {
    return new Case(name, format, Thinking.NONE, answer, answer, "");
  }

  private static Stream<Case> cases() {
    String paris = "{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\"}}";
    String llama = "{\"name\": \"weather\", \"parameters\": {\"city\": \"Paris\"}}";
    String sum = "{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}";
    return Stream.of(
        calls("hermes", AnswerFormat.HERMES, "<tool_call>\n" + paris + "\n</tool_call>", PARIS),
        calls(
            "hermes parallel",
            AnswerFormat.HERMES,
            "<tool_call>\n" + paris + "\n</tool_call>\n<tool_call>\n" + sum + "\n</tool_call>",
            PARIS,
            SUM),
        calls(
            "hermes without the last tag",
            AnswerFormat.HERMES,
            "<tool_call>" + paris + "\n",
            PARIS),
        calls(
            "hermes without a tag between",
            AnswerFormat.HERMES,
            "<tool_call>" + paris + "\n<tool_call>" + sum + "</tool_call>",
            PARIS,
            SUM),
        mixed(
            "hermes behind text",
            AnswerFormat.HERMES,
            "I look it up.\n\n<tool_call>\n" + paris + "\n</tool_call>\n",
            "I look it up.",
            PARIS),
        mixed(
            "hermes before text",
            AnswerFormat.HERMES,
            "<tool_call>" + paris + "</tool_call>\nThat was it.\n",
            "That was it.\n",
            PARIS),
        calls(
            "arguments before the name",
            AnswerFormat.HERMES,
            "<tool_call>{\"arguments\": {\"city\": \"Paris\"}, \"name\": \"weather\"}</tool_call>",
            PARIS),
        calls(
            "arguments in a string",
            AnswerFormat.HERMES,
            "<tool_call>{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Paris\\\"}\"}"
                + "</tool_call>",
            PARIS),
        calls(
            "the protocol's own frame",
            AnswerFormat.HERMES,
            "<tool_call>{\"type\":\"function\",\"function\":" + paris + "}</tool_call>",
            PARIS),
        calls(
            "no arguments",
            AnswerFormat.HERMES,
            "<tool_call>{\"name\": \"now\"}</tool_call>",
            "now{}"),
        calls(
            "tags and escapes in a string",
            AnswerFormat.HERMES,
            "<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":\"</tool_call>\\\"}{é\\u00e9\"}}"
                + "</tool_call>",
            "weather{\"city\":\"</tool_call>\\\"}{éé\"}"),
        calls(
            "a line break in a string",
            AnswerFormat.HERMES,
            "<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":\"New\nYork\"}}</tool_call>",
            "weather{\"city\":\"New\\nYork\"}"),
        content(
            "an unknown function",
            AnswerFormat.HERMES,
            "<tool_call>{\"name\": \"rm\", \"arguments\": {}}</tool_call>"),
        content(
            "broken JSON",
            AnswerFormat.HERMES,
            "<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": Paris}}</tool_call>"),
        content(
            "a call that is cut off",
            AnswerFormat.HERMES,
            "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Par"),
        content("a tag alone", AnswerFormat.HERMES, "Write <tool_call> and then </tool"),
        mixed(
            "a broken call before a good one",
            AnswerFormat.HERMES,
            "<tool_call>{oops}</tool_call>\n<tool_call>" + sum + "</tool_call>",
            "<tool_call>{oops}</tool_call>",
            SUM),
        calls(
            "tags for parameters",
            AnswerFormat.HERMES,
            "<tool_call>\n<function=weather>\n<parameter=city>\nParis\n</parameter>\n"
                + "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>",
            "weather{\"city\":\"Paris\",\"days\":3}"),
        calls(
            "tags without the outer tag",
            AnswerFormat.HERMES,
            "<function=add><parameter=a>1</parameter><parameter=b>2</parameter></function>",
            SUM),
        calls(
            "keys and values",
            AnswerFormat.HERMES,
            "<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n"
                + "<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>",
            "weather{\"city\":\"Paris\",\"days\":3}"),
        calls("llama", AnswerFormat.LLAMA_JSON, llama, PARIS),
        calls("llama with a marker", AnswerFormat.LLAMA_JSON, "⟦<|python_tag|>⟧" + llama, PARIS),
        calls(
            "llama with separators",
            AnswerFormat.LLAMA_JSON,
            llama + "; " + sum.replace("arguments", "parameters"),
            PARIS,
            SUM),
        calls(
            "llama with a type",
            AnswerFormat.LLAMA_JSON,
            "{\"type\": \"function\", \"name\": \"weather\", \"parameters\": {\"city\":"
                + " \"Paris\"}}",
            PARIS),
        mixed("llama behind text", AnswerFormat.LLAMA_JSON, "Sure:\n" + llama, "Sure:", PARIS),
        content(
            "llama with JSON that is no call",
            AnswerFormat.LLAMA_JSON,
            "{\"name\": \"Ada\", \"parameters\": {\"a\": 1}}"),
        content("llama with other JSON", AnswerFormat.LLAMA_JSON, "{\"answer\": [1, 2]}"),
        content("code within a line", AnswerFormat.LLAMA_JSON, "Say " + llama),
        calls(
            "mistral",
            AnswerFormat.MISTRAL,
            "⟦[TOOL_CALLS]⟧[" + paris + ", " + sum + "]",
            PARIS,
            SUM),
        calls("mistral as text", AnswerFormat.MISTRAL, "[TOOL_CALLS] [" + paris + "]", PARIS),
        calls(
            "mistral with names",
            AnswerFormat.MISTRAL,
            "⟦[TOOL_CALLS]⟧weather⟦[ARGS]⟧{\"city\":"
                + " \"Paris\"}⟦[TOOL_CALLS]⟧add⟦[ARGS]⟧{\"a\":1,\"b\":2}",
            PARIS,
            SUM),
        calls(
            "mistral with ids",
            AnswerFormat.MISTRAL,
            "⟦[TOOL_CALLS]⟧weather⟦[CALL_ID]⟧a1b2c3d4e⟦[ARGS]⟧{\"city\": \"Paris\"}",
            PARIS),
        calls(
            "mistral names without a marker",
            AnswerFormat.MISTRAL,
            "[TOOL_CALLS]weather{\"city\": \"Paris\"}",
            PARIS),
        content(
            "mistral with a word in brackets", AnswerFormat.MISTRAL, "[TOOL_CALLS] are a token."),
        calls(
            "pythonic",
            AnswerFormat.PYTHONIC,
            "[weather(city='Paris'), add(a=1, b=2,)]",
            PARIS,
            SUM),
        calls(
            "pythonic with a marker",
            AnswerFormat.PYTHONIC,
            "⟦<|python_start|>⟧[now()]⟦<|python_end|>⟧",
            "now{}"),
        calls(
            "pythonic values",
            AnswerFormat.PYTHONIC,
            "[add(a=[-1.5, True, None, {'k': (1, \"]\")}], b=\"it's \\\"so\\\"\\n\")]",
            "add{\"a\":[-1.5,true,null,{\"k\":[1,\"]\"]}],\"b\":\"it's \\\"so\\\"\\n\"}"),
        content("a list", AnswerFormat.PYTHONIC, "[1, 2, 3] is a list, [weather] another."),
        content("a link", AnswerFormat.PYTHONIC, "[weather](https://example.org) is a link"),
        content("pythonic with code", AnswerFormat.PYTHONIC, "[weather(city=f(x))]"),
        calls(
            "deepseek",
            AnswerFormat.DEEPSEEK,
            "⟦<｜tool▁calls▁begin｜>⟧⟦<｜tool▁call▁begin｜>⟧function⟦<｜tool▁sep｜>⟧weather\n```json\n"
                + "{\"city\": \"Paris\"}\n```⟦<｜tool▁call▁end｜>⟧\n⟦<｜tool▁call▁begin｜>⟧function"
                + "⟦<｜tool▁sep｜>⟧add\n```json\n{\"a\": 1, \"b\": 2}\n```⟦<｜tool▁call▁end｜>⟧"
                + "⟦<｜tool▁calls▁end｜>⟧",
            PARIS,
            SUM),
        calls(
            "deepseek without words",
            AnswerFormat.DEEPSEEK,
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{\"city\": \"Paris\"}"
                + "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
            PARIS),
        calls(
            "kimi",
            AnswerFormat.KIMI,
            "⟦<|tool_calls_section_begin|>⟧⟦<|tool_call_begin|>⟧functions.weather:0"
                + "⟦<|tool_call_argument_begin|>⟧{\"city\": \"Paris\"}⟦<|tool_call_end|>⟧"
                + "⟦<|tool_calls_section_end|>⟧",
            PARIS),
        calls("phi", AnswerFormat.PHI, "⟦<|tool_call|>⟧[" + paris + "]⟦<|/tool_call|>⟧", PARIS),
        calls(
            "cohere",
            AnswerFormat.COHERE,
            "⟦<|START_ACTION|>⟧[\n{\"tool_call_id\": \"0\", \"tool_name\": \"weather\", "
                + "\"parameters\": {\"city\": \"Paris\"}}\n]⟦<|END_ACTION|>⟧",
            PARIS),
        calls("bare JSON", AnswerFormat.JSON, paris + "\n", PARIS),
        calls("a fenced block", AnswerFormat.HERMES, "```json\n" + paris + "\n```\n", PARIS),
        calls(
            "a list in a fence",
            AnswerFormat.JSON,
            "```\n[" + paris + "," + sum + "]\n```",
            PARIS,
            SUM),
        content("JSON before text", AnswerFormat.JSON, paris + "\nThis is how to call it."),
        content("text before JSON", AnswerFormat.JSON, "Call it so:\n" + paris),
        calls("a fence that stays open", AnswerFormat.HERMES, "```json\n" + paris + "\n", PARIS),
        content("code in a fence", AnswerFormat.HERMES, "```json\n{\"a\": 1}\n```\n\n  "),
        content("emoji and blanks", AnswerFormat.HERMES, "  👍🏽 ok \n\n fine  \n"),
        new Case(
            "thought",
            AnswerFormat.HERMES,
            THINK,
            "<think>\nHm.\n\nYes.\n</think>\n\nOK",
            "OK",
            "Hm.\n\nYes."),
        new Case(
            "thought begun", AnswerFormat.HERMES, BEGUN, "Hm.\n</think>\n\nOK\n", "OK\n", "Hm."),
        new Case(
            "thought begun twice",
            AnswerFormat.HERMES,
            BEGUN,
            "<think>\nHm.</think>OK",
            "OK",
            "Hm."),
        new Case(
            "no thought",
            AnswerFormat.HERMES,
            THINK,
            "\nOK <think> is a tag",
            "\nOK <think> is a tag",
            ""),
        new Case(
            "an endless thought", AnswerFormat.HERMES, THINK, "<think>Hm </thin", "", "Hm </thin"),
        new Case(
            "thought and call",
            AnswerFormat.HERMES,
            THINK,
            "<think>I need <tool_call>\n</think>\n\n<tool_call>\n" + paris + "\n</tool_call>",
            "",
            "I need <tool_call>",
            PARIS),
        new Case(
            "channels",
            AnswerFormat.HARMONY,
            Thinking.NONE,
            "⟦<|channel|>⟧analysis⟦<|message|>⟧Hm.⟦<|end|>⟧⟦<|start|>⟧assistant⟦<|channel|>⟧final"
                + "⟦<|message|>⟧It is < 5.\n⟦<|return|>⟧",
            "It is < 5.\n",
            "Hm."),
        new Case(
            "channels with a call",
            AnswerFormat.HARMONY,
            Thinking.NONE,
            "⟦<|channel|>⟧analysis⟦<|message|>⟧Hm.⟦<|end|>⟧⟦<|start|>⟧assistant⟦<|channel|>⟧commentary"
                + " to=functions.weather ⟦<|constrain|>⟧json⟦<|message|>⟧{\"city\":"
                + " \"Paris\"}⟦<|call|>⟧",
            "",
            "Hm.",
            PARIS),
        new Case(
            "channels with the recipient first",
            AnswerFormat.HARMONY,
            Thinking.NONE,
            " to=functions.add⟦<|channel|>⟧commentary json⟦<|message|>⟧{\"a\":1,\"b\":2}",
            "",
            "",
            SUM),
        new Case(
            "channels with a preamble",
            AnswerFormat.HARMONY,
            Thinking.NONE,
            "⟦<|channel|>⟧commentary⟦<|message|>⟧I look.⟦<|end|>⟧⟦<|start|>⟧assistant⟦<|channel|>⟧"
                + "commentary to=functions.now ⟦<|constrain|>⟧json⟦<|message|>⟧{}⟦<|call|>⟧",
            "I look.",
            "",
            "now{}"),
        new Case(
            "channels with a broken call",
            AnswerFormat.HARMONY,
            Thinking.NONE,
            "⟦<|channel|>⟧commentary to=functions.now⟦<|message|>⟧{\"a\": oops}⟦<|call|>⟧",
            "{\"a\": oops}",
            ""),
        new Case(
            "no channels",
            AnswerFormat.HARMONY,
            Thinking.NONE,
            "Just <b>text</b>.",
            "Just <b>text</b>.",
            ""));
  }

  @TestFactory
  Stream<DynamicTest> answer_hasItsPartsHoweverItIsCut() {
    return cases().map(c -> DynamicTest.dynamicTest(c.name, () -> check(c)));
  }

  private static void check(Case c) {
    Random random = new Random(c.name.hashCode());
    for (int round = 0; round < 20; round++) {
      int most = round == 0 ? Integer.MAX_VALUE : round == 1 ? 1 : 1 + random.nextInt(12);
      Parts parts = parse(c.format, c.thinking, c.answer, most, random);
      assertThat(parts.calls).as("calls, pieces of %s", most).containsExactly(c.calls);
      assertThat(parts.content).as("content, pieces of %s", most).isEqualTo(c.content);
      assertThat(parts.reasoning).as("reasoning, pieces of %s", most).isEqualTo(c.reasoning);
    }
  }

  private static Parts parse(
      AnswerFormat format, Thinking thinking, String answer, int most, Random random) {
    AnswerParser parser = AnswerParsers.create(format, FUNCTIONS, thinking);
    List<AnswerEvent> events = new ArrayList<>();
    for (String part : answer.split("(?=⟦)|(?<=⟧)", -1)) {
      if (part.startsWith("⟦")) {
        events.addAll(parser.special(part.substring(1, part.length() - 1)));
        continue;
      }
      int at = 0;
      while (at < part.length()) {
        int size = most == Integer.MAX_VALUE ? part.length() : 1 + random.nextInt(most);
        int end = Math.min(part.length(), at + size);
        events.addAll(parser.text(part.substring(at, end)));
        at = end;
      }
    }
    events.addAll(parser.finish());
    return parts(events);
  }

  private static Parts parts(List<AnswerEvent> events) {
    StringBuilder content = new StringBuilder();
    StringBuilder reasoning = new StringBuilder();
    TreeMap<Integer, StringBuilder> calls = new TreeMap<>();
    int revoked = 0;
    for (AnswerEvent event : events) {
      if (event instanceof Content piece) {
        assertThat(piece.text()).isNotEmpty();
        content.append(piece.text());
      } else if (event instanceof Reasoning piece) {
        reasoning.append(piece.text());
      } else if (event instanceof CallStart start) {
        assertThat(calls).doesNotContainKey(start.index());
        calls.put(start.index(), new StringBuilder(start.name()));
      } else if (event instanceof CallArguments piece) {
        calls.get(piece.index()).append(piece.json());
      } else if (event instanceof CallEnd end) {
        assertThat(calls).containsKey(end.index());
      } else if (event instanceof CallRevoked end) {
        calls.remove(end.index());
        revoked++;
      }
    }
    List<String> all = calls.values().stream().map(AnswerParserTest::normal).toList();
    return new Parts(content.toString(), reasoning.toString(), all, revoked);
  }

  private static String normal(CharSequence call) {
    int brace = call.toString().indexOf('{');
    return call.subSequence(0, brace) + Json.write(Json.object(call.toString().substring(brace)));
  }

  @Test
  void arguments_arriveBeforeTheCallEnds() {
    AnswerParser parser =
        AnswerParsers.create(AnswerFormat.HERMES, FUNCTIONS, Thinking.NONE, () -> "id1");
    String head = "<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"Pa";
    assertThat(parser.text(head))
        .containsExactly(
            new CallStart(0, "id1", "weather"), new CallArguments(0, "{\"city\": \"Pa"));
    assertThat(parser.text("ris\"")).containsExactly(new CallArguments(0, "ris\""));
    assertThat(parser.text("}}")).containsExactly(new CallArguments(0, "}"), new CallEnd(0));
  }

  @Test
  void brokenArguments_revokeTheCallThatHasBegun() {
    AnswerParser parser =
        AnswerParsers.create(AnswerFormat.HERMES, FUNCTIONS, Thinking.NONE, () -> "id1");
    List<AnswerEvent> events =
        new ArrayList<>(parser.text("<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 1x"));
    events.addAll(parser.finish());
    assertThat(events)
        .containsExactly(
            new CallStart(0, "id1", "add"),
            new CallArguments(0, "{\"a\": 1x"),
            new CallRevoked(0),
            new Content("<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 1x"));
  }

  @Test
  void ids_areUniqueAndAsLongAsTheTemplateNeeds() {
    List<String> nine = Stream.generate(CallIds.ofNine()).limit(1000).toList();
    assertThat(nine).doesNotHaveDuplicates().allMatch(id -> id.matches("[a-zA-Z0-9]{9}"));
    List<String> long20 = Stream.generate(CallIds.ofCalls()).limit(1000).toList();
    assertThat(long20).doesNotHaveDuplicates().allMatch(id -> id.matches("call_[a-zA-Z0-9]{20}"));
  }

  @Test
  void randomTextOfMarkers_losesNothingThatIsNoCall() {
    String[] words = {
      "<tool_call>",
      "</tool_call>",
      "{",
      "}",
      "[",
      "]",
      "\"name\"",
      ":",
      "\"add\"",
      "add",
      "(",
      ")",
      "<function=",
      ">",
      "\"arguments\"",
      ",",
      " ",
      "\n",
      "a",
      "<",
      "```",
      "json",
      "x=1",
      "<|python_tag|>",
      "[TOOL_CALLS]",
      ";"
    };
    Random random = new Random(22);
    for (int round = 0; round < 1500; round++) {
      AnswerFormat format = AnswerFormat.values()[random.nextInt(AnswerFormat.values().length)];
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(25); i >= 0; i--) {
        text.append(words[random.nextInt(words.length)]);
      }
      if (format == AnswerFormat.HARMONY || text.indexOf("python_tag") >= 0) {
        continue; // headers and markers are no content
      }
      Parts whole = parse(format, THINK, text.toString(), Integer.MAX_VALUE, random);
      Parts cut = parse(format, THINK, text.toString(), 3, random);
      assertThat(cut).as("%s: %s", format, text).isEqualTo(whole);
      if (whole.calls.isEmpty() && format != AnswerFormat.HERMES) {
        assertThat(whole.content).as("%s: %s", format, text).isEqualTo(text.toString());
      }
    }
  }
}
