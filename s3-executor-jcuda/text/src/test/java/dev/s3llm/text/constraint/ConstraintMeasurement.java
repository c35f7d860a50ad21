package dev.s3llm.text.constraint;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.text.constraint.Draws.Taste;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures masks over a vocabulary of 128,000 made-up tokens, and the compilation of schemas by
 * size. Run as a program; the argument is the number of tokens.
 */
final class ConstraintMeasurement {
  private static final int ANSWERS = 100;
  private static final int LIMIT = 200;

  private ConstraintMeasurement() {}

  public static void main(String[] arguments) {
    int size = arguments.length == 0 ? 128_000 : Integer.parseInt(arguments[0]);
    List<byte[]> tokens = Vocabularies.ofSize(size);
    long start = System.nanoTime();
    TokenVocabulary vocabulary = TokenVocabulary.of(tokens);
    System.out.printf("vocabulary of %d tokens: %.0f ms%n", size, millis(start));
    Map<String, String> schemas = new LinkedHashMap<>();
    schemas.put("any JSON", "true");
    for (int properties : new int[] {5, 20, 100, 400}) {
      schemas.put(properties + " properties", schema(properties));
    }
    for (int round = 0; round < 2; round++) {
      for (Map.Entry<String, String> schema : schemas.entrySet()) {
        measure(
            schema.getKey() + " ".repeat(round),
            schema.getValue() + " ".repeat(round),
            tokens,
            vocabulary);
      }
    }
  }

  private static void measure(
      String name, String schema, List<byte[]> tokens, TokenVocabulary vocabulary) {
    long start = System.nanoTime();
    Grammar grammar = Constraints.jsonSchema(schema);
    double read = millis(start);
    start = System.nanoTime();
    TokenConstraint constraint = grammar.compile(vocabulary);
    double compiled = millis(start);
    start = System.nanoTime();
    constraint.start().mask(LIMIT);
    double first = millis(start);
    System.out.printf(
        "%s (%d characters): grammar %.1f ms, for the vocabulary %.1f ms, first mask %.1f ms%n",
        name, schema.length(), read, compiled, first);
    System.out.println("  first answers: " + times(constraint, tokens));
    System.out.println("  later answers: " + times(constraint, tokens));
  }

  private static String times(TokenConstraint constraint, List<byte[]> tokens) {
    Timed timed = new Timed(constraint);
    for (int answer = 0; answer < ANSWERS; answer++) {
      new Draws(tokens, answer).draw(timed, LIMIT, Taste.values()[answer % 3]);
    }
    return timed.toString();
  }

  private static double millis(long start) {
    return (System.nanoTime() - start) / 1e6;
  }

  private static String schema(int properties) {
    StringBuilder text = new StringBuilder("{\"type\":\"object\",\"properties\":{");
    StringBuilder required = new StringBuilder();
    for (int i = 0; i < properties; i++) {
      String[] kinds = {
        "{\"type\":\"string\",\"maxLength\":40}",
        "{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000}",
        "{\"type\":\"array\",\"items\":{\"type\":\"number\"},\"maxItems\":5}",
        "{\"enum\":[\"red\",\"green\",\"blue\"]}",
        "{\"type\":\"string\",\"format\":\"date-time\"}"
      };
      text.append(i == 0 ? "" : ",").append("\"field_" + i + "\":").append(kinds[i % kinds.length]);
      if (i % 4 == 0) {
        required.append(i == 0 ? "" : ",").append("\"field_" + i + "\"");
      }
    }
    return text + "},\"required\":[" + required + "],\"additionalProperties\":false}";
  }

  /** Measures each mask together with the state before it. */
  private static final class Timed implements TokenConstraint {
    private final TokenConstraint inner;
    private long[] nanos = new long[1024];
    private int count;

    Timed(TokenConstraint inner) {
      this.inner = inner;
    }

    @Override
    public State start() {
      return new Place(inner.start(), 0);
    }

    @Override
    public int shortest() {
      return inner.shortest();
    }

    @Override
    public int longest() {
      return inner.longest();
    }

    @Override
    public String toString() {
      long[] sorted = Arrays.copyOf(nanos, count);
      Arrays.sort(sorted);
      return "%d masks, median %.1f us, 90 %% %.1f us, 99 %% %.1f us, most %.1f us"
          .formatted(
              count,
              sorted[count / 2] / 1e3,
              sorted[count * 9 / 10] / 1e3,
              sorted[count * 99 / 100] / 1e3,
              sorted[count - 1] / 1e3);
    }

    private final class Place implements State {
      private final State place;
      private final long before;

      Place(State place, long before) {
        this.place = place;
        this.before = before;
      }

      @Override
      public long[] mask(int tokensLeft) {
        long start = System.nanoTime();
        long[] mask = place.mask(tokensLeft);
        if (count == nanos.length) {
          nanos = Arrays.copyOf(nanos, 2 * count);
        }
        nanos[count++] = before + System.nanoTime() - start;
        return mask;
      }

      @Override
      public State after(int token) {
        long start = System.nanoTime();
        State next = place.after(token);
        return new Place(next, System.nanoTime() - start);
      }

      @Override
      public boolean complete() {
        return place.complete();
      }
    }
  }
}
