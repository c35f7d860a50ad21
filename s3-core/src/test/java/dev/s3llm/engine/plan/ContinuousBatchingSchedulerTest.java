package dev.s3llm.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.TestSequences;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.recover.PreemptionMode;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ContinuousBatchingSchedulerTest {
  private static final int BLOCK_TOKENS = 4;

  private final StepPlan plan = new StepPlan();
  private final MemoryPlanner planner = new WorstCasePlanner();
  private TenantQueues<Sequence> waiting =
      new TenantQueues<>(SchedulingPolicies.firstComeFirstServed());

  @Test
  void decodes_comeBeforePrefillsBeforeAdmissions() {
    Sequence prefilling = TestSequences.of(1, 10, 5).kv(4).reserved(4).build();
    Sequence decoding = TestSequences.of(2, 3, 5).generated(1).kv(3).reserved(2).build();
    Sequence fresh = waits(3, 20, 5);
    schedule(List.of(prefilling, decoding), 50, 12, 8);

    assertThat(plan.work()).containsExactly(decoding, prefilling, fresh);
    assertThat(tokens()).containsExactly(1, 6, 5); // the budget of 12 cuts the last prompt
    assertThat(plan.tokensLeft()).isZero();
  }

  @Test
  void tokenBudget_cutsPrompts() {
    Sequence first = waits(1, 9, 5);
    Sequence second = waits(2, 9, 5);
    schedule(List.of(), 100, 12, 8);

    assertThat(plan.work()).containsExactly(first, second);
    assertThat(tokens()).containsExactly(9, 3);
  }

  @Test
  void shortPrompts_startBesideALongPrefill() {
    Sequence longOne = TestSequences.of(1, 1_000, 5).kv(40).reserved(300).build();
    Sequence first = waits(2, 30, 5);
    Sequence second = waits(3, 20, 5);
    schedule(List.of(longOne), 1_000, 200, 8);

    assertThat(plan.work()).containsExactly(longOne, first, second);
    assertThat(tokens()).containsExactly(150, 30, 20);
  }

  @Test
  void shortestPrefill_comesFirstButTheOldestKeepsAQuarter() {
    Sequence oldest = TestSequences.of(1, 1_000, 5).kv(4).reserved(300).build();
    Sequence shorter = TestSequences.of(2, 500, 5).kv(4).reserved(300).build();
    Sequence ends = TestSequences.of(3, 50, 5).kv(4).reserved(300).build();
    schedule(List.of(oldest, shorter, ends), 1_000, 200, 8);

    assertThat(plan.work()).containsExactly(oldest, ends, shorter);
    assertThat(tokens()).containsExactly(50, 46, 104);
  }

  @Test
  void longerCandidate_getsAChunkSoThatThoseBehindItStart() {
    Sequence prefilling = TestSequences.of(1, 1_000, 5).kv(4).reserved(300).build();
    Sequence longer = waits(2, 2_000, 5);
    Sequence small = waits(3, 20, 5);
    schedule(List.of(prefilling), 1_000, 200, 8);

    assertThat(plan.work()).containsExactly(prefilling, longer, small);
    assertThat(tokens()).containsExactly(148, PrefillPass.FIRST_CHUNK, 20);
  }

  @Test
  void fourPrefillsUnderWay_areNotJoinedByALongerOne() {
    List<Sequence> four =
        LongStream.rangeClosed(1, PrefillPass.MOST_PARTIAL)
            .mapToObj(id -> TestSequences.of(id, 1_000, 5).kv(4).reserved(300).build())
            .toList();
    waits(9, 2_000, 5);
    schedule(four, 10_000, 200, 8);

    assertThat(plan.admissions()).isEmpty();
    assertThat(plan.work()).containsExactly(four.get(0));
    assertThat(tokens()).containsExactly(200);
  }

  @Test
  void batchLimit_countsStalledSequences() {
    Sequence running = TestSequences.of(1, 3, 5).generated(1).kv(3).reserved(2).build();
    Sequence stalled = TestSequences.of(2, 9, 5).kv(0).reserved(4).build();
    waits(3, 1, 1);
    schedule(List.of(running, stalled), 100, 1, 2);

    assertThat(plan.work()).containsExactly(running);
    assertThat(plan.admissions()).isEmpty();
  }

  @Test
  void whoWaitsForABlock_isLeftOutAndNobodyIsAdmitted() {
    Sequence running = TestSequences.of(1, 3, 5).generated(1).kv(3).reserved(2).build();
    Sequence outgrown = TestSequences.of(2, 4, 5).generated(1).kv(4).reserved(1).build();
    waits(3, 1, 1);
    plan.reset(100, 100, 8);
    plan.stall(outgrown);
    List<Sequence> both = List.of(running, outgrown);
    new ContinuousBatchingScheduler(planner, waiting, both, Prefixes.none(), 4_096)
        .schedule(new MemoryView(BLOCK_TOKENS, 103, 100, both), plan);

    assertThat(plan.work()).containsExactly(running);
    assertThat(plan.admissions()).isEmpty();
    plan.reset(100, 100, 8);
    assertThat(plan.stalls()).isEmpty();
  }

  @Test
  void headThatDoesNotFit_holdsUpFcfsAndIsPassedByDff() {
    Sequence large = waits(1, 40, 40);
    Sequence small = waits(2, 4, 4);
    schedule(List.of(), 10, 100, 8);
    assertThat(plan.work()).isEmpty();
    assertThat(plan.deferral()).isNotNull();
    assertThat(plan.deferral().sequence()).isSameAs(large);
    assertThat(plan.deferral().neededBlocks()).isEqualTo(20);
    assertThat(plan.deferral().availableBlocks()).isEqualTo(10);

    waiting = new TenantQueues<>(SchedulingPolicies.decreasingFirstFit());
    waiting.add(large, 20, 0);
    waiting.add(small, 2, 0);
    schedule(List.of(), 10, 100, 8);
    assertThat(plan.work()).containsExactly(small);
  }

  @Test
  void overdueHeadThatDoesNotFit_isPassedByNobody() {
    waiting = new TenantQueues<>(SchedulingPolicies.decreasingFirstFit(1));
    Sequence large = TestSequences.of(1, 40, 40).build();
    Sequence small = TestSequences.of(2, 4, 4).build();
    waiting.add(large, 20, 1); // as old as the bound
    waiting.add(small, 2, 0);
    schedule(List.of(), 10, 100, 8);

    assertThat(plan.work()).isEmpty();
  }

  @Test
  void canvas_isComputedWholeAndEachHasItsTurn() {
    Sequence first = TestSequences.of(1, 4, 8).canvas(8).reserved(3).build();
    Sequence second = TestSequences.of(2, 4, 8).canvas(6).reserved(3).build();
    Sequence third = TestSequences.of(3, 4, 8).canvas(8).reserved(3).build();
    Sequence decoding = TestSequences.of(4, 3, 5).generated(1).kv(3).reserved(2).build();
    List<Sequence> running = List.of(first, second, third, decoding);
    ContinuousBatchingScheduler scheduler =
        new ContinuousBatchingScheduler(planner, waiting, running, Prefixes.none(), 4_096);
    int[] turns = new int[5];
    for (int step = 0; step < 30; step++) {
      plan.reset(100, 10, 8);
      scheduler.schedule(new MemoryView(BLOCK_TOKENS, 100, 100, running), plan);
      for (int i = 0; i < plan.work().size(); i++) {
        Sequence sequence = plan.work().get(i);
        assertThat(plan.workTokens(i)).isEqualTo(sequence.stepTokens());
        turns[(int) sequence.sequenceId()]++;
      }
      assertThat(plan.tokensLeft()).isNotNegative();
      scheduler.recordLeftOut(plan);
    }
    assertThat(turns[1]).isBetween(9, 12);
    assertThat(turns[2]).isBetween(9, 16);
    assertThat(turns[3]).isBetween(9, 12);
    assertThat(turns[4]).isGreaterThanOrEqualTo(15);
  }

  @Test
  void canvasAboveTheBudget_runsAloneUpToTheExecutorsLimit() {
    Sequence large = TestSequences.of(1, 4, 40).canvas(20).reserved(6).build();
    Sequence decoding = TestSequences.of(2, 3, 5).generated(1).kv(3).reserved(2).build();
    schedule(List.of(large, decoding), 100, 10, 8);

    assertThat(plan.work()).containsExactly(large);
    assertThat(plan.leftOut()).containsExactly(decoding);
  }

  @Test
  void stepThatPreempts_admitsNobody() {
    Sequence victim = TestSequences.of(1, 3, 5).generated(1).kv(3).reserved(2).build();
    Sequence other = TestSequences.of(2, 3, 5).generated(1).kv(3).reserved(2).build();
    waits(3, 1, 1);
    List<Sequence> both = List.of(victim, other);
    MemoryView memory = new MemoryView(BLOCK_TOKENS, 100, 50, both);
    plan.reset(50, 100, 8);
    plan.preempt(Decision.Preempt.outgrown(victim, PreemptionMode.RECOMPUTE, other, "test"));
    new ContinuousBatchingScheduler(planner, waiting, both, Prefixes.none(), 4_096)
        .schedule(memory, plan);

    assertThat(plan.work()).containsExactly(other);
    assertThat(plan.availableBlocks()).isEqualTo(52);
    assertThat(plan.admissions()).isEmpty();
  }

  @Property(tries = 500)
  void everyPlan_keepsItsBudgets(@ForAll long seed) {
    Random random = new Random(seed);
    List<Sequence> running =
        random.ints(random.nextInt(6), 1, 20).mapToObj(n -> runs(n, random)).toList();
    waiting =
        new TenantQueues<>(
            random.nextBoolean() ? SchedulingPolicies.decreasingFirstFit(3) : fcfs());
    for (int i = random.nextInt(8); i > 0; i--) {
      Sequence sequence = TestSequences.of(100 + i, 1 + random.nextInt(30), 1 + i).build();
      waiting.add(sequence, (sequence.promptTokens() + i + 4) / BLOCK_TOKENS, random.nextInt(4));
    }
    int blocks = random.nextInt(30);
    int tokens = 1 + random.nextInt(40);
    int sequences = 1 + random.nextInt(8);
    schedule(running, blocks, tokens, sequences);

    int spent = tokens().stream().mapToInt(Integer::intValue).sum();
    int granted = plan.admissions().stream().mapToInt(Decision.Admit::reservedBlocks).sum();
    assertThat(spent).isEqualTo(tokens - plan.tokensLeft()).isLessThanOrEqualTo(tokens);
    assertThat(granted).isEqualTo(blocks - plan.availableBlocks()).isLessThanOrEqualTo(blocks);
    assertThat(plan.work()).doesNotHaveDuplicates().hasSizeLessThanOrEqualTo(sequences);
    for (int i = 0; i < plan.work().size(); i++) {
      assertThat(plan.workTokens(i)).isBetween(1, plan.work().get(i).stepTokens());
    }
    assertThat(plan.work()).containsAll(plan.admissions().stream().map(a -> a.sequence()).toList());
  }

  private static SchedulingPolicy fcfs() {
    return SchedulingPolicies.firstComeFirstServed(3);
  }

  private static Sequence runs(int id, Random random) {
    int prompt = 1 + random.nextInt(20);
    boolean decoding = random.nextBoolean();
    return TestSequences.of(id * 7L + random.nextInt(7) + 1000L * random.nextInt(1000), prompt, 10)
        .generated(decoding ? 1 : 0)
        .kv(decoding ? prompt : random.nextInt(prompt))
        .reserved(10)
        .build();
  }

  private Sequence waits(long id, int prompt, int maxNew) {
    Sequence sequence = TestSequences.of(id, prompt, maxNew).build();
    waiting.add(sequence, (prompt + maxNew + BLOCK_TOKENS - 1) / BLOCK_TOKENS, 0);
    return sequence;
  }

  private void schedule(List<Sequence> running, int available, int tokens, int sequences) {
    MemoryView memory = new MemoryView(BLOCK_TOKENS, 200, available, running);
    plan.reset(available, tokens, sequences);
    planner.beginPlan(memory);
    new ContinuousBatchingScheduler(planner, waiting, running, Prefixes.none(), 4_096)
        .schedule(memory, plan);
  }

  private List<Integer> tokens() {
    return java.util.stream.IntStream.range(0, plan.work().size())
        .mapToObj(plan::workTokens)
        .toList();
  }
}
