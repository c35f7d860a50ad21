package dev.s3llm.text.internal.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

class MinimizerTest {
  @Test
  void classes_areThoseOfRefiningAllStatesAgainAndAgain() {
    Random random = new Random(3);
    for (int round = 0; round < 3000; round++) {
      Dfa automaton = automaton(random, 1 + random.nextInt(14));
      assertThat(new Minimizer(automaton).run()).as("round %d", round).isEqualTo(plain(automaton));
    }
  }

  /** Refining all states in each round would look at 400 million states. */
  @Test
  void longChain_takesLittleTime() {
    Assertions.assertTimeout(
        Duration.ofSeconds(20),
        () -> assertThat(Dfa.length(0, 20_000).minimal().size()).isEqualTo(20_001));
  }

  private static Dfa automaton(Random random, int size) {
    int[][] edges = new int[size][];
    BitSet accepting = new BitSet();
    for (int s = 0; s < size; s++) {
      Ints own = new Ints();
      for (int symbol = 0; symbol < 3; symbol++) {
        if (random.nextInt(4) > 0) {
          own.add(symbol, symbol, random.nextInt(size));
        }
      }
      edges[s] = own.toArray();
      accepting.set(s, random.nextInt(3) == 0);
    }
    return new Dfa(edges, accepting);
  }

  private static int[] plain(Dfa automaton) {
    int[] classes = new int[automaton.size()];
    for (int round = 0; round <= automaton.size(); round++) {
      Map<List<Integer>, Integer> ids = new HashMap<>();
      int[] refined = new int[classes.length];
      for (int s = 0; s < classes.length; s++) {
        List<Integer> key = new ArrayList<>(List.of(classes[s], automaton.accepts(s) ? 1 : 0));
        int[] own = automaton.edges(s);
        for (int i = 0; i < own.length; i += 3) {
          key.add(own[i]);
          key.add(classes[own[i + 2]]);
        }
        Integer known = ids.putIfAbsent(key, ids.size());
        refined[s] = known == null ? ids.size() - 1 : known;
      }
      classes = refined;
    }
    return classes;
  }
}
