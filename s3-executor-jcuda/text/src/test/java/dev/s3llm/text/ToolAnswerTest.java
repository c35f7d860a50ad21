package dev.s3llm.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.S3Engine;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.support.Settings;
import dev.s3llm.text.tool.AnswerEvent;
import dev.s3llm.text.tool.AnswerEvent.CallArguments;
import dev.s3llm.text.tool.AnswerEvent.CallStart;
import dev.s3llm.text.tool.AnswerEvent.Content;
import dev.s3llm.text.tool.AnswerEvent.Reasoning;
import dev.s3llm.text.tool.AnswerFormat;
import dev.s3llm.text.tool.ToolChoice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Scripted answers with calls of tools and reasoning, one byte a token. */
@Timeout(60)
class ToolAnswerTest {
  private static final List<Map<String, Object>> TOOLS =
      List.of(
          Map.of(
              "type",
              "function",
              "function",
              Map.of("name", "weather", "description", "Today's weather.")));
  private static final ChatMessage QUESTION = ChatMessage.user("How is the weather?");
  private static final String CALL =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>";

  /** Shows everything, as templates of Mistral do. */
  private static final String MISTRAL =
      "{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}"
          + "{% for m in messages %}"
          + "{% if m.tool_calls %}[TOOL_CALLS][{% for c in m.tool_calls %}"
          + "{% if c.id | length != 9 %}{{ raise_exception('ids need 9 characters') }}{% endif %}"
          + "{{ c.function | tojson }}{% endfor %}]</s>"
          + "{% elif m.role == 'tool' %}"
          + "{% if m.tool_call_id | length != 9 %}{{ raise_exception('9 characters') }}{% endif %}"
          + "[TOOL_RESULTS]{{ m.content }}[/TOOL_RESULTS]"
          + "{% elif m.role == 'user' %}[INST]{{ m.content }}[/INST]"
          + "{% else %}{{ m.content }}</s>{% endif %}{% endfor %}";

  /** Begins the reasoning in the prompt, unless it is switched off. */
  private static final String THINKING =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
          + "<|im_start|>assistant\n<think>\n"
          + "{% if enable_thinking is defined and not enable_thinking %}\n</think>\n\n{% endif %}";

  private static final String CHAT =
      "{% for m in messages %}{% if m.role not in ['user', 'assistant'] %}"
          + "{{ raise_exception('no such role') }}{% endif %}"
          + "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}";

  @TempDir Path folder;
  private TextGenerator generator;

  @BeforeEach
  void write() throws IOException {
    ByteModel.write(folder);
  }

  @AfterEach
  void close() {
    if (generator != null) {
      generator.engine().closeNow();
      generator.close();
    }
  }

  private TextGenerator answering(String template, int... tokens) {
    int[] ended = IntStream.concat(IntStream.of(tokens), IntStream.of(ByteModel.END)).toArray();
    ChatTemplate chat =
        template.isEmpty() ? ChatTemplate.plain() : ChatTemplate.jinja(template, "<s>", "</s>");
    generator =
        TextGenerator.of(
            S3Engine.builder(new ScriptedExecutor(false, ended)).build(),
            TextModel.load(folder, chat));
    return generator;
  }

  private static TextRequest.Builder asking(ChatMessage... messages) {
    return TextRequest.builder()
        .conversation(Conversation.builder(messages).tools(TOOLS).build())
        .maxNewTokens(300);
  }

  private static TextResult result(TextGenerator generator, TextRequest.Builder request) {
    return generator.submit(request.build()).result().join();
  }

