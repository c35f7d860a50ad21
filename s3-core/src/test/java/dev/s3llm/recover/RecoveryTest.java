package dev.s3llm.recover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.memory.TestSequence;
import dev.s3llm.recover.Recovery.Victim;
import dev.s3llm.recover.RecoveryPolicy.RecoveryMemory;
import dev.s3llm.schedule.PreemptionMode;
import java.util.List;
import org.junit.jupiter.api.Test;

class RecoveryTest {
  private static final RecoveryMemory SWAP_COSTS_3 =
      new RecoveryMemory(4, 10, new RecoveryCosts(3, 1));

  private final TestSequence old = new TestSequence(1, 30, 9).kv(30).reserved(8);
  private final TestSequence small = new TestSequence(2, 3, 9).kv(3).reserved(3);
  private final TestSequence newest = new TestSequence(3, 20, 9).kv(20).reserved(5);
  private final List<TestSequence> all = List.of(old, small, newest);

  @Test
  void outgrown_givesWayItself() {
    assertThat(victim(Victim.OUTGROWN, old)).isSameAs(old);
  }

  @Test
  void newest_isTheOneAdmittedLast() {
    assertThat(victim(Victim.NEWEST, old)).isSameAs(newest);
  }

  @Test
  void cheapest_isTheLeastCostForEachBlockFreed() {
    // old: 8 blocks to swap at 3 = 24, for 8 blocks; small: 3 tokens recomputed, for 3 blocks;
    // newest: 5 blocks swapped = 15, for 5 blocks
    assertThat(victim(Victim.CHEAPEST, old)).isSameAs(small);
  }

  @Test
  void cheapestAmongEquals_isTheNewest() {
    TestSequence twin = new TestSequence(4, 20, 9).kv(20).reserved(5);
    assertThat(
            Recovery.preempting(Victim.CHEAPEST)
                .victim(newest, List.of(newest, twin), SWAP_COSTS_3))
        .isSameAs(twin);
  }

  @Test
  void mode_isWhatCostsLess() {
    assertThat(mode(newest, SWAP_COSTS_3)).isEqualTo(PreemptionMode.SWAP); // 15 against 20
    assertThat(mode(newest, new RecoveryMemory(4, 10, new RecoveryCosts(4, 1))))
        .isEqualTo(PreemptionMode.RECOMPUTE); // 20 against 20
  }

  @Test
  void mode_isRecomputeWhereTheHostHasNoRoom() {
    RecoveryMemory full = new RecoveryMemory(4, 4, new RecoveryCosts(1, 1));
    assertThat(mode(newest, full)).isEqualTo(PreemptionMode.RECOMPUTE); // needs 5 blocks
    assertThat(mode(small, full)).isEqualTo(PreemptionMode.SWAP);
  }

  @Test
  void recomputeOnly_neverSwaps() {
    RecoveryPolicy policy = Recovery.preempting(Victim.NEWEST).recomputeOnly();
    assertThat(policy.mode(newest, SWAP_COSTS_3)).isEqualTo(PreemptionMode.RECOMPUTE);
    assertThat(policy.name()).isEqualTo("newest, recompute");
  }

  private TestSequence victim(Victim victim, TestSequence outgrown) {
    return (TestSequence) Recovery.preempting(victim).victim(outgrown, all, SWAP_COSTS_3);
  }

  private static PreemptionMode mode(TestSequence sequence, RecoveryMemory memory) {
    return Recovery.preempting(Victim.CHEAPEST).mode(sequence, memory);
  }
}
