package dev.s3llm.recover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.recover.Recovery.Victim;
import dev.s3llm.recover.RecoveryPolicy.RecoveryMemory;
import dev.s3llm.testkit.TestSequence;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
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
  void cheapest_isTheLeastCostForTheBlocksFreed() {
    // old: a swap of 8 blocks costs 24 and frees at least 8; small: recomputing costs 3 and frees
    // 3;
    // newest: a swap of 5 blocks costs 15 and frees at least 5; all go on equally long
    assertThat(victim(Victim.CHEAPEST, old)).isSameAs(small);
  }

  @Test
  void cheapest_sparesSequencesThatEndSoon() {
    TestSequence ending = longRunning(4).predicted(LengthPrediction.exactly(12));
    TestSequence lasting = longRunning(5).predicted(LengthPrediction.exactly(80));
    TestSequence later = longRunning(6).predicted(LengthPrediction.exactly(12));
    assertThat(
            Recovery.preempting(Victim.CHEAPEST)
                .victim(later, List.of(ending, lasting, later), SWAP_COSTS_3))
        .isSameAs(lasting);
  }

  @Test
  void canvas_isNeverSwapped() {
    TestSequence canvas = new TestSequence(4, 30, 9).kv(30).reserved(8).canvas(39, 2);
    Recovery policy = Recovery.preempting(Victim.CHEAPEST);
    RecoveryMemory freeSwaps = new RecoveryMemory(4, 100, new RecoveryCosts(0, 1));

    assertThat(policy.mode(old, freeSwaps)).isEqualTo(PreemptionMode.SWAP);
    assertThat(policy.mode(canvas, freeSwaps)).isEqualTo(PreemptionMode.RECOMPUTE);
  }

  @Test
  void cheapest_sparesTheCanvasWithFewPassesLeft() {
    TestSequence ending = new TestSequence(4, 8, 40).kv(8).reserved(12).canvas(48, 1);
    TestSequence begun = new TestSequence(5, 8, 40).kv(8).reserved(12).canvas(48, 20);
    assertThat(
            Recovery.preempting(Victim.CHEAPEST)
                .victim(ending, List.of(begun, ending), SWAP_COSTS_3))
        .isSameAs(begun);
  }

  @Property
  void cheapest_isNeverBeatenByAnother(
      @ForAll @Size(min = 1, max = 8) List<@IntRange(min = 1, max = 60) Integer> generated,
      @ForAll @IntRange(min = 0, max = 20) int swapNanos) {
    RecoveryMemory memory = new RecoveryMemory(4, 12, new RecoveryCosts(swapNanos, 1));
    List<TestSequence> candidates = new ArrayList<>();
    for (int tokens : generated) {
      int prompt = 1 + 37 * tokens % 20;
      candidates.add(
          new TestSequence(candidates.size(), prompt, 100)
              .generated(tokens)
              .kv(prompt + tokens)
              .reserved(memory.blocksFor(prompt + tokens)));
    }
    TestSequence victim =
        (TestSequence)
            Recovery.preempting(Victim.CHEAPEST).victim(candidates.get(0), candidates, memory);
    for (TestSequence other : candidates) {
      assertThat(costOfFreeing(victim, memory)).isLessThanOrEqualTo(costOfFreeing(other, memory));
    }
  }

  /** Computes the cost by its definition, for lengths that are equally probable up to 100. */
  private static double costOfFreeing(TestSequence sequence, RecoveryMemory memory) {
    int blocks = memory.blocksFor(sequence.kvTokens());
    double swap =
        blocks <= memory.hostBlocksFree() ? blocks * memory.costs().swapNanosPerBlock() : 1e9;
    double freed = 0;
    for (int ahead = 0; ahead < 64; ahead += 8) {
      double left = 100 - sequence.generatedTokens();
      freed +=
          Math.max(0, left - ahead) / left * memory.blocksFor(sequence.contextTokens() + ahead);
    }
    return Math.min(swap, sequence.kvTokens()) / freed;
  }

  private static TestSequence longRunning(long id) {
    return new TestSequence(id, 20, 100).generated(10).kv(30).reserved(8);
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
  void mode_isTheCheaperOne() {
    assertThat(mode(newest, SWAP_COSTS_3)).isEqualTo(PreemptionMode.SWAP); // 15 against 20
    assertThat(mode(newest, new RecoveryMemory(4, 10, new RecoveryCosts(4, 1))))
        .isEqualTo(PreemptionMode.RECOMPUTE); // 20 against 20
  }

  @Test
  void mode_isRecomputeIfHostMemoryHasNoRoom() {
    RecoveryMemory full = new RecoveryMemory(4, 4, new RecoveryCosts(1, 1));
    assertThat(mode(newest, full)).isEqualTo(PreemptionMode.RECOMPUTE); // needs 5 blocks
    assertThat(mode(small, full)).isEqualTo(PreemptionMode.SWAP);
  }

  @Test
  void patient_waitsUntilWaitingHasCostThePreemption() {
    Recovery patient = Recovery.preempting(Victim.NEWEST).patient();
    assertThat(patient.waits(newest, 14, SWAP_COSTS_3)).isTrue(); // 5 blocks at 3 tokens each
    assertThat(patient.waits(newest, 15, SWAP_COSTS_3)).isFalse();
    assertThat(patient.recomputeOnly().waits(newest, 19, SWAP_COSTS_3)).isTrue(); // 20 tokens
    assertThat(patient.recomputeOnly().waits(newest, 20, SWAP_COSTS_3)).isFalse();
    assertThat(Recovery.preempting(Victim.NEWEST).waits(newest, 0, SWAP_COSTS_3)).isFalse();
    assertThat(patient.recomputeOnly().name()).isEqualTo("newest, recompute, patient");
  }

  @Test
  void patientWithUnknownCosts_waitsAsLongAsForARecomputation() {
    RecoveryMemory unknown = new RecoveryMemory(4, 10, RecoveryCosts.UNKNOWN);
    Recovery patient = Recovery.preempting(Victim.NEWEST).patient();
    assertThat(patient.mode(newest, unknown)).isEqualTo(PreemptionMode.SWAP);
    assertThat(patient.waits(newest, 19, unknown)).isTrue();
    assertThat(patient.waits(newest, 20, unknown)).isFalse();
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
