package dev.s3llm.simulate;

import com.google.common.math.LongMath;
import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.loop.EngineLoop;
import dev.s3llm.engine.prefix.Clairvoyant;
import dev.s3llm.engine.prefix.PrefixHash;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.memory.PrefixSharing;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthQuery;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;

/**
 * One replay of a trace. The virtual clock jumps to the next arrival, end of a step or alarm of the
 * loop. Callbacks are queued and run between the loop's passes, so that the measured time of a pass
 * does not contain the work of the simulation's listeners. Not thread-safe.
 */
final class SimulationRun {
  private static final SequenceSpec.Stops STOPS =
      new SequenceSpec.Stops(new int[] {SimulatedExecutor.STOP_TOKEN}, 0);
  private static final SequenceSpec.Output THINKING =
      new SequenceSpec.Output(
          null,
          0,
          -1,
          new LengthQuery.Thinking(
              List.of(), List.of(List.of(SimulatedExecutor.END_OF_THINKING)), Integer.MAX_VALUE));
  private static final double NANOS_PER_SECOND = 1e9;
  private static final double NANOS_PER_MICRO = 1e3;

  /** Upper bound of the events that a request causes in one pass. */
  private static final int EVENTS_PER_REQUEST = 8;

  private final Simulation simulation;
  private final Trace trace;
  private final List<Trace.Request> requests;
  private final String policyName;
  private final Simulation.Listener listener;
  private final ExecutorProfile profile;
  private final boolean masked;
  private final SimulatedExecutor executor;
  private final EngineLoop loop;
  private final DecisionLog log = new DecisionLog();
  private final Queue<Runnable> callbacks = new ArrayDeque<>();
  private final List<SimulationResult.RequestOutcome> outcomes = new ArrayList<>();
  private final Samples plans = new Samples();
  private final LoneRequest lone;

  /** Cancellations to come, the next first; those of ended requests stay until their time. */
  private final PriorityQueue<Cancellation> cancellations =
      new PriorityQueue<>(Comparator.comparingLong(Cancellation::nanos));

  /** The requests that have ended, by index. */
  private final BitSet ended = new BitSet();

  private long now;
  private long endNanos;
  private int nextArrival;
  private int rejected;
  private int finished;
  private int metTargets;
  private long promptTokens;
  private double blockNanos;

  SimulationRun(
      Simulation simulation, Trace trace, SimulationPolicy policy, Simulation.Listener listener) {
    this.simulation = simulation;
    this.trace = trace;
    this.requests = trace.requests();
    this.policyName = policy.name();
    this.listener = listener;
    this.profile = simulation.profile();
    this.masked = profile.canvasPasses() > 0;
    this.lone = new LoneRequest(simulation.costs(), profile);
    this.executor =
        new SimulatedExecutor(
            profile,
            simulation.costs(),
            () -> now,
            i -> requests.get(i).outputTokens(),
            i -> requests.get(i).thinkingTokens());
    this.loop = new EngineLoop(parts(policy), () -> {});
    this.now = requests.get(0).arrivalNanos();
    this.endNanos = now;
  }

  /** The caller's cancellation of a request. */
  private record Cancellation(long nanos, int request, long sequenceId) {}

  private EngineParts parts(SimulationPolicy policy) {
    return new EngineParts(
        executor,
        simulation.predictor().create(requests),
        policy.planner().apply(id -> outputSlots(requests.get(Integer.parseInt(id)))),
        simulation.schedulingPolicy(),
        simulation.tenantWeights(),
        policy.recovery(),
        prefixes(),
        new EngineParts.Events(List.of(log, listener), callbacks::add, eventBuffer()),
        new EngineParts.Limits(
            profile.maxTokensPerStep(),
            profile.maxSequencesPerStep(),
            Long.MAX_VALUE / 2,
            simulation.tokenTimeNanos()));
  }

  private EngineParts.Prefixes prefixes() {
    PrefixSharing setting = simulation.prefixSharing();
    return simulation.forgetsByFuture()
        ? new EngineParts.Prefixes(setting, () -> new Clairvoyant(future()))
        : EngineParts.Prefixes.of(setting);
  }

