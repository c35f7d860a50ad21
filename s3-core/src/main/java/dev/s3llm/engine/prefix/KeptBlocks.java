package dev.s3llm.engine.prefix;

/**
 * The blocks of a pool that no request owns and whose tokens are kept, because a later request may
 * begin with them. Their room is available: the pool takes it back when it has no empty block left.
 *
 * <p>Not thread-safe: the engine's loop is the only user.
 */
public interface KeptBlocks {
  /** Keeps nothing: a block without an owner is free at once. */
  KeptBlocks NONE =
      new KeptBlocks() {
        @Override
        public boolean keep(int block) {
          return false;
        }

        @Override
        public int forget() {
          throw new IllegalStateException("no block is kept");
        }
      };

  /**
   * Decides whether a block that has lost its last owner is kept.
   *
   * @param block number of the block
   * @return whether it is kept until {@link #forget} returns it; if not, it is free
   */
  boolean keep(int block);

  /**
   * Forgets a kept block, so that the pool can give it to a new owner.
   *
   * @return the number of a block that is kept until now
   * @throws IllegalStateException if no kept block can be forgotten
   */
  int forget();
}
