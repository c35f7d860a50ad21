package dev.s3llm.text.internal.tool;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.text.internal.tool.CallsConstraint.Node;
import dev.s3llm.text.tool.AnswerFormat;
import dev.s3llm.text.tool.ToolChoice;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Creates the rules of answers that call tools: the frame of the format in fixed tokens, and in it
 * JSON by the schemas of the functions.
 */
public final class CallGrammar {
  private static final Map<String, Object> ANY_OBJECT = Map.of("type", "object");

  private final AnswerFormat format;
  private final Functions functions;
  private final Model model;

  /**
   * What is needed of a model.
   *
   * @param vocabularySize number of tokens
   * @param stopTokens tokens that end an answer
   * @param encode the tokens of a text, in which special tokens are recognised
   * @param schema the rule of JSON texts that keep a schema; throws what the caller defines for a
   *     schema that cannot be kept
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Model(
      int vocabularySize,
      int[] stopTokens,
      Function<String, int[]> encode,
      Function<String, TokenConstraint> schema) {}

  /**
   * Creates the rules of a format.
   *
   * @param format how the model writes calls
   * @param functions the functions of the request
   * @param model what is needed of the model
   */
  public CallGrammar(AnswerFormat format, Functions functions, Model model) {
    this.format = format;
    this.functions = functions;
    this.model = model;
  }

  /**
   * Returns the rule of an answer that must call tools.
   *
   * @param choice requires any function, or a certain one
   * @param parallel whether there may be more than one call
   */
  public TokenConstraint required(ToolChoice choice, boolean parallel) {
    Set<String> names = choice.function().map(Set::of).orElse(functions.names());
    boolean one = choice.function().isPresent() || !parallel;
    return new CallsConstraint(calls(names, one, true), model.vocabularySize());
  }

  /**
   * Returns the rule of an answer that either calls tools or keeps another rule.
   *
   * @param content the other rule
   * @param parallel whether there may be more than one call
   */
  public TokenConstraint either(TokenConstraint content, boolean parallel) {
    Node start = Node.of();
    start.then(calls(functions.names(), !parallel, true));
    start.then(Node.of(content)).end();
    return new CallsConstraint(start, model.vocabularySize());
  }

  /**
   * Returns the rule of an answer that may call tools, of which some are strict: everything may
   * come up to the marker of a call, and behind it a call. Empty if no function is strict, or if
   * the format has no marker that is one token of the model.
   */
  public Optional<TokenConstraint> strict() {
    int[] marker = marker().isEmpty() ? new int[0] : tokens(marker());
    if (marker.length != 1 || functions.names().stream().noneMatch(functions::isStrict)) {
      return Optional.empty();
    }
    TokenConstraint call =
        new CallsConstraint(calls(functions.names(), true, false), model.vocabularySize());
    return Optional.of(
        new TriggeredConstraint(marker[0], call, model.vocabularySize(), model.stopTokens()));
  }

  private String marker() {
    return switch (format) {
      case HERMES -> "<tool_call>";
      case MISTRAL -> "[TOOL_CALLS]";
      case PHI -> "<|tool_call|>";
      case COHERE -> "<|START_ACTION|>";
      case DEEPSEEK -> "<｜tool▁call▁begin｜>";
      case KIMI -> "<|tool_call_begin|>";
      default -> "";
    };
  }

