package dev.s3llm.support;

import com.google.common.base.Preconditions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The values that a builder's caller has set, by name. A setting can be set once: a second call
 * throws an exception that names the earlier value. Null is refused at once.
 *
 * <p>Not thread-safe.
 */
public final class Settings {
  private final Map<String, Object> values = new LinkedHashMap<>();

  /** Creates settings without values. */
  public Settings() {}

  /**
   * Sets a value.
   *
   * @param name the setting's name, as in the builder
   * @param value the value
   * @throws NullPointerException if the value is null, naming the setting
   * @throws IllegalStateException if the setting was set before, naming the earlier value
   */
  public void set(String name, @Nullable Object value) {
    Objects.requireNonNull(value, () -> name + " must not be null");
    Object earlier = values.putIfAbsent(name, value);
    if (earlier != null) {
      throw new IllegalStateException(name + " was already set to " + earlier);
    }
  }

  /**
   * Sets a number that has a lower bound.
   *
   * @param name the setting's name, as in the builder
   * @param value the value
   * @param minimum the lowest value that is allowed
   * @throws IllegalArgumentException if the value is below the minimum, naming all three
   * @throws IllegalStateException if the setting was set before, naming the earlier value
   */
  public void setAtLeast(String name, int value, int minimum) {
    requireAtLeast(name, value, minimum);
    set(name, value);
  }

  /**
   * Sets a number of 64 bits that has a lower bound.
   *
   * @param name the setting's name, as in the builder
   * @param value the value
   * @param minimum the lowest value that is allowed
   * @throws IllegalArgumentException if the value is below the minimum, naming all three
   * @throws IllegalStateException if the setting was set before, naming the earlier value
   */
  public void setAtLeast(String name, long value, long minimum) {
    requireAtLeast(name, value, minimum);
    set(name, value);
  }

  /**
   * Sets a duration that must be above zero.
   *
   * @param name the setting's name, as in the builder
   * @param value the value
   * @throws NullPointerException if the value is null, naming the setting
   * @throws IllegalArgumentException if the value is zero or negative, naming the setting
   * @throws IllegalStateException if the setting was set before, naming the earlier value
   */
  public void setPositive(String name, @Nullable Duration value) {
    Objects.requireNonNull(value, () -> name + " must not be null");
    Preconditions.checkArgument(
        !value.isNegative() && !value.isZero(), "%s must be positive, but is %s", name, value);
    set(name, value);
  }

  /**
   * Returns whether a setting was set.
   *
   * @param name the setting's name
   */
  public boolean isSet(String name) {
    return values.containsKey(name);
  }

  /**
   * Returns the value of a setting.
   *
   * @param <T> the type of the setting, the same in each call for this name
   * @param name the setting's name
   * @param defaultValue makes the value if none was set; called only then
   */
  @SuppressWarnings("unchecked") // each name has one type, which its builder sets and reads
  public <T> T get(String name, Supplier<? extends T> defaultValue) {
    Object value = values.get(name);
    return value == null ? defaultValue.get() : (T) value;
  }

  /**
   * Returns the value of a setting, or null if none was set.
   *
   * @param <T> the type of the setting
   * @param name the setting's name
   * @param type the type of the setting
   */
  public <T> @Nullable T find(String name, Class<T> type) {
    return type.cast(values.get(name));
  }

  /**
   * Checks a lower bound and returns the number.
   *
   * @param name the name of the number, for the message
   * @param value the number
   * @param minimum the lowest value that is allowed
   * @throws IllegalArgumentException if the value is below the minimum, naming all three
   */
  public static long requireAtLeast(String name, long value, long minimum) {
    Preconditions.checkArgument(
        value >= minimum, "%s must be at least %s, but is %s", name, minimum, value);
    return value;
  }
}
