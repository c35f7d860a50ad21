package dev.s3llm.engine.sequence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

final class KvBlockPoolTest {
  @Property(tries = 300)
  void randomUse_matchesTheModel(
      @ForAll long seed, @ForAll @IntRange(min = 0, max = 40) int capacity) {
    Model model = new Model(capacity, new Random(seed));
    for (int i = 0; i < 300; i++) {
      model.act();
      model.compare();
    }
    model.closeAll();
    model.compare();
    assertThat(model.pool.free()).isEqualTo(capacity);
    assertThat(model.pool.reserved()).isZero();
  }

  @Test
  void closedLease_cannotBeUsedAgain() {
    KvBlockPool pool = new KvBlockPool(4);
    KvBlockPool.Lease lease = pool.open(7);
    lease.reserve(2);
    lease.close();

    assertThatIllegalStateException()
        .isThrownBy(lease::close)
        .withMessage("lease of owner 7 is closed");
    assertThatIllegalStateException().isThrownBy(() -> lease.reserve(1));
    assertThatIllegalStateException().isThrownBy(() -> lease.allocateTo(0));
    assertThat(pool.leases()).isZero();
    assertThat(pool.available()).isEqualTo(4);
  }

  @Test
  void refusals_nameTheNumbers() {
    KvBlockPool pool = new KvBlockPool(4);
    pool.open(1).reserve(3);
    KvBlockPool.Lease lease = pool.open(2);

    assertThatIllegalStateException()
        .isThrownBy(() -> lease.reserve(2))
        .withMessage("owner 2 wants 2 more blocks, but 1 are available");
    lease.reserve(1);
    assertThatIllegalStateException()
        .isThrownBy(() -> lease.allocateTo(2))
        .withMessage("owner 2 wants to hold 2 blocks, but has reserved 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> pool.open(-1))
        .withMessage("owner must be at least 0, but is -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new KvBlockPool(-1))
        .withMessage("capacity must be at least 0, but is -1");
  }

  @Test
  void tablePastTheEnd_isRefused() {
    KvBlockPool.Lease lease = new KvBlockPool(4).open(2);
    lease.reserve(2);
    lease.allocateTo(1);

    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> lease.block(1))
        .withMessage("block 1 of 1 of owner 2");
  }

  /** A pool beside a simple model of the owners of its blocks. */
  private static final class Model {
    final KvBlockPool pool;
    private final int capacity;
    private final Random random;
    private final List<Account> accounts = new ArrayList<>();
    private long nextOwner;

    Model(int capacity, Random random) {
      this.capacity = capacity;
      this.random = random;
      this.pool = new KvBlockPool(capacity);
    }

    void act() {
      if (accounts.isEmpty() || random.nextInt(6) == 0) {
        accounts.add(new Account(nextOwner, pool.open(nextOwner)));
        nextOwner++;
        return;
      }
      Account account = accounts.get(random.nextInt(accounts.size()));
      switch (random.nextInt(6)) {
        case 0 -> close(account);
        case 1, 2 -> reserve(account, random.nextInt(capacity + 3) - 1);
        default -> allocate(account, random.nextInt(capacity + 3) - 1);
      }
    }

    private void close(Account account) {
      account.lease.close();
      accounts.remove(account);
    }

    private void reserve(Account account, int total) {
      int others = reserved() - account.reserved();
      if (others + Math.max(total, account.blocks.size()) > capacity) {
        assertThatIllegalStateException().isThrownBy(() -> account.lease.reserve(total));
      } else {
        account.lease.reserve(total);
        account.target = total;
      }
    }

    private void allocate(Account account, int total) {
      if (total > account.reserved()) {
        assertThatIllegalStateException().isThrownBy(() -> account.lease.allocateTo(total));
        return;
      }
      account.lease.allocateTo(total);
      while (account.blocks.size() < total) {
        account.blocks.add(account.lease.block(account.blocks.size()));
      }
    }

    private int reserved() {
      return accounts.stream().mapToInt(Account::reserved).sum();
    }

    void closeAll() {
      List.copyOf(accounts).forEach(this::close);
    }

    void compare() {
      Map<Integer, Long> owners = new HashMap<>();
      for (Account account : accounts) {
        assertThat(account.lease.allocated()).isEqualTo(account.blocks.size());
        assertThat(account.lease.reserved()).isEqualTo(account.reserved());
        for (int i = 0; i < account.blocks.size(); i++) {
          assertThat(account.lease.block(i)).isEqualTo(account.blocks.get(i));
          assertThat(owners.put(account.blocks.get(i), account.owner)).as("owned twice").isNull();
        }
      }
      for (int block = 0; block < capacity; block++) {
        assertThat(pool.ownerOf(block)).isEqualTo(owners.getOrDefault(block, -1L));
      }
      assertThat(pool.allocated()).isEqualTo(owners.size());
      assertThat(pool.free() + pool.allocated()).isEqualTo(pool.capacity()).isEqualTo(capacity);
      assertThat(pool.reserved()).isEqualTo(reserved()).isBetween(owners.size(), capacity);
      assertThat(pool.available()).isEqualTo(capacity - reserved());
      assertThat(pool.leases()).isEqualTo(accounts.size());
    }
  }

  private static final class Account {
    final long owner;
    final KvBlockPool.Lease lease;
    final List<Integer> blocks = new ArrayList<>();
    int target;

    Account(long owner, KvBlockPool.Lease lease) {
      this.owner = owner;
      this.lease = lease;
    }

    int reserved() {
      return Math.max(target, blocks.size());
    }
  }
}
