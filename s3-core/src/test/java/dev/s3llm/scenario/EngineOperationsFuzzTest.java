package dev.s3llm.scenario;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Scenarios in which a fuzzer makes all choices instead of a seeded generator: parts, requests,
 * cancellations, deadlines, faults, and their order.
 */
@Timeout(60)
class EngineOperationsFuzzTest {
  private static final int SHOWN_BYTES = 512;

  static Stream<byte[]> seeds() {
    return Stream.of(8, 40, 200, 1000)
        .map(
            length -> {
              byte[] choices = new byte[length];
              new Random(length).nextBytes(choices);
              return choices;
            });
  }

  @MethodSource("seeds")
  @FuzzTest
  void anySequenceOfOperations_keepsTheInvariants(byte[] choices) {
    int shown = Math.min(SHOWN_BYTES, choices.length);
    String origin = "choices " + HexFormat.of().formatHex(choices, 0, shown);
    new Scenario(origin, "", new ChosenNumbers(choices), new DecisionLog(false)).run();
  }
}
