package dev.s3llm.text.internal.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Writes values as Python's {@code str} and {@code repr} do. */
final class Repr {
  private final Budget budget;
  private final TextBuilder out;
  private int depth;

  Repr(Budget budget, TextBuilder out) {
    this.budget = budget;
    this.out = out;
  }

  /** Returns a value as {@code str} gives it. */
  static Text text(Env env, Value value) {
    return value instanceof Text text ? text : new TextBuilder(env.budget()).append(value).toText();
  }

  /** Returns a value as {@code repr} gives it. */
  static Text repr(Env env, Value value) {
    TextBuilder out = new TextBuilder(env.budget());
    new Repr(env.budget(), out).writeInside(value);
    return out.toText();
  }

  /** Writes a value that stands alone. */
  void write(Value value) {
    if (value instanceof Text text) {
      out.append(text);
    } else if (value instanceof Int number) {
      out.append(number.value().toString());
    } else if (value instanceof Real number) {
      out.append(Python.repr(number.value()));
    } else if (value instanceof Bool bool) {
      out.append(bool.isTrue() ? "True" : "False");
    } else if (value instanceof None) {
      out.append("None");
    } else if (!(value instanceof Undefined)) {
      writeContainer(value);
    }
  }

  /** Writes a value that stands in a list or a mapping: texts have quotes there. */
  private void writeInside(Value value) {
    budget.visit(depth);
    if (value instanceof Text text) {
      String quoted = Python.repr(text.chars());
      out.append(text.like(text.isSafe() ? "Markup(" + quoted + ")" : quoted));
    } else if (value instanceof Undefined) {
      out.append("Undefined");
    } else {
      write(value);
    }
  }

  private void writeContainer(Value value) {
    depth++;
    if (value instanceof Sequence sequence) {
      writeSequence(sequence);
    } else if (value instanceof Dict dict) {
      writeEntries(dict.entries().iterator());
    } else if (value instanceof Namespace namespace) {
      out.append("<Namespace ");
      writeEntries(
          namespace.attributes().entrySet().stream()
              .map(entry -> Map.entry((Value) Text.ofName(entry.getKey()), entry.getValue()))
              .iterator());
      out.append(">");
    } else if (value instanceof Macro macro) {
      out.append(
          "<Macro %s>".formatted(macro.name().isEmpty() ? "anonymous" : Python.repr(macro.name())));
    } else if (value instanceof Loop loop) {
      out.append("<LoopContext %d/%d>".formatted(loop.index() + 1, loop.length()));
    } else {
      throw JinjaException.runtime("a %s cannot be written as text", value.typeName());
    }
    depth--;
  }

  private void writeSequence(Sequence sequence) {
    List<Value> items = sequence.written();
    out.append(sequence.kind().open());
    for (int i = 0; i < items.size(); i++) {
      out.append(i == 0 ? "" : ", ");
      writeInside(items.get(i));
    }
    out.append(items.size() == 1 && sequence.kind() == Sequence.Kind.TUPLE ? "," : "");
    out.append(sequence.kind().close());
  }

  private void writeEntries(Iterator<Map.Entry<Value, Value>> entries) {
    out.append("{");
    for (String comma = ""; entries.hasNext(); comma = ", ") {
      Map.Entry<Value, Value> entry = entries.next();
      out.append(comma);
      writeInside(entry.getKey());
      out.append(": ");
      writeInside(entry.getValue());
    }
    out.append("}");
  }
}
