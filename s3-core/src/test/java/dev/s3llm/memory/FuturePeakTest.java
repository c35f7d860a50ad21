package dev.s3llm.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.testkit.TestSequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class FuturePeakTest {
  private record Part(int context, int later) {}

  @Property(tries = 500)
  void peak_isThatOfAStepByStepSimulation(@ForAll long seed) {
    Random random = new Random(seed);
    int blockTokens = 1 + random.nextInt(20);
    FuturePeak peak = new FuturePeak(blockTokens);
    List<Part> parts = new ArrayList<>();
    for (int i = random.nextInt(100); i >= 0; i--) {
      Part part = new Part(1 + random.nextInt(200), random.nextInt(150));
      parts.add(part);
      peak.add(part.context, part.later);
    }
    assertThat(peak.peakBlocks()).isEqualTo(simulated(parts, blockTokens));
  }

  @Test
  void sequencesThatEndAtDifferentTimes_needLessThanTheirSum() {
    FuturePeak peak = new FuturePeak(1);
    peak.add(10, 90); // up to 100 tokens
    peak.add(90, 10); // up to 100 tokens, and ended when the other has grown to 20
    assertThat(peak.peakBlocks()).isEqualTo(120);
  }

  @Test
  void canvas_holdsTheSameSlotsUntilItEnds() {
    TestSequence growing = new TestSequence(1, 10, 100).predicted(LengthPrediction.exactly(21));
    TestSequence canvas = new TestSequence(2, 8, 60).canvas(40, 5);
    MemoryView view = new MemoryView(1, 100, 0, List.of(growing, canvas));
    FuturePeak peak = FuturePeak.of(view, sequence -> sequence.prediction().maxTokens() % 60);

    assertThat(peak.peakBlocks()).isEqualTo(40 + 10 + 4); // the other grows to 30 afterwards
    assertThat(peak.admits(new TestSequence(3, 5, 60).canvas(45, 2), 40, 100)).isTrue();
    assertThat(peak.admits(new TestSequence(4, 5, 60).canvas(45, 2), 40, 100)).isFalse();
  }

  @Test
  void candidateThatDoesNotFit_leavesThePeakAsItWas() {
    MemoryView view = new MemoryView(1, 120, 0, List.of());
    FuturePeak peak = FuturePeak.of(view, sequence -> 0);
    assertThat(peak.admits(new TestSequence(1, 10, 200), 91, 120)).isTrue();
    assertThat(peak.admits(new TestSequence(2, 90, 200), 12, 120)).isFalse();
    assertThat(peak.peakBlocks()).isEqualTo(100);
    assertThat(peak.admits(new TestSequence(3, 90, 200), 11, 120)).isTrue();
  }

  private static long simulated(List<Part> parts, int blockTokens) {
    long most = 0;
    for (int step = 0; step <= 150; step++) {
      long blocks = 0;
      for (Part part : parts) {
        int tokens = part.context + step;
        blocks += part.later >= step ? (tokens + blockTokens - 1) / blockTokens : 0;
      }
      most = Math.max(most, blocks);
    }
    return most;
  }
}
