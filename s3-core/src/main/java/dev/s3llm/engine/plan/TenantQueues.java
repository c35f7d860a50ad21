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
 * Sequences that wait for memory, a queue for each tenant, and fair shares between tenants by
 * weight. Within a tenant a {@link SchedulingPolicy} decides; between tenants only what they were
 * given. With one tenant there is nothing to share, and its queue is all there is.
 *
 * <p>Shares. A tenant's service counts prompt tokens once and output tokens {@value #OUTPUT_WEIGHT}
 * times, as "Fairness in Serving Large Language Models" (OSDI 2024) does; it is charged with its
 * predicted output when it is admitted first, so that a burst cannot run away before its tokens are
 * counted, and corrected by the true output when it ends. What a preemption makes the engine
 * compute again is not charged. It is always the turn of the tenant with the least service over
 * weight. So two tenants that keep waiting get service in proportion to their weights, up to the
 * one request that each may be ahead and the tokens by which predictions err.
 *
 * <p>Idle tenants save nothing up. Whoever comes to wait starts at the virtual time: the service
 * over weight that a tenant would have by now if it had always waited (start-time fair queueing,
 * SIGCOMM 1996). It advances with the true service of those that end, shared among the tenants that
 * have sequences, and never lies behind what is settled of the tenant admitted last. What still
 * runs does not advance it: so predictions that err put no newcomer behind, and one that meets a
 * batch full of another's sequences gets its share of that as well. Because it advances, newcomers
 * do not pass a tenant for ever, however many there are. A tenant without sequences is forgotten as
 * soon as the virtual time has reached it; so memory is bounded by those that have some, and those
 * lately served.
 *
 * <p>All operations take O(log n). Deterministic. Not thread-safe; a scheduler only reads.
 */
public final class TenantQueues<S extends SequenceView> {
  /** What an output token counts for, in prompt tokens. */
  static final int OUTPUT_WEIGHT = 2;

  /** Tenants that an estimate asks, so that one more request costs no look at all tenants. */
  private static final int MOST_ASKED = 64;

  private static final Comparator<TenantLane<?>> BY_SERVICE =
      Comparator.<TenantLane<?>>comparingDouble(TenantLane::served)
          .thenComparingLong(lane -> lane.index);

  private final SchedulingPolicy order;
  private final TenantWeights weights;
  private final Map<String, TenantLane<S>> lanes = new HashMap<>();

  /** Tenants with somebody waiting. */
  private final TreeSet<TenantLane<S>> waiting = new TreeSet<>(BY_SERVICE);

  /** Tenants without sequences that have had more than the virtual time. */
  private final TreeSet<TenantLane<S>> idle = new TreeSet<>(BY_SERVICE);

  /** What sequences that were admitted and have not ended are charged with, in tokens. */
  private final Map<Long, Double> charges = new HashMap<>();

  private double virtualTime;
  private double liveWeight;
  private long lanesMade;
  private int size;

  /** Creates empty queues for tenants of equal weight. */
  public TenantQueues(SchedulingPolicy order) {
    this(order, TenantWeights.EQUAL);
  }

  /** Creates empty queues. */
  public TenantQueues(SchedulingPolicy order, TenantWeights weights) {
    this.order = order;
    this.weights = weights;
  }

  /** How many wait. */
  public int size() {
    return size;
  }

  /** Whether nobody waits. */
  public boolean isEmpty() {
    return size == 0;
  }

  /** Whether a sequence waits here. */
  public boolean contains(S sequence) {
    TenantLane<S> lane = lanes.get(sequence.tenant());
    return lane != null && lane.queue.contains(sequence);
  }

  /** In which order a plan may admit those that wait, until somebody becomes overdue by that. */
  public Candidates<S> candidates() {
    return new Candidates<>(this, waiting.iterator(), true);
  }

  /** The same order to the end, to look at: {@link Candidates#admitted} goes on to the next. */
  public Candidates<S> everybody() {
    return new Candidates<>(this, waiting.iterator(), false);
  }

  /** The one that must go next if anybody goes, or null. */
  public @Nullable S next() {
    return waiting.isEmpty() ? null : waiting.first().queue.next();
  }

  /**
   * Lets a sequence wait, for the first time or again.
   *
   * @param admissionBlocks what the planner would set aside for it
   * @param age what {@link #removeAdmitted} said when it last left; 0 for a new one
   */
  public void add(S sequence, int admissionBlocks, long age) {
    TenantLane<S> lane = lanes.computeIfAbsent(sequence.tenant(), this::newLane);
    boolean waited = !lane.queue.isEmpty();
    lane.queue.add(sequence, admissionBlocks, age);
    size++;
    if (!charges.containsKey(sequence.sequenceId())) {
      becomesLive(lane);
    }
    if (!waited) {
      lane.settled = Math.max(lane.settled, start());
      waiting.add(lane);
    }
  }

