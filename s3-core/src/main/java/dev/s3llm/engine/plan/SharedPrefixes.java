package dev.s3llm.engine.plan;

import dev.s3llm.engine.prefix.ForgettingOrder;
import dev.s3llm.engine.prefix.PrefixCache;
import dev.s3llm.engine.prefix.PrefixNode;
import dev.s3llm.engine.prefix.PrefixUse;
import dev.s3llm.engine.prefix.StoredBlocks;
import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.SequencePrefix;
import dev.s3llm.execute.StepBatch.BlockCopy;
import dev.s3llm.memory.MemoryView;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The blocks that sequences share because they begin alike: what a waiting sequence finds, adopts
 * at its admission and leaves behind at its end. A sequence without a {@link SequencePrefix} shares
 * nothing, and all calls for it have no effect.
 *
 * <p>A block becomes findable when the step that fills it is launched, since no other step can use
 * it before that one has ended. If the step fails, the block is dropped with all that continue it.
 * Blocks of the answer become findable when the sequence gives up its blocks. Two sequences that
 * compute the same blocks side by side each keep their own; only the first ones are found.
 *
 * <p>Not thread-safe: the engine's loop is the only user.
 */
public final class SharedPrefixes {
  /** The tokens that a sequence must have in common with a running one for it to wait. */
  private static final int WORTH_WAITING = 64;

  private final KvBlockPool device;
  private final PrefixCache cache;
  private final ForgettingOrder order;
  private final StoredBlocks stored;

  /**
   * Running sequences by the key of the next block of their prompts that they will make findable.
   */
  private final Map<Long, Sequence> computing = new HashMap<>();

  /**
   * Sequences that the present plan admits, by the key of the next block that they will compute.
   */
  private final Map<Long, Sequence> planned = new HashMap<>();

  /**
   * Creates the shared prefixes of an engine.
   *
   * @param device the pool of the blocks
   * @param cache the findable blocks
   * @param order observes uses
   * @param stored blocks in host memory
   */
  public SharedPrefixes(
      KvBlockPool device, PrefixCache cache, ForgettingOrder order, StoredBlocks stored) {
    this.device = device;
    this.cache = cache;
    this.order = order;
    this.stored = stored;
  }

  /** Prepares a new sequence to find blocks. */
  public void enter(Sequence sequence) {
    SequencePrefix prefix = sequence.prefix();
    if (prefix != null) {
      prefix.enter(cache.enter(prefix.scope(), prefix.rootKey()));
    }
  }

  /** Ends what {@link #enter} began. */
  public void leave(Sequence sequence) {
    SequencePrefix prefix = sequence.prefix();
    if (prefix != null && prefix.root() != null) {
      cache.leave(prefix.scope());
    }
  }

  // ---- while a sequence waits

  /**
   * Finds the blocks that a waiting sequence can adopt now, and which of them others own.
   *
   * @param waiting a waiting sequence
   * @param plan the plan, whose preempted sequences lose their blocks
   * @param leaving a further sequence that loses its blocks, or null
   */
  void match(Sequence waiting, StepPlan plan, @Nullable Sequence leaving) {
    match(waiting);
    waiting.setSharedAtAdmission(ownedBlocks(waiting, plan, leaving));
  }

  /**
   * Returns KV memory as a planner sees it for a waiting sequence: the blocks that it will share
   * count as available, so that a reservation of all of its blocks can be compared with them.
   *
   * @param waiting a sequence that was matched in this plan
   * @param memory KV memory of the plan
   * @param availableBlocks blocks that are neither held nor reserved
   */
  static MemoryView seenFor(Sequence waiting, MemoryView memory, int availableBlocks) {
    return memory.withAvailable(availableBlocks + waiting.sharedBlocks());
  }

  /** Finds the blocks that a waiting sequence can adopt now: all but that of its last token. */
  public void match(Sequence waiting) {
    SequencePrefix prefix = waiting.prefix();
    if (prefix == null) {
      return;
    }
    int found = prefix.length();
    while (found > 0 && !prefix.node(found - 1).indexed()) {
      found--;
    }
    prefix.shortenTo(found);
    int most = (waiting.contextTokens() - 1) / prefix.blockTokens();
    prefix.know(waiting.tokens(), most);
    PrefixNode last = prefix.last();
    while (last != null && found < most) {
      last = cache.find(last, prefix.key(found), waiting.tokens());
      if (last != null) {
        prefix.add(last);
        found++;
      }
    }
    prefix.setRestorable(waiting.host() == null ? restorable(waiting, prefix, most) : List.of());
    waiting.setReusable((found + prefix.restorable().size()) * prefix.blockTokens());
  }

