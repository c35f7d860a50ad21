package dev.s3llm.engine.prefix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.engine.prefix.StoredBlocks.Stored;
import dev.s3llm.execute.StepBatch.BlockCopy;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Blocks in host memory, with keys that the test chooses. */
class StoredBlocksTest {
  private static final int FIRST = 100;

  private final PrefixNode root = PrefixNode.root("a", 0, 0);
  private long now;

  @Test
  void block_isFoundOnceItsStepHasSucceeded() {
    StoredBlocks stored = stored(2);
    PrefixNode node = seenAgain(root, 7, 3, 1, 2);
    stored.store(node);
    assertThat(stored.launch()).containsExactly(new BlockCopy(BlockCopy.NO_SEQUENCE, 3, FIRST));
    assertThat(stored.find(root, 7, new int[] {1, 2})).isNull();
    stored.stepEnded(true);
    assertThat(found(stored, root, 7, 1, 2).hostBlock()).isEqualTo(FIRST);
    assertThat(stored.launch()).isEmpty();
  }

  @Test
  void equalKeyWithOtherTokens_isNotFound() {
    StoredBlocks stored = stored(4);
    PrefixNode first = PrefixNode.child(root, 7, 3, new int[] {1, 2});
    PrefixNode second = seenAgain(first, 8, 4, 3, 4);
    store(stored, second);
    assertThat(stored.find(first, 8, new int[] {1, 2, 9, 9})).as("other tokens").isNull();
    PrefixNode again = PrefixNode.child(PrefixNode.root("a", 0, 1), 7, 5, new int[] {1, 2});
    assertThat(found(stored, again, 8, 1, 2, 3, 4).node()).isSameAs(second);
    PrefixNode colliding = PrefixNode.child(root, 7, 6, new int[] {5, 6});
    assertThat(stored.find(colliding, 8, new int[] {5, 6, 3, 4}))
        .as("other blocks before")
        .isNull();
    PrefixNode foreign = PrefixNode.child(PrefixNode.root("b", 0, 2), 7, 6, new int[] {1, 2});
    assertThat(stored.find(foreign, 8, new int[] {1, 2, 3, 4})).as("another scope").isNull();
  }

  @Test
  void roomOfABlockThatIsRead_isNotTaken() {
    StoredBlocks stored = stored(1);
    store(stored, seenAgain(root, 7, 3, 1, 2));
    stored.returns(found(stored, root, 7, 1, 2));
    stored.store(seenAgain(root, 8, 4, 3, 4));
    assertThat(stored.launch()).isEmpty();
    assertThat(stored.holds(FIRST)).isTrue();
    stored.stepEnded(true);
    assertThat(found(stored, root, 7, 1, 2).hostBlock()).isEqualTo(FIRST);
  }

  @Test
  void droppedBlock_leavesItsRoomWhenNobodyReadsIt() {
    StoredBlocks stored = stored(1);
    store(stored, seenAgain(root, 7, 3, 1, 2));
    Stored block = found(stored, root, 7, 1, 2);
    stored.returns(block);
    stored.dropScope("a");
    assertThat(stored.holds(FIRST)).isTrue();
    stored.stepEnded(true);
    assertThat(stored.holds(FIRST)).isFalse();
    assertThatThrownBy(() -> stored.returns(block))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("was dropped");
  }

  @Test
  void blockThatWasSeenOnce_isNotStored() {
    StoredBlocks stored = stored(4);
    PrefixNode node = PrefixNode.child(root, 7, 3, new int[] {1, 2});
    node.use(PrefixUse.at(0));
    stored.store(node);
    assertThat(stored.launch()).isEmpty();
  }

  /** Returns a block of a request whose beginning was seen before. */
  private static PrefixNode seenAgain(PrefixNode before, long key, int block, int... tokens) {
    PrefixNode node = PrefixNode.child(before, key, block, tokens);
    node.use(new PrefixUse(0, new PrefixUse.Facts(new int[] {2, 0, 0, 0, 0}, 0)));
    return node;
  }

  private StoredBlocks stored(int blocks) {
    return new StoredBlocks(FIRST, blocks, Long.MAX_VALUE, () -> now);
  }

  private static void store(StoredBlocks stored, PrefixNode node) {
    stored.store(node);
    assertThat(stored.launch()).hasSize(1);
    stored.stepEnded(true);
  }

  private static Stored found(StoredBlocks stored, PrefixNode before, long key, int... tokens) {
    return Objects.requireNonNull(stored.find(before, key, tokens));
  }
}