  /** Where a tenant starts that comes to wait: behind nobody who has had more. */
  private double start() {
    return waiting.isEmpty() ? virtualTime : Math.min(virtualTime, waiting.last().served());
  }

  /**
   * Takes an admitted sequence out, charges its tenant, ages those of the tenant that still wait by
   * one, and returns its age.
   */
  public long removeAdmitted(S sequence) {
    TenantLane<S> lane = lane(sequence);
    virtualTime = Math.max(virtualTime, lane.settled);
    double charge = charge(sequence);
    waiting.remove(lane);
    long age = lane.queue.removeAdmitted(sequence);
    size--;
    lane.charged += charge / lane.weight;
    charges.merge(sequence.sequenceId(), charge, Double::sum);
    if (!lane.queue.isEmpty()) {
      waiting.add(lane);
    }
    return age;
  }

  /**
   * Notes that a sequence ends: takes it out if it waits, and corrects what its tenant was charged
   * with. Must be called once for each sequence that was added.
   */
  public void ended(S sequence) {
    TenantLane<S> lane = lane(sequence);
    if (lane.queue.contains(sequence)) {
      take(sequence, lane);
    }
    Double charged = charges.remove(sequence.sequenceId());
    if (charged != null) {
      settle(lane, charged, service(sequence.promptTokens(), sequence.generatedTokens()));
    }
    lane.live--;
    if (lane.live == 0) {
      becomesIdle(lane);
    }
    forgetIdle();
  }

  /**
   * Output tokens expected of those that go before a sequence that has just joined: in its own
   * queue, all; of other tenants, as many as their weights let pass meanwhile. Assumes arrival
   * order within a tenant. Of many tenants that wait, the {@value #MOST_ASKED} whose turn comes
   * first stand for all.
   */
  public double expectedTokensBefore(S sequence) {
    TenantLane<S> own = lane(sequence);
    double before = own.queue.expectedTokens() - own.queue.expectedTokens(sequence);
    double others = 0;
    if (waiting.size() > 1) {
      others = expectedOfOthers(own);
    }
    return Math.max(0, before + others);
  }

  private double expectedOfOthers(TenantLane<S> own) {
    double mine = own.queue.expectedTokens() / own.weight;
    double sum = 0;
    int asked = 0;
    Iterator<TenantLane<S>> lanes = waiting.iterator();
    while (lanes.hasNext() && asked < MOST_ASKED) {
      TenantLane<S> lane = lanes.next();
      if (lane != own) {
        sum += Math.min(lane.queue.expectedTokens(), mine * lane.weight);
        asked++;
      }
    }
    return sum * (waiting.size() - 1) / asked;
  }

  /** What its admission adds to its tenant's service, in tokens; nothing if it was charged. */
  double charge(S sequence) {
    return charges.containsKey(sequence.sequenceId())
        ? 0
        : service(sequence.promptTokens(), Math.max(1, sequence.prediction().mean()));
  }

  /** How many tenants are remembered. */
  public int tenants() {
    return lanes.size();
  }

  private static double service(int promptTokens, double outputTokens) {
    return promptTokens + OUTPUT_WEIGHT * outputTokens;
  }

  private void take(S sequence, TenantLane<S> lane) {
    lane.queue.remove(sequence);
    size--;
    if (lane.queue.isEmpty()) {
      waiting.remove(lane);
    }
  }

  /** Puts the true service in the place of the charge; the tenant's turn moves with it. */
  private void settle(TenantLane<S> lane, double charge, double actual) {
    virtualTime += actual / liveWeight;
    boolean waits = waiting.remove(lane);
    lane.charged -= charge / lane.weight;
    lane.settled += actual / lane.weight;
    if (waits) {
      waiting.add(lane);
    }
  }

  private TenantLane<S> newLane(String tenant) {
    return new TenantLane<>(tenant, weights.of(tenant), order, lanesMade++, virtualTime);
  }

  private void becomesLive(TenantLane<S> lane) {
    if (lane.live++ == 0) {
      idle.remove(lane);
      liveWeight += lane.weight;
    }
  }

  private void becomesIdle(TenantLane<S> lane) {
    liveWeight -= lane.weight;
    lane.charged = 0; // but for rounding errors it is
    idle.add(lane);
    if (idle.size() == lanes.size()) { // nobody is owed anything, and rounding errors end here
      lanes.clear();
      idle.clear();
      virtualTime = 0;
      liveWeight = 0;
    }
  }

  private void forgetIdle() {
    while (!idle.isEmpty() && idle.first().served() <= virtualTime) {
      lanes.remove(idle.pollFirst().tenant);
    }
  }

  private TenantLane<S> lane(S sequence) {
    TenantLane<S> lane = lanes.get(sequence.tenant());
    if (lane == null) {
      throw new IllegalStateException(
          "nothing waits or runs of the tenant of sequence " + sequence.sequenceId());
    }
    return lane;
  }
}
