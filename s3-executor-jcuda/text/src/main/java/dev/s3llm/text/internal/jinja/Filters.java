package dev.s3llm.text.internal.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** All filters by name, and those that take a value of any type. */
final class Filters {
  private static final Set<String> NOT_SUPPORTED =
      Set.of("filesizeformat", "pprint", "random", "striptags", "urlize", "wordwrap", "xmlattr");

  private static final Map<String, Filter> FILTERS = filters();

  private Filters() {}

  static @Nullable Filter find(String name) {
    return FILTERS.get(name);
  }

  /** Returns why there is no filter of a name. */
  static String unknown(String name) {
    return NOT_SUPPORTED.contains(name)
        ? "the filter '%s' is not supported in chat templates".formatted(name)
        : "no filter is named '%s'".formatted(name);
  }

  private static Map<String, Filter> filters() {
    Map<String, Filter> filters = new HashMap<>();
    filters.put("default", Filters::defaultValue);
    filters.put("d", Filters::defaultValue);
    filters.put("attr", Filters::attribute);
    filters.put("length", (env, value, args) -> length(value));
    filters.put("count", (env, value, args) -> length(value));
    filters.put("string", (env, value, args) -> Repr.text(env, value));
    filters.put("safe", (env, value, args) -> Repr.text(env, value).asSafe(true));
    filters.put("tojson", JsonWriter::toJson);
    filters.put("int", Filters::toInt);
    filters.put("float", Filters::toFloat);
    filters.put("abs", (env, value, args) -> absolute(value));
    filters.put("round", Filters::round);
    TextFilters.addTo(filters);
    SequenceFilters.addTo(filters);
    SortFilters.addTo(filters);
    return Map.copyOf(filters);
  }

  private static Value defaultValue(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("default", 0, "default_value", "boolean");
    boolean missing = value instanceof Undefined || (bound.flag(1) && !value.isTrue());
    return missing ? bound.value(0, Text.EMPTY) : value;
  }

  private static Value attribute(Env env, Value value, Arguments arguments) {
    String name = arguments.bind("attr", 1, "name").text(0).chars();
    Value found = Lookup.attribute(value, name);
    return found == null ? Undefined.attribute(value, name) : found;
  }

  private static Value length(Value value) {
    if (value.length() < 0) {
      throw JinjaException.runtime("object of type '%s' has no len()", value.typeName());
    }
    return Int.of(value.length());
  }

  private static Value toInt(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("int", 0, "default", "base");
    Value found = null;
    if (value instanceof Text text) {
      found = NumberParser.integer(text.chars(), bound.integer(1, 10));
      Real real = found == null ? NumberParser.real(text.chars()) : null;
      found = real == null ? found : NumberParser.truncated(real.value());
    } else if (value instanceof Real real) {
      found = NumberParser.truncated(real.value());
    } else if (Numbers.isNumber(value)) {
      found = Numbers.calculate("+", Int.of(0), value);
    }
    return found == null ? otherwise(value, bound, Int.of(0)) : found;
  }

  private static Value toFloat(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("float", 0, "default");
    Value found = null;
    if (value instanceof Text text) {
      found = NumberParser.real(text.chars());
    } else if (Numbers.isNumber(value)) {
      found = new Real(Numbers.real(value));
    }
    return found == null ? otherwise(value, bound, new Real(0)) : found;
  }

  private static Value otherwise(Value value, Arguments.Bound bound, Value otherwise) {
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    return bound.value(0, otherwise);
  }

  private static Value absolute(Value value) {
    if (value instanceof Real real) {
      return new Real(Math.abs(real.value()));
    }
    Value number = Numbers.calculate("+", Int.of(0), value);
    return number instanceof Int integer ? new Int(integer.value().abs()) : number;
  }

  private static Value round(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("round", 0, "precision", "method");
    String method = bound.has(1) ? bound.text(1).chars() : "common";
    return Numbers.round(value, bound.integer(0, 0), method);
  }
}
