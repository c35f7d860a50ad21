package dev.s3llm.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

final class TenantPlacesTest {
  private static final TenantWeights B_IS_HEAVY = new TenantWeights(Map.of("b", 100.0));

  @Test
  void onlyTenant_takesAllPlaces() {
    TenantPlaces places = new TenantPlaces(10, TenantWeights.EQUAL);

    assertThat(takeAll(places, "a")).isEqualTo(10);
    assertThat(places.held("a")).isEqualTo(10);
  }

  @Test
  void tenantThatComesLater_findsPlaces() {
    TenantPlaces places = new TenantPlaces(1_000, B_IS_HEAVY);

    assertThat(takeAll(places, "a")).isEqualTo(750);
    assertThat(takeAll(places, "b")).isEqualTo(250);
  }

  @Test
  void tenantAboveItsShare_givesWayAsItsRequestsEnd() {
    TenantPlaces places = new TenantPlaces(1_000, B_IS_HEAVY);
    takeAll(places, "a");
    takeAll(places, "b");
    for (int i = 0; i < 740; i++) {
      places.release("a");
      assertThat(places.take("a")).isFalse();
      assertThat(places.take("b")).isTrue();
    }
    assertThat(places.held("b")).isEqualTo(990); // 1,000 x 100 / 101
    places.release("a");
    assertThat(places.take("b")).isTrue(); // 990.1 places are its share
    places.release("b");
    assertThat(places.take("a")).isTrue();
  }

  @Test
  void secondTenantWithoutWeights_getsTheNextFreePlaces() {
    TenantPlaces places = new TenantPlaces(100, TenantWeights.EQUAL);
    takeAll(places, "a");
    assertThat(places.take("b")).isFalse();
    for (int i = 0; i < 50; i++) {
      places.release("a");
      assertThat(places.take("a")).isFalse();
      assertThat(places.take("b")).isTrue();
    }
    places.release("a");
    assertThat(places.take("b")).isFalse(); // it has its half
    assertThat(places.take("a")).isTrue();
  }

  @Property(tries = 300)
  void tenantBelowItsShare_isRefusedOnlyIfAllPlacesAreTaken(@ForAll long seed) {
    Random random = new Random(seed);
    Map<String, Double> weights = Map.of("t0", 0.1 + 9 * random.nextDouble(), "t1", 3.0);
    int limit = 1 + random.nextInt(40);
    TenantPlaces places = new TenantPlaces(limit, new TenantWeights(weights));
    Map<String, Integer> held = new HashMap<>();
    List<String> holders = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      if (!holders.isEmpty() && random.nextInt(3) == 0) {
        String tenant = holders.remove(random.nextInt(holders.size()));
        places.release(tenant);
        held.computeIfPresent(tenant, (t, n) -> n == 1 ? null : n - 1);
      } else {
        String tenant = "t" + random.nextInt(4);
        boolean taken = places.take(tenant);
        double all =
            held.keySet().stream().mapToDouble(t -> weights.getOrDefault(t, 1.0)).sum()
                + (held.containsKey(tenant) ? 0 : weights.getOrDefault(tenant, 1.0));
        double share = limit * weights.getOrDefault(tenant, 1.0) / all;
        boolean alone = held.isEmpty() || (held.size() == 1 && held.containsKey(tenant));
        boolean below = !alone && held.getOrDefault(tenant, 0) < share - 1e-6;
        int kept = below ? 0 : limit / 4;
        if (holders.size() < limit - kept) {
          assertThat(taken).isTrue();
        } else if (holders.size() >= limit) {
          assertThat(taken).isFalse();
        }
        if (taken) {
          holders.add(tenant);
          held.merge(tenant, 1, Integer::sum);
        }
      }
      held.forEach((tenant, count) -> assertThat(places.held(tenant)).isEqualTo(count));
    }
  }

  private static int takeAll(TenantPlaces places, String tenant) {
    int taken = 0;
    while (places.take(tenant)) {
      taken++;
    }
    return taken;
  }
}
