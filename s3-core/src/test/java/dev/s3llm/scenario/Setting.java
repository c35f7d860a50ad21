package dev.s3llm.scenario;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.memory.PrefixSharing;
import dev.s3llm.memory.S3Planner;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.recover.Recovery;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.testkit.HashExecutor.Decoding;
import java.time.Duration;
import java.util.Random;
import java.util.Set;

/**
 * The parts and settings of a scenario. Its text is part of a failure's message.
 *
 * @param eventBuffer how many events may wait for listeners
 * @param immediate whether some steps complete before {@code execute} returns
 * @param decoding how the executor decodes
 * @param stepTokens the engine's token budget of a step
 */
record Setting(
    ExecutorProfile profile,
    String planner,
    SchedulingPolicy order,
    Recovery recovery,
    CallbackPool.Mode callbacks,
    Set<Fault.Group> faults,
    int tenants,
    int maxLiveRequests,
    int eventBuffer,
    int arrivals,
    boolean immediate,
    Decoding decoding,
    int stepTokens) {
  static final int VOCABULARY = 50;
  static final int MAX_CONTEXT = 200;
  static final int MAX_OUTPUT = 40;
  private static final int PLENTY = 100_000;
  private static final String[] PLANNERS = {"worst-case", "s3", "on-demand", "forecast", "hostile"};

  static Setting draw(Random random) {
    ExecutorProfile profile = profile(random);
    Setting plain =
        new Setting(
            profile,
            PLANNERS[random.nextInt(PLANNERS.length)],
            order(random),
            recovery(random),
            random.nextInt(3) == 0 ? CallbackPool.Mode.INLINE : CallbackPool.Mode.QUEUED,
            FaultPlan.draw(random),
            random.nextInt(3) == 0 ? 3 : 1,
            random.nextInt(5) == 0 ? 1 + random.nextInt(4) : 1000,
            random.nextInt(10) == 0 ? 1 + random.nextInt(5) : PLENTY,
            random.nextInt(20) == 0 ? 40 : 4 + random.nextInt(12),
            random.nextInt(4) == 0,
            Decoding.TOKEN,
            profile.maxTokensPerStep());
    return plain.decoded();
  }

  /** Returns this setting with a kind of executor that depends on its other values. */
  private Setting decoded() {
    return switch ((profile.blockCount() * 31 + arrivals * 7 + profile.maxTokensPerStep()) % 8) {
      case 0 -> with(Decoding.DRAFTS, KvGrowth.PER_BLOCK, 0);
      case 1 -> with(Decoding.CANVAS, KvGrowth.FIXED_CANVAS, 2);
      case 2 -> with(Decoding.CANVAS, KvGrowth.FIXED_CANVAS, arrivals % 2 * 3);
      case 3 ->
          with(arrivals % 2 == 0 ? Decoding.TOKEN : Decoding.CANVAS, KvGrowth.FIXED_CANVAS, 0);
      default -> this;
    };
  }

  private Setting with(Decoding how, KvGrowth growth, int canvasPasses) {
    int canvas = growth == KvGrowth.FIXED_CANVAS ? MAX_OUTPUT : 0; // a pass computes all of it
    ExecutorProfile changed =
        ExecutorProfile.builder()
            .kvBlocks(profile.blockCount(), profile.blockTokens(), profile.bytesPerBlock())
            .hostBlocks(profile.hostBlockCount())
            .maxContextTokens(profile.maxContextTokens())
            .maxTokensPerStep(profile.maxTokensPerStep() + canvas)
            .maxSequencesPerStep(profile.maxSequencesPerStep())
            .vocabularySize(profile.vocabularySize())
            .recoveryCosts(profile.recoveryCosts())
            .growth(growth)
            .canvasPasses(canvasPasses)
            .takesInputs(growth == KvGrowth.FIXED_CANVAS)
            .masksTokens(true)
            .reportsLogProbabilities(true)
            .sharesPrefixes(true)
            .build();
    int budget = arrivals % 3 == 0 ? changed.maxTokensPerStep() : stepTokens;
    return new Setting(
        changed,
        planner,
        order,
        recovery,
        callbacks,
        faults,
        tenants,
        maxLiveRequests,
        eventBuffer,
        arrivals,
        immediate,
        how,
        budget);
  }

  /**
   * Returns whether requests share blocks, which depends on the other values: in most scenarios
   * with token by token decoding.
   */
  PrefixSharing sharing() {
    PrefixSharing kept =
        PrefixSharing.keeping(
            arrivals % 2 == 0
                ? PrefixSharing.Forgetting.LEAST_RECENTLY_USED
                : PrefixSharing.Forgetting.EXPECTED_VALUE);
    return switch (profile.blockCount() % 6) {
      case 0 -> PrefixSharing.none();
      case 1 -> kept.maxKeptTokens(arrivals % 40);
      case 2 -> kept.maxAge(Duration.ofNanos(1 + arrivals * 5L));
      default -> kept;
    };
  }

  /** Returns whether requests have constraints, which depends on the other values. */
  boolean constrains() {
    return profile.growth() != KvGrowth.FIXED_CANVAS && (profile.blockCount() + arrivals) % 4 == 1;
  }

  /** Returns whether every event reaches the listeners. */
  boolean deliversAllEvents() {
    return eventBuffer == PLENTY && !faults.contains(Fault.Group.CALLBACKS);
  }

  MemoryPlanner newPlanner(Random random, FaultPlan faultPlan) {
    return switch (planner) {
      case "worst-case" -> new WorstCasePlanner();
      case "s3" -> new S3Planner(1 + random.nextInt(10));
      case "on-demand" -> new OnDemandPlanner(random.nextInt(2) * 0.05);
      case "forecast" -> new ForecastPlanner(0.001 + 0.5 * random.nextDouble());
      default -> new HostilePlanner(random, faultPlan);
    };
  }

  private static ExecutorProfile profile(Random random) {
    int tokensPerStep = 4 + random.nextInt(30);
    return ExecutorProfile.builder()
        .kvBlocks(6 + random.nextInt(40), 1 + random.nextInt(4), 64)
        .hostBlocks(random.nextInt(3) * 8)
        .maxContextTokens(MAX_CONTEXT)
        .maxTokensPerStep(tokensPerStep)
        .maxSequencesPerStep(1 + random.nextInt(Math.min(12, tokensPerStep)))
        .vocabularySize(VOCABULARY)
        .sharesPrefixes(true)
        .masksTokens(true)
        .reportsLogProbabilities(true)
        .recoveryCosts(new RecoveryCosts(random.nextInt(20), 1 + random.nextInt(5)))
        .build();
  }

  private static SchedulingPolicy order(Random random) {
    int bound = 1 + random.nextInt(6);
    return switch (random.nextInt(3)) {
      case 0 -> SchedulingPolicies.firstComeFirstServed(bound);
      case 1 -> SchedulingPolicies.decreasingFirstFit(bound);
      default ->
          bound % 2 == 0
              ? SchedulingPolicies.shortestRemainingFirst(bound, bound / 2, bound)
              : SchedulingPolicies.shortestPredictedFirst(bound);
    };
  }

  private static Recovery recovery(Random random) {
    Recovery.Victim[] victims = Recovery.Victim.values();
    Recovery recovery = Recovery.preempting(victims[random.nextInt(victims.length)]);
    return random.nextBoolean() ? recovery.patient() : recovery;
  }

  @Override
  public String toString() {
    return "%d x %d tokens, %d host, %d tokens and %d sequences a step, %s %s, %s %s, recovery %s, "
            .formatted(
                profile.blockCount(),
                profile.blockTokens(),
                profile.hostBlockCount(),
                stepTokens,
                profile.maxSequencesPerStep(),
                profile.growth(),
                decoding,
                planner,
                order,
                recovery.name())
        + "callbacks %s, %d tenants, %d live, %d events, %d arrivals, immediate %s, faults %s, %s"
            .formatted(
                callbacks,
                tenants,
                maxLiveRequests,
                eventBuffer,
                arrivals,
                immediate,
                faults,
                sharing());
  }
}
