package dev.s3llm.engine.plan;

import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.schedule.SequenceView;

/** One tenant: its waiting sequences, its weight, and what it was given so far. */
final class TenantLane<S extends SequenceView> {
  final String tenant;
  final double weight;
  final WaitingQueue<S> queue;

  /** Ascends with creation; decides between tenants that were served alike. */
  final long index;

  /** Service over weight of its sequences that have ended, in tokens. */
  double settled;

  /** What its sequences that have not ended are charged with, over weight. */
  double charged;

  /** Its sequences that have not ended. */
  int live;

  TenantLane(String tenant, double weight, SchedulingPolicy order, long index, double settled) {
    this.tenant = tenant;
    this.weight = weight;
    this.queue = new WaitingQueue<>(order);
    this.index = index;
    this.settled = settled;
  }

  /** All its service over weight, in tokens. */
  double served() {
    return settled + charged;
  }

  /** Whether its turn comes before that of another. */
  boolean before(double otherServed, long otherIndex) {
    double served = served();
    return served < otherServed || (served == otherServed && index < otherIndex);
  }
}
