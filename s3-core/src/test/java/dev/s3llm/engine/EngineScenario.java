package dev.s3llm.engine;

import dev.s3llm.execute.ExecutorLostException;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.KvGrowth;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepResult;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.memory.S3Planner;
import dev.s3llm.memory.SequenceView;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.recover.Recovery;
import dev.s3llm.schedule.ContinuousBatchingScheduler;
import dev.s3llm.schedule.DecreasingFirstFit;
import dev.s3llm.schedule.FirstComeFirstServed;
import dev.s3llm.schedule.QueueOrder;
import dev.s3llm.schedule.ShortestPredictedFirst;
import dev.s3llm.schedule.TenantWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * One seeded run of the loop: random parts, pools, requests, cancellations, deadlines and faults,
 * then a phase without faults in which everything must drain. The oracle runs after every pass.
 */
final class EngineScenario {
  private static final int VOCABULARY = 50;
  private static final int[] STOPS = {7};

  private final String origin;
  private final Random random;
  private final HashExecutor executor;
  private final EngineLoop loop;
  private final QueueOrder order;
  private final boolean faulty;
  private final int tenants;
  private final int blockTokens;
  private final List<Client> clients = new ArrayList<>();
  private final Map<String, Client> byId = new HashMap<>();
  private final List<CompletableFuture<LengthPrediction>> latePredictions = new ArrayList<>();
  private final Set<Long> struck = new HashSet<>();
  private long logHash = 17;
  private long now;
  private long steps;
  private long preemptions;
  private long swaps;
  private boolean lost;

  EngineScenario(long seed) {
    this("seed " + seed, new Random(seed));
  }

  /**
   * A scenario whose every choice another source makes.
   *
   * @param origin what replays it, for the error message
   */
  EngineScenario(String origin, Random random) {
    this.origin = origin;
    this.random = random;
    this.faulty = random.nextInt(3) == 0;
    this.blockTokens = 1 + random.nextInt(4);
    int blocks = 6 + random.nextInt(40);
    int tokensPerStep = 4 + random.nextInt(30);
    ExecutorProfile profile =
        new ExecutorProfile(
            blockTokens,
            blocks,
            64,
            random.nextInt(3) * 8,
            200,
            tokensPerStep,
            1 + random.nextInt(Math.min(12, tokensPerStep)),
            VOCABULARY,
            random.nextInt(12) == 0 ? KvGrowth.FIXED_CANVAS : KvGrowth.PER_BLOCK,
            new RecoveryCosts(random.nextInt(20), 1 + random.nextInt(5)));
    this.executor = new HashExecutor(profile);
    this.order = order();
    EngineParts parts =
        new EngineParts(
            executor,
            new HostilePredictor(),
            planner(),
            order,
            new TenantWeights(Map.of("b", 0.5 + 2 * random.nextDouble())),
            new ContinuousBatchingScheduler(),
            recovery(),
            List.of(this::onEvent),
            Runnable::run,
            20,
            profile.maxTokensPerStep(),
            profile.maxSequencesPerStep(),
            1000,
            Long.MAX_VALUE);
    this.tenants = random.nextInt(3) == 0 ? 3 : 1;
    this.loop = new EngineLoop(parts, () -> {});
  }

  /** Runs it whole; throws an error whose message replays it. */
  EngineScenario run() {
    try {
      int arrivals = 3 + random.nextInt(12);
      for (int round = 0; clients.size() < arrivals; round++) {
        disturb(arrivals);
        advance(faulty);
      }
      drain();
      clients.forEach(this::checkFinished);
      return this;
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(origin + " at step " + steps + ": " + e.getMessage(), e);
    }
  }

  long steps() {
    return steps;
  }

  long logHash() {
    return logHash;
  }

  long preemptions() {
    return preemptions;
  }

  boolean lost() {
    return lost;
  }

  long swaps() {
    return swaps;
  }

  private void disturb(int arrivals) {
    if (clients.size() < arrivals && random.nextInt(3) == 0) {
      submit();
    }
    if (!clients.isEmpty() && random.nextInt(12) == 0) {
      Client client = clients.get(random.nextInt(clients.size()));
      client.cancelled = true;
      loop.cancel(client.handle);
      pass();
      expect(client.ends == 1, client.id + " was cancelled and goes on");
    }
    if (!latePredictions.isEmpty() && random.nextInt(3) == 0) {
      latePredictions.remove(0).complete(LengthPrediction.exactly(1 + random.nextInt(50)));
    }
  }

