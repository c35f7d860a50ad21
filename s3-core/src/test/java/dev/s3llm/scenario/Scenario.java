package dev.s3llm.scenario;

import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.engine.loop.EngineRunner;
import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.recover.PreemptionMode;
import dev.s3llm.testkit.HandDrivenClock;
import dev.s3llm.testkit.HandRunner;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * One seeded run of a whole engine, on one thread and a virtual clock, with random parts, pools,
 * requests, consumers and faults. In the last phase, without faults, every request must end; then
 * the engine is closed, unless it was closed before. The seed alone decides what happens; the
 * {@link Checkers} judge it.
 */
final class Scenario {
  static final long CLOSE_TIMEOUT_NANOS = 120;
  private static final int MOST_ROUNDS = 20_000;

  private final String origin;
  private final String replay;
  private final Random random;
  private final double weightOfB;
  private final Setting setting;
  private final FaultPlan faults;
  private final Map<String, Client> byId = new LinkedHashMap<>();
  private final Checkers checkers;
  private final Requests requests;
  private final CallbackPool callbacks;
  private final StartedThreads threads = new StartedThreads();
  private final HostilePredictor predictor;
  private final FaultyExecutor executor;
  private final LateMasks masks;
  private HandRunner runner;
  private final S3Engine engine;
  private final DecisionLog log;
  private long now;
  private int rounds;
  private boolean closing;
  private boolean closingAtOnce;
  private boolean interrupted;
  private long closingSince;
  private boolean stoppedShort;
  private boolean stoppedWithAStep;
  private long preemptions;
  private long swaps;
  private int heard;
  private int heardByFaultyListener;

  Scenario(long seed) {
    this(seed, new DecisionLog(false));
  }

  Scenario(long seed, DecisionLog log) {
    this("seed " + seed, " -Ds3.seed=" + seed, new Random(seed), log);
  }

  /**
   * Creates a scenario in which a given source makes every choice.
   *
   * @param origin the origin of the choices, for the message of a failure
   * @param replay the arguments that replay this scenario, for the same message
   * @param random makes the choices
   * @param log receives what happens
   */
  Scenario(String origin, String replay, Random random, DecisionLog log) {
    this.origin = origin;
    this.replay = replay;
    this.log = log;
    this.random = random;
    this.setting = Setting.draw(random);
    this.faults = new FaultPlan(random, setting.faults());
    this.checkers = new Checkers(setting, byId, () -> runner);
    this.requests = new Requests(setting, random, faults);
    this.callbacks = new CallbackPool(setting.callbacks(), random, faults);
    this.predictor = new HostilePredictor(random, faults);
    this.executor = new FaultyExecutor(setting, faults, random, checkers, log, this::now);
    this.masks = new LateMasks(setting.profile().blockCount() * 31L + setting.arrivals());
    this.weightOfB = 0.5 + 2 * random.nextDouble();
    this.engine =
        S3Engine.builder(executor)
            .clock(new HandDrivenClock(this::now, this::newRunner, masks))
            .threadFactory(threads)
            .callbackExecutor(callbacks)
            .stuckAfter(Duration.ZERO)
            .predictor(predictor)
            .predictionBudget(Duration.ofNanos(20))
            .planner(new BreakingPlanner(setting.newPlanner(random, faults), faults, checkers))
            .schedulingPolicy(setting.order())
            .tenantWeights(Map.of("b", weightOfB))
            .recovery(setting.recovery())
            .prefixSharing(setting.sharing())
            .maxTokensPerStep(setting.stepTokens())
            .maxLiveRequests(setting.maxLiveRequests())
            .eventBuffer(setting.eventBuffer())
            .closeTimeout(Duration.ofNanos(CLOSE_TIMEOUT_NANOS))
            .listener(this::onEvent)
            .listener(this::onEventBadly)
            .build();
  }

  private EngineRunner newRunner(LongSupplier clock, Consumer<Throwable> onFailure) {
    runner = new HandRunner(clock, onFailure, this::awaitEnd);
    return runner;
  }

