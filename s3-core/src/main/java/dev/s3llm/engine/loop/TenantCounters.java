package dev.s3llm.engine.loop;

import dev.s3llm.engine.record.TenantNames;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.observe.EngineSnapshot.Tenant;
import dev.s3llm.observe.FinishReason;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Counts the requests of each tenant, of few by name and of the others together. Only the loop's
 * thread uses it.
 */
final class TenantCounters {
  private final TenantNames names;
  private final Map<String, Entry> entries = new HashMap<>();
  private @Nullable Map<String, Tenant> view = Map.of();

  TenantCounters(TenantNames names) {
    this.names = names;
  }

  /** Counts a request that was accepted. */
  void accepted(Sequence sequence) {
    Entry entry = entry(sequence);
    if (entry != null) {
      entry.submitted++;
      entry.promptTokens += sequence.promptTokens();
    }
  }

  /** Records the first admission of a request. */
  void admitted(Sequence sequence, long queuedNanos) {
    Entry entry = entry(sequence);
    if (entry != null) {
      entry.times.admitted(queuedNanos);
    }
  }

  /** Records the first token of a request. */
  void firstToken(Sequence sequence, long nanos) {
    Entry entry = entry(sequence);
    if (entry != null) {
      entry.times.firstToken(nanos);
    }
  }

  /** Records the end of a request. */
  void ended(Sequence sequence, FinishReason reason, SequenceOutcome.Timing timing) {
    Entry entry = entry(sequence);
    if (entry != null) {
      entry.outputTokens += sequence.committedTokens();
      entry.times.ended(sequence, reason, timing);
    }
  }

  /** Returns the entry of a sequence's tenant, for a change; null if it has no tenant. */
  private @Nullable Entry entry(Sequence sequence) {
    String tenant = sequence.spec().standing().tenant();
    if (tenant.isEmpty()) {
      return null;
    }
    view = null;
    return entries.computeIfAbsent(names.of(tenant), name -> new Entry());
  }

  /** Returns the present counts. Makes a new copy only if they have changed since. */
  Map<String, Tenant> view() {
    Map<String, Tenant> current = view;
    if (current == null) {
      Map<String, Tenant> copied = new HashMap<>();
      entries.forEach((name, entry) -> copied.put(name, entry.view()));
      current = Map.copyOf(copied);
      view = current;
    }
    return current;
  }

  /** The counters of a tenant, or of all tenants without an entry of their own. */
  private static final class Entry {
    private final RequestTimes times = new RequestTimes();
    private long submitted;
    private long promptTokens;
    private long outputTokens;

    Tenant view() {
      return new Tenant(submitted, promptTokens, outputTokens, times.view());
    }
  }
}