  /** Returns the blocks in host memory that continue those found on the device. */
  private List<StoredBlocks.Stored> restorable(Sequence waiting, SequencePrefix prefix, int most) {
    PrefixNode before = prefix.last();
    if (stored.size() == 0 || before == null) {
      return List.of();
    }
    List<StoredBlocks.Stored> blocks = new ArrayList<>(0);
    for (int i = prefix.length(); i < most; i++) {
      StoredBlocks.Stored next = stored.find(before, prefix.key(i), waiting.tokens());
      if (next == null) {
        break;
      }
      blocks.add(next);
      before = next.node();
    }
    return blocks;
  }

  private int ownedBlocks(Sequence waiting, StepPlan plan, @Nullable Sequence leaving) {
    SequencePrefix prefix = waiting.prefix();
    if (prefix == null) {
      return 0;
    }
    int from = 0;
    int to = prefix.length();
    while (from < to) {
      int middle = (from + to) >>> 1;
      if (ownersAfter(prefix.node(middle), plan, leaving) > 0) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
  }

  private int ownersAfter(PrefixNode node, StepPlan plan, @Nullable Sequence leaving) {
    int owners = device.owners(node.block());
    for (Decision.Preempt preempt : plan.preemptions()) {
      owners -= holds(preempt.sequence(), node) ? 1 : 0;
    }
    return owners - (leaving != null && holds(leaving, node) ? 1 : 0);
  }

  private static boolean holds(Sequence running, PrefixNode node) {
    int place = node.depth() - 1;
    return place < running.device().allocated() && running.device().block(place) == node.block();
  }

  /** Begins a plan, which admits no sequence yet. */
  void beginPlan() {
    planned.clear();
  }

  /** Notes that the present plan admits a sequence. */
  void admitted(Sequence sequence) {
    SequencePrefix prefix = sequence.prefix();
    if (prefix != null && prefix.length() < prefix.promptBlocks()) {
      planned.putIfAbsent(nextKey(prefix), sequence);
    }
  }

  /**
   * Returns whether a waiting sequence finds more if it waits, because a running one, or one that
   * this plan admits, computes the blocks that it needs next.
   *
   * @param waiting a sequence that was matched in this plan
   */
  boolean awaits(Sequence waiting) {
    SequencePrefix prefix = waiting.prefix();
    if (prefix == null || (computing.isEmpty() && planned.isEmpty())) {
      return false;
    }
    int next = prefix.length();
    int common = (WORTH_WAITING + prefix.blockTokens() - 1) / prefix.blockTokens();
    int most = (waiting.contextTokens() - 1) / prefix.blockTokens();
    if (next + common > most) {
      return false;
    }
    long key = prefix.key(next);
    Sequence first = computing.getOrDefault(key, planned.get(key));
    SequencePrefix other = first == null ? null : first.prefix();
    return other != null
        && other.blocks() >= next + common
        && other.key(next + common - 1) == prefix.key(next + common - 1);
  }

  // ---- while it runs

  /**
   * Gives a sequence that is admitted the blocks that it has found.
   *
   * @param sequence the sequence
   * @param lease its lease, without blocks
   * @param now the engine's time, in nanoseconds
   */
  public void adopt(Sequence sequence, KvBlockPool.Lease lease, long now) {
    SequencePrefix prefix = sequence.prefix();
    if (prefix == null) {
      return;
    }
    if (prefix.use() == null) {
      prefix.setUse(order.began(prefix, now));
    }
    for (int i = 0; i < prefix.length(); i++) {
      PrefixNode node = prefix.node(i);
      cache.adopt(node);
      lease.adopt(node.block());
    }
    prefix.restorable().forEach(stored::returns);
  }

  /**
   * Allocates the blocks that a sequence has found in host memory, and adds the copies of them to
   * the step that is launched now.
   *
   * @param sequence a sequence that has adopted what it has found on the device
   * @param lease its lease, with a reservation
   * @param copies receives the copies
   */
  public void restore(Sequence sequence, KvBlockPool.Lease lease, Consumer<BlockCopy> copies) {
    SequencePrefix prefix = sequence.prefix();
    if (prefix == null || prefix.restorable().isEmpty()) {
      return;
    }
    int place = prefix.length();
    lease.allocateTo(place + prefix.restorable().size());
    for (StoredBlocks.Stored block : prefix.restorable()) {
      copies.accept(new BlockCopy(sequence.sequenceId(), lease.block(place++), block.hostBlock()));
    }
    prefix.setRestorable(List.of());
  }

  /** Returns the copies to host memory that the step which is launched now makes. */
  public List<BlockCopy> launch() {
    return stored.launch();
  }

  /**
   * Ends the copies of a step.
   *
   * @param succeeded whether the step has succeeded
   */
  public void stepEnded(boolean succeeded) {
    stored.stepEnded(succeeded);
  }

  /** Returns whether a block of the swap space is kept for later requests, or copied now. */
  public boolean stores(int hostBlock) {
    return stored.holds(hostBlock);
  }

  /** Returns the number of blocks that are kept in host memory. */
  public int stored() {
    return stored.size();
  }

  /** Makes the blocks of a prompt findable that the step which starts now fills. */
  public void computes(Sequence sequence) {
    SequencePrefix prefix = sequence.prefix();
    if (prefix == null || prefix.beside() || prefix.length() >= prefix.promptBlocks()) {
      return;
    }
    computing.remove(nextKey(prefix), sequence);
    int end = Math.min(sequence.stepEnd(), sequence.promptTokens()) / prefix.blockTokens();
    publish(sequence, prefix, end);
    if (!prefix.beside() && prefix.length() < prefix.promptBlocks()) {
      computing.putIfAbsent(nextKey(prefix), sequence);
    }
  }

  private static long nextKey(SequencePrefix prefix) {
    return prefix.key(prefix.length());
  }

  private void publish(Sequence sequence, SequencePrefix prefix, int end) {
    PrefixNode last = prefix.last();
    while (last != null && last.indexed() && prefix.length() < end) {
      int place = prefix.length();
      last =
          cache.publish(last, prefix.key(place), sequence.tokens(), sequence.device().block(place));
      if (last != null) {
        prefix.add(last);
      }
    }
    prefix.setBeside(prefix.length() < end);
  }

  // ---- when it gives up its blocks

  /**
   * Leaves the blocks of a sequence behind, which it is about to give up. If a step in flight
   * computes some of them and fails, {@link #failed} drops them.
   *
   * @param sequence the sequence, with its lease
   * @param tokens number of tokens whose KV is in its blocks
   * @param ends whether the sequence ends
   * @param now the engine's time, in nanoseconds
   */
  public void release(Sequence sequence, int tokens, boolean ends, long now) {
    SequencePrefix prefix = sequence.prefix();
    PrefixUse use = prefix == null ? null : prefix.use();
    if (prefix == null || use == null) {
      return;
    }
    forgetNext(sequence, prefix);
    PrefixNode last = prefix.last();
    if (last != null && last.indexed() && !prefix.failed()) {
      int blocks = Math.min(tokens / prefix.blockTokens(), sequence.device().allocated());
      prefix.know(sequence.tokens(), blocks);
      last = leave(sequence, prefix, last, blocks);
      cache.used(last, ends ? order.ended(use, prefix, now) : use.endedAt(now));
    }
    if (!ends) { // after the end, a step in flight may still fail
      prefix.shortenTo(0);
      prefix.setBeside(false);
    }
  }

  /** Makes all blocks findable, the others' in place of its own where there are both. */
  private PrefixNode leave(Sequence sequence, SequencePrefix prefix, PrefixNode held, int blocks) {
    PrefixNode last = held;
    int[] tokens = sequence.tokens();
    for (int i = prefix.length(); i < blocks; i++) {
      PrefixNode next = cache.find(last, prefix.key(i), tokens);
      if (next == null) {
        next = cache.publish(last, prefix.key(i), tokens, sequence.device().block(i));
      }
      if (next == null) {
        return last;
      }
      prefix.add(next);
      last = next;
    }
    return last;
  }

  /** Drops all blocks that a sequence has found or computed, because its KV may be wrong. */
  public void failed(Sequence sequence) {
    SequencePrefix prefix = sequence.prefix();
    if (prefix == null) {
      return;
    }
    forgetNext(sequence, prefix);
    prefix.fail();
    if (prefix.length() > 0 && prefix.node(0).indexed()) {
      cache.drop(prefix.node(0));
    }
    stored.dropScope(prefix.scope());
  }

  private void forgetNext(Sequence sequence, SequencePrefix prefix) {
    if (prefix.length() < prefix.promptBlocks()) {
      computing.remove(nextKey(prefix), sequence);
    }
  }

  /** Returns the number of blocks that can be found. */
  public int findable() {
    return cache.indexed();
  }

  /** Returns the number of blocks that were forgotten because their room was needed, ever. */
  public long forgotten() {
    return cache.forgotten();
  }

  /**
   * Forgets blocks until as few and as young ones are kept as the settings allow.
   *
   * @return whether it has forgotten any
   */
  public boolean trim() {
    return cache.trim();
  }

  /**
   * Drops the findable blocks of a scope; running sequences go on.
   *
   * @param scope the scope
   */
  public void dropScope(String scope) {
    cache.dropScope(scope);
  }
}
