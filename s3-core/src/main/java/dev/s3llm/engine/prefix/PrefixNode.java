package dev.s3llm.engine.prefix;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A full block that is found by its tokens and by all tokens before it: a node of the tree whose
 * root stands for a scope, the requests that may share blocks. Its parent is the block before it.
 *
 * <p>Not thread-safe: the engine's loop is the only user.
 */
public final class PrefixNode implements KeptLeaf {
  private final @Nullable PrefixNode parent;
  private final long key;
  private final int block;
  private final int[] tokens;
  private final int depth;
  private @Nullable PrefixUse use;
  private long mark;

  // what the cache knows about the node
  @Nullable PrefixNode firstChild;
  @Nullable PrefixNode nextSibling;
  @Nullable PrefixNode previousSibling;
  boolean indexed = true;
  boolean kept;

  /** Since when the block is kept, in nanoseconds. */
  long keptSinceNanos;

  /** Whether the order of forgetting has the node. */
  boolean ordered;

  /** The scope of a root; null for a block. */
  final @Nullable String scope;

  /** Number of a root's scope, in order of appearance; 0 for a block. */
  private int number;

  /** Sequences that know the root. */
  int users;

  private PrefixNode(
      @Nullable String scope, @Nullable PrefixNode parent, long key, int block, int[] tokens) {
    this.scope = scope;
    this.parent = parent;
    this.key = key;
    this.block = block;
    this.tokens = tokens;
    this.depth = parent == null ? 0 : parent.depth + 1;
  }

  static PrefixNode root(String scope, long key, int number) {
    PrefixNode root = new PrefixNode(scope, null, key, -1, new int[0]);
    root.number = number;
    return root;
  }

  static PrefixNode child(PrefixNode parent, long key, int block, int[] tokens) {
    return new PrefixNode(null, parent, key, block, tokens);
  }

  /** Returns the block before this one, or the root; null for a root. */
  public @Nullable PrefixNode parent() {
    return parent;
  }

  /** Returns the number of the block in the pool. */
  public int block() {
    return block;
  }

  /** Returns the number of a root's scope, in order of appearance from 0; 0 for a block. */
  public int number() {
    return number;
  }

  /** Returns the number of blocks from the start of the chain to this one, which is included. */
  public int depth() {
    return depth;
  }

  /** Returns whether the block can be found; false once it is forgotten or dropped. */
  public boolean indexed() {
    return indexed;
  }

  /** Returns whether this block has these tokens and comes after that block. */
  boolean is(PrefixNode before, int[] others, int from) {
    return parent == before
        && Arrays.equals(tokens, 0, tokens.length, others, from, from + tokens.length);
  }

  /**
   * Returns whether this block has the tokens that come after a block, and the blocks before it
   * have the same tokens as that block and those before it. Other than {@link #is}, this block need
   * not be in the same tree.
   */
  boolean continues(PrefixNode before, int[] others) {
    int from = before.depth * tokens.length;
    return depth == before.depth + 1
        && from + tokens.length <= others.length
        && Arrays.equals(tokens, 0, tokens.length, others, from, from + tokens.length)
        && sameChain(parent, before);
  }

  private static boolean sameChain(@Nullable PrefixNode one, PrefixNode two) {
    PrefixNode left = one;
    PrefixNode right = two;
    while (left != right) {
      if (left == null || right == null || !Arrays.equals(left.tokens, right.tokens)) {
        return false;
      }
      if (left.parent == null || right.parent == null) {
        return Objects.equals(left.scope, right.scope);
      }
      left = left.parent;
      right = right.parent;
    }
    return true;
  }

  /** Returns whether the block belongs to a scope. */
  boolean isIn(String name) {
    PrefixNode top = this;
    while (top.parent != null) {
      top = top.parent;
    }
    return name.equals(top.scope);
  }

  void use(PrefixUse latest) {
    use = latest;
  }

  @Override
  public PrefixUse use() {
    if (use == null) {
      throw new IllegalStateException("block " + block + " was never released");
    }
    return use;
  }

  @Override
  public int depthTokens() {
    return depth * tokens.length;
  }

  @Override
  public long key() {
    return key;
  }

  @Override
  public long mark() {
    return mark;
  }

  @Override
  public void mark(long value) {
    mark = value;
  }
}