  /**
   * Runs the scenario; throws an error whose message, one line, contains the command to replay it.
   */
  Scenario run() {
    try {
      for (int i = 0; i < 10 * setting.arrivals() && !arrived(); i++) {
        disturb();
        round();
      }
      for (int more = random.nextInt(200); more > 0 && !idle(); more--) {
        disturb();
        round();
      }
      settle();
      close(false);
      finish();
      return this;
    } catch (RuntimeException | Error e) {
      throw new AssertionError(
          replayLine(e instanceof Violation ? e.getMessage() : e.toString()), e);
    }
  }

  private boolean arrived() {
    return byId.size() >= setting.arrivals() || closing || !engine.snapshot().healthy();
  }

  /** Returns a line with a failure and the command to replay it. */
  String replayLine(String what) {
    return "%s | %s, pass %d, commit %s, %s | ./mvnw -pl s3-core test -Dtest=ScenarioTest"
            .formatted(
                what, origin, runner.passes(), System.getProperty("s3.commit", "unknown"), setting)
        + replay;
  }

  // ---- the environment

  /** Does what callers, consumers and clocks may do between two passes. */
  private void disturb() {
    if (byId.size() < setting.arrivals() && random.nextInt(3) == 0) {
      submit();
    }
    if (!byId.isEmpty()) {
      if (faults.strikes(Fault.CANCEL, 16)) {
        anyClient().cancel();
      }
      if (faults.strikes(Fault.CANCEL_STORM, 400)) {
        clients().forEach(Client::cancel);
      }
      consume();
    }
    if (faults.strikes(Fault.CLOCK_JUMP, 60)) {
      now += 50 + random.nextInt(100);
    }
    if (faults.strikes(Fault.CLOSE, 150)) {
      close(false);
    } else if (faults.strikes(Fault.CLOSE_NOW, 150)) {
      close(true);
    }
  }

  private void consume() {
    if (random.nextInt(3) == 0) {
      anyClient().requestMore(false);
    }
    if (random.nextInt(6) == 0) {
      anyClient().subscribe();
    }
  }

  /** Runs each part of the environment once; returns whether one of them had or has work. */
  private boolean round() {
    if (++rounds > MOST_ROUNDS) {
      violated("Liveness", "too many rounds: " + engine.snapshot());
    }
    now += random.nextInt(5);
    int done = executor.progress() + predictor.progress(faults.stopped());
    done += masks.progress(faults.stopped());
    done += callbacks.pump(faults.stopped() ? Integer.MAX_VALUE : random.nextInt(4));
    done += threads.pump();
    boolean due = runner.due(now);
    if (!due && !runner.ended()) {
      checkers.asleep(now);
    }
    if (due || random.nextInt(8) == 0) {
      done += pass();
    }
    checkers.rethrow();
    return done > 0 || runner.due(now) || !callbacks.isEmpty() || !masks.isEmpty();
  }

  private int pass() {
    boolean due = runner.due(now);
    long at = now;
    int pass = runner.passes() + 1;
    makePass();
    if (runner.passes() == pass && !runner.ended()) {
      checkers.passed(at, pass, ledger());
    }
    if (runner.ended() && !ledger().idle()) {
      stoppedShort = true;
      stoppedWithAStep |= ledger().stepInFlight();
    }
    return due ? 1 : 0;
  }

  private void makePass() {
    try {
      runner.pass();
    } catch (RuntimeException | Error e) {
      if (e instanceof Violation) {
        throw e;
      }
      throw checkers.violated(new Violation("Liveness", "the loop's thread died of " + e));
    }
  }

  /** Advances the clock to the next completion or alarm, but at most to this time. */
  private void skipTo(long latest) {
    long next =
        Math.min(executor.nextNanos(), runner.ended() ? Long.MAX_VALUE : runner.alarmNanos());
    if (next == Long.MAX_VALUE && latest == Long.MAX_VALUE) {
      violated("Liveness", "no progress: " + engine.snapshot());
    }
    now = Math.max(now, Math.min(next, latest));
  }

