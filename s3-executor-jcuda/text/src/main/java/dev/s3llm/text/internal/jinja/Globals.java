package dev.s3llm.text.internal.jinja;

import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The functions that every template can call. */
final class Globals {
  private Globals() {}

  /** Returns the scope of the functions. */
  static Scope scope(Clock clock) {
    Scope scope = new Scope(null);
    define(scope, "range", Globals::range);
    define(scope, "dict", Globals::dict);
    define(scope, "namespace", Globals::namespace);
    define(scope, "raise_exception", Globals::raise);
    define(
        scope,
        "strftime_now",
        (env, args) -> {
          Text format = args.bind("strftime_now", 1, "format").text(0);
          if (format.chars().length() > Dates.MAX_FORMAT_CHARS) {
            throw JinjaException.limit("the format of strftime_now is too long");
          }
          return format.like(Dates.format(clock, format.chars()));
        });
    scope.set("self", new Namespace()); // the blocks by name, which no chat template reads
    return scope;
  }

  private static void define(Scope scope, String name, Function.Body body) {
    scope.set(name, new Function(name, body));
  }

  private static Value raise(Env env, Arguments arguments) {
    Value message = arguments.bind("raise_exception", 1, "message").value(0);
    throw JinjaException.raised(Repr.text(env, message).chars());
  }

  private static Value range(Env env, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("range", 1, "start", "stop", "step");
    boolean several = arguments.positional().size() > 1;
    long start = several ? bound.integer(0, 0) : 0;
    long stop = bound.integer(several ? 1 : 0, 0);
    long step = bound.integer(2, 1);
    if (step == 0) {
      throw JinjaException.runtime("range() arg 3 must not be zero");
    }
    long count = Math.max(0, (stop - start + step - Long.signum(step)) / step);
    env.budget().items(count);
    List<Value> items = new ArrayList<>((int) count);
    for (long i = 0; i < count; i++) {
      items.add(Int.of(start + i * step));
    }
    List<Value> written = new ArrayList<>(List.of(Int.of(start), Int.of(stop)));
    if (step != 1) {
      written.add(Int.of(step));
    }
    return Sequence.range(items, written);
  }

  private static Value dict(Env env, Arguments arguments) {
    Arguments.Bound bound =
        new Arguments(arguments.positional(), Map.of()).bind("dict", 0, "mapping");
    Dict dict = new Dict();
    if (bound.get(0) instanceof Dict mapping) {
      mapping.entries().forEach(entry -> dict.put(entry.getKey(), entry.getValue()));
    } else if (bound.get(0) != null) {
      for (Value pair : bound.value(0).items(env)) {
        List<Value> parts = pair.items(env);
        if (parts.size() != 2) {
          throw JinjaException.runtime("dict() needs pairs, not sequences of %d", parts.size());
        }
        dict.put(parts.get(0), parts.get(1));
      }
    }
    arguments.named().forEach((name, value) -> dict.put(Text.ofName(name), value));
    env.budget().items(dict.length());
    return dict;
  }

  private static Value namespace(Env env, Arguments arguments) {
    Namespace namespace = new Namespace();
    if (dict(env, arguments) instanceof Dict dict) {
      dict.entries()
          .forEach(
              entry -> namespace.set(Repr.text(env, entry.getKey()).chars(), entry.getValue()));
    }
    return namespace;
  }
}
