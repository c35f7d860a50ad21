package dev.s3llm.examples.server.live;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.observe.EngineInspection;
import dev.s3llm.predict.LengthPrediction;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Owners of blocks, as cells. */
class BlockMapTest {

  @Test
  void blockOfSeveralRequests_isShared() {
    BlockMap map = BlockMap.of(inspection(5, List.of(0, 1, 2), List.of(0, 1, 4)), 1);
    assertThat(map.cells()).containsExactly(-3, -3, 0, -1, -2);
  }

  @Test
  void fewBlocks_haveACellEach() {
    BlockMap map = BlockMap.of(inspection(6, List.of(4, 0), List.of(2)), 9);
    assertThat(map.blocksPerCell()).isEqualTo(1);
    assertThat(map.cells()).containsExactly(0, -1, 1, -1, 0, -1);
  }

  @Test
  void manyBlocks_shareCellsInTheNameOfWhoHoldsMost() {
    int capacity = 2 * BlockMap.MOST_CELLS + 1; // three a cell
    BlockMap map = BlockMap.of(inspection(capacity, List.of(0, 3), List.of(1, 2, 8)), 9);
    assertThat(map.blocksPerCell()).isEqualTo(3);
    assertThat(map.cells()).hasSize((capacity + 2) / 3).startsWith(1, 0, 1, -1);
  }

  @Test
  void cells_areBoundedWhateverTheMemory() {
    List<Integer> all = IntStream.range(0, 1_000_003).boxed().toList();
    BlockMap map = BlockMap.of(inspection(1_000_003, all), 9);
    assertThat(map.cells()).hasSizeLessThanOrEqualTo(BlockMap.MOST_CELLS).containsOnly(0);
  }

  @Test
  void memoryWithoutBlocks_hasNoCells() {
    assertThat(BlockMap.of(inspection(0), 9).cells()).isEmpty();
  }

  @Test
  void blocksOfWhoeverIsNotListed_areNotFree() {
    BlockMap map = BlockMap.of(inspection(5, List.of(0), List.of(2), List.of(4)), 1);
    assertThat(map.cells()).containsExactly(0, -1, -2, -1, -2);
  }

  @SafeVarargs
  private static EngineInspection inspection(int capacity, List<Integer>... held) {
    List<EngineInspection.Running> running =
        IntStream.range(0, held.length)
            .mapToObj(
                i ->
                    new EngineInspection.Running(
                        new EngineInspection.Request(
                            "r" + i, "", 1, 1, 9, LengthPrediction.exactly(5), 0),
                        0,
                        9,
                        held[i]))
            .toList();
    return new EngineInspection(0, 16, capacity, capacity, running, List.of());
  }
}
