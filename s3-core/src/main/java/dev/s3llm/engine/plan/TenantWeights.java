package dev.s3llm.engine.plan;

import java.util.Map;

/**
 * The weights of tenants. Tenants that need service at the same time share it in proportion to
 * their weights. Immutable.
 *
 * @param weights weight by tenant name, from 1e-6 to 1e6; all other tenants have weight 1
 */
public record TenantWeights(Map<String, Double> weights) {
  /** The same weight for all tenants. */
  public static final TenantWeights EQUAL = new TenantWeights(Map.of());

  private static final double LARGEST = 1e6;

  /**
   * Copies and validates the weights.
   *
   * @throws IllegalArgumentException if a weight is out of range
   */
  public TenantWeights {
    weights = Map.copyOf(weights);
    weights.forEach(
        (tenant, weight) -> {
          if (!(weight >= 1 / LARGEST && weight <= LARGEST)) {
            throw new IllegalArgumentException(
                "tenantWeights must be from 1e-6 to 1e6, but that of \"%s\" is %s"
                    .formatted(tenant, weight));
          }
        });
  }

  /** Returns the weight of a tenant. */
  public double of(String tenant) {
    return weights.getOrDefault(tenant, 1.0);
  }
}
