package dev.s3llm.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.Random;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

final class OvertakesTest {
  private Overtakes overtakes = Overtakes.NONE;
  private final TreeMap<Long, Long> model = new TreeMap<>();

  @Property(tries = 200)
  void randomUse_matchesASortedMap(@ForAll long seed) {
    overtakes = Overtakes.NONE;
    model.clear();
    Random random = new Random(seed);
    for (int i = 0; i < 200; i++) {
      long id = random.nextInt(60);
      if (!model.containsKey(id)) {
        long slack = random.nextInt(20);
        overtakes = overtakes.with(id, slack);
        model.put(id, slack);
      } else if (random.nextInt(3) == 0) {
        overtakes = overtakes.without(id);
        model.remove(id);
      } else {
        overtakes = overtakes.admitted(id);
        model.remove(id);
        model.headMap(id).replaceAll((earlier, slack) -> slack - 1);
      }
      assertMatchesTheModel();
    }
  }

  private void assertMatchesTheModel() {
    model.forEach((id, slack) -> assertThat(overtakes.slack(id)).isEqualTo(slack));
    assertThat(overtakes.overdue())
        .containsExactlyElementsOf(
            model.keySet().stream().filter(id -> model.get(id) <= 0).toList());
    model.entrySet().stream()
        .filter(e -> e.getValue() <= 0)
        .findFirst()
        .ifPresentOrElse(
            e -> assertThat(overtakes.firstOverdue()).isEqualTo(e.getKey()),
            () -> assertThat(overtakes.anyOverdue()).isFalse());
  }

  @Test
  void earlierState_staysAsItWas() {
    Overtakes before = Overtakes.NONE.with(1, 1).with(2, 5);
    Overtakes after = before.admitted(2);

    assertThat(before.slack(1)).isEqualTo(1);
    assertThat(before.anyOverdue()).isFalse();
    assertThat(after.firstOverdue()).isEqualTo(1);
  }

  @Test
  void strangers_areRefused() {
    Overtakes one = Overtakes.NONE.with(1, 1);

    assertThatIllegalStateException().isThrownBy(() -> one.slack(2));
    assertThatIllegalStateException().isThrownBy(one::firstOverdue);
  }
}
