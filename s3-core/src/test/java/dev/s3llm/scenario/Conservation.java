package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.engine.sequence.KvBlockPool;
import java.util.ArrayList;
import java.util.List;

/**
 * Each pool is the sum of its free, kept and owned blocks, every lease has an owner, and every
 * block as many owners as tables (1, 2).
 */
final class Conservation extends Checker {
  @Override
  void passed(Seen seen) {
    Ledger ledger = seen.ledger();
    List<int[]> device = new ArrayList<>();
    List<int[]> host = new ArrayList<>();
    int unused = ledger.fencedUnused();
    for (Ledger.Entry entry : seen.live()) {
      if (entry.deviceBlocks() != null) {
        device.add(entry.deviceBlocks());
        unused += entry.reservedBlocks() - entry.deviceBlocks().length;
      }
      if (entry.hostBlocks() != null) {
        host.add(entry.hostBlocks());
      }
    }
    int open = ledger.device().leases() + ledger.host().leases();
    if (open != device.size() + host.size() + ledger.fencedLeases()) {
      fail("%d leases are open, %d have an owner", open, device.size() + host.size());
    }
    if (ledger.fencedLeases() == 0) { // those are of the device or of the host
      owned(ledger.device(), device, "device");
      owned(ledger.host(), host, "host");
    }
    whole(ledger.device(), "device");
    whole(ledger.host(), "host");
    int allocated = ledger.device().allocated() + ledger.host().allocated();
    int reserved = ledger.device().reserved() + ledger.host().reserved();
    if (reserved != allocated + unused) {
      fail("%d blocks are reserved, %d allocated and %d beyond", reserved, allocated, unused);
    }
  }

  private void owned(KvBlockPool pool, List<int[]> tables, String name) {
    int[] owners = new int[pool.capacity()];
    for (int[] table : tables) {
      for (int block : table) {
        owners[block]++;
      }
    }
    for (int block = 0; block < owners.length; block++) {
      if (pool.owners(block) != owners[block]) {
        fail(
            "%s block %d has %d owners, but is in %d tables",
            name, block, pool.owners(block), owners[block]);
      }
    }
  }

  private void whole(KvBlockPool pool, String name) {
    int owned = 0;
    int shared = 0;
    for (int block = 0; block < pool.capacity(); block++) {
      owned += pool.owners(block) > 0 ? 1 : 0;
      shared += pool.owners(block) > 1 ? 1 : 0;
    }
    if (pool.free() + owned != pool.capacity()
        || pool.allocated() != owned
        || pool.shared() != shared
        || pool.kept() > pool.free()) {
      fail("%s: %d free and %d owned of %d", name, pool.free(), owned, pool.capacity());
    }
    if (pool.reserved() < owned || pool.reserved() > pool.capacity()) {
      fail("%s: %d reserved, %d owned, %d in total", name, pool.reserved(), owned, pool.capacity());
    }
  }

  /**
   * No block is left reserved, unless a step is stuck that may still use it, and a block that can
   * be found is kept.
   */
  @Override
  void over(Scenario scenario) {
    Ledger ledger = scenario.ledger();
    if (!ledger.stepInFlight()) {
      int held = ledger.device().reserved() + ledger.host().reserved();
      if (held + ledger.device().leases() + ledger.host().leases() > 0) {
        fail("%d blocks leaked", held);
      }
      if (ledger.device().kept() != ledger.findableBlocks()) {
        fail("%d kept, %d findable", ledger.device().kept(), ledger.findableBlocks());
      }
    }
  }
}
