package dev.s3llm.simulate;

import dev.s3llm.simulate.SimulationResult.Group;
import dev.s3llm.simulate.SimulationResult.Latency;
import dev.s3llm.simulate.SimulationResult.RequestOutcome;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Groups the outcomes of a run by length class and by tenant. A request belongs to the class of its
 * true length, or of its output limit if that is less, so that its class does not depend on how it
 * ended. Immutable.
 *
 * @param trace the requests
 * @param outcomes the outcomes of these requests
 */
record OutcomeGroups(Trace trace, Collection<RequestOutcome> outcomes) {
  private static final int SHORTEST_CLASS = 16;
  private static final int MOST_TENANTS = 100;

  SimulationResult.Groups groups() {
    return new SimulationResult.Groups(byLength(), byTenant());
  }

  private List<Group> byLength() {
    Map<Integer, List<RequestOutcome>> classes = new TreeMap<>();
    for (RequestOutcome outcome : outcomes) {
      classes.computeIfAbsent(lastLength(outcome), unused -> new ArrayList<>()).add(outcome);
    }
    return classes.entrySet().stream()
        .map(c -> group(className(c.getKey()), c.getValue()))
        .toList();
  }

  /** Returns the longest length of the class of a request. */
  private int lastLength(RequestOutcome outcome) {
    Trace.Request request = trace.requests().get(outcome.request());
    int length = Math.min(request.outputTokens(), request.maxNewTokens(1 << 30));
    return length <= SHORTEST_CLASS ? SHORTEST_CLASS : 2 * Integer.highestOneBit(length - 1);
  }

  private static String className(int last) {
    return (last == SHORTEST_CLASS ? 1 : last / 2 + 1) + "-" + last;
  }

  private List<Group> byTenant() {
    Map<String, List<RequestOutcome>> tenants = new HashMap<>();
    for (RequestOutcome outcome : outcomes) {
      String tenant = trace.requests().get(outcome.request()).tenant();
      tenants.computeIfAbsent(tenant, unused -> new ArrayList<>()).add(outcome);
    }
    Comparator<Map.Entry<String, List<RequestOutcome>>> largest =
        Comparator.comparingInt(tenant -> -tenant.getValue().size());
    return tenants.entrySet().stream()
        .sorted(largest.thenComparing(Map.Entry::getKey))
        .limit(MOST_TENANTS)
        .map(tenant -> group(tenant.getKey(), tenant.getValue()))
        .toList();
  }

  private static Group group(String name, List<RequestOutcome> outcomes) {
    int finished = (int) outcomes.stream().filter(RequestOutcome::finished).count();
    return new Group(name, outcomes.size(), finished, Latency.of(outcomes));
  }
}
