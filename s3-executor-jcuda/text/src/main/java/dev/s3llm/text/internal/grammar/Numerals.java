package dev.s3llm.text.internal.grammar;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Automata of decimal numbers within bounds and of multiples. The digits are compared with those of
 * the bounds from the left; the remainder by the divisor follows along.
 */
final class Numerals {
  private static final int MOST_DIGITS = 18;
  private static final int MOST_STATES = 20_000;

  /**
   * The numbers that are wanted.
   *
   * @param least smallest number; null for none
   * @param aboveLeast whether the smallest number itself is left out
   * @param most largest number; null for none
   * @param belowMost whether the largest number itself is left out
   * @param integer whether there are no fractions
   * @param multiple what divides the numbers, above 0; null for anything
   */
  record Range(
      @Nullable BigDecimal least,
      boolean aboveLeast,
      @Nullable BigDecimal most,
      boolean belowMost,
      boolean integer,
      @Nullable BigDecimal multiple) {
    boolean accepts(BigDecimal number) {
      int low = least == null ? 1 : number.compareTo(least);
      int high = most == null ? -1 : number.compareTo(most);
      return (low > 0 || (low == 0 && !aboveLeast))
          && (high < 0 || (high == 0 && !belowMost))
          && (!integer || number.stripTrailingZeros().scale() <= 0)
          && (multiple == null || number.remainder(multiple).signum() == 0);
    }
  }

  private enum Order {
    LESS,
    EQUAL,
    GREATER
  }

  private final Nfa nfa = new Nfa();
  private final int end = nfa.newState();
  private final boolean integer;
  private final int divisor;
  private final int fraction;

  private Numerals(Range range) {
    integer = range.integer();
    BigDecimal multiple = range.multiple();
    int scale = 0;
    if (multiple == null) {
      divisor = 1;
      scale = Math.max(scale(range.least()), scale(range.most())) + 6;
      fraction = integer ? 0 : Math.min(30, scale);
    } else {
      fraction = integer ? 0 : Math.max(0, multiple.stripTrailingZeros().scale());
      BigInteger units = units(multiple, integer);
      if (units.bitLength() > 16 || units.intValue() * (MOST_DIGITS + fraction) > MOST_STATES) {
        throw new IllegalArgumentException(
            "the divisor " + multiple.toPlainString() + " is too large");
      }
      divisor = units.intValue();
    }
    nfa.accept(end);
  }

  private static int scale(@Nullable BigDecimal number) {
    return number == null ? 0 : Math.max(0, number.stripTrailingZeros().scale());
  }

  /** Returns the divisor in units of the last digit; of integers, the smallest whole multiple. */
  private static BigInteger units(BigDecimal multiple, boolean integer) {
    BigDecimal plain = multiple.stripTrailingZeros();
    BigInteger units = plain.movePointRight(Math.max(0, plain.scale())).toBigIntegerExact();
    if (!integer || plain.scale() <= 0) {
      return units;
    }
    return units.divide(units.gcd(BigInteger.TEN.pow(plain.scale())));
  }

  /**
   * Returns the automaton of the numbers of a range, without exponents.
   *
   * @throws IllegalArgumentException if the divisor or a bound is too large
   */
  static Dfa automaton(Range range) {
    for (BigDecimal bound : new BigDecimal[] {range.least(), range.most()}) {
      if (bound != null && (bound.precision() - bound.scale() > 40 || bound.scale() > 24)) {
        throw new IllegalArgumentException("the bound " + bound + " has too many digits");
      }
    }
    Numerals numerals = new Numerals(range);
    BigDecimal least = range.least();
    BigDecimal most = range.most();
    if (most == null || most.signum() >= 0) {
      BigDecimal low = least == null ? BigDecimal.ZERO : least.max(BigDecimal.ZERO);
      boolean above = range.aboveLeast() && least != null && least.signum() >= 0;
      numerals.addMagnitudes(0, low, above, most, range.belowMost());
    }
    if (least == null || least.signum() < 0) {
      int minus = numerals.nfa.newState();
      numerals.nfa.edge(0, '-', '-', minus);
      BigDecimal low = most == null ? BigDecimal.ZERO : most.negate().max(BigDecimal.ZERO);
      boolean above = range.belowMost() || low.signum() == 0; // no negative zero
      numerals.addMagnitudes(
          minus, low, above, least == null ? null : least.negate(), range.aboveLeast());
    }
    return numerals.nfa.toDfa();
  }