  /** Runs the environment while a caller waits for the loop to end. */
  private boolean awaitEnd(long nanos) {
    long until = nanos > Long.MAX_VALUE - now ? Long.MAX_VALUE : now + nanos;
    while (!runner.ended() && now < until) {
      if (!faults.stopped()) {
        disturb();
      }
      if (!round()) {
        skipTo(until);
      }
    }
    return runner.ended();
  }

  /** Runs without further faults until every request has ended, unless a step hangs for ever. */
  private void settle() {
    faults.stop();
    while (!closing && !executor.stuck() && !(idle() && callbacks.isEmpty())) {
      clients().forEach(client -> client.requestMore(true));
      if (!round()) {
        skipTo(Long.MAX_VALUE);
      }
    }
  }

  private boolean idle() {
    return runner.ended() || ledger().idle();
  }

  void close(boolean atOnce) {
    if (!closing) {
      closing = true;
      closingSince = now;
    }
    closingAtOnce |= atOnce; // also while a close that waits is under way
    long since = now;
    log.add("close", atOnce ? "now" : "gracefully");
    if (faults.strikes(Fault.CLOSE_INTERRUPTED, 4)) {
      interrupted = true;
      Thread.currentThread().interrupt();
    }
    try {
      if (atOnce) {
        engine.closeNow();
      } else {
        engine.close();
      }
    } finally {
      Thread.interrupted();
    }
    checkers.closed(now - since);
  }

  /** Runs late deliveries and late subscriptions after the close. */
  private void finish() {
    for (int i = 0; !quiet() || !runner.ended(); i++) {
      if (i > 10_000) {
        violated("Shutdown", "the engine does not end");
      }
      round();
    }
    for (Client client : clients()) {
      if (random.nextInt(3) > 0) {
        client.subscribe();
      }
      client.requestMore(true);
    }
    while (!quiet()) {
      round();
    }
    executor.repeatAfterClose();
    checkers.over(this);
    executor.finishStuck();
    checkers.rethrow();
  }

  // ---- callers

  /** Submits a random request, sometimes one that must be refused. */
  void submit() {
    if (byId.size() >= 2 * setting.arrivals()) {
      return;
    }
    if (faults.strikes(Fault.BAD_REQUEST, 20)) {
      submitBad();
      return;
    }
    GenerationRequest request = requests.next("c" + byId.size());
    boolean room = hasPlace(request.tenant()); // a listener of the refusal may cancel others
    try {
      accepted(request);
    } catch (RequestRefusedException e) {
      refused(request, e, room);
    }
  }

  private void refused(GenerationRequest request, RequestRefusedException refusal, boolean room) {
    switch (refusal.reason()) {
      case QUEUE_FULL -> {
        if (room) {
          violated("Refusal", "the queue has room and refused " + request.id());
        }
      }
      case ENGINE_CLOSED -> {
        if (!closing && engine.snapshot().healthy()) {
          violated("Refusal", "the engine is open and refused " + request.id());
        }
      }
      default -> throw refusal;
    }
  }

  private void accepted(GenerationRequest request) {
    boolean full = !hasPlace(request.tenant());
    Client client = new Client(this, request, engine.submit(request), faults, random);
    if (full) {
      violated("Refusal", request.id() + " was accepted, and the queue is full");
    }
    if (closing || !engine.snapshot().healthy()) {
      violated("Refusal", request.id() + " was accepted, and the engine is closed or lost");
    }
    byId.put(request.id(), client);
    log.add("submit", request.id());
    checkers.submitted(client);
    client.awaitResult();
    if (random.nextInt(4) > 0) {
      client.subscribe();
    }
  }

