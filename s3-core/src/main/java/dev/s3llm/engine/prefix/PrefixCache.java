package dev.s3llm.engine.prefix;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The index of full KV blocks by their tokens, in trees of {@link PrefixNode}s with a root for each
 * scope, and the blocks among them that are kept without an owner.
 *
 * <p>Invariants: a block has at most one node; all descendants of a kept node are kept; the {@link
 * ForgettingOrder} has exactly the kept nodes without children. So a kept block can be forgotten as
 * long as there is one, and forgetting it leaves no block that cannot be found.
 *
 * <p>Not thread-safe: the engine's loop is the only user.
 */
public final class PrefixCache implements KeptBlocks {
  private static final int MOST_STALE = 1024;

  private final ForgettingOrder order;
  private final int blockTokens;
  private final int mostKept;
  private final long longestAgeNanos;
  private final LongSupplier clock;
  private final Map<String, PrefixNode> roots = new HashMap<>();
  private final Map<Long, PrefixNode> nodes = new HashMap<>();
  private final @Nullable PrefixNode[] byBlock;

  /** Kept nodes by the time since which they are kept, and stale entries; unused without an age. */
  private final ArrayDeque<Kept> byAge = new ArrayDeque<>();

  private IntConsumer pool = block -> {};
  private final StoredBlocks stored;
  private int kept;
  private long forgotten;
  private int scopes;

  private record Kept(PrefixNode node, long sinceNanos) {}

  /**
   * Creates an empty cache.
   *
   * @param order decides which kept leaf is forgotten first
   * @param blocks number of blocks of the pool
   * @param blockTokens tokens of a block, at least 1
   * @param mostKept the most blocks that are kept, 0 or more
   * @param longestAgeNanos how long a block is kept at most, in nanoseconds; {@link Long#MAX_VALUE}
   *     for any time
   * @param clock returns the engine's time, in nanoseconds
   * @param stored where blocks go that are forgotten
   */
  public PrefixCache(
      ForgettingOrder order,
      int blocks,
      int blockTokens,
      int mostKept,
      long longestAgeNanos,
      LongSupplier clock,
      StoredBlocks stored) {
    this.order = order;
    this.stored = stored;
    this.byBlock = new PrefixNode[blocks];
    this.blockTokens = blockTokens;
    this.mostKept = mostKept;
    this.longestAgeNanos = longestAgeNanos;
    this.clock = clock;
  }

  /**
   * Sets where blocks go that are dropped.
   *
   * @param free makes a block free that is kept until now
   */
  public void returnBlocksTo(IntConsumer free) {
    pool = free;
  }

  /** Returns the number of blocks that are kept without an owner. */
  public int kept() {
    return kept;
  }

  /** Returns the number of blocks that were forgotten because their room was needed, ever. */
  public long forgotten() {
    return forgotten;
  }

  /** Returns the number of blocks that can be found. */
  public int indexed() {
    return nodes.size();
  }

  /**
   * Returns the root of a scope, and counts a user of it.
   *
   * @param scope the requests that may share blocks
   * @param key the scope's {@link PrefixHash#root}
   */
  public PrefixNode enter(String scope, long key) {
    PrefixNode root = roots.computeIfAbsent(scope, name -> PrefixNode.root(name, key, scopes++));
    root.users++;
    return root;
  }

  /**
   * Counts a user of a scope less, and removes its root when nobody needs it any more.
   *
   * @param scope the scope
   */
  public void leave(String scope) {
    PrefixNode root = roots.get(scope);
    if (root != null) {
      root.users--;
      removeIfUnused(root);
    }
  }

  private void removeIfUnused(PrefixNode root) {
    if (root.scope != null && root.users == 0 && root.firstChild == null) {
      roots.remove(root.scope);
    }
  }

  /**
   * Returns the block with these tokens after a block, or null if there is none.
   *
   * @param before the block before it, or a root
   * @param key the block's key
   * @param tokens token ids by position
   */
  public @Nullable PrefixNode find(PrefixNode before, long key, int[] tokens) {
    PrefixNode node = nodes.get(key);
    return node != null && node.is(before, tokens, before.depth() * blockTokens) ? node : null;
  }

  /**
   * Makes a block that has an owner findable.
   *
   * @param before the block before it, or a root; it is findable
   * @param key the block's key
   * @param tokens token ids by position
   * @param block number of the block
   * @return the node; null if another block has the key, or this one has a node
   */
  public @Nullable PrefixNode publish(PrefixNode before, long key, int[] tokens, int block) {
    if (nodes.containsKey(key) || byBlock[block] != null) {
      return null;
    }
    int from = before.depth() * blockTokens;
    int[] own = Arrays.copyOfRange(tokens, from, from + blockTokens);
    PrefixNode node = PrefixNode.child(before, key, block, own);
    nodes.put(key, node);
    byBlock[block] = node;
    link(node, before);
    takeFromOrder(before);
    return node;
  }

