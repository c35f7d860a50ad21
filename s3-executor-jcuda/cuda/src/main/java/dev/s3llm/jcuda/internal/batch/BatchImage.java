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
  private final StepLists lists;
  private final RowShaping shaping;
  private int features;
  private boolean shapes;
  private boolean logs;

  /**
   * Allocates the memory.
   *
   * @param kept the masks that the device has which samples
   */
  public BatchImage(Device device, BatchFormat format, KeptMasks kept) {
    this.format = format;
    this.memory = device.allocatePinned(format.capacityBytes());
    this.into = memory.view(0, format.capacityBytes());
    this.sampledSequences = new int[format.maxSequences()];
    this.featureRows = new int[format.maxSequences()];
    this.lists = new StepLists(into, format, kept);
    this.shaping = new RowShaping(lists, format.vocabulary());
  }

  PinnedMemory memory() {
    return memory;
  }

  /** Returns the number of bytes that the step reads, from the start. */
  int usedBytes() {
    return lists.endBytes();
  }

  StepLists lists() {
    return lists;
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
    lists.clear();
    shapes = false;
    logs = false;
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
    shape = new StepShape(row, decodes, longestDecode, chunks, longestChunk, sampled, shapes, logs);
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
    sampling(row, SamplingParameters.GREEDY, 0);
  }

  private void table(int s, SequenceStep sequence) {
    put(format.tableStarts(), s, lists.next());
    for (int b = 0; b < sequence.blockCount(); b++) {
      lists.add(sequence.block(b));
    }
  }

  /** Writes a sampled row; its lists follow the lists so far. */
  private void sampling(int i, SequenceStep sequence) {
    int length = sequence.startPosition() + sequence.tokenCount();
    int at = sampling(i, sequence.sampling(), length);
    int[] forbidden = sequence.forbiddenTokens();
    into.putInt(at + 40, lists.next()).putInt(at + 44, forbidden.length);
    for (int token : forbidden) {
      lists.add(token);
    }
    int place = shaping.write(sequence, length);
    into.putInt(at + 48, place).putInt(at + 52, sequence.logProbabilities());
    shapes |= place != RowShaping.NONE;
    logs |= sequence.logProbabilities() >= 0;
  }

  /** Writes a row without lists, and returns its offset. */
  private int sampling(int i, SamplingParameters parameters, int position) {
    int at = format.sampling() + BatchFormat.SAMPLE_ROW_BYTES * i;
    into.putDouble(at, parameters.temperature())
        .putDouble(at + 8, parameters.topP())
        .putDouble(at + 16, StrictMath.log(parameters.minP()))
        .putLong(at + 24, parameters.seed())
        .putInt(at + 32, parameters.topK())
        .putInt(at + 36, position)
        .putInt(at + 40, 0)
        .putInt(at + 44, 0)
        .putInt(at + 48, RowShaping.NONE)
        .putInt(at + 52, -1);
    return at;
  }

  private void put(int section, int index, int value) {
    into.putInt(section + Integer.BYTES * index, value);
  }

  @Override
  public void close() {
    memory.close();
  }
}