  /** Returns the number of requests that count as live, because their result is not complete. */
  /**
   * Returns whether a place is free for a tenant. The last quarter of the places is for tenants
   * below their share; here the engine always knows of several tenants.
   */
  private boolean hasPlace(String tenant) {
    Map<String, Integer> held = new HashMap<>();
    byId.values().stream()
        .filter(client -> client.results == 0)
        .forEach(client -> held.merge(client.request.tenant(), 1, Integer::sum));
    int taken = held.values().stream().mapToInt(Integer::intValue).sum();
    int own = held.getOrDefault(tenant, 0);
    held.putIfAbsent(tenant, 0);
    double weights = held.keySet().stream().mapToDouble(this::weight).sum();
    boolean below = held.size() > 1 && own * weights < setting.maxLiveRequests() * weight(tenant);
    int limit = setting.maxLiveRequests();
    return taken < (below ? limit : limit - limit / 4);
  }

  private double weight(String tenant) {
    return tenant.equals("b") ? weightOfB : 1;
  }

  private void submitBad() {
    try {
      engine.submit(requests.bad());
      violated("Refusal", "an invalid request was accepted");
    } catch (RequestRefusedException e) {
      log.add("refused", e.getClass().getSimpleName());
    }
  }

  Client anyClient() {
    List<Client> all = new ArrayList<>(byId.values());
    return all.get(random.nextInt(all.size()));
  }

  // ---- listeners

  private void onEvent(EngineEvent event) {
    heard++;
    log.add(event);
    checkers.event(event);
    if (event instanceof EngineEvent.Preempted preempted) {
      preemptions++;
      swaps += preempted.mode() == PreemptionMode.SWAP ? 1 : 0;
    }
  }

  private void onEventBadly(EngineEvent event) {
    heardByFaultyListener++;
    if (faults.strikes(Fault.LISTENER_CANCELS, 100) && !byId.isEmpty()) {
      anyClient().cancel();
    }
    if (faults.strikes(Fault.LISTENER_CLOSES, 200)) {
      close(random.nextBoolean());
    }
    if (faults.strikes(Fault.LISTENER_THROWS, 30)) {
      throw new IllegalStateException("planted");
    }
    if (faults.strikes(Fault.LISTENER_THROWS_ERROR, 60)) {
      throw new StackOverflowError("planted");
    }
  }

  // ---- for checkers and clients

  /** Returns how many events the listener that throws has not received. */
  int eventsMissedByFaultyListener() {
    return heard - heardByFaultyListener;
  }

  void violated(String checker, String what) {
    throw checkers.violated(new Violation(checker, what));
  }

  void log(String kind, String what) {
    log.add(kind, what);
  }

  Checkers checkers() {
    return checkers;
  }

  Setting setting() {
    return setting;
  }

  FaultyExecutor executor() {
    return executor;
  }

  List<Client> clients() {
    return Collections.unmodifiableList(new ArrayList<>(byId.values()));
  }

  Ledger ledger() {
    return new Ledger(runner.loop());
  }

  long now() {
    return now;
  }

  int passes() {
    return runner.passes();
  }

  int predictorCloses() {
    return predictor.closes();
  }

  boolean ended() {
    return runner.ended();
  }

  /** Returns whether the loop was stopped before it was idle. */
  boolean stoppedShort() {
    return stoppedShort;
  }

  /** Returns whether a step was in flight when the loop was stopped. */
  boolean stoppedWithAStep() {
    return stoppedWithAStep;
  }

  /** Returns whether no callback waits and every started thread has run. */
  boolean quiet() {
    return callbacks.isEmpty() && threads.isEmpty();
  }

  boolean accepts() {
    try {
      engine.submit(requests.next("late"));
      return true;
    } catch (RequestRefusedException e) {
      return e.reason() != RequestRefusedException.Reason.ENGINE_CLOSED;
    }
  }

  boolean cancelledByClose() {
    return closing && (closingAtOnce || now - closingSince >= CLOSE_TIMEOUT_NANOS);
  }

  boolean failedByClose() {
    return interrupted || (closing && now - closingSince >= CLOSE_TIMEOUT_NANOS);
  }

  // ---- statistics

  long logHash() {
    return log.hash();
  }

  long preemptions() {
    return preemptions;
  }

  long swaps() {
    return swaps;
  }

  long count(Fault fault) {
    return faults.count(fault);
  }
}
