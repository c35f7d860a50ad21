package dev.s3llm.engine.prefix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.engine.sequence.KvBlockPool;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class PrefixCacheTest {
  private static final int BLOCK = 2;

  @Test
  void blockWithTheSameKeyAndOtherTokens_isNotFound() {
    World world = new World(8, Integer.MAX_VALUE, 0);
    PrefixNode root = world.cache.enter("a", 0);
    KvBlockPool.Lease lease = world.pool.open(1);
    lease.reserve(2);
    lease.allocateTo(2);
    int[] tokens = {1, 2, 3, 4};
    PrefixNode first = world.cache.publish(root, 77, tokens, lease.block(0));
    assertThat(world.cache.find(root, 77, tokens)).isSameAs(first);
    assertThat(world.cache.find(root, 77, new int[] {1, 3})).isNull();
    assertThat(world.cache.publish(root, 77, new int[] {1, 3}, lease.block(1))).isNull();
    PrefixNode other = world.cache.enter("b", 0);
    assertThat(world.cache.find(other, 77, tokens)).as("of another scope").isNull();
    assertThat(world.cache.find(first, 77, new int[] {9, 9, 1, 2})).as("elsewhere").isNull();
  }

  @Test
  void emptyCache_hasNothingToForget() {
    World world = new World(4, Integer.MAX_VALUE, 0);
    assertThatThrownBy(world.cache::forget)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("no kept block can be forgotten");
  }

  @Test
  void scopeThatNobodyNeeds_isForgotten() {
    World world = new World(4, Integer.MAX_VALUE, 0);
    PrefixNode root = world.cache.enter("a", 1);
    world.cache.leave("a");
    assertThat(world.cache.enter("a", 1)).isNotSameAs(root);
  }

  /**
   * Whatever is found was written for the same tokens in the same scope, and the ledger is always
   * right, with keys that collide often.
   */
  @Property(tries = 300)
  void randomUse_findsOnlyWhatWasWritten(@ForAll long seed) {
    Random random = new Random(seed);
    World world =
        new World(
            2 + random.nextInt(20),
            random.nextBoolean() ? Integer.MAX_VALUE : random.nextInt(6),
            random.nextInt(3) == 0 ? 3 : 61);
    for (int i = 0; i < 300; i++) {
      world.now += random.nextInt(3);
      world.act(random);
      world.check();
    }
    while (!world.running.isEmpty()) {
      world.end(world.running.remove(0));
      world.check();
    }
    assertThat(world.pool.kept()).isEqualTo(world.cache.indexed());
    assertThat(world.pool.reserved()).isZero();
  }

  /** A pool with its cache, and what was written to each block. */
  private static final class World {
    private final KvBlockPool pool;
    private final PrefixCache cache;
    private final LeastRecentlyUsed order = new LeastRecentlyUsed();
    private final int keys;
    private final List<Owner> running = new ArrayList<>();
    private final Map<Integer, String> written = new HashMap<>();
    private long now;
    private long nextId;

    World(int blocks, int mostKept, int keys) {
      this.keys = keys;
      cache =
          new PrefixCache(
              order,
              blocks,
              BLOCK,
              mostKept,
              Long.MAX_VALUE,
              () -> now,
              new StoredBlocks(0, 0, Long.MAX_VALUE, () -> now));
      pool = new KvBlockPool(blocks, cache);
      cache.returnBlocksTo(pool::reclaim);
    }

    private record Owner(
        String scope,
        int[] tokens,
        KvBlockPool.Lease lease,
        PrefixNode root,
        List<PrefixNode> path) {
      PrefixNode last() {
        return path.isEmpty() ? root : path.get(path.size() - 1);
      }
    }

    private String content(String scope, int[] tokens, int block) {
      return scope + Arrays.toString(Arrays.copyOf(tokens, (block + 1) * BLOCK));
    }

    private long key(PrefixNode before, int[] tokens, int block) {
      long key = PrefixHash.next(before.key(), tokens, block * BLOCK, BLOCK);
      return keys == 0 ? key : Long.remainderUnsigned(key, keys);
    }

    void act(Random random) {
      int what = random.nextInt(10);
      if (what < 5) {
        begin(random);
      } else if (what < 9 && !running.isEmpty()) {
        end(running.remove(random.nextInt(running.size())));
      } else if (random.nextInt(4) == 0) {
        cache.dropScope("s" + random.nextInt(2));
      } else if (!running.isEmpty()) {
        Owner failed = running.remove(random.nextInt(running.size()));
        if (!failed.path.isEmpty() && failed.path.get(0).indexed()) {
          cache.drop(failed.path.get(0));
        }
        failed.lease.close();
        cache.leave(failed.scope);
      }
      cache.trim();
    }

    private void begin(Random random) {
      String scope = "s" + random.nextInt(2);
      int blocks = 1 + random.nextInt(5);
      int[] tokens = random.ints(blocks * BLOCK, 0, 2).toArray();
      PrefixNode root = cache.enter(scope, PrefixHash.root(scope));
      Owner owner = new Owner(scope, tokens, pool.open(nextId++), root, new ArrayList<>());
      find(owner, blocks);
      int own = (int) owner.path.stream().filter(n -> pool.owners(n.block()) == 0).count();
      if (own + blocks - owner.path.size() > pool.available()) {
        owner.lease.close();
        cache.leave(scope);
        return;
      }
      for (PrefixNode node : owner.path) {
        cache.adopt(node);
        owner.lease.adopt(node.block());
      }
      owner.lease.reserve(blocks);
      owner.lease.allocateTo(blocks);
      for (int i = owner.path.size(); i < blocks; i++) {
        written.put(owner.lease.block(i), content(scope, tokens, i));
      }
      publish(owner, blocks);
      running.add(owner);
    }

    private void find(Owner owner, int blocks) {
      for (int i = 0; i < blocks; i++) {
        PrefixNode node =
            cache.find(owner.last(), key(owner.last(), owner.tokens, i), owner.tokens);
        if (node == null) {
          return;
        }
        assertThat(written.get(node.block())).isEqualTo(content(owner.scope, owner.tokens, i));
        owner.path.add(node);
      }
    }

    private void publish(Owner owner, int blocks) {
      for (int i = owner.path.size(); i < blocks; i++) {
        PrefixNode node =
            cache.publish(
                owner.last(),
                key(owner.last(), owner.tokens, i),
                owner.tokens,
                owner.lease.block(i));
        if (node == null) {
          return;
        }
        owner.path.add(node);
      }
    }

    void end(Owner owner) {
      if (owner.last().indexed()) {
        cache.used(owner.last(), PrefixUse.at(now));
      }
      owner.lease.close();
      cache.leave(owner.scope);
    }

    void check() {
      int[] owners = new int[pool.capacity()];
      for (Owner owner : running) {
        for (int i = 0; i < owner.lease.allocated(); i++) {
          owners[owner.lease.block(i)]++;
          assertThat(written.get(owner.lease.block(i)))
              .as("block %d of an owner", owner.lease.block(i))
              .isEqualTo(content(owner.scope, owner.tokens, i));
        }
      }
      int owned = 0;
      for (int block = 0; block < owners.length; block++) {
        assertThat(pool.owners(block)).isEqualTo(owners[block]);
        owned += owners[block] > 0 ? 1 : 0;
      }
      assertThat(pool.allocated()).isEqualTo(owned);
      assertThat(pool.reserved()).isEqualTo(owned);
      assertThat(pool.kept()).isEqualTo(cache.kept());
      assertThat(pool.kept() == 0).as("some leaf can be forgotten").isEqualTo(order.size() == 0);
    }
  }
}
