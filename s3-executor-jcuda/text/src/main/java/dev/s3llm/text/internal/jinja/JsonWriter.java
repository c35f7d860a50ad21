package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The filter {@code tojson} as transformers defines it: {@code json.dumps} without escapes for
 * characters beyond ASCII, and without those that Jinja's own filter makes for HTML.
 */
final class JsonWriter {
  private final Env env;
  private final TextBuilder out;
  private final boolean ascii;
  private final boolean sorted;
  private final @Nullable Text indent;
  private final Text comma;
  private final Text colon;

  private JsonWriter(Env env, Arguments.Bound options) {
    this.env = env;
    this.out = new TextBuilder(env.budget());
    this.ascii = options.flag(0);
    this.indent = indent(env, options);
    this.sorted = options.flag(3);
    if (options.has(2)) {
      List<Value> separators = options.value(2).items(env);
      if (separators.size() != 2
          || !(separators.get(0) instanceof Text item)
          || !(separators.get(1) instanceof Text key)) {
        throw JinjaException.runtime("separators must be two strings");
      }
      this.comma = item;
      this.colon = key;
    } else {
      this.comma = Text.of(indent == null ? ", " : ",");
      this.colon = Text.of(": ");
    }
  }

  static Value toJson(Env env, Value value, Arguments arguments) {
    Arguments.Bound options =
        arguments.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
    JsonWriter writer = new JsonWriter(env, options);
    writer.write(value, 0);
    return writer.out.toText();
  }

  private static @Nullable Text indent(Env env, Arguments.Bound options) {
    if (!options.has(1)) {
      return null;
    }
    return options.get(1) instanceof Text text
        ? text
        : new TextBuilder(env.budget()).repeat(" ", options.integer(1, 0)).toText();
  }

  private void write(Value value, int depth) {
    env.budget().visit(depth);
    if (value instanceof Text text) {
      out.append(text.like(quoted(text.chars())));
    } else if (value instanceof Dict dict) {
      writeEntries(dict, depth);
    } else if (value instanceof Sequence sequence && sequence.kind().isListOrTuple()) {
      writeItems(sequence, depth);
    } else {
      out.append(scalar(value));
    }
  }

  private static String scalar(Value value) {
    if (value instanceof None) {
      return "null";
    }
    if (value instanceof Bool bool) {
      return bool.isTrue() ? "true" : "false";
    }
    if (value instanceof Int number) {
      return number.value().toString();
    }
    if (value instanceof Real real) {
      return Double.isFinite(real.value())
          ? Python.repr(real.value())
          : Double.isNaN(real.value()) ? "NaN" : real.value() > 0 ? "Infinity" : "-Infinity";
    }
    throw JinjaException.runtime(
        "Object of type %s is not JSON serializable%s",
        value.typeName(), value instanceof Undefined undefined ? ": " + undefined.message() : "");
  }

  private void writeItems(Sequence sequence, int depth) {
    List<Value> items = sequence.view();
    out.append("[");
    for (int i = 0; i < items.size(); i++) {
      separate(i == 0, depth + 1);
      write(items.get(i), depth + 1);
    }
    end(items.isEmpty(), depth, "]");
  }

  private void writeEntries(Dict dict, int depth) {
    List<Map.Entry<Value, Value>> entries = new ArrayList<>(dict.entries());
    if (sorted) {
      entries.sort((a, b) -> Operators.compare(env, a.getKey(), b.getKey()));
    }
    out.append("{");
    boolean first = true;
    for (Map.Entry<Value, Value> entry : entries) {
      separate(first, depth + 1);
      writeKey(entry.getKey());
      out.append(colon);
      write(entry.getValue(), depth + 1);
      first = false;
    }
    end(entries.isEmpty(), depth, "}");
  }

  private void writeKey(Value key) {
    if (key instanceof Text text) {
      out.append(text.like(quoted(text.chars())));
    } else if (key instanceof Sequence || key instanceof Undefined) {
      throw JinjaException.runtime("keys must be str, int, float, bool or None");
    } else {
      out.append("\"" + scalar(key) + "\"");
    }
  }

  private void separate(boolean first, int depth) {
    out.append(first ? Text.EMPTY : comma);
    newLine(depth);
  }

  private void end(boolean empty, int depth, String bracket) {
    if (!empty) {
      newLine(depth);
    }
    out.append(bracket);
  }

  private void newLine(int depth) {
    if (indent != null) {
      out.append("\n");
      for (int i = 0; i < depth; i++) {
        out.append(indent);
      }
    }
  }

  private String quoted(String text) {
    env.budget().text(0, text.length());
    StringBuilder quoted = new StringBuilder(text.length() + 2).append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int simple = "\"\\\n\r\t\b\f".indexOf(c);
      if (simple >= 0) {
        quoted.append('\\').append("\"\\nrtbf".charAt(simple));
      } else if (c < 0x20 || (ascii && c > 0x7e)) {
        quoted.append("\\u%04x".formatted((int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
