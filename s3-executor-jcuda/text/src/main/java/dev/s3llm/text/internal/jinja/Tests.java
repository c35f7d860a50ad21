package dev.s3llm.text.internal.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** All tests by name: what may stand after {@code is}. */
final class Tests {
  private static final Map<String, Test> TESTS = tests();

  private Tests() {}

  static @Nullable Test find(String name) {
    return TESTS.get(name);
  }

  /** Returns why there is no test of a name. */
  static String unknown(String name) {
    return "no test is named '%s'".formatted(name);
  }

  private static Map<String, Test> tests() {
    Map<String, Test> tests = new HashMap<>();
    type(tests, "defined", value -> !(value instanceof Undefined));
    type(tests, "undefined", value -> value instanceof Undefined);
    type(tests, "none", value -> value instanceof None);
    type(tests, "boolean", value -> value instanceof Bool);
    type(tests, "true", value -> value == Bool.TRUE);
    type(tests, "false", value -> value == Bool.FALSE);
    type(tests, "integer", value -> value instanceof Int);
    type(tests, "float", value -> value instanceof Real);
    type(tests, "number", Numbers::isNumber);
    type(tests, "string", value -> value instanceof Text);
    type(tests, "mapping", value -> value instanceof Dict);
    type(tests, "sequence", Tests::isSequence);
    type(tests, "iterable", Tests::isIterable);
    type(tests, "callable", Tests::isCallable);
    type(tests, "escaped", value -> value instanceof Text text && text.isSafe());
    tests.put("lower", (env, value, args) -> isCase(env, value, false));
    tests.put("upper", (env, value, args) -> isCase(env, value, true));
    tests.put("odd", (env, value, args) -> remainder(value, Int.of(2)) == 1);
    tests.put("even", (env, value, args) -> remainder(value, Int.of(2)) == 0);
    tests.put("divisibleby", (env, value, args) -> remainder(value, only(args, "num")) == 0);
    tests.put("sameas", (env, value, args) -> isSame(value, only(args, "other")));
    tests.put("in", (env, value, args) -> Operators.contains(env, only(args, "seq"), value));
    tests.put("filter", (env, value, args) -> isName(value, Filters::find));
    tests.put("test", (env, value, args) -> isName(value, Tests::find));
    comparison(tests, "==", "eq", "equalto", "==");
    comparison(tests, "!=", "ne", "!=");
    comparison(tests, "<", "lt", "lessthan", "<");
    comparison(tests, "<=", "le", "<=");
    comparison(tests, ">", "gt", "greaterthan", ">");
    comparison(tests, ">=", "ge", ">=");
    return Map.copyOf(tests);
  }

  private static void type(Map<String, Test> tests, String name, Predicate<Value> predicate) {
    tests.put(
        name,
        (env, value, args) -> {
          args.bind(name, 0);
          return predicate.test(value);
        });
  }

  private static void comparison(Map<String, Test> tests, String operator, String... names) {
    for (String name : names) {
      tests.put(
          name, (env, value, args) -> Lookup.compares(env, operator, value, only(args, "other")));
    }
  }

  private static Value only(Arguments arguments, String name) {
    return arguments.bind("the test", 1, name).value(0);
  }

  private static boolean isName(
      Value value, java.util.function.Function<String, @Nullable Object> find) {
    return Dict.hashed(value) instanceof Text name && find.apply(name.chars()) != null;
  }

  private static boolean isSequence(Value value) {
    return value instanceof Text
        || value instanceof Dict
        || value instanceof Undefined
        || (value instanceof Sequence sequence && sequence.kind().hasIndex());
  }

  private static boolean isIterable(Value value) {
    return value instanceof Text
        || value instanceof Dict
        || value instanceof Undefined
        || value instanceof Sequence
        || value instanceof Loop;
  }

  private static boolean isCallable(Value value) {
    return value instanceof Macro
        || value instanceof Function
        || value instanceof Undefined
        || value instanceof Loop;
  }

  private static boolean isCase(Env env, Value value, boolean upper) {
    return TextMethods.isCase(Repr.text(env, value).chars(), upper);
  }

  private static double remainder(Value value, Value divisor) {
    return value instanceof Text
        ? throwNotNumber()
        : Numbers.real(Numbers.calculate("%", value, divisor));
  }

  private static double throwNotNumber() {
    throw JinjaException.runtime("not all arguments converted during string formatting");
  }

  private static boolean isSame(Value a, Value b) {
    boolean container = a instanceof Sequence || a instanceof Dict;
    return a == b || (!container && a.getClass() == b.getClass() && a.equals(b));
  }
}
