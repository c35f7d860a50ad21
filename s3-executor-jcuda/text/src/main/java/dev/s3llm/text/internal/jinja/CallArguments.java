package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The expressions of a call's arguments.
 *
 * @param positional those without a name
 * @param named those with a name
 * @param rest {@code *rest}, or null
 * @param namedRest {@code **namedRest}, or null
 */
record CallArguments(
    List<Expr> positional, Map<String, Expr> named, @Nullable Expr rest, @Nullable Expr namedRest) {
  static final CallArguments NONE = new CallArguments(List.of(), Map.of(), null, null);

  Arguments eval(Env env) {
    if (positional.isEmpty() && named.isEmpty() && rest == null && namedRest == null) {
      return Arguments.NONE;
    }
    List<Value> values = new ArrayList<>(positional.size());
    for (Expr expression : positional) {
      values.add(env.eval(expression));
    }
    Map<String, Value> names = new LinkedHashMap<>();
    named.forEach((name, expression) -> names.put(name, env.eval(expression)));
    if (rest != null) {
      values.addAll(env.eval(rest).items(env));
    }
    if (namedRest != null) {
      addAll(names, env.eval(namedRest));
    }
    return new Arguments(values, names);
  }

  private static void addAll(Map<String, Value> names, Value value) {
    if (!(value instanceof Dict dict)) {
      throw JinjaException.runtime("argument after ** must be a mapping, not %s", value.typeName());
    }
    for (Map.Entry<Value, Value> entry : dict.entries()) {
      if (!(entry.getKey() instanceof Text name)) {
        throw JinjaException.runtime("keywords must be strings");
      }
      names.put(name.chars(), entry.getValue());
    }
  }
}
