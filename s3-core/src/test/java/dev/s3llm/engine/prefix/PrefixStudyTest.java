package dev.s3llm.engine.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.engine.prefix.PrefixStudy.Request;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/**
 * What the orders save on synthetic traffic, in blocks of 16 tokens, and on a public trace of
 * conversations, in blocks of 512.
 */
class PrefixStudyTest {
  private static final Path TRACE =
      Path.of("..", "..", "shared", "data", "traces", "mooncake-conversation.jsonl.gz");

  private static final Pattern ROW =
      Pattern.compile(
          "\"arrival_s\":([0-9.]+),\"prompt_tokens\":(\\d+),\"output_tokens\":(\\d+),"
              + "\"blocks\":\\[([^]]*)\\]");

  private final SplittableRandom random = new SplittableRandom(3);
  private final List<Request> requests = new ArrayList<>();

  @Test
  void systemPrompt_isKeptByBoth() {
    long[] system = blocks(1, 125);
    for (int i = 0; i < 2000; i++) {
      add(i * 0.2, then(system, blocks(1000 + i, 5 + random.nextInt(40))));
    }

    assertSavesAtLeast(1.0, 1000);
    assertThat(expected(1000)).isGreaterThan(80);
  }

  @Test
  void conversations_areKeptBetter() {
    conversations(300, 10, 30);

    assertSavesAtLeast(1.0, 4000);
  }

  @Test
  void agents_areKeptBetter() {
    double start = 0;
    for (int agent = 0; agent < 60; agent++) {
      start += exponential(4);
      double seconds = start;
      long[] prompt = blocks(5, 60);
      for (int call = 0; call < 50; call++) {
        prompt = then(prompt, blocks(10_000 + agent * 50 + call, 31));
        add(seconds, prompt);
        seconds += 1 + exponential(3);
      }
    }
    requests.sort(Comparator.comparingDouble(Request::seconds));

    assertSavesAtLeast(1.3, 4000);
  }

  @Test
  void popularPrefixes_areKeptBetter() {
    for (int i = 0; i < 5000; i++) {
      long prefix = (long) Math.pow(2000, random.nextDouble()); // Zipf's law
      add(i * 0.2, blocks(prefix, 40));
    }

    assertSavesAtLeast(1.05, 4000);
  }

  @Test
  void scanBesideRepeatedPrompts_costsLittle() {
    for (int i = 0; i < 4000; i++) {
      add(i * 0.2, i % 2 == 0 ? blocks(random.nextInt(200), 40) : blocks(100_000 + i, 100));
    }

    assertSavesAtLeast(2, 4000);
  }

  @Test
  void loopThatIsLongerThanTheRoom_isKeptInPart() {
    for (int i = 0; i < 4000; i++) {
      add(i * 0.2, blocks(i % 300, 40));
    }

    assertThat(lru(4000)).isZero();
    assertThat(expected(4000)).isGreaterThan(30);
    assertThat(expected(300 * 40)).isEqualTo(100);
  }

  @Test
  void clairvoyant_savesMost() {
    conversations(200, 10, 30);

    Clairvoyant.Future future = new Clairvoyant.Future();
    for (int i = requests.size() - 1; i >= 0; i--) {
      for (long block : requests.get(i).blocks()) {
        future.addFirst(block, i);
      }
    }
    double most = PrefixStudy.run(new Clairvoyant(future), 2000, 16, requests).percent();

    assertThat(most).isGreaterThan(expected(2000)).isGreaterThan(2 * lru(2000));
  }

  @Test
  void publicTrace_isKeptTwiceAsWell() throws IOException {
    if (!Files.exists(TRACE)) {
      System.err.println("NOT RUN: publicTrace_isKeptTwiceAsWell: there is no " + TRACE);
      return;
    }
    readTrace();

    double lru = PrefixStudy.run(new LeastRecentlyUsed(), 1953, 512, requests).percent();
    double expected = PrefixStudy.run(new ExpectedValue(), 1953, 512, requests).percent();

    assertThat(lru).isBetween(5.5, 6.0);
    assertThat(expected).isGreaterThan(2 * lru);
  }

  private void readTrace() throws IOException {
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(TRACE)), StandardCharsets.UTF_8))) {
      String line;
      while ((line = in.readLine()) != null) {
        Matcher row = ROW.matcher(line);
        assertThat(row.find()).isTrue();
        long[] blocks = Arrays.stream(row.group(4).split(",")).mapToLong(Long::parseLong).toArray();
        requests.add(
            new Request(
                Double.parseDouble(row.group(1)),
                Integer.parseInt(row.group(2)),
                Integer.parseInt(row.group(3)),
                blocks));
      }
    }
  }

  private void conversations(int count, int turns, double gapSeconds) {
    double start = 0;
    for (int conversation = 0; conversation < count; conversation++) {
      start += exponential(1.5);
      double seconds = start;
      long[] prompt = {};
      for (int turn = 0; turn < turns; turn++) {
        prompt =
            then(prompt, blocks(10_000 + conversation * turns + turn, 10 + random.nextInt(30)));
        add(seconds, prompt);
        seconds += exponential(gapSeconds);
      }
    }
    requests.sort(Comparator.comparingDouble(Request::seconds));
  }

  private void assertSavesAtLeast(double factor, int room) {
    assertThat(expected(room)).isGreaterThanOrEqualTo(factor * lru(room));
  }

  private double lru(int room) {
    return PrefixStudy.run(new LeastRecentlyUsed(), room, 16, requests).percent();
  }

  private double expected(int room) {
    return PrefixStudy.run(new ExpectedValue(), room, 16, requests).percent();
  }

  private void add(double seconds, long[] blocks) {
    requests.add(new Request(seconds, 16 * blocks.length, 200, blocks));
  }

  private double exponential(double mean) {
    return -Math.log(1 - random.nextDouble()) * mean;
  }

  private static long[] blocks(long id, int count) {
    long[] keys = new long[count];
    for (int i = 0; i < count; i++) {
      keys[i] = new SplittableRandom(id * 1_000_003 + i).nextLong();
    }
    return keys;
  }

  private static long[] then(long[] begin, long[] end) {
    long[] both = Arrays.copyOf(begin, begin.length + end.length);
    System.arraycopy(end, 0, both, begin.length, end.length);
    return both;
  }
}
