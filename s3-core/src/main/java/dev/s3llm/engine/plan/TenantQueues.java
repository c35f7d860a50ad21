package dev.s3llm.engine.plan;

import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.schedule.SequenceView;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The waiting sequences, in one queue for each tenant, with fair shares between tenants by weight.
 * A {@link SchedulingPolicy} orders the sequences of a tenant; the service so far decides between
 * tenants. With a single tenant, its queue alone decides.
 *
 * <p>Shares. A tenant's service is its prompt tokens plus {@value #OUTPUT_WEIGHT} times its output
 * tokens, as in "Fairness in Serving Large Language Models" (OSDI 2024). A sequence is charged with
 * its predicted output at its first admission, so that a burst cannot start before its tokens
 * count; the true output replaces the charge when the sequence ends. Tokens that are computed again
 * after a preemption are not charged. The next sequence is always of the tenant with the least
 * service over weight. So two tenants that always have waiting sequences get service in proportion
 * to their weights, up to one request and the error of the predictions.
 *
 * <p>Idle tenants save no service. A tenant whose first sequence starts to wait starts at the
 * virtual time: the service over weight that a tenant would have now if it had always waited
 * (start-time fair queueing, SIGCOMM 1996). The virtual time advances with the true service of
 * sequences that end, divided by the weight of all tenants with sequences, and is at least the
 * settled service of the tenant admitted last. Sequences that still run do not advance it: so wrong
 * predictions do not disadvantage a new tenant, and a new tenant gets its share even if another one
 * fills the batch. Because the virtual time advances, new tenants cannot pass a tenant for ever,
 * however many there are. A tenant without sequences is removed as soon as the virtual time has
 * reached its service; so memory is bounded by the tenants with sequences and those served lately.
 *
 * <p>All operations take O(log n). Deterministic. Not thread-safe.
 *
 * @param <S> type of the sequences
 */
public final class TenantQueues<S extends SequenceView> {
  /** The service of an output token, in prompt tokens. */
  static final int OUTPUT_WEIGHT = 2;

  /** The most tenants that an estimate reads, so that its cost does not grow with their number. */
  private static final int MAX_SAMPLED_TENANTS = 64;

  private static final Comparator<TenantLane<?>> BY_SERVICE =
      Comparator.<TenantLane<?>>comparingDouble(TenantLane::served)
          .thenComparingLong(TenantLane::index);

  private final SchedulingPolicy policy;
  private final TenantWeights weights;
  private final Map<String, TenantLane<S>> lanes = new HashMap<>();

  /** The tenants with waiting sequences. */
  private final TreeSet<TenantLane<S>> waiting = new TreeSet<>(BY_SERVICE);

  /** The tenants without sequences, whose service is above the virtual time. */
  private final TreeSet<TenantLane<S>> idle = new TreeSet<>(BY_SERVICE);

  /** The charge of each sequence that was admitted and has not ended, in tokens. */
  private final Map<Long, Double> charges = new HashMap<>();

  private double virtualTime;
  private double liveWeight;
  private long lanesMade;
  private int size;
  private double expectedTokens;

  /** Creates empty queues for tenants of equal weight. */
  public TenantQueues(SchedulingPolicy policy) {
    this(policy, TenantWeights.EQUAL);
  }

  /**
   * Creates empty queues.
   *
   * @param policy orders the sequences of a tenant
   * @param weights the weights of the tenants
   */
  public TenantQueues(SchedulingPolicy policy, TenantWeights weights) {
    this.policy = policy;
    this.weights = weights;
  }

  /** Returns the number of waiting sequences. */
  public int size() {
    return size;
  }

  /** Returns the output tokens that all waiting sequences are still expected to produce. */
  public double expectedTokens() {
    return expectedTokens;
  }

  /** Returns whether no sequence waits. */
  public boolean isEmpty() {
    return size == 0;
  }

  /** Returns whether a sequence waits in these queues. */
  public boolean contains(S sequence) {
    TenantLane<S> lane = lanes.get(sequence.tenant());
    return lane != null && lane.queue().contains(sequence);
  }

  /**
   * Returns how many turns the queue of a tenant has made; 0 for a tenant that is not kept. See
   * {@link SequenceView#queueTurns}.
   *
   * @param tenant name of the tenant
   */
  public double turns(String tenant) {
    TenantLane<S> lane = lanes.get(tenant);
    return lane == null ? 0 : lane.queue().turns();
  }

  /**
   * Returns the waiting sequences in the order in which one plan may admit them. To list them, call
   * {@code admitted} after each.
   */
  public Candidates<S> candidates() {
    return new Candidates<>(this, waiting.iterator());
  }

  /**
   * Returns whether a waiting sequence may take the place of a running one: one of its own tenant
   * without a higher priority, or one of a tenant with more service over weight.
   */
  boolean mayDisplace(S candidate, S running) {
    return candidate.tenant().equals(running.tenant())
        ? running.priority() <= candidate.priority()
        : lane(running).served() > lane(candidate).served();
  }

  /** Returns the sequence that must be admitted next, or null if none waits. */
  public @Nullable S next() {
    return waiting.isEmpty() ? null : waiting.first().queue().next();
  }

  /**
   * Adds a sequence, for the first time or again.
   *
   * @param sequence a sequence that does not wait
   * @param admissionBlocks blocks that the planner would reserve for it
   * @param age the result of {@link #removeAdmitted} when it left last; 0 for a new sequence
   */
  public void add(S sequence, int admissionBlocks, long age) {
    TenantLane<S> lane = lanes.computeIfAbsent(sequence.tenant(), this::newLane);
    boolean waited = !lane.queue().isEmpty();
    lane.queue().add(sequence, admissionBlocks, age);
    size++;
    expectedTokens += lane.queue().expectedTokens(sequence);
    if (!charges.containsKey(sequence.sequenceId())) {
      becomesLive(lane);
    }
    if (!waited) {
      lane.startAt(start());
      waiting.add(lane);
    }
  }

