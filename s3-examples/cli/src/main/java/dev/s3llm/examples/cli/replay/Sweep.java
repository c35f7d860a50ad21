package dev.s3llm.examples.cli.replay;

import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.UsageException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * One setting and its values, with one run for each.
 *
 * @param setting the setting
 * @param values the values, at least one
 */
record Sweep(Setting setting, List<Double> values) {
  private static final int MAX_VALUES = 100;

  /** A setting that can be swept. */
  enum Setting {
    /** Mean arrivals per second: the gaps between arrivals are scaled. */
    RATE("rate", "req/s", 1e-6, 1e9),
    /** Memory for keys and values. */
    KV_GB("kv-gb", "GB KV", Double.MIN_VALUE, 1e5),
    /** The share of tokens that the forecast planner may lose to preemptions. */
    EPSILON("epsilon", "epsilon", Double.MIN_VALUE, Math.nextDown(1.0)),
    /** Arrivals of a Poisson process over the capacity; the option {@code --load} sets it. */
    LOAD("load", "load", 1e-3, 1e3);

    private final String label;
    private final String unit;
    private final double least;
    private final double most;

    Setting(String label, String unit, double least, double most) {
      this.label = label;
      this.unit = unit;
      this.least = least;
      this.most = most;
    }

    String label() {
      return label;
    }

    String unit() {
      return unit;
    }

    private static Optional<Setting> named(String label) {
      return Arrays.stream(values()).filter(s -> s != LOAD && s.label.equals(label)).findFirst();
    }
  }

  /** Copies the values. */
  Sweep {
    values = List.copyOf(values);
  }

  /**
   * Parses {@code setting=value,value,...}.
   *
   * @param text the value of {@code --sweep}
   * @throws UsageException if the setting is unknown, a value is out of range, or there are too
   *     many
   */
  static Sweep parse(String text) {
    int equals = text.indexOf('=');
    Setting setting =
        Optional.of(text)
            .filter(sweep -> equals >= 0)
            .flatMap(sweep -> Setting.named(sweep.substring(0, equals)))
            .orElseThrow(
                () ->
                    new UsageException(
                        "--sweep " + text + ": must be rate=a,b,c, kv-gb=a,b,c or epsilon=a,b,c"));
    return of("--sweep " + text, setting, text.substring(equals + 1));
  }

  /**
   * Parses the value of {@code --load}.
   *
   * @param text loads over the capacity, separated by commas
   * @throws UsageException if a value is out of range, or there are too many
   */
  static Sweep ofLoads(String text) {
    return of("--load " + text, Setting.LOAD, text);
  }

  private static Sweep of(String option, Setting setting, String list) {
    String[] parts = list.split(",", -1);
    List<Double> values = Arrays.stream(parts).map(part -> value(option, setting, part)).toList();
    if (values.size() > MAX_VALUES) {
      throw new UsageException(
          "%s has %d values, the limit is %d".formatted(option, values.size(), MAX_VALUES));
    }
    return new Sweep(setting, values);
  }

  private static double value(String option, Setting setting, String part) {
    double value = Numbers.orNaN(part);
    if (!(value >= setting.least && value <= setting.most)) {
      throw new UsageException(
          "%s: '%s' must be a number above 0 and %s"
              .formatted(option, part, setting == Setting.EPSILON ? "below 1" : limit(setting)));
    }
    return value;
  }

  private static String limit(Setting setting) {
    return String.format(Locale.ROOT, "at most %.0f", setting.most);
  }
}