  /** Returns the uses of all full blocks of prompts, as requests arrive. */
  private Clairvoyant.Future future() {
    Clairvoyant.Future future = new Clairvoyant.Future();
    int blockTokens = profile.blockTokens();
    for (int i = requests.size() - 1; i >= 0; i--) {
      Trace.Request request = requests.get(i);
      if (!refused(request)) {
        int[] prompt = PromptTokens.of(request, i);
        long key = PrefixHash.root(sharing(request).scope());
        for (int end = blockTokens; end <= prompt.length; end += blockTokens) {
          key = PrefixHash.next(key, prompt, end - blockTokens, blockTokens);
          future.addFirst(key, request.arrivalNanos());
        }
      }
    }
    return future;
  }

  private static SequenceSpec.Sharing sharing(Trace.Request request) {
    return SequenceSpec.Sharing.within(request.tenant());
  }

  private int eventBuffer() {
    return Math.addExact(Math.multiplyExact(EVENTS_PER_REQUEST, requests.size()), 1024);
  }

  SimulationResult run() {
    while (true) {
      submitArrived();
      cancelDue();
      executor.completeDue();
      while (pass()) {}
      long next = nextEventNanos();
      if (next == Long.MAX_VALUE) {
        break;
      }
      advance(next);
    }
    if (!loop.idle() || loop.snapshot().faults().droppedEvents() > 0) {
      throw new IllegalStateException(
          "the simulation made no progress or lost events: " + loop.snapshot());
    }
    return result(loop.snapshot());
  }

  /** Advances the clock, and accounts for the memory used until then. */
  private void advance(long next) {
    EngineSnapshot state = loop.snapshot();
    blockNanos += (double) state.memory().allocatedBlocks() * (next - now);
    if (next > now) {
      listener.onInterval(now, next, state);
    }
    now = next;
  }

  private long nextEventNanos() {
    long arrival =
        nextArrival < requests.size() ? requests.get(nextArrival).arrivalNanos() : Long.MAX_VALUE;
    long engine = Math.min(executor.dueNanos(), loop.nextAlarmNanos());
    return Math.min(Math.min(arrival, nextCancellationNanos()), engine);
  }

  private long nextCancellationNanos() {
    Cancellation next;
    while ((next = cancellations.peek()) != null && ended.get(next.request())) {
      cancellations.remove();
    }
    return next == null ? Long.MAX_VALUE : next.nanos();
  }

  private void cancelDue() {
    while (nextCancellationNanos() <= now) {
      loop.cancel(cancellations.remove().sequenceId());
    }
  }

  /** Makes one pass of the loop; returns whether it did anything. */
  private boolean pass() {
    long steps = loop.snapshot().work().steps();
    long start = System.nanoTime();
    int work = loop.step(now);
    long nanos = System.nanoTime() - start;
    if (loop.snapshot().work().steps() > steps) {
      plans.add((double) nanos);
    }
    Runnable callback;
    while ((callback = callbacks.poll()) != null) {
      callback.run();
    }
    return work > 0;
  }

  private void submitArrived() {
    while (nextArrival < requests.size() && requests.get(nextArrival).arrivalNanos() <= now) {
      submit(nextArrival++);
    }
  }

  private void submit(int index) {
    Trace.Request request = requests.get(index);
    if (refused(request)) {
      rejected++;
      ended(SimulationResult.RequestOutcome.refused(index));
      return;
    }
    int[] prompt = PromptTokens.of(request, index);
    promptTokens += prompt.length;
    boolean exact = simulation.predictor() == SimulatedPredictor.EXACT;
    int hint = exact ? outputSlots(request) : simulation.predictor().hint(request);
    long id = loop.nextSequenceId();
    loop.submit(
        id,
        new SequenceSpec(
            Integer.toString(index),
            prompt,
            STOPS,
            SamplingParameters.GREEDY,
            new SequenceSpec.Standing(request.tenant(), request.terms().priority()),
            times(request),
            query(index, request, hint, maxNewTokens(request)),
            new Sink(index),
            masked ? new SimulatedExecutor.Input(index, request.promptTokens()) : null,
            sharing(request),
            request.thinkingTokens() > 0 ? THINKING : SequenceSpec.Output.FREE));
    long cancelled = request.terms().cancelledNanos();
    if (cancelled != Long.MAX_VALUE) {
      cancellations.add(
          new Cancellation(LongMath.saturatedAdd(request.arrivalNanos(), cancelled), index, id));
    }
  }