  private void submit() {
    int capacity = (int) Math.min(executor.profile().capacityTokens(), 200);
    int prompt = 1 + random.nextInt(Math.max(1, capacity / 2));
    int maxNew = 1 + random.nextInt(Math.min(40, Math.max(1, capacity - prompt)));
    Client client = new Client("c" + clients.size(), random.ints(prompt, 0, VOCABULARY).toArray());
    client.maxNew = maxNew;
    client.sampling = SamplingParameters.ofTemperature(1, random.nextLong());
    long deadline = random.nextInt(10) == 0 ? now + random.nextInt(60) : Long.MAX_VALUE;
    LengthQuery query = new LengthQuery(prompt, null, null, 0, maxNew);
    client.tenant = "abc".substring(random.nextInt(tenants)).substring(0, 1);
    client.handle =
        loop.submit(
            new SequenceSpec(
                client.id,
                client.prompt,
                STOPS,
                client.sampling,
                client.tenant,
                random.nextInt(6) == 0 ? 1 : 0,
                now,
                deadline,
                query,
                client,
                Long.MAX_VALUE));
    client.arrival = clients.size();
    clients.add(client);
    byId.put(client.id, client);
  }

  private void advance(boolean withFaults) {
    now += random.nextInt(5);
    if (withFaults && !lost && executor.busy() && random.nextInt(100) == 0) {
      loseExecutor();
    }
    if (executor.busy() && random.nextInt(3) > 0) {
      boolean copies = !executor.pendingBatch().swapOuts().isEmpty();
      if (withFaults && random.nextInt(copies ? 3 : 15) == 0) {
        misbehave();
      } else {
        executor.complete();
      }
    }
    pass();
  }

  /** The device is gone: all that is live fails in this pass, and what comes later as well. */
  private void loseExecutor() {
    lost = true;
    executor.fail(new ExecutorLostException("planted", new IllegalStateException("device")));
    pass();
    expect(!loop.snapshot().healthy(), "healthy without an executor");
    clients.forEach(c -> expect(c.ends == 1, c.id + " outlives the executor"));
  }

  private void misbehave() {
    int size = executor.pendingBatch().sequences().size();
    executor.pendingBatch().sequences().forEach(s -> struck.add(s.sequenceId()));
    int[] foreign = new int[size];
    Arrays.fill(foreign, VOCABULARY + 3);
    switch (random.nextInt(6)) {
      case 0, 5 -> executor.fail(new IllegalStateException("planted failure"));
      case 1 -> executor.completeWith(StepResult.of(foreign));
      case 2 -> executor.completeWith(StepResult.of(new int[size + 1]));
      case 3 -> executor.answer(oneFails());
      default -> executor.completeWith(null);
    }
  }

  private StepResult oneFails() {
    int[] tokens = executor.run(executor.pendingBatch());
    if (tokens.length == 0) {
      return StepResult.of();
    }
    int index = random.nextInt(tokens.length);
    tokens[index] = StepResult.NO_TOKEN;
    return new StepResult(tokens, Map.of(index, new ArithmeticException("planted")));
  }

  private int pass() {
    int work = loop.step(now);
    steps++;
    EngineOracle.assertValid(loop);
    return work;
  }

  /** Without further faults everything must end, and all memory come back (1, 9). */
  private void drain() {
    latePredictions.forEach(f -> f.completeExceptionally(new IllegalStateException("late")));
    for (int quiet = 0; !loop.idle(); ) {
      now += 3;
      if (executor.busy()) {
        executor.complete();
      }
      quiet = pass() == 0 ? quiet + 1 : 0;
      if (quiet > 20) {
        throw new AssertionError("no progress: " + loop.snapshot());
      }
    }
    expect(loop.state().device.free() == loop.state().device.capacity(), "device blocks leaked");
    expect(loop.state().host.free() == loop.state().host.capacity(), "host blocks leaked");
    expect(loop.state().waiting.tenants() == 0, "a tenant is remembered for nothing");
    expect(loop.state().device.leases() + loop.state().host.leases() == 0, "leases leaked");
  }

  private void checkFinished(Client client) {
    expect(client.ends == 1, client.id + " ended " + client.ends + " times");
    int[] expected =
        HashExecutor.expected(client.prompt, client.sampling, client.maxNew, STOPS, VOCABULARY);
    int[] actual = client.tokens.stream().mapToInt(Integer::intValue).toArray();
    FinishReason reason = client.outcome.reason();
    boolean whole = reason == FinishReason.STOP || reason == FinishReason.LENGTH;
    int[] due =
        whole ? expected : Arrays.copyOf(expected, Math.min(actual.length, expected.length));
    expect(Arrays.equals(actual, due), client.id + " got other tokens, " + reason);
    expect(reason != FinishReason.CANCELLED || client.cancelled, client.id + " was not cancelled");
    boolean hit = struck.contains(((Sequence) client.handle).sequenceId());
    expect(reason != FinishReason.FAILED || hit || lost, client.id + " failed in another's step");
    expect(
        client.outcome.preemptions() <= Math.max(0, client.maxPreemptions),
        client.id + " preempted too often");
    expect(client.overtakes <= order.maxOvertakes(), client.id + " was overtaken too often");
  }

