package dev.s3llm.engine.plan;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The places for live requests, which tenants share by weight.
 *
 * <p>A tenant's share is its part of all places by weight, among the tenants that hold places. A
 * tenant below its share may take any free place. Other tenants may not take the last quarter of
 * the places. So a tenant that submits without pause leaves room for one that comes later, and a
 * tenant below its share is refused only while every place is taken. A tenant that is above its
 * share when others come keeps its places and gets no new ones until its requests have ended.
 *
 * <p>While the engine knows a single tenant, that tenant may take all places. It knows several once
 * weights are set or a second tenant has asked.
 *
 * <p>Thread-safe.
 */
public final class TenantPlaces {
  /** The part of the places that is kept for tenants below their share: one in so many. */
  private static final int KEPT_ONE_IN = 4;

  /** Makes a tenant that holds exactly its share not be below it, whatever the rounding errors. */
  private static final double EXACTLY = 1 - 1e-9;

  private final int limit;
  private final TenantWeights weights;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Integer> held = new HashMap<>();
  private int taken;

  /** The weight of the tenants that hold places. */
  private double weight;

  private @Nullable String firstTenant;
  private boolean several;

  /**
   * Creates free places.
   *
   * @param limit number of places, at least 1
   * @param weights the weights of the tenants
   */
  public TenantPlaces(int limit, TenantWeights weights) {
    this.limit = limit;
    this.weights = weights;
    this.several = !weights.weights().isEmpty();
  }

  /** Returns the number of places. */
  public int limit() {
    return limit;
  }

  /** Returns the number of places that a tenant holds. */
  public int held(String tenant) {
    lock.lock();
    try {
      return held.getOrDefault(tenant, 0);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes a place.
   *
   * @param tenant the tenant of the request
   * @return whether the tenant has got a place
   */
  public boolean take(String tenant) {
    lock.lock();
    try {
      several |= firstTenant != null && !firstTenant.equals(tenant);
      firstTenant = firstTenant == null ? tenant : firstTenant;
      int kept = several ? limit / KEPT_ONE_IN : 0;
      if (taken >= limit || (taken >= limit - kept && !belowShare(tenant))) {
        return false;
      }
      taken++;
      if (held.merge(tenant, 1, Integer::sum) == 1) {
        weight += weights.of(tenant);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private boolean belowShare(String tenant) {
    int own = held.getOrDefault(tenant, 0);
    double all = own == 0 ? weight + weights.of(tenant) : weight;
    boolean alone = held.size() == (own == 0 ? 0 : 1);
    return !alone && own < limit * weights.of(tenant) / all * EXACTLY;
  }

  /**
   * Gives a place back.
   *
   * @param tenant a tenant that holds a place
   */
  public void release(String tenant) {
    lock.lock();
    try {
      taken--;
      if (held.merge(tenant, -1, TenantPlaces::orNull) == null) {
        weight = held.isEmpty() ? 0 : weight - weights.of(tenant); // 0: without rounding errors
      }
    } finally {
      lock.unlock();
    }
  }

  private static @Nullable Integer orNull(Integer places, Integer change) {
    return places + change == 0 ? null : places + change;
  }
}
