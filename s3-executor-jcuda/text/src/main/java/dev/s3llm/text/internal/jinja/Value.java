package dev.s3llm.text.internal.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A value of the template language. The set is closed, and no value holds a Java object of the
 * caller. All are immutable, except {@link Namespace} and what an iterator has left.
 */
sealed interface Value
    permits Text,
        Int,
        Real,
        Bool,
        None,
        Sequence,
        Dict,
        Undefined,
        Namespace,
        Loop,
        Macro,
        Function {

  /** Returns the name of the type in messages, as Python has it. */
  String typeName();

  /** Returns whether a condition takes the value as true. */
  default boolean isTrue() {
    return true;
  }

  /** Returns the number of items, or -1 if the value has no length. */
  default int length() {
    return -1;
  }

  /**
   * Returns the items of a loop over this value.
   *
   * @throws JinjaException if the value cannot be looped over
   */
  default List<Value> items(Env env) {
    throw JinjaException.runtime("'%s' object is not iterable", typeName());
  }

  /** Returns an attribute or a bound method, or null if there is none of this name. */
  default @Nullable Value attribute(String name) {
    return null;
  }

  /** Returns the item of an index or key, or null if there is none. */
  default @Nullable Value item(Value key) {
    return null;
  }

  /**
   * Returns the result of a call.
   *
   * @throws JinjaException if the value cannot be called
   */
  default Value call(Env env, Arguments arguments) {
    throw JinjaException.runtime("'%s' object is not callable", typeName());
  }
}