  private static List<AnswerEvent> events(TextGeneration generation) throws Exception {
    List<AnswerEvent> events = new ArrayList<>();
    CompletableFuture<Void> end = new CompletableFuture<>();
    generation
        .events()
        .subscribe(
            new Flow.Subscriber<>() {
              @Override
              public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
              }

              @Override
              public void onNext(AnswerEvent event) {
                events.add(event);
              }

              @Override
              public void onError(Throwable failure) {
                end.completeExceptionally(failure);
              }

              @Override
              public void onComplete() {
                end.complete(null);
              }
            });
    end.get(30, TimeUnit.SECONDS);
    return events;
  }

  @Test
  void callOfAModelWithoutATemplate_isInTheResultAndNotInTheText() throws Exception {
    TextGeneration generation =
        answering("", ByteModel.tokens("Let me see.\n" + CALL)).submit(asking(QUESTION).build());
    TextReader reader = TextReader.of(generation);
    assertThat(reader.awaitEnd()).isEqualTo("complete");
    assertThat(reader.text()).isEqualTo("Let me see.");
    TextResult result = generation.result().join();
    assertThat(result.text()).isEqualTo("Let me see.");
    assertThat(result.awaitsTools()).isTrue();
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(result.toolCalls())
        .singleElement()
        .satisfies(
            call -> {
              assertThat(call.name()).isEqualTo("weather");
              assertThat(call.arguments()).isEqualTo(Map.of("city", "Paris"));
              assertThat(call.argumentsJson()).isEqualTo("{\"city\": \"Paris\"}");
            });
  }

  @Test
  void argumentsOfAWholeCall_areTheTextThatWasStreamed() throws Exception {
    String arguments = "{ \"city\" : \"Par\\u0069s\",  \"days\": 1.50, \"max\": 1e2 }";
    String call =
        "<tool_call>{\"name\": \"weather\", \"arguments\": " + arguments + "}</tool_call>";
    TextGeneration generation =
        answering("", ByteModel.tokens(call)).submit(asking(QUESTION).build());
    StringBuilder streamed = new StringBuilder();
    for (AnswerEvent event : events(generation)) {
      streamed.append(event instanceof CallArguments piece ? piece.json() : "");
    }
    assertThat(streamed).hasToString(arguments);
    ToolCall whole = generation.result().join().toolCalls().get(0);
    assertThat(whole.argumentsJson()).isEqualTo(arguments);
    assertThat(whole.arguments()).containsEntry("city", "Paris");
    assertThat(whole).isEqualTo(new ToolCall(whole.id(), "weather", whole.arguments()));
    String again = new ToolCall("c", "weather", whole.arguments()).argumentsJson();
    assertThat(again).isEqualTo("{\"city\":\"Paris\",\"days\":1.50,\"max\":1E+2}");
    assertThat(ToolCall.parse("c", "weather", again).arguments()).isEqualTo(whole.arguments());
  }

  @Test
  void callBehindASpecialToken_streamsItsArguments() throws Exception {
    int[] marker = {ByteModel.SPECIAL.indexOf("[TOOL_CALLS]")};
    int[] call =
        ByteModel.tokens("[{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\"}}]");
    int[] tokens = IntStream.concat(IntStream.of(marker), IntStream.of(call)).toArray();
    List<AnswerEvent> events = events(answering(MISTRAL, tokens).submit(asking(QUESTION).build()));
    assertThat(events.get(0))
        .isInstanceOfSatisfying(
            CallStart.class, start -> assertThat(start.id()).matches("[a-zA-Z0-9]{9}"));
    assertThat(events).filteredOn(CallArguments.class::isInstance).hasSizeGreaterThan(10);
    assertThat(events).noneMatch(Content.class::isInstance);
  }

  @Test
  void reasoning_isCountedAndNotPartOfTheText() throws Exception {
    TextGenerator thinking = answering(THINKING, ByteModel.tokens("Hm.\n</think>\n\nFine."));
    TextRequest.Builder request = TextRequest.builder().messages(QUESTION).maxNewTokens(300);
    TextResult result = result(thinking, request);
    assertThat(result.reasoning()).isEqualTo("Hm.");
    assertThat(result.text()).isEqualTo("Fine.");
    assertThat(result.reasoningTokens()).isEqualTo("Hm.\n</think>".length());
    assertThat(events(thinking.submit(TextRequest.builder().messages(QUESTION).build())))
        .anyMatch(Reasoning.class::isInstance);
  }

  @Test
  void engine_learnsWhereTheReasoningEnds() {
    TextModel model = answering(THINKING, ByteModel.tokens("Fine.")).model();
    TextRequest.Builder request = TextRequest.builder().messages(QUESTION).thinkingBudget(9);
    LengthQuery.Thinking thinking = request.build().tokenize(model, 500).thinking().orElseThrow();
    assertThat(thinking.open()).isEmpty(); // the prompt has begun it
    assertThat(thinking.close().get(0))
        .containsExactlyElementsOf(IntStream.of(model.encode("</think>", false)).boxed().toList());
    assertThat(thinking.budget()).isEqualTo(9);
    TextRequest off = TextRequest.builder().messages(QUESTION).thinking(false).build();
    assertThat(off.tokenize(model, 500).thinking()).isEmpty();
  }

  @Test
  void thinkingSwitchedOff_usesTheTemplatesSwitchOrClosesTheBlock() {
    TextGenerator thinking = answering(THINKING, ByteModel.tokens("Fine."));
    TextRequest.Builder off = TextRequest.builder().messages(QUESTION).thinking(false);
    TextModel model = thinking.model();
    String prompt = model.decode(off.build().tokenize(model, 1000).promptTokens());
    assertThat(prompt).endsWith("<think>\n</think>\n\n");
    assertThat(result(thinking, off).text()).isEqualTo("Fine.");
    String fixed = THINKING.substring(0, THINKING.indexOf("{% if enable"));
    ChatTemplate noSwitch = ChatTemplate.jinja(fixed, "<s>", "</s>");
    try (TextModel other = TextModel.load(folder, noSwitch)) {
      assertThat(other.decode(off.build().tokenize(other, 1000).promptTokens()))
          .endsWith("<think>\n\n</think>\n\n");
    }
  }

  @Test
  void stopString_isSearchedInTheContentAlone() {
    TextGenerator thinking = answering(THINKING, ByteModel.tokens("A.B.</think>\n\nC.D."));
    TextRequest.Builder request = TextRequest.builder().messages(QUESTION).stop(".");
    TextResult result = result(thinking, request);
    assertThat(result.text()).isEqualTo("C");
    assertThat(result.reasoning()).isEqualTo("A.B.");
    assertThat(result.stopString()).contains(".");
  }

  @Test
  void choiceOfNoTool_hidesTheToolsAndLeavesTheText() {
    TextGenerator plain = answering("", ByteModel.tokens(CALL));
    TextRequest.Builder request = asking(QUESTION).toolChoice(ToolChoice.none());
    TextModel model = plain.model();
    assertThat(model.decode(request.build().tokenize(model, 1000).promptTokens()))
        .isEqualTo("How is the weather?");
    TextResult result = result(plain, request);
    assertThat(result.toolCalls()).isEmpty();
    assertThat(result.text()).isEqualTo(CALL);
  }

  /** Follows the rule of a request, and writes the lowest token that may come; like a bad model. */
  private static String leastAnswer(TextModel model, TextRequest request, int limit) {
    TokenConstraint.State state =
        request.tokenize(model, 1000).tokenConstraint().orElseThrow().start();
    StringBuilder text = new StringBuilder();
    for (int left = limit; left > 0 && !(state.complete() && left < limit / 2); left--) {
      int token = BitSet.valueOf(state.mask(left)).nextSetBit(0);
      if (token < 0) {
        break;
      }
      String piece = model.tokenizer().tokenText(token);
      text.append(piece);
      state = state.after(token);
    }
    assertThat(state.complete()).as(text.toString()).isTrue();
    return text.toString();
  }

  @Test
  void forcedChoice_leavesCallsByTheSchemaAlone() {
    Map<String, Object> strict =
        Map.of(
            "name",
            "add",
            "strict",
            true,
            "parameters",
            Map.of(
                "type",
                "object",
                "properties",
                Map.of("a", Map.of("$ref", "#/$defs/digit")),
                "required",
                List.of("a"),
                "additionalProperties",
                false,
                "$defs",
                Map.of("digit", Map.of("enum", List.of(7)))));
    Conversation asking =
        Conversation.builder(QUESTION)
            .tools(List.of(Map.of("type", "function", "function", strict)))
            .build();
    for (String template : List.of("", MISTRAL)) {
      TextModel model = answering(template, ByteModel.tokens("x")).model();
      for (ToolChoice choice : List.of(ToolChoice.required(), ToolChoice.function("add"))) {
        TextRequest request = TextRequest.builder().conversation(asking).toolChoice(choice).build();
        String answer = leastAnswer(model, request, 200);
        AnswerRecord record = new AnswerRecord();
        var parser = AnswerPlan.of(model, asking, settings()).parser();
        assertThat(parser).isNotNull();
        parser.text(answer).forEach(record::add);
        parser.finish().forEach(record::add);
        assertThat(record.calls())
            .as(answer)
            .isNotEmpty()
            .allSatisfy(call -> assertThat(call.arguments()).isEqualTo(Map.of("a", 7)));
        assertThat(record.content()).isEmpty();
      }
      close();
      generator = null;
    }
  }

  private static AnswerSettings settings() {
    return AnswerSettings.of(new Settings());
  }

  @Test
  void onlyCall_endsTheAnswer() {
    TextGenerator plain = answering("", ByteModel.tokens(CALL + CALL + "more"));
    TextResult one = result(plain, asking(QUESTION).parallelToolCalls(false));
    assertThat(one.toolCalls()).hasSize(1);
    assertThat(one.awaitsTools()).isTrue();
    assertThat(one.text()).isEmpty();
    assertThat(result(plain, asking(QUESTION)).toolCalls()).hasSize(2);
  }

  @Test
  void rawFormat_leavesEverythingInTheText() {
    TextGenerator plain = answering("", ByteModel.tokens(CALL));
    assertThat(result(plain, asking(QUESTION).answerFormat(AnswerFormat.RAW)).text())
        .isEqualTo(CALL);
  }

  @Test
  void choiceThatCannotBeKept_isRefusedByName() {
    TextGenerator plain = answering("", ByteModel.tokens("x"));
    TextRequest unknown = asking(QUESTION).toolChoice(ToolChoice.function("rm")).build();
    assertThatThrownBy(() -> plain.submit(unknown))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("toolChoice names the function rm, but the tools are [weather]");
    TextRequest none =
        TextRequest.builder().messages(QUESTION).toolChoice(ToolChoice.required()).build();
    assertThatThrownBy(() -> plain.submit(none))
        .hasMessage("toolChoice REQUIRED needs a tool, but the conversation has none");
  }

  @Test
  void historyOfTools_isTextWhereTheTemplateDoesNotShowIt() {
    ChatMessage call =
        ChatMessage.builder(ChatRole.ASSISTANT)
            .content("I look.")
            .toolCall(new ToolCall("call_1", "weather", Map.of("city", "Paris")))
            .build();
    List<ChatMessage> talk =
        List.of(QUESTION, call, ChatMessage.tool("21 degrees", "call_1"), ChatMessage.user("So?"));
    String shown =
        ChatTemplate.jinja(CHAT, "<s>", "</s>")
            .render(Conversation.builder(talk).tools(TOOLS).build());
    assertThat(shown)
        .startsWith("<|im_start|>user\nYou can call functions.")
        .contains("{\"name\":\"weather\"", "\n\nHow is the weather?<|im_end|>")
        .contains("assistant\nI look.\n<tool_call>\n{\"name\":\"weather\",\"arguments\":")
        .endsWith("user\n<tool_response>\n21 degrees\n</tool_response>\nSo?<|im_end|>\n");
  }

  @Test
  void idsOfAHistory_haveNineCharactersWhereTheTemplateNeedsThem() {
    ChatMessage call =
        ChatMessage.builder(ChatRole.ASSISTANT)
            .toolCall(new ToolCall("call_of_another_model", "weather", Map.of("city", "Paris")))
            .build();
    ChatMessage result = ChatMessage.tool("21 degrees", "call_of_another_model");
    String shown =
        ChatTemplate.jinja(MISTRAL, "<s>", "</s>")
            .render(Conversation.builder(QUESTION, call, result).tools(TOOLS).build());
    assertThat(shown)
        .contains("[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\"}}]")
        .endsWith("[TOOL_RESULTS]21 degrees[/TOOL_RESULTS]");
  }
}
