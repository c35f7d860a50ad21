package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A macro, or the block of a {@code call}, with the variables that it sees: those of the place
 * where it is defined.
 */
record Macro(Definition definition, Scope scope) implements Value {
  /**
   * The source of a macro.
   *
   * @param name its name; empty for the block of a {@code call}
   * @param parameters its parameters
   * @param defaults the values of the last parameters, where they are not given
   * @param body what it writes
   * @param special which of caller, varargs and kwargs it uses
   */
  record Definition(
      String name,
      List<String> parameters,
      List<Expr> defaults,
      List<Stmt> body,
      Set<String> special) {}

  String name() {
    return definition.name();
  }

  @Override
  public String typeName() {
    return "Macro";
  }

  @Override
  public @Nullable Value attribute(String name) {
    return name.equals("name") ? Text.of(name()) : null;
  }

  @Override
  public Value call(Env env, Arguments arguments) {
    Scope inner = new Scope(scope);
    Map<String, Value> named = new LinkedHashMap<>(arguments.named());
    List<String> parameters = definition.parameters();
    env.budget().enterCall();
    assignSpecial(inner, arguments.positional(), named);
    for (int i = 0; i < parameters.size(); i++) {
      inner.set(parameters.get(i), argument(env, inner, i, arguments.positional(), named));
    }
    Text text = env.capture(() -> env.runIn(inner, definition.body()));
    env.budget().leaveCall();
    return text;
  }

  private Value argument(
      Env env, Scope inner, int index, List<Value> positional, Map<String, Value> named) {
    String parameter = definition.parameters().get(index);
    if (index < positional.size()) {
      return positional.get(index);
    }
    Value value = named.get(parameter);
    if (value != null) {
      return value;
    }
    int fromDefaults = index - (definition.parameters().size() - definition.defaults().size());
    return fromDefaults >= 0
        ? env.evalIn(inner, definition.defaults().get(fromDefaults))
        : Undefined.because("parameter '%s' was not provided".formatted(parameter));
  }

  /** Assigns what is left after the parameters, or refuses it where the macro does not use it. */
  private void assignSpecial(Scope inner, List<Value> positional, Map<String, Value> named) {
    List<String> parameters = definition.parameters();
    int taken = Math.min(positional.size(), parameters.size());
    Map<String, Value> rest = new LinkedHashMap<>(named);
    rest.keySet().removeAll(parameters.subList(taken, parameters.size()));
    if (definition.special().contains("caller") && !parameters.contains("caller")) {
      Value caller = rest.remove("caller");
      inner.set("caller", caller == null ? Undefined.because("No caller defined") : caller);
    }
    if (definition.special().contains("kwargs")) {
      Dict dict = new Dict();
      rest.forEach((name, value) -> dict.put(Text.ofName(name), value));
      inner.set("kwargs", dict);
    } else if (!rest.isEmpty()) {
      throw JinjaException.runtime(
          "macro '%s' takes no keyword argument '%s'", name(), rest.keySet().iterator().next());
    }
    List<Value> more = new ArrayList<>(positional.subList(taken, positional.size()));
    if (definition.special().contains("varargs")) {
      inner.set("varargs", Sequence.of(Sequence.Kind.TUPLE, more));
    } else if (!more.isEmpty()) {
      throw JinjaException.runtime(
          "macro '%s' takes not more than %d argument(s)", name(), parameters.size());
    }
  }
}
