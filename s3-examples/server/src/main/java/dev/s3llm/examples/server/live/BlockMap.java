package dev.s3llm.examples.server.live;

import dev.s3llm.observe.EngineInspection;
import dev.s3llm.observe.EngineInspection.Running;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * KV memory as a row of cells, each of one block or, where there are too many, of several.
 *
 * @param blocksPerCell blocks that a cell stands for; the last may stand for fewer
 * @param cells who holds most of each: an index in the list of the running requests, {@value
 *     #OTHER} for one that is not in the list any more, or {@value #FREE} if nobody is known to
 *     hold a block of it
 */
public record BlockMap(int blocksPerCell, List<Integer> cells) {
  static final int FREE = -1;
  static final int OTHER = -2;
  static final int MOST_CELLS = 1_024;

  /** Copies the list. */
  public BlockMap {
    cells = List.copyOf(cells);
  }

  /** Names those who are among the first {@code listed} that run. */
  static BlockMap of(EngineInspection seen, int listed) {
    int blocksPerCell = Math.max(1, (seen.capacityBlocks() + MOST_CELLS - 1) / MOST_CELLS);
    int[] owners = new int[seen.capacityBlocks()];
    Arrays.fill(owners, FREE);
    for (int i = 0; i < seen.running().size(); i++) {
      Running running = seen.running().get(i);
      for (int block : running.blocks()) {
        owners[block] = i < listed ? i : OTHER;
      }
    }
    List<Integer> cells = new ArrayList<>();
    for (int from = 0; from < owners.length; from += blocksPerCell) {
      cells.add(
          most(Arrays.copyOfRange(owners, from, Math.min(from + blocksPerCell, owners.length))));
    }
    return new BlockMap(blocksPerCell, cells);
  }

  /** Who is there most often; free blocks count only where there is nobody. */
  private static int most(int[] owners) {
    Arrays.sort(owners);
    int best = FREE;
    int bestCount = 0;
    int count = 0;
    for (int i = 0; i < owners.length; i++) {
      count = i > 0 && owners[i] == owners[i - 1] ? count + 1 : 1;
      if (owners[i] != FREE && count > bestCount) {
        best = owners[i];
        bestCount = count;
      }
    }
    return best;
  }
}
