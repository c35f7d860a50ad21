package dev.s3llm.engine.sequence;

import dev.s3llm.engine.prefix.PrefixChain;
import dev.s3llm.engine.prefix.PrefixHash;
import dev.s3llm.engine.prefix.PrefixNode;
import dev.s3llm.engine.prefix.PrefixUse;
import dev.s3llm.engine.prefix.StoredBlocks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The full blocks of a sequence by their tokens: their keys, and the nodes of those that are found
 * or held. While the sequence waits, the nodes are those that it would adopt; while it runs, those
 * that it owns, from the start of its block table.
 *
 * <p>Created by any thread, then confined to the engine's loop.
 */
public final class SequencePrefix implements PrefixChain {
  private static final PrefixNode[] NONE = {};

  private final SequenceSpec.Sharing sharing;
  private final int blockTokens;
  private final int promptTokens;
  private final long rootKey;
  private final long promptKey;
  private long[] keys;
  private int keyed;
  private @Nullable PrefixNode root;
  private @Nullable PrefixNode[] path = NONE;
  private int length;
  private List<StoredBlocks.Stored> restorable = List.of();
  private boolean beside;
  private boolean failed;
  private @Nullable PrefixUse use;

  /**
   * Computes the keys of a prompt's full blocks.
   *
   * @param sharing who may share blocks with the sequence
   * @param tokens token ids of the prompt
   * @param blockTokens token slots of a block, at least 1
   */
  public SequencePrefix(SequenceSpec.Sharing sharing, int[] tokens, int blockTokens) {
    this.sharing = sharing;
    this.blockTokens = blockTokens;
    this.promptTokens = tokens.length;
    this.rootKey = PrefixHash.root(this.sharing.scope());
    this.keys = new long[tokens.length / blockTokens];
    extendKeys(tokens, keys.length);
    int full = keys.length * blockTokens;
    this.promptKey =
        PrefixHash.next(full == 0 ? rootKey : keys[keyed - 1], tokens, full, tokens.length - full);
  }

  /**
   * Returns a hash for each so many tokens of the prompt, of which the last may be fewer; empty if
   * blocks are not a whole part of it.
   *
   * @param tokens number of tokens, at least 1
   */
  List<Long> hashes(int tokens) {
    if (tokens % blockTokens != 0) {
      return List.of();
    }
    List<Long> hashes = new ArrayList<>();
    for (int end = tokens; end <= promptTokens; end += tokens) {
      hashes.add(keys[end / blockTokens - 1]);
    }
    if (promptTokens % tokens != 0) {
      hashes.add(promptKey);
    }
    return hashes;
  }

  private void extendKeys(int[] tokens, int blocks) {
    if (blocks > keys.length) {
      keys = Arrays.copyOf(keys, Math.max(blocks, 2 * keys.length));
    }
    for (; keyed < blocks; keyed++) {
      long before = keyed == 0 ? rootKey : keys[keyed - 1];
      keys[keyed] = PrefixHash.next(before, tokens, keyed * blockTokens, blockTokens);
    }
  }

  /** Returns who may share blocks with the sequence. */
  public String scope() {
    return sharing.scope();
  }

  /** Returns the key of the scope's root. */
  public long rootKey() {
    return rootKey;
  }

  /** Returns the number of full blocks of the prompt. */
  public int promptBlocks() {
    return promptTokens / blockTokens;
  }

  /**
   * Computes the keys of further blocks.
   *
   * @param tokens token ids by position
   * @param blocks number of full blocks whose keys are needed
   */
  public void know(int[] tokens, int blocks) {
    if (blocks > keyed) {
      extendKeys(tokens, blocks);
    }
  }

  /** Returns the root of the scope; null before {@link #enter}. */
  public @Nullable PrefixNode root() {
    return root;
  }

  /** Sets the root of the scope. */
  public void enter(PrefixNode scopeRoot) {
    root = scopeRoot;
  }

  /** Returns the number of blocks that are found or held. */
  public int length() {
    return length;
  }

  /**
   * Returns a block that is found or held.
   *
   * @param index place in the block table, from 0 to {@code length - 1}
   */
  public PrefixNode node(int index) {
    PrefixNode node = path[index];
    if (node == null || index >= length) {
      throw new IndexOutOfBoundsException("block " + index + " of " + length);
    }
    return node;
  }

  /** Returns the last block that is found or held, or the root; null before {@link #enter}. */
  public @Nullable PrefixNode last() {
    return length == 0 ? root : path[length - 1];
  }

  /** Returns the blocks in host memory that come after the last one; unmodifiable. */
  public List<StoredBlocks.Stored> restorable() {
    return Collections.unmodifiableList(restorable);
  }

  /** Sets the blocks in host memory that come after the last one. */
  public void setRestorable(List<StoredBlocks.Stored> blocks) {
    restorable = blocks;
  }

  /** Adds a block that comes after the last one. */
  public void add(PrefixNode node) {
    if (length == path.length) {
      path = Arrays.copyOf(path, Math.max(4, 2 * length));
    }
    path[length++] = node;
  }

  /** Removes all blocks from a place on. */
  public void shortenTo(int blocks) {
    Arrays.fill(path, blocks, length, null);
    length = blocks;
  }

  /** Returns whether the sequence computes blocks that another one has computed, too. */
  public boolean beside() {
    return beside;
  }

  /** Sets whether the sequence computes blocks that another one has computed, too. */
  public void setBeside(boolean computesBeside) {
    beside = computesBeside;
  }

  /** Returns whether the sequence's KV may be wrong. */
  public boolean failed() {
    return failed;
  }

  /** Records that the sequence's KV may be wrong. */
  public void fail() {
    failed = true;
  }

  /** Returns what the order of forgetting knows about the sequence; null before its admission. */
  public @Nullable PrefixUse use() {
    return use;
  }

  /** Sets what the order of forgetting knows about the sequence. */
  public void setUse(PrefixUse known) {
    use = known;
  }

  @Override
  public int blocks() {
    return keyed;
  }

  @Override
  public long key(int index) {
    return keys[index];
  }

  @Override
  public int blockTokens() {
    return blockTokens;
  }

  @Override
  public int promptTokens() {
    return promptTokens;
  }

  @Override
  public int tenant() {
    return root == null ? 0 : root.number();
  }

  @Override
  public long expectedFollowUpNanos() {
    return sharing.expectedFollowUpNanos();
  }

  @Override
  public boolean sessionEnds() {
    return sharing.sessionEnds();
  }
}
