package dev.s3llm.examples.cli.options;

import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import java.util.Arrays;
import java.util.Iterator;
import java.util.function.DoubleFunction;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Queue orders that the option {@code --order} offers. A name may have a parameter, as in {@code
 * spf:100}: the bound on overtaking of this order, unless the order gives it another meaning.
 */
public enum OrderChoice {
  /** First come, first served. */
  FCFS("fcfs", SchedulingPolicies::firstComeFirstServed),
  /** Order of arrival; smaller ones pass a request that does not fit. */
  FCFS_SKIP("fcfs-skip", SchedulingPolicies::firstComeFirstServedSkipping),
  /** Decreasing first fit. */
  DFF("dff", SchedulingPolicies::decreasingFirstFit),
  /** Shortest predicted first. */
  SPF("spf", SchedulingPolicies::shortestPredictedFirst),
  /** Shortest expected remaining output first; running ones give way. */
  SRPT(
      "srpt",
      bound ->
          SchedulingPolicies.shortestRemainingFirst(
              SchedulingPolicies.DEFAULT_AGEING_PER_TURN,
              SchedulingPolicies.DEFAULT_MAX_DISPLACEMENTS,
              bound),
      SchedulingPolicies::shortestRemainingFirst) {
    @Override
    SchedulingPolicy byItsDefaults() {
      return SchedulingPolicies.shortestRemainingFirst();
    }
  },
  /** Least attained service first. */
  ATTAINED("attained", SchedulingPolicies::leastAttainedServiceFirst),
  /** Least work first: prompt tokens to compute and expected output. */
  WORK("work", SchedulingPolicies::leastWorkFirst),
  /** Least tail-inflated mean first. */
  TAIL("tail", SchedulingPolicies::leastTailFirst),
  /** Smallest volume first: memory times steps. */
  VOLUME("volume", SchedulingPolicies::smallestVolumeFirst),
  /** Earliest deadline first. */
  EDF("edf", SchedulingPolicies::earliestDeadlineFirst),
  /** Least slack first: time to the deadline less the expected service. */
  SLACK("slack", SchedulingPolicies::leastSlackFirst);

  /** The name of the default where a command generates answers: that of the engine. */
  public static final String DEFAULT = "srpt";

  /** The name of the default where a command compares policies: the order of arrival. */
  public static final String BASELINE = "fcfs";

  private final String label;

  @SuppressWarnings("ImmutableEnumChecker") // the references above have no state
  private final IntFunction<SchedulingPolicy> bounded;

  @SuppressWarnings("ImmutableEnumChecker") // the references above have no state
  private final DoubleFunction<SchedulingPolicy> parameterized;

  /** Creates an order whose parameter is its bound on overtaking. */
  OrderChoice(String label, IntFunction<SchedulingPolicy> bounded) {
    this(label, bounded, bound -> bounded.apply(wholeNumber(bound)));
  }

  /**
   * Creates an order.
   *
   * @param label the name
   * @param bounded creates the order from a bound on overtaking
   * @param parameterized creates the order from the parameter after the name; throws an {@link
   *     IllegalArgumentException} if the parameter is out of range or NaN
   */
  OrderChoice(
      String label,
      IntFunction<SchedulingPolicy> bounded,
      DoubleFunction<SchedulingPolicy> parameterized) {
    this.label = label;
    this.bounded = bounded;
    this.parameterized = parameterized;
  }

  /**
   * An order that was chosen.
   *
   * @param name its name, with its parameter if it has one
   * @param policy the order
   */
  public record Chosen(String name, SchedulingPolicy policy) {}

  /** Returns the default order, with its default parameters. */
  public static Chosen byDefault() {
    return parse(DEFAULT, null);
  }

  /**
   * Returns the order that a text names, such as {@code spf} or {@code spf:100}.
   *
   * @param text the name, and after a colon the parameter, if there is one
   * @param maxOvertakes bound on overtaking of an order without a parameter, at least 1; null for
   *     the default of the order
   * @throws UsageException if there is no such order, or the parameter is out of range
   */
  public static Chosen parse(String text, @Nullable Integer maxOvertakes) {
    String name = text.strip();
    int colon = name.indexOf(':');
    OrderChoice choice = named(name, colon < 0 ? name : name.substring(0, colon));
    if (colon < 0) {
      return new Chosen(
          name, maxOvertakes == null ? choice.byItsDefaults() : choice.bounded.apply(maxOvertakes));
    }
    try {
      double parameter = Numbers.orNaN(name.substring(colon + 1));
      return new Chosen(name, choice.parameterized.apply(parameter));
    } catch (IllegalArgumentException e) {
      throw new UsageException("--order " + name + ": " + e.getMessage());
    }
  }

  /** Creates the order with the bound on overtaking that it has by default. */
  SchedulingPolicy byItsDefaults() {
    return bounded.apply(SchedulingPolicies.DEFAULT_MAX_OVERTAKES);
  }

  private static OrderChoice named(String text, String label) {
    return Arrays.stream(values())
        .filter(choice -> choice.label.equals(label))
        .findFirst()
        .orElseThrow(() -> new UsageException("--order " + text + ": must be one of " + labels()));
  }

  private static String labels() {
    return Arrays.stream(values()).map(OrderChoice::toString).collect(Collectors.joining(", "));
  }

  private static int wholeNumber(double bound) {
    if (bound != Math.rint(bound) || Math.abs(bound) > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("the bound on overtaking must be a whole number");
    }
    return (int) bound;
  }

  @Override
  public String toString() {
    return label;
  }

  /** The names of all orders, for the help of an option. */
  public static final class Names implements Iterable<String> {
    /** Created by picocli. */
    public Names() {}

    @Override
    public Iterator<String> iterator() {
      return Arrays.stream(values()).map(OrderChoice::toString).iterator();
    }
  }

  /** Reads an option whose value is one order, with the default bound on overtaking. */
  public static final class Converter implements ITypeConverter<Chosen> {
    /** Created by picocli. */
    public Converter() {}

    @Override
    public Chosen convert(String value) {
      try {
        return parse(value, null);
      } catch (UsageException e) {
        throw new TypeConversionException(String.valueOf(e.getMessage()));
      }
    }
  }
}
