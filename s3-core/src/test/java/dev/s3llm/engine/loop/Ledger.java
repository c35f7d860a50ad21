package dev.s3llm.engine.loop;

import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.observe.EngineSnapshot;
import java.util.ArrayList;
import java.util.List;

/** A read-only view of a loop's state for checkers, valid between passes and during one. */
public final class Ledger {
  private final EngineLoop loop;
  private final EngineState state;

  /** Creates the view. */
  public Ledger(EngineLoop loop) {
    this.loop = loop;
    this.state = loop.state();
  }

  /**
   * A live request.
   *
   * @param queued whether it is in the waiting queue
   * @param listed whether it is in the list of running sequences
   * @param state its own state
   * @param deviceBlocks its block table; null without a lease
   * @param hostBlocks host blocks of its swapped KV; null without a lease
   */
  @SuppressWarnings("ArrayRecordComponent") // read once, never compared
  public record Entry(
      long sequenceId,
      String requestId,
      boolean queued,
      boolean listed,
      String state,
      int[] deviceBlocks,
      int reservedBlocks,
      int[] hostBlocks,
      int kvTokens,
      int swappedTokens,
      int generatedTokens,
      int maxNewTokens) {}

  /** Returns all live requests of the loop. */
  public List<Entry> live() {
    List<Entry> entries = new ArrayList<>(state.live.size());
    for (Sequence sequence : state.live.values()) {
      entries.add(entry(sequence));
    }
    return entries;
  }

  private Entry entry(Sequence sequence) {
    KvBlockPool.Lease host = sequence.host();
    return new Entry(
        sequence.sequenceId(),
        sequence.requestId(),
        state.waiting.contains(sequence),
        state.running.contains(sequence),
        sequence.state().name(),
        sequence.deviceIfHeld() == null ? null : table(sequence.device()),
        sequence.reservedBlocks(),
        host == null ? null : table(host),
        sequence.kvTokens(),
        sequence.swappedTokens(),
        sequence.generatedTokens(),
        sequence.maxNewTokens());
  }

  /** Returns the request id of a sequence in a batch. */
  public static String requestId(SequenceStep step) {
    return ((Sequence) step).requestId();
  }

  /** Returns the blocks reserved for a sequence in a batch. */
  public static int reservedBlocks(SequenceStep step) {
    return ((Sequence) step).reservedBlocks();
  }

  /** Returns whether a request is live. */
  public boolean isLive(long sequenceId) {
    return state.live.containsKey(sequenceId);
  }

  /** Returns the pool of the device. */
  public KvBlockPool device() {
    return state.device;
  }

  /** Returns the pool of the host. */
  public KvBlockPool host() {
    return state.host;
  }

  /** Returns the token slots of a block. */
  public int blockTokens() {
    return state.profile.blockTokens();
  }

  /** Returns the size of the waiting queue. */
  public int waiting() {
    return state.waiting.size();
  }

  /** Returns the number of running sequences. */
  public int running() {
    return state.running.size();
  }

  /** Returns the number of tenants that the queue keeps. */
  public int tenants() {
    return state.waiting.tenants();
  }

  /** Returns the number of leases that wait for the end of the step in flight. */
  public int fencedLeases() {
    return state.inFlight == null ? 0 : state.inFlight.fenced().size();
  }

  /** Returns the tables of those leases, device and host. */
  public List<int[]> fencedTables() {
    List<int[]> tables = new ArrayList<>();
    if (state.inFlight != null) {
      state.inFlight.fenced().forEach(lease -> tables.add(table(lease)));
    }
    return tables;
  }

  /** Returns the blocks that those leases have reserved beyond the allocated ones. */
  public int fencedUnused() {
    return state.inFlight == null
        ? 0
        : state.inFlight.fenced().stream().mapToInt(l -> l.reserved() - l.allocated()).sum();
  }

  /** Returns the block table of a lease. */
  private static int[] table(KvBlockPool.Lease lease) {
    int[] blocks = new int[lease.allocated()];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = lease.block(i);
    }
    return blocks;
  }

  /** Returns the number of blocks that can be found by their tokens. */
  public int findableBlocks() {
    return state.prefixes.findable();
  }

  /** Returns whether a running sequence cannot go on before the mask of its constraint is there. */
  public boolean awaitsMasks() {
    return state.running.stream().anyMatch(Sequence::awaitsMask);
  }

  /** Returns whether a step is in flight. */
  public boolean stepInFlight() {
    return loop.stepInFlight();
  }

  /** Returns whether no request is live, no command queued, and no step in flight. */
  public boolean idle() {
    return loop.idle();
  }

  /** Returns the time of the next alarm. */
  public long nextAlarmNanos() {
    return loop.nextAlarmNanos();
  }

  /** Returns the snapshot that callers get. */
  public EngineSnapshot snapshot() {
    return loop.snapshot();
  }
}