  /**
   * Sets the use that the blocks of a chain have when they are kept.
   *
   * @param last the last block of the chain
   * @param use the use of the owner that releases them
   */
  public void used(PrefixNode last, PrefixUse use) {
    for (PrefixNode node = last; node != null && node.parent() != null; node = node.parent()) {
      takeFromOrder(node);
      node.use(use);
      putInOrder(node);
    }
  }

  /**
   * Takes a kept block out, because a request owns it again.
   *
   * @param node the block; ignored if it has an owner
   */
  public void adopt(PrefixNode node) {
    if (node.kept) {
      takeFromOrder(node);
      node.kept = false;
      kept--;
    }
  }

  @Override
  public boolean keep(int block) {
    PrefixNode node = byBlock[block];
    if (node == null) {
      return false;
    }
    node.kept = true;
    kept++;
    node.keptSinceNanos = clock.getAsLong();
    if (longestAgeNanos < Long.MAX_VALUE) {
      byAge.add(new Kept(node, node.keptSinceNanos));
    }
    putInOrder(node);
    return true;
  }

  @Override
  public int forget() {
    KeptLeaf next = order.next(clock.getAsLong());
    if (!(next instanceof PrefixNode node)) {
      throw new IllegalStateException("no kept block can be forgotten");
    }
    forgotten++;
    stored.store(node);
    return remove(node);
  }

  /**
   * Forgets blocks until as few and as young ones are kept as the settings allow.
   *
   * @return whether it has forgotten any
   */
  public boolean trim() {
    int before = kept;
    while (kept > mostKept) {
      pool.accept(forget());
    }
    Kept oldest;
    while ((oldest = byAge.peek()) != null && due(oldest)) {
      byAge.poll();
      if (current(oldest)) {
        drop(oldest.node);
      }
    }
    if (byAge.size() > 2 * kept + MOST_STALE) {
      byAge.removeIf(entry -> !current(entry));
    }
    return stored.trim() || kept < before;
  }

  private boolean due(Kept entry) {
    return !current(entry) || clock.getAsLong() - entry.sinceNanos >= longestAgeNanos;
  }

  private static boolean current(Kept entry) {
    return entry.node.kept && entry.node.keptSinceNanos == entry.sinceNanos;
  }

  /**
   * Makes a block and all that continue it unfindable. Kept ones become free; those with an owner
   * keep it.
   *
   * @param node the first block to drop
   */
  public void drop(PrefixNode node) {
    for (PrefixNode below : new ArrayList<>(subtree(node))) {
      if (below.indexed) {
        boolean free = below.kept;
        int block = remove(below);
        if (free) {
          pool.accept(block);
        }
      }
    }
  }

  /**
   * Makes all blocks of a scope unfindable, the stored ones too.
   *
   * @param scope the scope; ignored if it has no blocks
   */
  public void dropScope(String scope) {
    PrefixNode root = roots.get(scope);
    while (root != null && root.firstChild != null) {
      drop(root.firstChild);
    }
    stored.dropScope(scope);
  }

  /** Returns a node and its descendants, each after all of its own descendants. */
  private static List<PrefixNode> subtree(PrefixNode top) {
    List<PrefixNode> found = new ArrayList<>();
    found.add(top);
    for (int i = 0; i < found.size(); i++) {
      for (PrefixNode c = found.get(i).firstChild; c != null; c = c.nextSibling) {
        found.add(c);
      }
    }
    Collections.reverse(found);
    return found;
  }

  private int remove(PrefixNode node) {
    takeFromOrder(node);
    kept -= node.kept ? 1 : 0;
    node.kept = false;
    node.indexed = false;
    nodes.remove(node.key());
    byBlock[node.block()] = null;
    unlink(node);
    return node.block();
  }

  private void putInOrder(PrefixNode node) {
    if (node.kept && !node.ordered && node.firstChild == null) {
      order.add(node, clock.getAsLong());
      node.ordered = true;
    }
  }

  private void takeFromOrder(PrefixNode node) {
    if (node.ordered) {
      order.remove(node);
      node.ordered = false;
    }
  }

  private static void link(PrefixNode node, PrefixNode parent) {
    node.nextSibling = parent.firstChild;
    if (node.nextSibling != null) {
      node.nextSibling.previousSibling = node;
    }
    parent.firstChild = node;
  }

  private void unlink(PrefixNode node) {
    PrefixNode parent = node.parent();
    if (node.nextSibling != null) {
      node.nextSibling.previousSibling = node.previousSibling;
    }
    if (node.previousSibling != null) {
      node.previousSibling.nextSibling = node.nextSibling;
    } else if (parent != null) {
      parent.firstChild = node.nextSibling;
    }
    node.nextSibling = null;
    node.previousSibling = null;
    if (parent != null) {
      putInOrder(parent);
      removeIfUnused(parent);
    }
  }
}
