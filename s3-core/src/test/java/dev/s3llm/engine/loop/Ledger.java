package dev.s3llm.engine.loop;

import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.observe.EngineSnapshot;
import java.util.ArrayList;
import java.util.List;

/** What a loop owns, for checkers to read: a view, true between passes and while one is made. */
public final class Ledger {
  private final EngineLoop loop;
  private final EngineState state;

  /** Looks into a loop. */
  public Ledger(EngineLoop loop) {
    this.loop = loop;
    this.state = loop.state();
  }

  /**
   * One live request.
   *
   * @param queued whether the waiting queue holds it
   * @param listed whether it is listed as running
   * @param state where it says that it is
   * @param deviceBlocks its block table; null without a lease
   * @param hostBlocks blocks of its copy in host memory; -1 without one
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
      int hostBlocks,
      int kvTokens,
      int swappedTokens,
      int generatedTokens,
      int maxNewTokens) {}

  /** Every request that was taken in and has not ended. */
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
        sequence.deviceIfHeld() == null ? null : table(sequence),
        sequence.reservedBlocks(),
        host == null ? -1 : host.allocated(),
        sequence.kvTokens(),
        sequence.swappedTokens(),
        sequence.generatedTokens(),
        sequence.maxNewTokens());
  }

  private static int[] table(Sequence sequence) {
    int[] blocks = new int[sequence.blockCount()];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = sequence.block(i);
    }
    return blocks;
  }

  /** The request that a part of a batch belongs to. */
  public static String requestId(SequenceStep step) {
    return ((Sequence) step).requestId();
  }

  /** Blocks set aside for the part of a batch. */
  public static int reservedBlocks(SequenceStep step) {
    return ((Sequence) step).reservedBlocks();
  }

  /** Whether a request is live. */
  public boolean isLive(long sequenceId) {
    return state.live.containsKey(sequenceId);
  }

  /** The device's pool. */
  public KvBlockPool device() {
    return state.device;
  }

  /** The host's pool. */
  public KvBlockPool host() {
    return state.host;
  }

  /** Token slots of a block. */
  public int blockTokens() {
    return state.profile.blockTokens();
  }

  /** How many wait, by the queue's own count. */
  public int waiting() {
    return state.waiting.size();
  }

  /** How many run. */
  public int running() {
    return state.running.size();
  }

  /** Tenants that the queue remembers. */
  public int tenants() {
    return state.waiting.tenants();
  }

  /** Leases that wait for the step in flight. */
  public int fencedLeases() {
    return state.inFlight == null ? 0 : state.inFlight.fenced().size();
  }

  /** Blocks of those leases, device and host. */
  public int fencedBlocks() {
    return state.inFlight == null
        ? 0
        : state.inFlight.fenced().stream().mapToInt(KvBlockPool.Lease::reserved).sum();
  }

  /** Whether a step is in flight. */
  public boolean stepInFlight() {
    return loop.stepInFlight();
  }

  /** Whether nothing is live, queued or in flight. */
  public boolean idle() {
    return loop.idle();
  }

  /** When the loop next has something to do by itself. */
  public long nextAlarmNanos() {
    return loop.nextAlarmNanos();
  }

  /** What the engine's callers are told. */
  public EngineSnapshot snapshot() {
    return loop.snapshot();
  }
}
