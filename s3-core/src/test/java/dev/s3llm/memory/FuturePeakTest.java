package dev.s3llm.memory;

import static org.assertj.core.api.Assertions.assertThat;

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