  private Node calls(Set<String> names, boolean one, boolean withMarker) {
    String marker = withMarker ? marker() : "";
    return switch (format) {
      case HERMES -> frame(names, one, marker + "\n", "\n</tool_call>", "\n<tool_call>\n", "");
      case MISTRAL -> frame(names, one, marker + "[", "", ", ", "]");
      case PHI -> frame(names, one, marker + "[", "", ", ", "]" + phiEnd());
      case COHERE -> frame(names, one, marker + "[", "", ", ", "]<|END_ACTION|>");
      case DEEPSEEK ->
          frame(
              names,
              one,
              (withMarker ? "<｜tool▁calls▁begin｜>" : "") + marker,
              "\n```<｜tool▁call▁end｜>",
              "\n<｜tool▁call▁begin｜>",
              "<｜tool▁calls▁end｜>");
      case KIMI ->
          frame(
              names,
              one,
              (withMarker ? "<|tool_calls_section_begin|>" : "") + marker,
              "<|tool_call_end|>",
              "<|tool_call_begin|>",
              "<|tool_calls_section_end|>");
      default -> frame(names, true, "", "", "", "");
    };
  }

  private String phiEnd() {
    return tokens("<|/tool_call|>").length == 1 ? "<|/tool_call|>" : "";
  }

  /** Builds: before (call after) (between call after)* end. */
  private Node frame(
      Set<String> names, boolean one, String before, String after, String between, String end) {
    Node first = Node.of(tokens(before));
    Node separator = Node.of(tokens(between));
    Node behind = Node.of(tokens(after));
    Node last = Node.of(tokens(end));
    last.end();
    behind.then(last);
    if (!one) {
      behind.then(separator);
    }
    for (String name : names) {
      Node head = Node.of(tokens(head(name)));
      head.then(Node.of(rule(name))).then(behind);
      first.then(head);
      separator.then(head);
    }
    return first;
  }

  /** Returns what stands before the arguments, if the name is not part of the JSON. */
  private String head(String name) {
    return switch (format) {
      case DEEPSEEK -> "function<｜tool▁sep｜>" + name + "\n```json\n";
      case KIMI -> "functions." + name + ":0<|tool_call_argument_begin|>";
      case HARMONY ->
          "<|channel|>commentary to=functions." + name + " <|constrain|>json<|message|>";
      default -> "";
    };
  }

  private TokenConstraint rule(String name) {
    Map<?, ?> parameters = functions.parameters(name).orElse(ANY_OBJECT);
    try {
      return model.schema().apply(schema(name, parameters));
    } catch (IllegalArgumentException e) {
      if (functions.isStrict(name)) {
        throw e;
      }
      return model.schema().apply(schema(name, ANY_OBJECT)); // its arguments are not checked
    }
  }

  private String schema(String name, Map<?, ?> parameters) {
    if (!head(name).isEmpty()) {
      return Json.write(parameters);
    }
    String nameKey = format == AnswerFormat.COHERE ? "tool_name" : "name";
    boolean llama = format == AnswerFormat.LLAMA_JSON || format == AnswerFormat.COHERE;
    String key = llama ? "parameters" : "arguments";
    Map<String, @Nullable Object> properties = new LinkedHashMap<>();
    properties.put(nameKey, Map.of("const", name));
    properties.put(key, moved(parameters, "#/properties/" + key));
    Map<String, @Nullable Object> call = new LinkedHashMap<>();
    call.put("type", "object");
    call.put("properties", properties);
    call.put("required", List.of(nameKey, key));
    call.put("additionalProperties", false);
    return Json.write(call);
  }

  /** Returns a schema whose references are right where it stands within another one. */
  private static @Nullable Object moved(@Nullable Object schema, String root) {
    if (schema instanceof List<?> list) {
      List<@Nullable Object> items = new ArrayList<>();
      list.forEach(item -> items.add(moved(item, root)));
      return items;
    }
    if (!(schema instanceof Map<?, ?> map)) {
      return schema;
    }
    Map<String, @Nullable Object> moved = new LinkedHashMap<>();
    map.forEach(
        (key, value) ->
            moved.put(
                String.valueOf(key),
                "$ref".equals(key) && value instanceof String ref && ref.startsWith("#")
                    ? root + ref.substring(1)
                    : moved(value, root)));
    return moved;
  }

  private int[] tokens(String text) {
    return text.isEmpty() ? new int[0] : model.encode().apply(text);
  }
}
