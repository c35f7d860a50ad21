package dev.s3llm.cpu;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.Arrays;

/** A step's batch as rows, one for each new token. */
final class BatchLayout {
  final int rows;
  final int[] tokens;
  final int[] positions;
  final int[] sequenceOfRow;
  final int[][] blockTables;

  /** Rows whose next token is sampled; {@link #sampledSequences} has the sequence of each. */
  final int[] sampledRows;

  final int[] sampledSequences;

  /** Rows whose hidden state is a feature, in the order of their sequences. */
  final int[] featureRows;

  BatchLayout(StepBatch batch) {
    rows = batch.newTokens();
    tokens = new int[rows];
    positions = new int[rows];
    sequenceOfRow = new int[rows];
    blockTables = new int[batch.sequences().size()][];
    int sampled = (int) batch.sequences().stream().filter(SequenceStep::samples).count();
    sampledRows = new int[sampled];
    sampledSequences = new int[sampled];
    featureRows =
        new int[(int) batch.sequences().stream().filter(SequenceStep::wantsFeatures).count()];
    fill(batch);
  }

  /** Creates a layout whose rows the caller fills. */
  BatchLayout(int rows, int[]... blockTables) {
    this.rows = rows;
    this.blockTables = blockTables;
    tokens = new int[rows];
    positions = new int[rows];
    sequenceOfRow = new int[rows];
    sampledRows = new int[rows];
    sampledSequences = new int[rows];
    featureRows = new int[0];
  }

  /**
   * Returns a batch of one sequence in which every row is sampled.
   *
   * @param all the tokens of the sequence
   * @param start position of the first row
   * @param count number of rows
   * @param blocks the sequence's blocks
   */
  static BatchLayout ofAllPositions(int[] all, int start, int count, int... blocks) {
    BatchLayout layout = new BatchLayout(count, blocks);
    for (int row = 0; row < count; row++) {
      layout.tokens[row] = all[start + row];
      layout.positions[row] = start + row;
      layout.sampledRows[row] = row;
    }
    return layout;
  }

  /** Returns a copy of a sequence's block table. */
  static int[] blocks(SequenceStep sequence) {
    int[] blocks = new int[sequence.blockCount()];
    Arrays.setAll(blocks, sequence::block);
    return blocks;
  }

  private void fill(StepBatch batch) {
    int row = 0;
    int sampled = 0;
    int features = 0;
    for (int s = 0; s < blockTables.length; s++) {
      SequenceStep sequence = batch.sequences().get(s);
      blockTables[s] = blocks(sequence);
      for (int t = 0; t < sequence.tokenCount(); t++, row++) {
        positions[row] = sequence.startPosition() + t;
        tokens[row] = sequence.token(positions[row]);
        sequenceOfRow[row] = s;
      }
      if (sequence.samples()) {
        sampledRows[sampled] = row - 1;
        sampledSequences[sampled++] = s;
      }
      if (sequence.wantsFeatures()) {
        featureRows[features++] = row - 1;
      }
    }
  }
}
