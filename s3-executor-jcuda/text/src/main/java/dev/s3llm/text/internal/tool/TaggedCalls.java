package dev.s3llm.text.internal.tool;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads one call whose parameters are tags with plain text in them. A value is text if the schema
 * says so, and else JSON where it is JSON. The call is emitted at its end.
 */
final class TaggedCalls extends Recognizer {
  private static final int MAX_CHARS = 1 << 20;
  private static final int MAX_NAME = 200;

  /**
   * A way of writing tags.
   *
   * @param name all up to the name and its end; group 1 is the name
   * @param parameter a parameter; its groups are name and value
   * @param closer what ends the call
   * @param outerCloser what may follow; may be empty
   */
  record Tags(Pattern name, Pattern parameter, String closer, String outerCloser) {}

  /** {@code <function=f><parameter=a>1</parameter></function>}. */
  static final Tags FUNCTION =
      new Tags(
          Pattern.compile("\\s*<function=\\s*([^>\\s]+)\\s*>"),
          Pattern.compile(
              "\\s*<parameter=\\s*([^>\\s]+)\\s*>(?s:(.*?))</parameter>", Pattern.DOTALL),
          "</function>",
          "</tool_call>");

  /** {@code f<arg_key>a</arg_key><arg_value>1</arg_value>}. */
  static final Tags KEYS =
      new Tags(
          Pattern.compile("\\s*([\\w.-]+)\\s*(?=<)"),
          Pattern.compile(
              "\\s*<arg_key>\\s*(.*?)\\s*</arg_key>\\s*<arg_value>(.*?)</arg_value>",
              Pattern.DOTALL),
          "</tool_call>",
          "");

  private final Emitter out;
  private final Functions functions;
  private final Tags tags;
  private final StringBuilder text = new StringBuilder();
  private String name = "";
  private int body = -1;
  private boolean complete;
  private final StringBuilder tail = new StringBuilder();

  TaggedCalls(Emitter out, Functions functions, Tags tags) {
    this.out = out;
    this.functions = functions;
    this.tags = tags;
  }

  @Override
  Status accept(char c) {
    if (complete) {
      return outerCloser(c);
    }
    text.append(c);
    if (body < 0) {
      return name();
    }
    int start = text.length() - tags.closer.length();
    if (start < body || text.indexOf(tags.closer, start) < 0) {
      return text.length() > MAX_CHARS ? Status.REJECTED : Status.MORE;
    }
    return call(text.substring(body, start));
  }

  @Override
  Status finish() {
    return complete ? Status.DONE : Status.REJECTED;
  }

  private Status name() {
    Matcher matcher = tags.name.matcher(text);
    if (matcher.lookingAt()) {
      name = matcher.group(1);
      body = matcher.end();
      return functions.contains(name) ? Status.MORE : Status.REJECTED;
    }
    return matcher.hitEnd() && text.length() <= MAX_NAME ? Status.MORE : Status.REJECTED;
  }

  private Status call(String parameters) {
    Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
    Matcher matcher = tags.parameter.matcher(parameters);
    int at = 0;
    while (matcher.find() && matcher.start() == at) {
      String parameter = matcher.group(1);
      arguments.put(parameter, value(parameter, matcher.group(2)));
      at = matcher.end();
    }
    if (!parameters.substring(at).isBlank()) {
      return Status.REJECTED;
    }
    out.call(name, Json.write(arguments));
    complete = true;
    settle();
    return tags.outerCloser.isEmpty() ? Status.DONE : Status.MORE;
  }

  private @Nullable Object value(String parameter, String raw) {
    String value = raw.startsWith("\n") ? raw.substring(1) : raw;
    value = value.endsWith("\n") ? value.substring(0, value.length() - 1) : value;
    Optional<String> type = functions.type(name, parameter);
    if (type.isPresent() && type.get().equals("string")) {
      return value;
    }
    Optional<JsonNode> node = Json.node(value.strip());
    if (node.isPresent()) {
      return node.get();
    }
    return switch (value.strip()) {
      case "True" -> true;
      case "False" -> false;
      case "None" -> null;
      default -> value;
    };
  }

  private Status outerCloser(char c) {
    tail.append(c);
    String rest = tail.toString().stripLeading();
    if (rest.equals(tags.outerCloser)) {
      return Status.DONE;
    }
    return tags.outerCloser.startsWith(rest) ? Status.MORE : Status.REJECTED;
  }
}
