package dev.s3llm.engine.sequence;

import java.util.Arrays;

/**
 * The ledger of KV blocks: who owns which, and what is set aside.
 *
 * <p>Blocks are numbered from 0. A {@link Lease} holds allocated blocks (they carry tokens) and may
 * reserve more than it holds. Always: the blocks held are disjoint, free + allocated = capacity,
 * and the larger of reserved and allocated, summed over all leases, stays within capacity. A call
 * that would break this throws and changes nothing.
 *
 * <p>Not thread-safe: the engine loop is the only user.
 */
public final class KvBlockPool {
  private static final long NOBODY = -1;

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
    Arrays.fill(owners, NOBODY);
    freeStack = new int[capacity];
    for (int i = 0; i < capacity; i++) {
      freeStack[i] = capacity - 1 - i; // lowest numbers first
    }
    freeCount = capacity;
  }

  /** Number of blocks. */
  public int capacity() {
    return owners.length;
  }

  /** Blocks that no lease holds; some of them may be reserved. */
  public int free() {
    return freeCount;
  }

  /** Blocks that leases hold. */
  public int allocated() {
    return owners.length - freeCount;
  }

  /** Blocks that are held or reserved. */
  public int reserved() {
    return reserved;
  }

  /** Blocks that are neither held nor reserved. */
  public int available() {
    return owners.length - reserved;
  }

  /** Open leases. */
  public int leases() {
    return leases;
  }

  /**
   * Opens a lease without blocks.
   *
   * @param owner 0 or more; named in errors
   */
  public Lease open(long owner) {
    if (owner < 0) {
      throw new IllegalArgumentException("owner must be at least 0, but is " + owner);
    }
    leases++;
    return new Lease(owner);
  }

  /** The owner of a block, or -1 if it is free. */
  public long ownerOf(int block) {
    return owners[block];
  }

  /** One sequence's share of the pool. Closed exactly once. */
  public final class Lease {
    private final long owner;
    private int[] blocks = new int[4];
    private int count;
    private int target;
    private boolean closed;

    private Lease(long owner) {
      this.owner = owner;
    }

    /** Blocks held. */
    public int allocated() {
      return count;
    }

    /** Blocks held or set aside. */
    public int reserved() {
      return Math.max(count, target);
    }

    /** The block at a position of the block table. */
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
     * @param total blocks in all, those held included
     * @throws IllegalStateException if not enough is available or the lease is closed
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
     * Takes free blocks until this many are held.
     *
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
     * Gives everything back.
     *
     * @throws IllegalStateException if the lease is closed already
     */
    public void close() {
      requireOpen();
      closed = true;
      leases--;
      reserved -= reserved();
      while (count > 0) {
        int block = blocks[--count];
        owners[block] = NOBODY;
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
