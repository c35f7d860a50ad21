package dev.s3llm.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.memory.KvBlockPool;
import dev.s3llm.memory.SequenceView;
import dev.s3llm.observe.EngineSnapshot;
import java.util.HashSet;
import java.util.Set;

/** What must hold between any two passes of the loop. Numbers refer to the invariants tested. */
final class EngineOracle {
  private EngineOracle() {}

  static void assertValid(EngineLoop loop) {
    assertStatesDisjoint(loop);
    assertBlocksOwnedOnce(loop);
    assertConserved(loop);
    assertReservationsCover(loop);
    assertSnapshotTrue(loop);
  }

  /** Each live sequence is in exactly one place (7). */
  private static void assertStatesDisjoint(EngineLoop loop) {
    int waiting = 0;
    int running = 0;
    for (Sequence sequence : loop.state().live.values()) {
      boolean waits = loop.state().waiting.contains(sequence);
      boolean runs = loop.state().running.contains(sequence);
      check(waits == (sequence.state == SequenceState.WAITING), "waiting", sequence);
      check(runs == (sequence.state == SequenceState.RUNNING), "running", sequence);
      check(runs == (sequence.deviceLease != null), "device lease", sequence);
      check(sequence.swappedTokens() == 0 || sequence.hostLease != null, "host lease", sequence);
      waiting += waits ? 1 : 0;
      running += runs ? 1 : 0;
    }
    assertThat(loop.state().waiting.size()).isEqualTo(waiting);
    assertThat(loop.state().running).hasSize(running);
  }

  /** No block belongs to two (3), and the ledger knows the owner. */
  private static void assertBlocksOwnedOnce(EngineLoop loop) {
    Set<Integer> seen = new HashSet<>();
    for (Sequence sequence : loop.state().running) {
      for (int i = 0; i < sequence.blockCount(); i++) {
        int block = sequence.block(i);
        check(seen.add(block), "block owned twice", sequence);
        check(
            loop.state().device.ownerOf(block) == sequence.sequenceId(), "ledger owner", sequence);
      }
    }
  }

  /** Free and held blocks make up the pool, and every lease has a holder (1, 2). */
  private static void assertConserved(EngineLoop loop) {
    int expected = loop.state().running.size();
    int reserved = 0;
    for (Sequence sequence : loop.state().live.values()) {
      expected += sequence.hostLease == null ? 0 : 1;
      reserved += sequence.reservedBlocks();
    }
    StepInFlight step = loop.state().inFlight;
    int fenced = step == null ? 0 : step.fenced.size();
    KvBlockPool device = loop.state().device;
    KvBlockPool host = loop.state().host;
    assertThat(device.leases() + host.leases()).as("leases").isEqualTo(expected + fenced);
    assertThat(device.free() + device.allocated()).isEqualTo(device.capacity());
    assertThat(device.reserved()).isBetween(reserved, device.capacity());
    if (fenced == 0) {
      assertThat(device.reserved()).as("reserved blocks").isEqualTo(reserved);
    }
  }

  /** Whoever runs has reserved what it holds, and holds what its tokens fill (4). */
  private static void assertReservationsCover(EngineLoop loop) {
    int blockTokens = loop.state().profile.blockTokens();
    for (Sequence sequence : loop.state().running) {
      int held = sequence.blockCount();
      check(held <= sequence.reservedBlocks(), "holds more than reserved", sequence);
      check(sequence.kvTokens() <= held * blockTokens, "tokens without blocks", sequence);
      check(sequence.generatedTokens() <= sequence.maxNewTokens(), "beyond its limit", sequence);
    }
  }

  /** The snapshot equals the ledger (25). */
  private static void assertSnapshotTrue(EngineLoop loop) {
    EngineSnapshot snapshot = loop.snapshot();
    assertThat(snapshot.live()).as("live").isEqualTo(loop.state().live.size());
    assertThat(snapshot.waiting()).isEqualTo(loop.state().waiting.size());
    assertThat(snapshot.running()).isEqualTo(loop.state().running.size());
    assertThat(snapshot.reservedBlocks()).isEqualTo(loop.state().device.reserved());
    assertThat(snapshot.allocatedBlocks()).isEqualTo(loop.state().device.allocated());
  }

  private static void check(boolean holds, String what, SequenceView sequence) {
    if (!holds) {
      throw new AssertionError(what + ": " + sequence);
    }
  }
}