  /** Returns whether a request can never run. */
  private boolean refused(Trace.Request request) {
    return request.promptTokens() >= profile.maxContextTokens()
        || request.promptTokens() + maxNewTokens(request) > profile.capacityTokens()
        || (masked && exceedsStep(request));
  }

  private int maxNewTokens(Trace.Request request) {
    return request.maxNewTokens(profile.maxContextTokens() - request.promptTokens());
  }

  private LengthQuery query(int index, Trace.Request request, int hint, int maxNewTokens) {
    boolean recorded = simulation.predictor() == SimulatedPredictor.RECORDED;
    String text = recorded ? Integer.toString(index) : null;
    return new LengthQuery(request.promptTokens(), text, null, hint, maxNewTokens);
  }

  private static SequenceSpec.Times times(Trace.Request request) {
    long deadline = LongMath.saturatedAdd(request.arrivalNanos(), request.terms().deadlineNanos());
    return new SequenceSpec.Times(request.arrivalNanos(), deadline, Long.MAX_VALUE);
  }

  /** Returns whether a step can compute neither the whole input nor the whole canvas. */
  private boolean exceedsStep(Trace.Request request) {
    return Math.max(request.promptTokens(), outputSlots(request)) > profile.maxTokensPerStep();
  }

  /** Returns the KV slots that the answer of a request takes: its tokens, or its canvas. */
  private int outputSlots(Trace.Request request) {
    int most = Math.max(1, profile.maxContextTokens() - request.promptTokens());
    int limit = request.maxNewTokens(most);
    return masked
        ? SimulatedExecutor.canvas(request.outputTokens(), limit)
        : Math.min(request.outputTokens(), request.maxNewTokens(Integer.MAX_VALUE));
  }

  private SimulationResult result(EngineSnapshot end) {
    long makespan = endNanos - requests.get(0).arrivalNanos();
    double seconds = makespan / NANOS_PER_SECOND;
    return new SimulationResult(
        policyName,
        simulation.schedulingPolicy().name(),
        new SimulationResult.Requests(requests.size(), finished, rejected, metTargets),
        new SimulationResult.Throughput(
            end.work().outputTokens(),
            makespan == 0 ? 0 : end.work().outputTokens() / seconds,
            seconds),
        new SimulationResult.Memory(
            makespan == 0 ? 0 : blockNanos / profile.blockCount() / makespan,
            end.work().preemptions(),
            end.work().recomputedTokens(),
            end.work().swappedTokens(),
            new SimulationResult.Prefixes(
                simulation.prefixName(),
                promptTokens,
                end.memory().prefixes().cachedTokens(),
                end.memory().prefixes().forgottenBlocks())),
        SimulationResult.Latency.of(outcomes),
        new SimulationResult.Planning(
            end.work().steps(), plans.quantiles(NANOS_PER_MICRO), log.hash()),
        SimulationResult.Groups.of(trace, outcomes));
  }

  private void ended(SimulationResult.RequestOutcome outcome) {
    outcomes.add(outcome);
    listener.onEnd(outcome);
  }

  /** Receives the answer of one request. */
  private final class Sink implements SequenceSink {
    private final int index;
    private int tokens;

    Sink(int index) {
      this.index = index;
    }

    @Override
    public void onToken(int token) {
      tokens++;
    }

    @Override
    public void onEnd(SequenceOutcome sequence) {
      FinishReason reason = sequence.reason();
      SimulationResult.RequestOutcome outcome =
          new SimulationResult.RequestOutcome(
              index,
              reason == FinishReason.STOP || reason == FinishReason.LENGTH,
              tokens,
              sequence.preemptions(),
              sequence.timing().queuedNanos(),
              sequence.timing().firstTokenNanos(),
              sequence.timing().totalNanos(),
              aloneNanos());
      finished += outcome.finished() ? 1 : 0;
      metTargets += simulation.targets().metBy(outcome) ? 1 : 0;
      endNanos = now;
      ended.set(index);
      ended(outcome);
    }

    private long aloneNanos() {
      return tokens == 0 ? 0 : lone.nanos(requests.get(index).promptTokens(), tokens);
    }
  }
}
