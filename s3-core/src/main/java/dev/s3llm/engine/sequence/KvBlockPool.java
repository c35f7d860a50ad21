package dev.s3llm.engine.sequence;

import dev.s3llm.engine.prefix.KeptBlocks;
import java.util.Arrays;

/**
 * The ledger of a pool of KV blocks: which sequences own which block, and how many blocks are
 * reserved.
 *
 * <p>Blocks are numbered from 0. A {@link Lease} has allocated blocks, which contain tokens, and
 * may reserve more than are allocated. The first blocks of a lease may be shared: other leases own
 * them too, at the same place of their tables, and nobody writes to them any more. A block that
 * loses its last owner may be kept for its tokens ({@link KeptBlocks}); its room is available.
 *
 * <p>Invariants: free + allocated = capacity, kept blocks counted as free and shared ones once; and
 * allocated blocks plus those that leases have reserved beyond their allocated ones stay within the
 * capacity. A call that would break an invariant throws and changes nothing.
 *
 * <p>Not thread-safe: the engine loop is the only user.
 */
public final class KvBlockPool {
  private static final long FREE = -1;

  private final KeptBlocks keeper;
  private final int[] owners;
  private final long[] lastOwner;
  private final int[] freeStack;
  private int freeCount;
  private int kept;
  private int shared;
  private int reserved;
  private int leases;

  /**
   * Creates a pool that keeps no blocks, in which every block is free.
   *
   * @param capacity number of blocks, 0 or more
   */
  public KvBlockPool(int capacity) {
    this(capacity, KeptBlocks.NONE);
  }

  /**
   * Creates a pool in which every block is free.
   *
   * @param capacity number of blocks, 0 or more
   * @param keeper decides which blocks without an owner are kept
   */
  public KvBlockPool(int capacity, KeptBlocks keeper) {
    if (capacity < 0) {
      throw new IllegalArgumentException("capacity must be at least 0, but is " + capacity);
    }
    this.keeper = keeper;
    owners = new int[capacity];
    lastOwner = new long[capacity];
    freeStack = new int[capacity];
    for (int i = 0; i < capacity; i++) {
      freeStack[i] = capacity - 1 - i; // lowest numbers first
    }
    freeCount = capacity;
  }

  /** Returns the number of blocks. */
  public int capacity() {
    return owners.length;
  }

  /** Returns the number of blocks that no lease holds; some of them may be reserved or kept. */
  public int free() {
    return freeCount + kept;
  }

  /** Returns the number of blocks that no lease holds and that are kept for their tokens. */
  public int kept() {
    return kept;
  }

  /** Returns the number of blocks that leases hold; one that several hold counts once. */
  public int allocated() {
    return owners.length - free();
  }

  /** Returns the number of blocks that more than one lease holds. */
  public int shared() {
    return shared;
  }

  /** Returns the number of blocks that leases hold or reserve. */
  public int reserved() {
    return reserved;
  }

  /** Returns the number of blocks that leases neither hold nor reserve. */
  public int available() {
    return owners.length - reserved;
  }

  /** Returns the number of open leases. */
  public int leases() {
    return leases;
  }

  /**
   * Opens a lease without blocks.
   *
   * @param owner the sequence's id, 0 or more
   */
  public Lease open(long owner) {
    if (owner < 0) {
      throw new IllegalArgumentException("owner must be at least 0, but is " + owner);
    }
    leases++;
    return new Lease(owner);
  }

  /** Returns the number of leases that hold a block. */
  public int owners(int block) {
    return owners[block];
  }

  /**
   * Returns the id of the sequence that was the first to own a block, or -1 if nobody owns it. Only
   * that sequence has written to it.
   */
  public long ownerOf(int block) {
    return owners[block] == 0 ? FREE : lastOwner[block];
  }

  /**
   * Makes a block free that is kept until now.
   *
   * @param block number of a block that nobody owns, and that its keeper has given up
   */
  public void reclaim(int block) {
    if (owners[block] != 0 || kept == 0) {
      throw new IllegalStateException("block " + block + " is not kept");
    }
    kept--;
    freeStack[freeCount++] = block;
  }

