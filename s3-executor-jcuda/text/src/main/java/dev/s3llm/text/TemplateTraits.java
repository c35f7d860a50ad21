package dev.s3llm.text;

import dev.s3llm.text.tool.AnswerFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a template does with tools and reasoning, found by rendering small conversations.
 *
 * @param format how it writes calls; {@link AnswerFormat#HERMES} if it does not show tools
 * @param showsTools whether it writes the tools of a conversation
 * @param history how earlier calls must look so that it writes them with their results; null if it
 *     does not in any form
 * @param showsSystem whether it writes a message of the system
 * @param thinkOpen what begins reasoning; empty if the template knows none
 * @param thinkClose what ends reasoning
 * @param thinkingVariables the variables that switch reasoning on or off, of which it reads
 */
record TemplateTraits(
    AnswerFormat format,
    boolean showsTools,
    @Nullable History history,
    boolean showsSystem,
    String thinkOpen,
    String thinkClose,
    List<String> thinkingVariables) {

  /**
   * How a template reads earlier calls.
   *
   * @param argumentsAsText whether arguments are JSON in a text, not a mapping
   * @param emptyContent whether a message without a content has the empty text, not null
   */
  record History(boolean argumentsAsText, boolean emptyContent) {}

  /** The traits of the template for models without one. */
  static final TemplateTraits PLAIN =
      new TemplateTraits(AnswerFormat.HERMES, false, null, true, "", "", List.of());

  private static final String TOOL = "qzxtool";
  private static final String CALLED = "qzxcalled";
  private static final String KEY = "qzxkey";
  private static final String VALUE = "qzxvalue";
  private static final String RESULT = "qzxresult";
  private static final String SYSTEM = "qzxsystem";
  private static final String CALL_ID = "qzxcall01"; // 9 letters and digits, as Mistral requires

  private static final List<Map<String, Object>> TOOLS =
      List.of(
          Map.of(
              "type",
              "function",
              "function",
              Map.of(
                  "name",
                  TOOL,
                  "description",
                  "A tool.",
                  "parameters",
                  Map.of(
                      "type",
                      "object",
                      "properties",
                      Map.of(KEY, Map.of("type", "string", "description", "A text.")),
                      "required",
                      List.of(KEY)))));

  private static final List<History> HISTORIES =
      List.of(
          new History(false, false),
          new History(false, true),
          new History(true, false),
          new History(true, true));

  private static final List<List<String>> THINKING =
      List.of(
          List.of("<think>", "</think>"),
          List.of("[THINK]", "[/THINK]"),
          List.of("<|START_THINKING|>", "<|END_THINKING|>"),
          List.of("<seed:think>", "</seed:think>"));

  /** Finds out the traits of a template. */
  static TemplateTraits of(Renderer template, String source) {
    ChatMessage question = ChatMessage.user("qzxquestion");
    String tools = template.render(Conversation.builder(question).tools(TOOLS).build()).orElse("");
    boolean unknown = template.render(Conversation.of(List.of(question))).isEmpty();
    boolean showsTools = tools.contains(TOOL) || unknown; // it sees conversations as they are
    History history = unknown ? HISTORIES.get(0) : null;
    String seen = tools;
    for (History candidate : HISTORIES) {
      String text = template.render(talk(candidate, showsTools)).orElse("");
      if (history == null && shows(text, candidate)) {
        history = candidate;
        seen = tools + text;
      }
    }
    if (history == null && !showsTexts(template)) {
      history = HISTORIES.get(0); // a template that shows some messages only sees them as they are
    }
    boolean system =
        template
            .render(Conversation.builder(ChatMessage.system(SYSTEM), question).build())
            .filter(text -> text.contains(SYSTEM))
            .isPresent();
    List<String> thinking = thinking(source);
    return new TemplateTraits(
        format(showsTools, seen, source),
        showsTools,
        history,
        system,
        thinking.get(0),
        thinking.get(1),
        List.of("enable_thinking", "thinking").stream()
            .filter(name -> source.contains(name) && reads(template, name))
            .toList());
  }

  /** Renders a conversation as it is; empty if the template refuses it. */
  interface Renderer {
    Optional<String> render(Conversation conversation);
  }

  private static Conversation talk(History history, boolean tools) {
    ChatMessage call =
        ChatMessage.builder(ChatRole.ASSISTANT)
            .toolCall(new ToolCall(CALL_ID, CALLED, Map.of(KEY, VALUE)))
            .build();
    ChatMessage result =
        ChatMessage.builder(ChatRole.TOOL).content(RESULT).toolCallId(CALL_ID).name(CALLED).build();
    Conversation.Builder builder =
        Conversation.builder(
            ChatMessage.user("qzxquestion"), ToolFrame.shaped(call, history), result);
    return tools ? builder.tools(TOOLS).build() : builder.build();
  }

  private static boolean shows(String text, History history) {
    boolean asPython = text.contains("'" + KEY + "'");
    boolean doubled = history.argumentsAsText && text.contains("\\\"" + KEY);
    return text.contains(CALLED)
        && text.contains(VALUE)
        && text.contains(RESULT)
        && !text.contains("None")
        && !asPython
        && !doubled;
  }

  /** Returns whether the template shows calls and results that are texts. */
  private static boolean showsTexts(Renderer template) {
    List<ChatMessage> talk =
        List.of(
            ChatMessage.user("qzxquestion"),
            ChatMessage.assistant(CALLED),
            ChatMessage.user(RESULT));
    return template
        .render(Conversation.of(talk))
        .filter(text -> text.contains(CALLED) && text.contains(RESULT))
        .isPresent();
  }

  private static boolean reads(Renderer template, String variable) {
    Conversation question = Conversation.of(List.of(ChatMessage.user("qzxquestion")));
    return !template
        .render(question.with(variable, true))
        .equals(template.render(question.with(variable, false)));
  }

  private static List<String> thinking(String source) {
    for (List<String> markers : THINKING) {
      if (source.contains(markers.get(0)) || source.contains(markers.get(1))) {
        return markers;
      }
    }
    return List.of("", "");
  }

  /** Returns the format of the calls that a template writes, or describes to the model. */
  private static AnswerFormat format(boolean showsTools, String seen, String source) {
    if (seen.contains("<|channel|>") || source.contains("<|channel|>analysis")) {
      return AnswerFormat.HARMONY;
    }
    if (!showsTools) {
      return AnswerFormat.HERMES;
    }
    if (seen.contains("<｜tool▁call▁begin｜>") || source.contains("<｜tool▁call▁begin｜>")) {
      return AnswerFormat.DEEPSEEK;
    }
    if (seen.contains("[TOOL_CALLS]") || source.contains("[TOOL_CALLS]")) {
      return AnswerFormat.MISTRAL;
    }
    if (seen.contains("<|tool_call_begin|>") || source.contains("<|tool_call_begin|>")) {
      return AnswerFormat.KIMI;
    }
    if (seen.contains("<|START_ACTION|>")) {
      return AnswerFormat.COHERE;
    }
    if (seen.contains("<tool_call>") || seen.contains("<function=")) {
      return AnswerFormat.HERMES;
    }
    if (seen.contains("<|tool_call|>") || seen.contains("functools[")) {
      return AnswerFormat.PHI;
    }
    if (seen.contains(CALLED + "(") || seen.contains("[func_name1(")) {
      return AnswerFormat.PYTHONIC;
    }
    boolean llama = seen.contains("\"parameters\": {\"" + KEY) || seen.contains("<|python_tag|>");
    return llama || source.contains("<|python_tag|>") ? AnswerFormat.LLAMA_JSON : AnswerFormat.JSON;
  }
}
