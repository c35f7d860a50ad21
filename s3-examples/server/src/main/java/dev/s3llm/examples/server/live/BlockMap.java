package dev.s3llm.examples.server.live;

import dev.s3llm.observe.EngineInspection;
import dev.s3llm.observe.EngineInspection.Running;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * KV memory as a row of cells of one block each, or of several if there are too many blocks.
 *
 * @param blocksPerCell blocks of each cell; the last cell may have fewer
 * @param cells owner of the most blocks of each cell: an index in the list of running requests,
 *     {@value #OTHER} for a request beyond that list, {@value #SHARED} if several requests own the
 *     blocks together, or {@value #FREE} if no block of it has a known owner
 */
public record BlockMap(int blocksPerCell, List<Integer> cells) {
  static final int FREE = -1;
  static final int OTHER = -2;
  static final int SHARED = -3;
  static final int MOST_CELLS = 1_024;

  /** Copies the list. */
  public BlockMap {
    cells = List.copyOf(cells);
  }

  /** Creates a map that names the first {@code listed} running requests. */
  static BlockMap of(EngineInspection seen, int listed) {
    int blocksPerCell = Math.max(1, (seen.capacityBlocks() + MOST_CELLS - 1) / MOST_CELLS);
    int[] owners = new int[seen.capacityBlocks()];
    Arrays.fill(owners, FREE);
    for (int i = 0; i < seen.running().size(); i++) {
      Running running = seen.running().get(i);
      for (int block : running.blocks()) {
        owners[block] = owners[block] != FREE ? SHARED : i < listed ? i : OTHER;
      }
    }
    List<Integer> cells = new ArrayList<>();
    for (int from = 0; from < owners.length; from += blocksPerCell) {
      cells.add(
          most(Arrays.copyOfRange(owners, from, Math.min(from + blocksPerCell, owners.length))));
    }
    return new BlockMap(blocksPerCell, cells);
  }

  /** Returns the owner of the most blocks; {@link #FREE} only if no block has an owner. */
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
