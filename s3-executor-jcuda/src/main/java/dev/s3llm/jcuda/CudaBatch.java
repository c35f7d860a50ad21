package dev.s3llm.jcuda;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.jcuda.kernel.Device;
import dev.s3llm.jcuda.kernel.DeviceAddress;
import dev.s3llm.jcuda.kernel.DeviceMemory;
import dev.s3llm.jcuda.kernel.PinnedMemory;
import java.nio.ByteBuffer;

/**
 * A step's inputs, laid out in pinned memory and copied to the device in one piece: what to draw
 * by, then rows, sequences, block tables, and which rows are decoded, prefilled and sampled.
 */
final class CudaBatch implements AutoCloseable {
  private static final int SAMPLE_ROW_BYTES = 56;

  private final Device device;
  private final int blockTokens;
  private final PinnedMemory host;
  private final DeviceMemory memory;
  private final int capacityBytes;
  private BatchLayout layout;

  int decodes;
  int longestDecode;
  int chunks;
  int longestChunk;
  private int sampling;
  private int tokens;
  private int positions;
  private int sequences;
  private int tableStarts;
  private int tables;
  private int decodeRows;
  private int firstRows;
  private int rowCounts;
  private int sampledRows;
  private int history;

  /** Allocates room for the largest step. */
  CudaBatch(Device device, int maxTokens, int maxSequences, int maxContext, int blockTokens) {
    this.device = device;
    this.blockTokens = blockTokens;
    long tableInts = (long) maxSequences * ((maxContext + blockTokens - 1) / blockTokens);
    long historyInts = (long) maxSequences * maxContext;
    long ints = 3L * maxTokens + 6L * maxSequences + tableInts + historyInts;
    this.capacityBytes = Math.toIntExact(SAMPLE_ROW_BYTES * (long) maxSequences + 4 * ints + 64);
    this.host = device.allocatePinned(capacityBytes);
    this.memory = device.allocate(capacityBytes);
    this.layout =
        new BatchLayout(
            new StepBatch(0, java.util.List.of(), java.util.List.of(), java.util.List.of()));
  }

  BatchLayout layout() {
    return layout;
  }

  /** Lays a batch out and puts its copy to the device into the stream. */
  void load(StepBatch batch) {
    layout = new BatchLayout(batch);
    ByteBuffer into = host.view(0, capacityBytes);
    sampling = 0;
    writeSampling(batch, into);
    tokens = ints(into, layout.tokens);
    positions = ints(into, layout.positions);
    sequences = ints(into, layout.sequenceOfRow);
    writeTables(into);
    writeParts(batch, into);
    sampledRows = ints(into, layout.sampledRows);
    history = into.position();
    writeHistory(batch, into);
    device.copyIn(host.at(0), memory, 0, into.position());
  }

  private void writeSampling(StepBatch batch, ByteBuffer into) {
    int start = 0;
    for (int row = 0; row < layout.sampledSequences.length; row++) {
      SequenceStep sequence = batch.sequences().get(layout.sampledSequences[row]);
      SamplingParameters parameters = sequence.sampling();
      int length = sequence.startPosition() + sequence.tokenCount();
      int seen = parameters.repetitionPenalty() == 1 ? 0 : length;
      into.putDouble(parameters.temperature());
      into.putDouble(parameters.topP());
      into.putDouble(parameters.repetitionPenalty());
      into.putLong(parameters.seed());
      into.putInt(parameters.topK()).putInt(length).putInt(start).putInt(seen);
      into.putInt(row).putInt(0);
      start += seen;
    }
  }

  private void writeTables(ByteBuffer into) {
    int[] starts = new int[layout.blockTables.length];
    int start = 0;
    for (int s = 0; s < starts.length; s++) {
      starts[s] = start;
      start += layout.blockTables[s].length;
    }
    tableStarts = ints(into, starts);
    tables = into.position();
    for (int[] table : layout.blockTables) {
      ints(into, table);
    }
  }

  /** Sequences with one new token are decoded, the others prefilled. */
  private void writeParts(StepBatch batch, ByteBuffer into) {
    int count = batch.sequences().size();
    int[] single = new int[count];
    int[] first = new int[count];
    int[] rows = new int[count];
    decodes = 0;
    chunks = 0;
    longestDecode = 0;
    longestChunk = 0;
    int row = 0;
    for (SequenceStep sequence : batch.sequences()) {
      int length = sequence.tokenCount();
      if (length == 1) {
        single[decodes++] = row;
        longestDecode = Math.max(longestDecode, sequence.startPosition() + 1);
      } else {
        first[chunks] = row;
        rows[chunks++] = length;
        longestChunk = Math.max(longestChunk, length);
      }
      row += length;
    }
    decodeRows = ints(into, java.util.Arrays.copyOf(single, decodes));
    firstRows = ints(into, java.util.Arrays.copyOf(first, chunks));
    rowCounts = ints(into, java.util.Arrays.copyOf(rows, chunks));
  }

  private void writeHistory(StepBatch batch, ByteBuffer into) {
    for (int index : layout.sampledSequences) {
      SequenceStep sequence = batch.sequences().get(index);
      if (sequence.sampling().repetitionPenalty() != 1) {
        int length = sequence.startPosition() + sequence.tokenCount();
        for (int position = 0; position < length; position++) {
          into.putInt(sequence.token(position));
        }
      }
    }
  }

  private static int ints(ByteBuffer into, int[] values) {
    int at = into.position();
    for (int value : values) {
      into.putInt(value);
    }
    return at;
  }

  int blockTokens() {
    return blockTokens;
  }

  DeviceAddress sampling() {
    return at(sampling);
  }

  DeviceAddress tokens() {
    return at(tokens);
  }

  DeviceAddress positions() {
    return at(positions);
  }

  DeviceAddress sequences() {
    return at(sequences);
  }

  DeviceAddress tableStarts() {
    return at(tableStarts);
  }

  DeviceAddress tables() {
    return at(tables);
  }

  DeviceAddress decodeRows() {
    return at(decodeRows);
  }

  DeviceAddress firstRows() {
    return at(firstRows);
  }

  DeviceAddress rowCounts() {
    return at(rowCounts);
  }

  DeviceAddress sampledRows() {
    return at(sampledRows);
  }

  DeviceAddress history() {
    return at(Math.min(history, capacityBytes - 1));
  }

  private DeviceAddress at(int offset) {
    return new DeviceAddress(memory, offset);
  }

  @Override
  public void close() {
    memory.close();
    host.close();
  }
}
