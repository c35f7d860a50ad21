package dev.s3llm.engine.sequence;

import java.util.Arrays;

/**
 * The ledger of a pool of KV blocks: which sequence owns which block, and how many blocks are
 * reserved.
 *
 * <p>Blocks are numbered from 0. A {@link Lease} has allocated blocks, which contain tokens, and
 * may reserve more than are allocated. Invariants: no block belongs to two leases; free + allocated
 * = capacity; and the larger of reserved and allocated, summed over all leases, stays within the
 * capacity. A call that would break an invariant throws and changes nothing.
 *
 * <p>Not thread-safe: the engine loop is the only user.
 */
public final class KvBlockPool {
  private static final long FREE = -1;

  private final long[] owners;
  private final int[] freeStack;
  private int freeCount;
  private int reserved;
  private int leases;

  /**
   * Creates a pool in which every block is free.
   *
   * @param capacity number of blocks, 0 or more
   */
  public KvBlockPool(int capacity) {
    if (capacity < 0) {
      throw new IllegalArgumentException("capacity must be at least 0, but is " + capacity);
    }
    owners = new long[capacity];
    Arrays.fill(owners, FREE);
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

  /** Returns the number of blocks that no lease holds; some of them may be reserved. */
  public int free() {
    return freeCount;
  }

  /** Returns the number of blocks that leases hold. */
  public int allocated() {
    return owners.length - freeCount;
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

  /** Returns the id of the sequence that owns a block, or -1 if the block is free. */
  public long ownerOf(int block) {
    return owners[block];
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
      if (total > blocks.length) {
        blocks = Arrays.copyOf(blocks, Math.max(total, 2 * blocks.length));
      }
      while (count < total) {
        int block = freeStack[--freeCount];
        owners[block] = owner;
        blocks[count++] = block;
      }
    }

    /**
     * Returns all blocks to the pool and ends the reservation.
     *
     * @throws IllegalStateException if the lease was closed before
     */
    public void close() {
      requireOpen();
      closed = true;
      leases--;
      reserved -= reserved();
      while (count > 0) {
        int block = blocks[--count];
        owners[block] = FREE;
        freeStack[freeCount++] = block;
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
