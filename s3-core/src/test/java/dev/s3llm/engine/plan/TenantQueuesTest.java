package dev.s3llm.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SequenceView;
import dev.s3llm.testkit.TestSequence;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

final class TenantQueuesTest {
  private static final int PROMPT = 10;
  private static final int OUTPUT = 20;

  private final TenantQueues<TestSequence> queues =
      new TenantQueues<>(SchedulingPolicies.firstComeFirstServed());
  private long nextId;

  @Test
  void tenantsTakeTurns_howeverLongOneQueueIs() {
    for (int i = 0; i < 10; i++) {
      waits("many");
    }
    TestSequence few = waits("few");
    TestSequence more = waits("few");

    assertThat(serveInTurn(queues, 4)).contains(few, more);
  }

  @Test
  void onePlan_admitsInTurnToo() {
    TestSequence a0 = waits("a");
    TestSequence a1 = waits("a");
    TestSequence b0 = waits("b");
    TestSequence b1 = waits("b");

    assertThat(admissible(queues)).containsExactly(a0, b0, a1, b1);
    assertThat(queues.size()).isEqualTo(4);
  }

  @Property(tries = 300)
  void onePlan_admitsWhomSingleAdmissionsWould(@ForAll long seed) {
    Random random = new Random(seed);
    TenantQueues<TestSequence> bounded =
        new TenantQueues<>(SchedulingPolicies.decreasingFirstFit(1 + random.nextInt(4)));
    for (int i = 0; i < 40; i++) {
      TestSequence sequence = sequence("t" + random.nextInt(3)).priority(random.nextInt(2));
      bounded.add(sequence, 1 + random.nextInt(9), 0);
    }
    List<SequenceView> planned = new ArrayList<>();
    Candidates<TestSequence> candidates = bounded.candidates();
    for (TestSequence next = candidates.next(); next != null; next = candidates.next()) {
      planned.add(next);
      candidates.admitted();
    }
    List<SequenceView> single = new ArrayList<>();
    while (!bounded.isEmpty()) {
      TestSequence next = nextOf(bounded);
      bounded.removeAdmitted(next);
      single.add(next);
    }
    assertThat(planned).hasSize(40).containsExactlyElementsOf(single);
  }

  @Test
  void expectedTokens_ofManyTenantsAreExtrapolated() {
    TestSequence first = waits("first");
    for (int i = 0; i < 10_000; i++) {
      waits("tenant" + i);
    }
    assertThat(queues.expectedTokensBefore(first)).isCloseTo(10_000 * OUTPUT, within(1e-6));
  }

  @Test
  void weights_decideTheShares() {
    TenantQueues<TestSequence> weighted =
        new TenantQueues<>(
            SchedulingPolicies.firstComeFirstServed(), new TenantWeights(Map.of("b", 3.0)));
    for (int i = 0; i < 100; i++) {
      weighted.add(sequence("a"), 1, 0);
      weighted.add(sequence("b"), 1, 0);
    }
    List<SequenceView> served = serveInTurn(weighted, 80);

    assertThat(served.stream().filter(s -> s.tenant().equals("b")).count()).isEqualTo(60);
  }

  @Test
  void wrongPredictions_areCorrectedByWhatCame() {
    Map<String, Long> tokens = new HashMap<>();
    for (int i = 0; i < 300; i++) { // "liar" is predicted a tenth of what it produces
      queues.add(sequence("liar").predicted(LengthPrediction.exactly(OUTPUT / 10)), 1, 0);
      queues.add(sequence("honest"), 1, 0);
    }
    for (int i = 0; i < 300; i++) {
      TestSequence next = nextOf(queues);
      queues.removeAdmitted(next);
      queues.ended(next.generated(OUTPUT));
      tokens.merge(next.tenant(), 1L, Long::sum);
    }
    assertThat(tokens.get("liar")).isBetween(148L, 152L);
  }

  @Test
  void idleTenant_savesNothingUp() {
    for (int i = 0; i < 100; i++) {
      waits("busy");
    }
    TestSequence endless = waits("idle");
    serveInTurn(queues, 1);
    queues.removeAdmitted(endless); // it still runs: its tenant is kept
    serveInTurn(queues, 60);
    for (int i = 0; i < 100; i++) {
      waits("idle");
    }
    long idle = serveInTurn(queues, 20).stream().filter(s -> s.tenant().equals("idle")).count();

    assertThat(idle).isBetween(9L, 12L);
  }

  @Test
  void newcomersWithoutEnd_doNotStarveWhoWasServedBefore() {
    for (int i = 0; i < 50; i++) {
      waits("old");
    }
    serveInTurn(queues, 10); // it is ahead of any newcomer now
    int passed = 0;
    while (true) {
      waits("new" + passed);
      if (serveInTurn(queues, 1).get(0).tenant().equals("old")) {
        break;
      }
      passed++;
      assertThat(passed).isLessThan(200);
    }
    assertThat(queues.tenants()).isLessThan(50);
  }

  @Test
  void overdueOfOneTenant_isNotPassedByItsOwn() {
    TenantQueues<TestSequence> bounded =
        new TenantQueues<>(SchedulingPolicies.decreasingFirstFit(1));
    TestSequence small = sequence("a");
    TestSequence large = sequence("a");
    bounded.add(small, 1, 1); // as old as the bound
    bounded.add(large, 9, 0);
    Candidates<TestSequence> candidates = bounded.candidates();

    assertThat(candidates.next()).isSameAs(small);
    candidates.unfit(0);
    assertThat(candidates.next()).isNull();
  }