  private int take() {
    if (freeCount > 0) {
      return freeStack[--freeCount];
    }
    int block = keeper.forget();
    kept--;
    return block;
  }

  private void give(int block) {
    owners[block]--;
    if (owners[block] == 1) {
      shared--;
    } else if (owners[block] == 0) {
      reserved--;
      if (keeper.keep(block)) {
        kept++;
      } else {
        freeStack[freeCount++] = block;
      }
    }
  }

  /** The blocks of one sequence. Must be closed exactly once. */
  public final class Lease {
    private final long owner;
    private int[] blocks = new int[4];
    private int count;

    /** The reservation; the blocks held count if there are more. */
    private int target;

    private boolean closed;

    private Lease(long owner) {
      this.owner = owner;
    }

    /** Returns the number of blocks held. */
    public int allocated() {
      return count;
    }

    /** Returns the number of blocks held or reserved. */
    public int reserved() {
      return Math.max(count, target);
    }

    /**
     * Returns the number of a block held.
     *
     * @param index position in the block table, from 0
     * @throws IndexOutOfBoundsException if fewer blocks are held
     */
    public int block(int index) {
      if (index >= count) {
        throw new IndexOutOfBoundsException(
            "block " + index + " of " + count + " of owner " + owner);
      }
      return blocks[index];
    }

    /**
     * Returns the number of blocks at the start of the table that other leases hold, too. Owners of
     * a block own all blocks before it, so the number of owners never rises along the table.
     */
    public int shared() {
      int from = 0;
      int to = count;
      while (from < to) {
        int middle = (from + to) >>> 1;
        if (owners[blocks[middle]] > 1) {
          from = middle + 1;
        } else {
          to = middle;
        }
      }
      return from;
    }

    /**
     * Adds a block with tokens to the table: one that other leases hold, which costs nothing, or
     * one that is kept and that its keeper has given up.
     *
     * @param block number of the block
     * @throws IllegalStateException if the lease is closed or has reserved blocks, or the block is
     *     kept and no block is available
     */
    public void adopt(int block) {
      requireOpen();
      if (target > count) {
        throw new IllegalStateException("owner " + owner + " adopts blocks before it reserves");
      }
      if (owners[block] == 0) {
        if (available() == 0) {
          throw new IllegalStateException("no block is available for owner " + owner);
        }
        kept--;
        reserved++;
        lastOwner[block] = owner;
      }
      owners[block]++;
      shared += owners[block] == 2 ? 1 : 0;
      append(block);
    }

    /**
     * Sets the reservation.
     *
     * @param total number of blocks, including those held
     * @throws IllegalStateException if too few blocks are available or the lease is closed
     */
    public void reserve(int total) {
      requireOpen();
      int change = Math.max(count, total) - reserved();
      if (change > available()) {
        throw new IllegalStateException(
            "owner %d wants %d more blocks, but %d are available"
                .formatted(owner, change, available()));
      }
      reserved += change;
      target = total;
    }

    /**
     * Allocates free blocks until this many are held. Does nothing if more are held.
     *
     * @param total number of blocks to hold
     * @throws IllegalStateException if that exceeds the reservation or the lease is closed
     */
    public void allocateTo(int total) {
      requireOpen();
      if (total > reserved()) {
        throw new IllegalStateException(
            "owner %d wants to hold %d blocks, but has reserved %d"
                .formatted(owner, total, reserved()));
      }
      while (count < total) {
        int block = take();
        owners[block] = 1;
        lastOwner[block] = owner;
        append(block);
      }
    }

    private void append(int block) {
      if (count == blocks.length) {
        blocks = Arrays.copyOf(blocks, 2 * count);
      }
      blocks[count++] = block;
    }

    /**
     * Gives up all blocks and ends the reservation.
     *
     * @throws IllegalStateException if the lease was closed before
     */
    public void close() {
      requireOpen();
      closed = true;
      leases--;
      reserved -= reserved() - count;
      while (count > 0) {
        give(blocks[--count]); // the last first, so that no kept block continues one with an owner
      }
      target = 0;
    }

    private void requireOpen() {
      if (closed) {
        throw new IllegalStateException("lease of owner " + owner + " is closed");
      }
    }
  }
}
