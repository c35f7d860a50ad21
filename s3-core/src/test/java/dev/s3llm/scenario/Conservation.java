package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.engine.sequence.KvBlockPool;

/** Each pool is the sum of its free and owned blocks, and every lease has an owner (1, 2). */
final class Conservation extends Checker {
  @Override
  void passed(Seen seen) {
    Ledger ledger = seen.ledger();
    int leases = ledger.fencedLeases();
    long reserved = ledger.fencedBlocks();
    for (Ledger.Entry entry : seen.live()) {
      leases += entry.deviceBlocks() == null ? 0 : 1;
      leases += entry.hostBlocks() < 0 ? 0 : 1;
      reserved += entry.reservedBlocks() + Math.max(0, entry.hostBlocks());
    }
    whole(ledger.device(), "device");
    whole(ledger.host(), "host");
    int open = ledger.device().leases() + ledger.host().leases();
    if (open != leases) {
      fail("%d leases are open, %d have an owner", open, leases);
    }
    if (ledger.device().reserved() + ledger.host().reserved() != reserved) {
      fail(
          "%d device and %d host blocks are reserved, %d by leases with an owner",
          ledger.device().reserved(), ledger.host().reserved(), reserved);
    }
  }

  private void whole(KvBlockPool pool, String name) {
    int owned = 0;
    for (int block = 0; block < pool.capacity(); block++) {
      owned += pool.ownerOf(block) < 0 ? 0 : 1;
    }
    if (pool.free() + owned != pool.capacity() || pool.allocated() != owned) {
      fail("%s: %d free and %d owned of %d", name, pool.free(), owned, pool.capacity());
    }
    if (pool.reserved() < owned || pool.reserved() > pool.capacity()) {
      fail("%s: %d reserved, %d owned, %d in total", name, pool.reserved(), owned, pool.capacity());
    }
  }

  /** No block is left reserved, unless a step is stuck that may still use it. */
  @Override
  void over(Scenario scenario) {
    Ledger ledger = scenario.ledger();
    if (!ledger.stepInFlight()) {
      int held = ledger.device().reserved() + ledger.host().reserved();
      if (held + ledger.device().leases() + ledger.host().leases() > 0) {
        fail("%d blocks leaked", held);
      }
    }
  }
}