  @Test
  void largeRequestThatDoesNotFit_isSkippedWithinItsTurn() {
    TenantQueues<TestSequence> skipping =
        new TenantQueues<>(SchedulingPolicies.decreasingFirstFit());
    TestSequence large = sequence("a");
    TestSequence small = sequence("a");
    TestSequence other = sequence("b");
    skipping.add(large, 9, 0);
    skipping.add(small, 2, 0);
    skipping.add(other, 4, 0);
    Candidates<TestSequence> candidates = skipping.candidates();

    assertThat(candidates.next()).isSameAs(large);
    candidates.unfit(5);
    assertThat(candidates.next()).isSameAs(small);
    candidates.admitted();
    assertThat(candidates.next()).isSameAs(other);
  }

  @Test
  void preemptedSequence_isChargedOnce() {
    TestSequence preempted = waits("a");
    queues.removeAdmitted(preempted);
    queues.add(preempted, 1, 0);
    assertThat(queues.charge(preempted)).isZero();

    queues.removeAdmitted(preempted);
    queues.ended(preempted.generated(OUTPUT));
    assertThat(queues.tenants()).isZero();
  }

  @Test
  void tokensBefore_countOnlyWhatWeightsLetPass() {
    for (int i = 0; i < 10; i++) {
      waits("many");
    }
    TestSequence only = waits("few");
    TestSequence last = waits("many");

    assertThat(queues.expectedTokensBefore(only)).isCloseTo(OUTPUT, within(1e-9));
    assertThat(queues.expectedTokensBefore(last)).isCloseTo(11 * OUTPUT, within(1e-9));
  }

  @Test
  void tokensBefore_ofAShortRequestAreFew_underAnOrderThatPrefersIt() {
    TenantQueues<TestSequence> shortest =
        new TenantQueues<>(SchedulingPolicies.shortestPredictedFirst());
    for (int i = 0; i < 10; i++) {
      shortest.add(sequence("a"), 1, 0);
      shortest.add(sequence("b"), 1, 0);
    }
    TestSequence little = sequence("a").predicted(LengthPrediction.exactly(2));
    shortest.add(little, 1, 0);

    assertThat(shortest.expectedTokensBefore(little)).isCloseTo(2, within(1e-9)); // one turn of b
  }

  @Test
  void decisionWithoutCandidate_isRefused() {
    Candidates<TestSequence> candidates = queues.candidates();

    assertThat(candidates.next()).isNull();
    assertThatIllegalStateException().isThrownBy(candidates::admitted);
  }

  @Test
  void weightsOutOfRange_areRefusedWithTheirTenant() {
    for (double weight : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new TenantWeights(Map.of("acme", weight)))
          .withMessageContaining("tenantWeights")
          .withMessageContaining("acme");
    }
  }

  /** Tests random arrivals, preemptions and ends: a tenant that always waits gets its share. */
  @Property(tries = 100)
  void tenantsThatKeepWaiting_areServedAlike(@ForAll long seed) {
    Random random = new Random(seed);
    double weight = 0.25 + 4 * random.nextDouble();
    TenantQueues<TestSequence> shared =
        new TenantQueues<>(
            SchedulingPolicies.shortestPredictedFirst(), new TenantWeights(Map.of("b", weight)));
    Map<String, Double> service = new HashMap<>(Map.of("a", 0.0, "b", 0.0, "c", 0.0));
    List<TestSequence> running = new ArrayList<>();
    for (String tenant : service.keySet()) {
      shared.add(random(tenant, random), 1, 0);
      shared.add(random(tenant, random), 1, 0);
    }
    for (int i = 0; i < 2000; i++) {
      TestSequence next = nextOf(shared);
      shared.removeAdmitted(next);
      running.add(next);
      shared.add(random(next.tenant(), random), 1, 0); // every tenant always has waiting sequences
      while (running.size() > 4) {
        TestSequence done = running.remove(random.nextInt(running.size()));
        int output = 1 + random.nextInt(done.maxNewTokens());
        shared.ended(done.generated(output));
        double tokens = done.promptTokens() + TenantQueues.OUTPUT_WEIGHT * (double) output;
        service.merge(done.tenant(), tokens, Double::sum);
      }
    }
    assertThat(service.get("c") / service.get("a")).isCloseTo(1, within(0.1));
    assertThat(service.get("b") / service.get("a")).isCloseTo(weight, within(0.1 * weight));
  }

  private TestSequence waits(String tenant) {
    TestSequence sequence = sequence(tenant);
    queues.add(sequence, 1, 0);
    return sequence;
  }

  private TestSequence sequence(String tenant) {
    return new TestSequence(nextId++, PROMPT, OUTPUT)
        .predicted(LengthPrediction.exactly(OUTPUT))
        .tenant(tenant);
  }

  private TestSequence random(String tenant, Random random) {
    return new TestSequence(nextId++, 1 + random.nextInt(50), 1 + random.nextInt(50))
        .tenant(tenant);
  }

  private static List<SequenceView> serveInTurn(TenantQueues<TestSequence> queues, int count) {
    List<SequenceView> served = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      TestSequence next = nextOf(queues);
      queues.removeAdmitted(next);
      queues.ended(next.generated(OUTPUT));
      served.add(next);
    }
    return served;
  }

  private static TestSequence nextOf(TenantQueues<TestSequence> queues) {
    TestSequence next = queues.candidates().next();
    assertThat(next).isSameAs(queues.next());
    if (next == null) {
      throw new AssertionError("no sequence waits");
    }
    return next;
  }

  private static List<SequenceView> admissible(TenantQueues<TestSequence> queues) {
    List<SequenceView> admitted = new ArrayList<>();
    Candidates<TestSequence> candidates = queues.candidates();
    TestSequence next;
    while ((next = candidates.next()) != null) {
      admitted.add(next);
      candidates.admitted();
    }
    return admitted;
  }
}
