package dev.s3llm.text.internal.tool;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.text.internal.tool.Recognizer.Status;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads one call in the form of a JSON object. Arguments are emitted as they arrive once the name
 * is known; if the name comes behind them, or they are a string with JSON in it, at the end. Not
 * thread-safe.
 */
final class CallObject {
  private static final List<String> NAMES = List.of("name", "tool_name", "function");
  private static final List<String> ARGUMENTS = List.of("arguments", "parameters", "args");
  private static final Set<String> KEYS =
      Set.of(
          "name",
          "tool_name",
          "function",
          "arguments",
          "parameters",
          "args",
          "type",
          "id",
          "tool_call_id");

  private final JsonScanner json = new JsonScanner();
  private final StringBuilder source = new StringBuilder();
  private final Emitter out;
  private final Functions functions;

  /** Whether keys that no call has make it no call. */
  private final boolean bare;

  /** Whether events wait for the end of the answer. */
  private final boolean deferred;

  private String key = "";
  private @Nullable String name;
  private boolean streaming;
  private boolean started;
  private String wholeArguments = "";

  CallObject(Emitter out, Functions functions, boolean bare, boolean deferred) {
    this.out = out;
    this.functions = functions;
    this.bare = bare;
    this.deferred = deferred;
  }

  /** Adds a character; the status is {@code DONE} if it ends the object. */
  Status feed(char c) {
    int depth = json.depth();
    boolean inString = json.inString();
    if (!json.feed(c)) {
      return Status.REJECTED;
    }
    source.append(c);
    if (streaming) {
      out.arguments(inString && c < ' ' ? ArgumentsObject.escape(c) : String.valueOf(c));
      streaming = json.depth() > 1;
    } else if (depth == 1 && inString && !json.inString()) {
      return string();
    } else if (depth == 1
        && json.depth() == 2
        && c == '{'
        && ARGUMENTS.contains(key)
        && name != null
        && !started) {
      start(c);
    }
    return json.done() ? end() : Status.MORE;
  }

  /** Returns the name of the function, once the object is complete. */
  String name() {
    return name == null ? "" : name;
  }

  /** Returns the arguments, once the object is complete and if events are deferred. */
  String arguments() {
    return wholeArguments;
  }

  private Status string() {
    if (json.inKey()) {
      key = Json.unescape(json.lastString());
      return bare && !KEYS.contains(key) ? Status.REJECTED : Status.MORE;
    }
    if (NAMES.contains(key) && name == null) {
      name = Json.unescape(json.lastString());
      return functions.contains(name) ? Status.MORE : Status.REJECTED;
    }
    return Status.MORE;
  }

  private void start(char c) {
    if (!deferred) {
      started = true;
      streaming = true;
      out.start(name());
      out.arguments(String.valueOf(c));
    }
  }

  private Status end() {
    if (started) {
      out.end();
      return Status.DONE;
    }
    Optional<JsonNode> node = Json.node(source.toString());
    if (node.isEmpty() || !readWhole(node.get())) {
      return Status.REJECTED;
    }
    if (!deferred) {
      out.call(name(), wholeArguments);
    }
    return Status.DONE;
  }

  private boolean readWhole(JsonNode node) {
    JsonNode call = node.path("function").isObject() ? node.path("function") : node;
    for (String key : NAMES) {
      if (name == null && call.path(key).isTextual()) {
        name = call.path(key).asText();
      }
    }
    JsonNode arguments = first(call);
    boolean none = arguments == null || arguments.isNull();
    if (name == null || !functions.contains(name) || (none && bare)) {
      return false;
    }
    JsonNode object =
        arguments != null && arguments.isTextual()
            ? Json.node(arguments.asText()).orElse(arguments)
            : arguments;
    wholeArguments = none ? "{}" : String.valueOf(object);
    return none || (object != null && object.isObject());
  }

  private static @Nullable JsonNode first(JsonNode call) {
    for (String key : ARGUMENTS) {
      if (call.has(key)) {
        return call.get(key);
      }
    }
    return null;
  }
}
