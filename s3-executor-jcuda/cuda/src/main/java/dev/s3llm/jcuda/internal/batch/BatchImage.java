package dev.s3llm.jcuda.internal.batch;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A step's inputs in pinned memory, in the layout of a {@link BatchFormat}, to be copied to a
 * device in one piece.
 */
public final class BatchImage implements AutoCloseable {
  private static final int PADDING = -1;

  private final BatchFormat format;
  private final PinnedMemory memory;
  private final ByteBuffer into;
  private StepShape shape = new StepShape(0, 0, 0, 0, 0, 0);
  private StepShape launched = shape;
  private final int[] sampledSequences;
  private final int[] featureRows;
  private int features;
  private int listEnd;

  /** Allocates the memory. */
  public BatchImage(Device device, BatchFormat format) {
    this.format = format;
    this.memory = device.allocatePinned(format.capacityBytes());
    this.into = memory.view(0, format.capacityBytes());
    this.sampledSequences = new int[format.maxSequences()];
    this.featureRows = new int[format.maxSequences()];
  }

  PinnedMemory memory() {
    return memory;
  }

  /** Returns the number of bytes that the step reads, from the start. */
  int usedBytes() {
    return listEnd;
  }

  /** Returns the shape of the step, without padding. */
  public StepShape shape() {
    return shape;
  }

  /** Returns the shape of the launch: the step with the rows that pad it. */
  public StepShape launched() {
    return launched;
  }

  /**
   * Returns the index, in the list of sequences, of the one that the i-th sampled row belongs to.
   */
  public int sampledSequence(int i) {
    return sampledSequences[i];
  }

  /** Returns the number of rows whose features are requested. */
  public int features() {
    return features;
  }

  /** Returns the i-th row whose features are requested, in the order of the sequences. */
  public int featureRow(int i) {
    return featureRows[i];
  }

  /**
   * Writes the sequences; pads steps that only decode to their class.
   *
   * @param part positions of an attention part
   */
  public void fill(List<SequenceStep> sequences, int part) {
    listEnd = format.lists();
    int row = 0;
    int decodes = 0;
    int longestDecode = 0;
    int chunks = 0;
    int longestChunk = 0;
    int sampled = 0;
    features = 0;
    for (int s = 0; s < sequences.size(); s++) {
      SequenceStep sequence = sequences.get(s);
      int count = sequence.tokenCount();
      table(s, sequence);
      for (int t = 0; t < count; t++) {
        int position = sequence.startPosition() + t;
        row(row + t, sequence.token(position), position, s);
      }
      if (count == 1) {
        put(format.decodeRows(), decodes++, row);
        longestDecode = Math.max(longestDecode, sequence.startPosition() + 1);
      } else {
        put(format.firstRows(), chunks, row);
        put(format.rowCounts(), chunks++, count);
        longestChunk = Math.max(longestChunk, count);
      }
      row += count;
      if (sequence.samples()) {
        sampledSequences[sampled] = s;
        put(format.sampledRows(), sampled, row - 1);
        sampling(sampled++, sequence);
      }
      if (sequence.wantsFeatures()) {
        featureRows[features++] = row - 1;
      }
    }
    shape = new StepShape(row, decodes, longestDecode, chunks, longestChunk, sampled);
    launched = shape.decodesOnly() ? shape.padded(format.maxSequences(), part) : shape;
    for (int pad = row; pad < launched.rows(); pad++) {
      pad(pad);
    }
  }

  private void row(int row, int token, int position, int sequence) {
    put(format.tokens(), row, token);
    put(format.positions(), row, position);
    put(format.sequences(), row, sequence);
  }

  /** Writes a row of no sequence: kernels skip it, or compute results that are not read. */
  private void pad(int row) {
    row(row, 0, 0, PADDING);
    put(format.decodeRows(), row, row);
    put(format.sampledRows(), row, row);
    sampling(row, SamplingParameters.GREEDY, 0, 0, 0);
  }

  private void table(int s, SequenceStep sequence) {
    put(format.tableStarts(), s, (listEnd - format.lists()) / Integer.BYTES);
    for (int b = 0; b < sequence.blockCount(); b++) {
      append(sequence.block(b));
    }
  }

  /** Writes a sampled row; its history and its forbidden tokens follow the lists so far. */
  private void sampling(int i, SequenceStep sequence) {
    SamplingParameters parameters = sequence.sampling();
    int length = sequence.startPosition() + sequence.tokenCount();
    int start = (listEnd - format.lists()) / Integer.BYTES;
    boolean penalised = parameters.repetitionPenalty() != 1;
    for (int position = 0; penalised && position < length; position++) {
      append(sequence.token(position));
    }
    int[] forbidden = sequence.forbiddenTokens();
    for (int token : forbidden) {
      append(token);
    }
    sampling(i, parameters, length, start, penalised ? length : 0);
    into.putInt(format.sampling() + BatchFormat.SAMPLE_ROW_BYTES * i + 52, forbidden.length);
  }

  private void sampling(int i, SamplingParameters parameters, int position, int start, int length) {
    int at = format.sampling() + BatchFormat.SAMPLE_ROW_BYTES * i;
    into.putDouble(at, parameters.temperature())
        .putDouble(at + 8, parameters.topP())
        .putDouble(at + 16, parameters.repetitionPenalty())
        .putLong(at + 24, parameters.seed())
        .putInt(at + 32, parameters.topK())
        .putInt(at + 36, position)
        .putInt(at + 40, start)
        .putInt(at + 44, length)
        .putInt(at + 48, i)
        .putInt(at + 52, 0);
  }

  private void put(int section, int index, int value) {
    into.putInt(section + Integer.BYTES * index, value);
  }

  private void append(int value) {
    into.putInt(listEnd, value);
    listEnd += Integer.BYTES;
  }

  @Override
  public void close() {
    memory.close();
  }
}
