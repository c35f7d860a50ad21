package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.simulate.SimulationResult.Group;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class OutcomeGroupsTest {
  private static final long SECOND = 1_000_000_000L;

  @Test
  void classes_endAtPowersOfTwo() {
    int[] lengths = {1, 16, 17, 32, 33, 100, 1 << 24};
    List<Trace.Request> requests = new ArrayList<>();
    for (int length : lengths) {
      requests.add(new Trace.Request(0, 1, length, 0));
    }

    List<Group> groups = groups(requests).byLength();

    assertThat(groups)
        .extracting(Group::name)
        .containsExactly("1-16", "17-32", "33-64", "65-128", "8388609-16777216");
    assertThat(groups).extracting(Group::requests).containsExactly(2, 2, 1, 1, 1);
  }

  @Test
  void limit_decidesTheClass() {
    Trace.Terms terms = new Trace.Terms(20, 0, Long.MAX_VALUE, "", Long.MAX_VALUE);

    assertThat(groups(List.of(new Trace.Request(0, 1, 500, 0, terms))).byLength())
        .extracting(Group::name)
        .containsExactly("17-32");
  }

  @Test
  void tenants_haveTheirOwnLatencies_theLargestFirst() {
    List<Trace.Request> requests = new ArrayList<>();
    for (int i = 0; i < 250; i++) {
      requests.add(new Trace.Request(0, 1, 5, 0, i < 50 ? "b" : i < 80 ? "" : "t" + i));
    }

    List<Group> groups = groups(requests).byTenant();

    assertThat(groups).hasSize(100);
    assertThat(groups.get(0).name()).isEqualTo("b");
    assertThat(groups.get(1).name()).isEmpty();
    assertThat(groups.get(1).finished()).isEqualTo(30);
    SimulationResult.Latency latency = groups.get(0).latency(); // of requests 0 to 49
    assertThat(latency.totalSeconds()).isEqualTo(new SimulationResult.Quantiles(34.5, 34, 54, 59));
    assertThat(latency.queueSeconds().mean()).isEqualTo(1);
    assertThat(latency.slowdown().mean()).isEqualTo(34.5 / 2);
  }

  @Test
  void unfinishedRequests_haveATimeToTheFirstTokenOnly() {
    Trace trace = new Trace(List.of(new Trace.Request(0, 1, 5, 0)));
    SimulationResult.RequestOutcome cut =
        new SimulationResult.RequestOutcome(0, false, 1, 0, 0, 2 * SECOND, 3 * SECOND, SECOND);

    Group group = SimulationResult.Groups.of(trace, List.of(cut)).byTenant().get(0);

    assertThat(group.requests()).isEqualTo(1);
    assertThat(group.finished()).isZero();
    assertThat(group.latency().ttftSeconds().p99()).isEqualTo(2);
    assertThat(group.latency().totalSeconds().mean()).isNaN();
  }

  /** Groups requests of which number i takes 10 + i seconds. */
  private static SimulationResult.Groups groups(List<Trace.Request> requests) {
    List<SimulationResult.RequestOutcome> outcomes = new ArrayList<>();
    for (int i = 0; i < requests.size(); i++) {
      outcomes.add(
          new SimulationResult.RequestOutcome(
              i, true, 5, 0, SECOND, 2 * SECOND, (10 + i) * SECOND, 2 * SECOND));
    }
    return SimulationResult.Groups.of(new Trace(requests), outcomes);
  }
}
