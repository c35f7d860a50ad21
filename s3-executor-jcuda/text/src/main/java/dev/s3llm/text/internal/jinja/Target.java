package dev.s3llm.text.internal.jinja;

import java.util.List;

/** What a {@code set}, {@code for} or {@code with} assigns to. */
sealed interface Target {
  /** Assigns a value, in a scope. */
  void assign(Env env, Scope scope, Value value);

  /** A variable. */
  record Variable(String name) implements Target {
    @Override
    public void assign(Env env, Scope scope, Value value) {
      scope.set(name, value);
    }
  }

  /** An attribute of a namespace. */
  record Attribute(String namespace, String name) implements Target {
    @Override
    public void assign(Env env, Scope scope, Value value) {
      if (!(scope.get(namespace) instanceof Namespace found)) {
        throw JinjaException.runtime(
            "cannot assign attribute on non-namespace object '%s'", namespace);
      }
      found.set(name, value);
    }
  }

  /** Several targets, one for each item of the value. */
  record Several(List<Target> targets) implements Target {
    @Override
    public void assign(Env env, Scope scope, Value value) {
      if (value instanceof Undefined undefined && !targets.isEmpty()) {
        throw JinjaException.runtime("%s, so it cannot be unpacked", undefined.message());
      }
      List<Value> items = value.items(env);
      if (items.size() != targets.size()) {
        throw JinjaException.runtime(
            "expected %d values to unpack but found %d", targets.size(), items.size());
      }
      for (int i = 0; i < items.size(); i++) {
        targets.get(i).assign(env, scope, items.get(i));
      }
    }
  }
}
