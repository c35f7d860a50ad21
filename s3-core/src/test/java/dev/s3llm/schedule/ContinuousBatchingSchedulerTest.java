package dev.s3llm.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.memory.SequenceView;
import dev.s3llm.memory.TestSequence;
import dev.s3llm.memory.WorstCasePlanner;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ContinuousBatchingSchedulerTest {
  private static final int BLOCK_TOKENS = 4;

  private final StepPlan plan = new StepPlan();
  private final MemoryPlanner planner = new WorstCasePlanner();
  private TenantQueues waiting = new TenantQueues(new FirstComeFirstServed());

  @Test
  void decodes_comeBeforePrefillsBeforeAdmissions() {
    TestSequence prefilling = new TestSequence(1, 10, 5).kv(4).reserved(4);
    TestSequence decoding = new TestSequence(2, 3, 5).generated(1).kv(3).reserved(2);
    TestSequence fresh = waits(3, 20, 5);
    schedule(List.of(prefilling, decoding), 50, 12, 8);

    assertThat(plan.work()).containsExactly(decoding, prefilling, fresh);
    assertThat(tokens()).containsExactly(1, 6, 5); // what is left of 12 cuts the last prompt
    assertThat(plan.tokensLeft()).isZero();
  }

  @Test
  void tokenBudget_cutsPrompts() {
    TestSequence first = waits(1, 9, 5);
    TestSequence second = waits(2, 9, 5);
    schedule(List.of(), 100, 12, 8);

    assertThat(plan.work()).containsExactly(first, second);
    assertThat(tokens()).containsExactly(9, 3);
  }

  @Test
  void batchLimit_countsStalledSequences() {
    TestSequence running = new TestSequence(1, 3, 5).generated(1).kv(3).reserved(2);
    TestSequence stalled = new TestSequence(2, 9, 5).kv(0).reserved(4);
    waits(3, 1, 1);
    schedule(List.of(running, stalled), 100, 1, 2);

    assertThat(plan.work()).containsExactly(running);
    assertThat(plan.admissions()).isEmpty();
  }

  @Test
  void whoWaitsForABlock_isLeftOutAndNobodyIsAdmitted() {
    TestSequence running = new TestSequence(1, 3, 5).generated(1).kv(3).reserved(2);
    TestSequence outgrown = new TestSequence(2, 4, 5).generated(1).kv(4).reserved(1);
    waits(3, 1, 1);
    plan.reset(100, 100, 8);
    plan.stall(outgrown);
    new ContinuousBatchingScheduler()
        .schedule(
            new MemoryView(BLOCK_TOKENS, 103, 100, List.of(running, outgrown)),
            waiting,
            planner,
            plan);

    assertThat(plan.work()).containsExactly(running);
    assertThat(plan.admissions()).isEmpty();
    plan.reset(100, 100, 8);
    assertThat(plan.stalls()).isEmpty();
  }

  @Test
  void headThatDoesNotFit_holdsUpFcfsAndIsPassedByDff() {
    TestSequence large = waits(1, 40, 40);
    TestSequence small = waits(2, 4, 4);
    schedule(List.of(), 10, 100, 8);
    assertThat(plan.work()).isEmpty();
    assertThat(plan.deferral()).isNotNull();
    assertThat(plan.deferral().sequence()).isSameAs(large);
    assertThat(plan.deferral().neededBlocks()).isEqualTo(20);
    assertThat(plan.deferral().availableBlocks()).isEqualTo(10);

    waiting = new TenantQueues(new DecreasingFirstFit());
    waiting.add(large, 20, 0);
    waiting.add(small, 2, 0);
    schedule(List.of(), 10, 100, 8);
    assertThat(plan.work()).containsExactly(small);
  }

  @Test
  void overdueHeadThatDoesNotFit_isPassedByNobody() {
    waiting = new TenantQueues(new DecreasingFirstFit(1));
    TestSequence large = new TestSequence(1, 40, 40);
    TestSequence small = new TestSequence(2, 4, 4);
    waiting.add(large, 20, 1); // as old as the bound
    waiting.add(small, 2, 0);
    schedule(List.of(), 10, 100, 8);

    assertThat(plan.work()).isEmpty();
  }

  @Test
  void stepThatPreempts_admitsNobody() {
    TestSequence victim = new TestSequence(1, 3, 5).generated(1).kv(3).reserved(2);
    TestSequence other = new TestSequence(2, 3, 5).generated(1).kv(3).reserved(2);
    waits(3, 1, 1);
    MemoryView memory = new MemoryView(BLOCK_TOKENS, 100, 50, List.of(victim, other));
    plan.reset(50, 100, 8);
    plan.preempt(new Decision.Preempt(victim, PreemptionMode.RECOMPUTE, other, "test"));
    new ContinuousBatchingScheduler().schedule(memory, waiting, planner, plan);

    assertThat(plan.work()).containsExactly(other);
    assertThat(plan.availableBlocks()).isEqualTo(52);
    assertThat(plan.admissions()).isEmpty();
  }

  @Property(tries = 500)
  void everyPlan_keepsItsBudgets(@ForAll long seed) {
    Random random = new Random(seed);
    List<TestSequence> running =
        random.ints(random.nextInt(6), 1, 20).mapToObj(n -> runs(n, random)).toList();
    waiting = new TenantQueues(random.nextBoolean() ? new DecreasingFirstFit(3) : fcfs());
    for (int i = random.nextInt(8); i > 0; i--) {
      TestSequence sequence = new TestSequence(100 + i, 1 + random.nextInt(30), 1 + i);
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
    assertThat(tokens()).allMatch(n -> n >= 1);
    assertThat(plan.work()).containsAll(plan.admissions().stream().map(a -> a.sequence()).toList());
  }

  private static QueueOrder fcfs() {
    return new FirstComeFirstServed(3);
  }

  private static TestSequence runs(int id, Random random) {
    int prompt = 1 + random.nextInt(20);
    boolean decoding = random.nextBoolean();
    return new TestSequence(id * 7L + random.nextInt(7) + 1000L * random.nextInt(1000), prompt, 10)
        .generated(decoding ? 1 : 0)
        .kv(decoding ? prompt : random.nextInt(prompt))
        .reserved(10);
  }

  private TestSequence waits(long id, int prompt, int maxNew) {
    TestSequence sequence = new TestSequence(id, prompt, maxNew);
    waiting.add(sequence, (prompt + maxNew + BLOCK_TOKENS - 1) / BLOCK_TOKENS, 0);
    return sequence;
  }

  private void schedule(
      List<? extends SequenceView> running, int available, int tokens, int sequences) {
    MemoryView memory = new MemoryView(BLOCK_TOKENS, 200, available, running);
    plan.reset(available, tokens, sequences);
    planner.beginPlan(memory);
    new ContinuousBatchingScheduler().schedule(memory, waiting, planner, plan);
  }

  private List<Integer> tokens() {
    return java.util.stream.IntStream.range(0, plan.work().size())
        .mapToObj(plan::workTokens)
        .toList();
  }
}