  /**
   * Returns the service at which a tenant starts to wait: the virtual time, but at most the largest
   * service of a waiting tenant.
   */
  private double start() {
    return waiting.isEmpty() ? virtualTime : Math.min(virtualTime, waiting.last().served());
  }

  /**
   * Removes an admitted sequence, charges its tenant, and adds one to the age of the tenant's
   * waiting sequences that arrived before it.
   *
   * @return the age of the sequence
   */
  public long removeAdmitted(S sequence) {
    TenantLane<S> lane = lane(sequence);
    virtualTime = Math.max(virtualTime, lane.settled());
    double charge = charge(sequence);
    waiting.remove(lane);
    leaves(sequence, lane);
    long age = lane.queue().removeAdmitted(sequence);
    lane.charge(charge);
    charges.merge(sequence.sequenceId(), charge, Double::sum);
    if (!lane.queue().isEmpty()) {
      waiting.add(lane);
    }
    return age;
  }

  /**
   * Records that a sequence ends: removes it if it waits, and replaces its charge by its true
   * service. Must be called once for each sequence that was added.
   */
  public void ended(S sequence) {
    TenantLane<S> lane = lane(sequence);
    if (lane.queue().contains(sequence)) {
      take(sequence, lane);
    }
    Double charged = charges.remove(sequence.sequenceId());
    if (charged != null) {
      settle(lane, charged, service(sequence.promptTokens(), sequence.generatedTokens()));
    }
    if (lane.leave()) {
      becomesIdle(lane);
    }
    forgetIdle();
  }

  /**
   * Returns the output tokens expected of the sequences that go before a sequence that has just
   * joined, as the queues are now: of its tenant those that come first in the policy's order or are
   * overdue, and of other tenants as many as their weights allow in the same time. Sequences that
   * arrive later and overtake it do not count. If many tenants wait, the {@value
   * #MAX_SAMPLED_TENANTS} whose turns come first represent all.
   *
   * @return tokens, 0 or more
   */
  public double expectedTokensBefore(S sequence) {
    TenantLane<S> own = lane(sequence);
    double before = own.queue().expectedTokensBefore(sequence);
    return waiting.size() == 1
        ? before
        : before + expectedOfOthers(own, before + own.queue().expectedTokens(sequence));
  }

  /** Returns what other tenants may get while a tenant gets so many tokens. */
  private double expectedOfOthers(TenantLane<S> own, double tokens) {
    double mine = tokens / own.weight();
    double sum = 0;
    int sampled = 0;
    Iterator<TenantLane<S>> lanes = waiting.iterator();
    while (lanes.hasNext() && sampled < MAX_SAMPLED_TENANTS) {
      TenantLane<S> lane = lanes.next();
      if (lane != own) {
        sum += Math.min(lane.queue().expectedTokens(), mine * lane.weight());
        sampled++;
      }
    }
    return sum * (waiting.size() - 1) / sampled;
  }

  /**
   * Returns what an admission would charge the tenant with, in tokens; 0 if it was charged before.
   */
  double charge(S sequence) {
    return charges.containsKey(sequence.sequenceId())
        ? 0
        : service(sequence.promptTokens(), Math.max(1, sequence.prediction().mean()));
  }

  /** Returns the number of tenants that the queues keep. */
  public int tenants() {
    return lanes.size();
  }

  private static double service(int promptTokens, double outputTokens) {
    return promptTokens + OUTPUT_WEIGHT * outputTokens;
  }

  private void take(S sequence, TenantLane<S> lane) {
    leaves(sequence, lane);
    lane.queue().remove(sequence);
    if (lane.queue().isEmpty()) {
      waiting.remove(lane);
    }
  }

  private void leaves(S sequence, TenantLane<S> lane) {
    size--;
    expectedTokens = size == 0 ? 0 : expectedTokens - lane.queue().expectedTokens(sequence);
  }

  /** Replaces a charge by the true service, and moves the tenant to its new turn. */
  private void settle(TenantLane<S> lane, double charge, double actual) {
    virtualTime += actual / liveWeight;
    boolean waits = waiting.remove(lane);
    lane.settle(charge, actual);
    if (waits) {
      waiting.add(lane);
    }
  }

  private TenantLane<S> newLane(String tenant) {
    return new TenantLane<>(tenant, weights.of(tenant), policy, lanesMade++, virtualTime);
  }

  private void becomesLive(TenantLane<S> lane) {
    if (lane.enter()) {
      idle.remove(lane);
      liveWeight += lane.weight();
    }
  }

  private void becomesIdle(TenantLane<S> lane) {
    liveWeight -= lane.weight();
    idle.add(lane);
    if (idle.size()
        == lanes.size()) { // no tenant has sequences: start anew, without rounding errors
      lanes.clear();
      idle.clear();
      virtualTime = 0;
      liveWeight = 0;
    }
  }

  private void forgetIdle() {
    while (!idle.isEmpty() && idle.first().served() <= virtualTime) {
      lanes.remove(idle.pollFirst().tenant());
    }
  }

  private TenantLane<S> lane(S sequence) {
    TenantLane<S> lane = lanes.get(sequence.tenant());
    if (lane == null) {
      throw new IllegalStateException(
          "no live sequence has the tenant of sequence " + sequence.sequenceId());
    }
    return lane;
  }
}
