package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.s3llm.Allocations;
import dev.s3llm.error.TraceFormatException;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TraceReaderTest {
  private static final String HEADER = "arrival_s,prompt_tokens,output_tokens,predicted_tokens\n";

  @Test
  void rows_becomeRequests() throws IOException {
    Trace trace = read(HEADER + "0,30,220,277\r\n\n1.5,42,86,101");

    assertThat(trace.requests())
        .containsExactly(
            new Trace.Request(0, 30, 220, 277), new Trace.Request(1_500_000_000, 42, 86, 101));
    assertThat(trace.predicted()).isTrue();
  }

  @Test
  void predictions_areOptional() throws IOException {
    Trace trace = read("\uFEFFarrival_s,prompt_tokens,output_tokens\n0,1,2\n");

    assertThat(trace.requests()).containsExactly(new Trace.Request(0, 1, 2, 0));
    assertThat(trace.predicted()).isFalse();
  }

  @Test
  void optionalColumns_comeInAnyOrder_andMayBeEmpty() throws IOException {
    Trace trace =
        read(
            "arrival_s,prompt_tokens,output_tokens,tenant,deadline_s,limit,priority,cancelled_s\n"
                + "0,1,2,gold,1.5,100,-3,0.5\n1,1,2,,,,,\n");

    assertThat(trace.requests())
        .containsExactly(
            new Trace.Request(
                0, 1, 2, 0, new Trace.Terms(100, -3, 1_500_000_000, "gold", 500_000_000)),
            new Trace.Request(1_000_000_000, 1, 2, 0));
    assertThat(trace.requests().get(0).tenant()).isEqualTo("gold");
    assertThat(trace.spedUp(2).requests().get(0).terms().priority()).isEqualTo(-3);
    assertThat(trace.predictedExactly().requests().get(0).terms().limitTokens()).isEqualTo(100);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "limit|0|column limit is \"0\", must be a whole number from 1 to 16777216",
        "priority|high|column priority is \"high\", must be a whole number",
        "deadline_s|0|column deadline_s is \"0\", must be a number from 1e-9 to 1000000000",
        "cancelled_s|-1|column cancelled_s is \"-1\", must be a number from 0 to 1000000000",
        "colour|red|the header is \"arrival_s,prompt_tokens,output_tokens,co...\", expected",
        "limit,limit|1,1|then each of [predicted_tokens, limit, priority, deadline_s, tenant,",
      })
  void badOptionalColumn_isNamed(String columns, String values, String message) {
    assertBad(
        "arrival_s,prompt_tokens,output_tokens," + columns + "\n0,1,1," + values + "\n", message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "-1,1,1,1|line 3: column arrival_s is \"-1\", must be a number from 0",
        "NaN,1,1,1|line 3: column arrival_s is \"NaN\"",
        "1e300,1,1,1|line 3: column arrival_s is \"1e300\"",
        "x,1,1,1|line 3: column arrival_s is \"x\"",
        "0.5,1,1,1|line 3: column arrival_s is 0.5, before the line above (1.0 s)",
        "1,0,1,1|line 3: column prompt_tokens is \"0\", must be a whole number from 1 to 16777216",
        "1,1,2.5,1|line 3: column output_tokens is \"2.5\"",
        "1,1,1,99999999999999999999|line 3: column predicted_tokens",
        "1,1,1|line 3: 3 columns, expected 4",
        "1,1,1,1,1|line 3: 5 columns, expected 4",
      })
  void badRow_isNamed(String row, String message) {
    assertBad(HEADER + "1,1,1,1\n" + row, message);
  }

  @Test
  void emptyFiles_areNamed() {
    assertBad("", "t.csv: the file is empty");
    assertBad(" \n\n", "t.csv: the file is empty");
    assertBad(HEADER, "t.csv: no request follows the header");
    assertBad("a,b\n1,2\n", "t.csv line 1: the header is \"a,b\"");
  }

  @Test
  void blocks_areReadWithTheirPrompt() throws IOException {
    String columns = "arrival_s,prompt_tokens,output_tokens,blocks\n";
    Trace trace = TraceReader.read(new StringReader(columns + "0,513,1,-7 9\n1,5,1,\n"), "t", 9);
    assertThat(trace.requests())
        .extracting(Trace.Request::blocks)
        .containsExactly(List.of(-7L, 9L), List.of());
    assertBad(
        columns + "0,512,1,7 9\n", "line 2: column blocks has 2 ids, must have 1 for a prompt");
    assertBad(columns + "0,512,1,x\n", "line 2: column blocks has \"x\", must have whole numbers");
  }

  @Test
  void limits_boundMemory() {
    assertBad(HEADER + "1".repeat(1 << 21), "t.csv line 2: longer than 1048576 characters");
    assertBad(HEADER + "0,1,1,1\n".repeat(6), "t.csv line 7: more than 5 requests");
  }

  @Test
  void tenMillionRows_areRefusedAtTheLimit() throws Exception {
    Rows rows = new Rows(10_000_000);
    Allocations.assertWithin(
        64 << 20,
        () ->
            assertThatExceptionOfType(TraceFormatException.class)
                .isThrownBy(() -> TraceReader.read(rows, "t.csv", 10_000))
                .withMessageContaining("more than 10000 requests"));
    assertThat(rows.made).as("rows read").isLessThan(30_000);
  }

  @Property(tries = 50)
  void poisson_keepsOrderAndRate(
      @ForAll @DoubleRange(min = 0.01, max = 1000) double rate, @ForAll long seed) {
    Trace trace = new Trace(java.util.Collections.nCopies(2000, new Trace.Request(0, 1, 1, 0)));

    List<Trace.Request> moved = trace.poisson(rate, seed).requests();

    double seconds = moved.get(1999).arrivalNanos() / 1e9;
    assertThat(seconds).isBetween(1999 / rate * 0.85, 1999 / rate * 1.15);
    assertThat(trace.poisson(rate, seed).requests()).isEqualTo(moved);
  }

  /** A long file that is generated while it is read. */
  private static final class Rows extends Reader {
    private final int rows;
    private int made;

    Rows(int rows) {
      this.rows = rows;
    }

    @Override
    public int read(char[] to, int offset, int length) {
      String next = made == 0 ? HEADER : "0,1,1,1\n";
      if (made++ > rows) {
        return -1;
      }
      next.getChars(0, next.length(), to, offset);
      return next.length();
    }

    @Override
    public void close() {}
  }

  private static Trace read(String text) throws IOException {
    return TraceReader.read(new StringReader(text), "t.csv", 5);
  }

  private static void assertBad(String text, String message) {
    assertThatExceptionOfType(TraceFormatException.class)
        .isThrownBy(() -> read(text))
        .withMessageContaining(message);
  }
}
