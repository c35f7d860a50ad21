package dev.s3llm.text.internal.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Automata of numbers accept what their ranges accept. */
class NumeralsTest {
  private static final int SAMPLES = 60;

  @Test
  void boundsWithDifferentNumbersOfDigits_keepAllNumbersBetween() {
    Dfa automaton =
        Numerals.automaton(
            new Numerals.Range(
                new BigDecimal(3), false, new BigDecimal(1000), true, true, new BigDecimal(7)));
    for (int number = -20; number <= 2100; number++) {
      boolean wanted = number >= 3 && number < 1000 && number % 7 == 0;
      assertThat(automaton.accepts(Integer.toString(number))).as("%s", number).isEqualTo(wanted);
    }
  }

  @Property(tries = 300)
  void automaton_acceptsWhatItsRangeAccepts(@ForAll long seed) {
    Random random = new Random(seed);
    boolean integer = random.nextBoolean();
    BigDecimal least = random.nextInt(3) == 0 ? null : number(random, integer);
    BigDecimal most = random.nextInt(3) == 0 ? null : number(random, integer);
    if (least != null && most != null && least.compareTo(most) > 0) {
      most = null;
    }
    Numerals.Range range =
        new Numerals.Range(
            least,
            random.nextBoolean(),
            most,
            random.nextBoolean(),
            integer,
            random.nextInt(3) == 0 ? BigDecimal.valueOf(1 + random.nextInt(12)) : null);
    Dfa automaton = Numerals.automaton(range);
    for (int i = 0; i < SAMPLES; i++) {
      BigDecimal value = sample(random, least, most, integer);
      String text = value.signum() == 0 ? "0" : value.stripTrailingZeros().toPlainString();
      assertThat(automaton.accepts(text))
          .as("%s in %s", text, range)
          .isEqualTo(range.accepts(value));
    }
  }

  /** Returns a number, often at a bound or just beside it. */
  private static BigDecimal sample(
      Random random, @Nullable BigDecimal least, @Nullable BigDecimal most, boolean integer) {
    BigDecimal bound = random.nextBoolean() ? least : most;
    if (bound == null || random.nextInt(3) == 0) {
      return number(random, integer);
    }
    BigDecimal step = integer || random.nextBoolean() ? BigDecimal.ONE : new BigDecimal("0.1");
    return bound.add(step.multiply(BigDecimal.valueOf(random.nextInt(5) - 2)));
  }

  private static BigDecimal number(Random random, boolean integer) {
    int digits = 1 + random.nextInt(5);
    int whole = random.nextInt((int) Math.pow(10, digits)) * (random.nextInt(3) == 0 ? -1 : 1);
    return integer
        ? BigDecimal.valueOf(whole)
        : BigDecimal.valueOf(whole, 0).add(BigDecimal.valueOf(random.nextInt(100), 2));
  }
}