  private void onEvent(EngineEvent event) {
    logHash = 31 * logHash + describe(event).hashCode();
    if (event instanceof EngineEvent.Queued queued) {
      byId.get(queued.requestId()).waiting = true;
    } else if (event instanceof EngineEvent.Admitted admitted) {
      onAdmitted(byId.get(admitted.requestId()), admitted);
    } else if (event instanceof EngineEvent.Preempted preempted) {
      byId.get(preempted.requestId()).waiting = true;
      preemptions++;
      swaps += preempted.mode() == dev.s3llm.schedule.PreemptionMode.SWAP ? 1 : 0;
    } else if (event instanceof EngineEvent.Ended ended) {
      byId.get(ended.requestId()).waiting = false;
    }
  }

  private static String describe(EngineEvent event) {
    return event.toString();
  }

  private void onAdmitted(Client client, EngineEvent.Admitted admitted) {
    client.waiting = false;
    if (client.maxPreemptions < 0) {
      int output = Math.max(1, admitted.reservedBlocks() * blockTokens - client.prompt.length);
      double doublings = Math.log((double) client.maxNew / output) / Math.log(2);
      client.maxPreemptions = (int) Math.ceil(Math.max(0, doublings) - 1e-9) + 1;
    }
    for (Client other : clients) {
      if (other.waiting && other.arrival < client.arrival && other.tenant.equals(client.tenant)) {
        other.overtakes++;
      }
    }
  }

  private QueueOrder order() {
    int bound = 1 + random.nextInt(6);
    return switch (random.nextInt(3)) {
      case 0 -> new FirstComeFirstServed(bound);
      case 1 -> new DecreasingFirstFit(bound);
      default -> new ShortestPredictedFirst(bound);
    };
  }

  private Recovery recovery() {
    Recovery recovery = Recovery.preempting(pick(Recovery.Victim.values()));
    return random.nextBoolean() ? recovery.patient() : recovery;
  }

  private MemoryPlanner planner() {
    return switch (random.nextInt(5)) {
      case 0 -> new WorstCasePlanner();
      case 4 -> new ForecastPlanner(0.001 + 0.5 * random.nextDouble());
      case 1 -> new S3Planner(1 + random.nextInt(10));
      case 2 -> new HostilePlanner();
      default -> new OnDemandPlanner(random.nextInt(2) * 0.05);
    };
  }

  private <T> T pick(T[] from) {
    return from[random.nextInt(from.length)];
  }

  private static void expect(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }

  /** Asks for absurd amounts, or never admits anybody. */
  private final class HostilePlanner implements MemoryPlanner {
    private final boolean refuses = random.nextBoolean();

    @Override
    public String name() {
      return "hostile";
    }

    @Override
    public MemoryDecision admit(SequenceView candidate, MemoryView view) {
      return refuses
          ? new MemoryDecision.Defer(Integer.MAX_VALUE, "no")
          : new MemoryDecision.Reserve(absurd(), "yes");
    }

    @Override
    public MemoryDecision grow(SequenceView sequence, MemoryView view) {
      return random.nextInt(3) == 0
          ? new MemoryDecision.Defer(absurd(), "no")
          : new MemoryDecision.Reserve(absurd(), "yes");
    }

    @Override
    public int admissionBlocks(SequenceView candidate, MemoryView view) {
      return absurd();
    }

    private int absurd() {
      return pick(new Integer[] {Integer.MIN_VALUE, -1, 0, 1, 7, Integer.MAX_VALUE});
    }
  }

  /** Answers, throws, fails, dawdles, at random; never twice alike. */
  private final class HostilePredictor implements LengthPredictor {
    @Override
    public CompletionStage<LengthPrediction> predict(LengthQuery query) {
      switch (random.nextInt(8)) {
        case 0 -> throw new IllegalStateException("planted");
        case 1 -> {
          return CompletableFuture.failedFuture(new IllegalStateException("planted"));
        }
        case 2 -> {
          CompletableFuture<LengthPrediction> late = new CompletableFuture<>();
          latePredictions.add(late);
          return late;
        }
        case 3 -> {
          return CompletableFuture.completedFuture(null);
        }
        case 4 -> {
          return CompletableFuture.completedFuture(LengthPrediction.exactly(Integer.MAX_VALUE));
        }
        case 5 -> {
          return CompletableFuture.completedFuture(LengthPrediction.exactly(1));
        }
        default -> {
          int guess = 1 + random.nextInt(query.maxNewTokens());
          return CompletableFuture.completedFuture(LengthPrediction.exactly(guess));
        }
      }
    }
  }

  /** The caller's side of one request: what reached it. */
  private static final class Client implements SequenceSink {
    final String id;
    final int[] prompt;
    final List<Integer> tokens = new ArrayList<>();
    String tenant = "";
    int maxNew;
    SamplingParameters sampling;
    Object handle;
    boolean cancelled;
    boolean waiting;
    int arrival;
    int overtakes;
    int maxPreemptions = -1;
    int ends;
    SequenceOutcome outcome;

    Client(String id, int[] prompt) {
      this.id = id;
      this.prompt = prompt;
    }

    @Override
    public void onToken(int token) {
      if (ends > 0) {
        throw new AssertionError(id + " got a token after its end");
      }
      tokens.add(token);
    }

    @Override
    public void onEnd(SequenceOutcome end) {
      ends++;
      outcome = end;
    }
  }
}