  /** Adds numbers without sign; 0 is their bound at least. */
  private void addMagnitudes(
      int from, BigDecimal least, boolean above, @Nullable BigDecimal most, boolean below) {
    int lowDigits = digits(least);
    int highDigits = most == null ? Math.max(MOST_DIGITS, lowDigits + 1) : digits(most);
    for (int length = lowDigits; length <= highDigits; length++) {
      boolean bounded = most != null && length == highDigits; // shorter numbers are smaller
      String high = most != null && bounded ? padded(most, length) : "";
      Walk walk = new Walk(length, padded(least, length), above, high, below);
      int start = nfa.newState();
      nfa.empty(from, start);
      walk.visit(start, 0, Order.EQUAL, bounded ? Order.EQUAL : Order.LESS, 0);
    }
  }

  private static int digits(BigDecimal number) {
    return number.setScale(0, RoundingMode.DOWN).toBigInteger().toString().length();
  }

  /** Returns the digits of a number, with zeros in front and behind; without point. */
  private String padded(BigDecimal number, int length) {
    int places = Math.max(fraction, Math.max(0, number.stripTrailingZeros().scale()));
    String digits = number.setScale(places).unscaledValue().toString();
    return "0".repeat(Math.max(0, length + places - digits.length())) + digits;
  }

  /** Follows the digits of all numbers with one count of digits before the point. */
  private final class Walk {
    private final int length;
    private final String low;
    private final boolean above;
    private final String high;
    private final boolean below;
    private final Map<String, Integer> known = new HashMap<>();

    Walk(int length, String low, boolean above, String high, boolean below) {
      this.length = length;
      this.low = low;
      this.above = above;
      this.high = high;
      this.below = below;
    }

    /** Adds the rest of the numbers from a state on. */
    void visit(int state, int at, Order toLow, Order toHigh, int remainder) {
      if (at >= length && accepts(at, toLow, toHigh, remainder)) {
        nfa.empty(state, end);
      }
      int from = state;
      if (at == length) {
        if (fraction == 0) {
          return;
        }
        from = nfa.newState();
        nfa.edge(state, '.', '.', from);
      }
      if (at == length + fraction) {
        return;
      }
      for (int digit = at == 0 && length > 1 ? 1 : 0; digit <= 9; digit++) {
        Order nextLow = compare(toLow, digit, low, at);
        Order nextHigh = compare(toHigh, digit, high, at);
        if (nextLow != Order.LESS && nextHigh != Order.GREATER) {
          int rest = (10 * remainder + digit) % divisor;
          nfa.edge(from, '0' + digit, '0' + digit, stateOf(at + 1, nextLow, nextHigh, rest));
        }
      }
    }

    private int stateOf(int at, Order toLow, Order toHigh, int remainder) {
      String key = at + " " + toLow + " " + toHigh + " " + remainder;
      Integer state = known.get(key);
      if (state == null) {
        state = nfa.newState();
        known.put(key, state);
        visit(state, at, toLow, toHigh, remainder);
      }
      return state;
    }

    private Order compare(Order before, int digit, String bound, int at) {
      if (before != Order.EQUAL) {
        return before;
      }
      int other = at < bound.length() ? bound.charAt(at) - '0' : 0;
      return digit < other ? Order.LESS : digit > other ? Order.GREATER : Order.EQUAL;
    }

    private boolean accepts(int at, Order toLow, Order toHigh, int remainder) {
      boolean lowReached = toLow == Order.GREATER || (isZero(low, at) && !above);
      boolean highKept = toHigh == Order.LESS || !isZero(high, at) || !below;
      int rest = remainder;
      for (int i = at; i < length + fraction; i++) {
        rest = 10 * rest % divisor;
      }
      return lowReached && highKept && rest == 0;
    }

    private static boolean isZero(String digits, int from) {
      for (int i = from; i < digits.length(); i++) {
        if (digits.charAt(i) != '0') {
          return false;
        }
      }
      return true;
    }
  }
}
