package dev.s3llm.engine.plan;

import java.util.Map;

/**
 * How much of the service each tenant is to get, against the others that want some at the same
 * time. Immutable.
 *
 * @param weights of tenants by name; all others have weight 1
 */
public record TenantWeights(Map<String, Double> weights) {
  /** All tenants alike. */
  public static final TenantWeights EQUAL = new TenantWeights(Map.of());

  private static final double LARGEST = 1e6;

  /** Validates that weights are from 1e-6 to 1e6. */
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

  /** The weight of a tenant. */
  public double of(String tenant) {
    return weights.getOrDefault(tenant, 1.0);
  }
}
