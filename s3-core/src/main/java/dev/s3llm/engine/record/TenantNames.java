package dev.s3llm.engine.record;

import dev.s3llm.observe.EngineSnapshot;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The tenants that metrics list by name: those with a weight, and the first others that submit. So
 * a client that makes up tenants cannot make the metrics grow. Thread-safe.
 */
public final class TenantNames {
  private final ReentrantLock lock = new ReentrantLock();
  private final Set<String> weighted;
  private final Set<String> first = new HashSet<>();

  /**
   * Creates the names.
   *
   * @param weighted the tenants that have a weight
   */
  public TenantNames(Set<String> weighted) {
    this.weighted = Set.copyOf(weighted);
  }

  /**
   * Returns the name under which a tenant is counted: its own or {@link
   * EngineSnapshot#OTHER_TENANTS}.
   *
   * @param tenant the tenant of a request, not empty
   */
  public String of(String tenant) {
    if (weighted.contains(tenant)) {
      return tenant;
    }
    lock.lock();
    try {
      if (first.contains(tenant)) {
        return tenant;
      }
      return first.size() < EngineSnapshot.MOST_TENANTS && first.add(tenant)
          ? tenant
          : EngineSnapshot.OTHER_TENANTS;
    } finally {
      lock.unlock();
    }
  }
}
