package dev.s3llm.engine.record;

import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.observe.EngineSnapshot.Refused;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Counts refused requests on the threads that submit them: an overloaded loop does no work for
 * them, and a loop that has ended need not. Thread-safe.
 */
public final class RefusalCounts {
  private final ReentrantLock lock = new ReentrantLock();
  private final TenantNames names;
  private final EnumMap<Reason, Long> byReason = new EnumMap<>(Reason.class);
  private final Map<String, Long> byTenant = new HashMap<>();

  /**
   * Creates counters.
   *
   * @param names decides which tenants are counted by name
   */
  public RefusalCounts(TenantNames names) {
    this.names = names;
  }

  /**
   * Counts a refusal.
   *
   * @param tenant the tenant of the request; empty if it has none
   * @param reason why it was refused
   */
  public void count(String tenant, Reason reason) {
    lock.lock();
    try {
      byReason.merge(reason, 1L, Long::sum);
      if (!tenant.isEmpty()) {
        byTenant.merge(names.of(tenant), 1L, Long::sum);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Returns the present counts. */
  public Refused view() {
    lock.lock();
    try {
      return new Refused(byReason, byTenant);
    } finally {
      lock.unlock();
    }
  }
}
