package dev.s3llm.engine.plan;

import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.schedule.SequenceView;

/**
 * One tenant: its waiting sequences, its weight, and its account of service. Service is in tokens
 * over weight. The account has two parts: what is settled by sequences that have ended, and what
 * sequences that have not ended are charged with. Not thread-safe.
 */
final class TenantLane<S extends SequenceView> {
  private final String tenant;
  private final double weight;
  private final WaitingQueue<S> queue;
  private final long index;
  private double settled;
  private double charged;
  private int live;

  /**
   * Creates the lane of a tenant without sequences.
   *
   * @param index order of creation; decides between tenants with equal service
   * @param settled service over weight at which the account starts
   */
  TenantLane(String tenant, double weight, SchedulingPolicy policy, long index, double settled) {
    this.tenant = tenant;
    this.weight = weight;
    this.queue = new WaitingQueue<>(policy);
    this.index = index;
    this.settled = settled;
  }

  /** Returns the name of the tenant. */
  String tenant() {
    return tenant;
  }

  /** Returns the weight of the tenant. */
  double weight() {
    return weight;
  }

  /** Returns the waiting sequences of the tenant. */
  WaitingQueue<S> queue() {
    return queue;
  }

  /** Returns the order of creation. */
  long index() {
    return index;
  }

  /** Returns all service over weight: settled and charged. */
  double served() {
    return settled + charged;
  }

  /** Returns the service over weight of the sequences that have ended. */
  double settled() {
    return settled;
  }

  /** Raises the settled service to this value if it is lower. */
  void startAt(double start) {
    settled = Math.max(settled, start);
  }

  /** Charges the tenant with service of a sequence that starts, in tokens. */
  void charge(double tokens) {
    charged += tokens / weight;
  }

  /**
   * Replaces the charge of a sequence that ends by its true service.
   *
   * @param charge the charge, in tokens
   * @param actual the true service, in tokens
   */
  void settle(double charge, double actual) {
    charged -= charge / weight;
    settled += actual / weight;
  }

  /** Adds a sequence that has not ended; returns whether it is the only one. */
  boolean enter() {
    live++;
    return live == 1;
  }

  /** Removes a sequence that ends; returns whether none is left. */
  boolean leave() {
    live--;
    if (live == 0) {
      charged = 0; // no sequence is charged; what is left is a rounding error
    }
    return live == 0;
  }

  /** Returns whether the tenant's turn comes before the turn of another tenant. */
  boolean before(double otherServed, long otherIndex) {
    double served = served();
    return served < otherServed || (served == otherServed && index < otherIndex);
  }
}
