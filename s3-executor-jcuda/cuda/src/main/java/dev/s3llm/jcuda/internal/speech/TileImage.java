package dev.s3llm.jcuda.internal.speech;

import static dev.s3llm.jcuda.internal.speech.SpeechLimits.ROWS;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.model.speech.CanvasPass;
import dev.s3llm.model.speech.Recording;
import java.nio.IntBuffer;
import java.util.List;

/**
 * What the blocks of a launch work on, as the kernels read it: the structs {@code EncoderTile} or
 * {@code DecoderTile} of {@code src/main/cuda/speech.cuh}, the ids of a pass, and block tables. All
 * places count numbers of 4 bytes.
 *
 * @param tiles number of tiles
 * @param idsPlace where the ids of a pass begin, or the room for the CTC index of {@code tiles}
 *     whole tiles
 * @param tablesPlace where the block tables begin
 * @param rows rows of a pass; for recordings the rows of whole tiles
 * @param used numbers in the image
 */
record TileImage(int tiles, int idsPlace, int tablesPlace, int rows, int used) {
  /** Numbers of an {@code EncoderTile}. */
  static final int ENCODER_INTS = 4;

  /** Numbers of a {@code DecoderTile}. */
  static final int DECODER_INTS = 8;

  /** Returns the tiles of a number of rows. */
  static int tilesOf(int rows) {
    return Divide.up(rows, ROWS);
  }

  /**
   * Writes the image of some recordings; the CTC index is written later.
   *
   * @param format sizes of the largest step
   * @param to receives the image from its first number on
   * @throws IllegalArgumentException if there is no recording, a sequence lacks blocks, or the step
   *     is too large
   */
  static TileImage ofRecordings(SpeechFormat format, List<Recording> recordings, IntBuffer to) {
    int tiles = 0;
    for (Recording recording : recordings) {
      tiles += tilesOf(recording.input().slots());
    }
    requireSize(format, recordings.size(), tiles);
    int ids = ENCODER_INTS * tiles;
    int tables = ids + ROWS * tiles;
    int tile = 0;
    int end = tables;
    for (Recording recording : recordings) {
      int frames = recording.input().slots();
      int count = tilesOf(frames);
      for (int i = 0; i < count; i++) {
        to.put(ENCODER_INTS * (tile + i), tile)
            .put(ENCODER_INTS * (tile + i) + 1, frames)
            .put(ENCODER_INTS * (tile + i) + 2, recording.input().frames())
            .put(ENCODER_INTS * (tile + i) + 3, end - tables);
      }
      tile += count;
      end = putTable(recording.sequence(), frames, to, end);
    }
    for (int i = ids; i < tables; i++) {
      to.put(i, 0);
    }
    return new TileImage(tiles, ids, tables, ROWS * tiles, end);
  }

  /**
   * Writes the image of a pass over some canvases.
   *
   * @param format sizes of the largest step
   * @param vocabulary number of ids
   * @param to receives the image from its first number on
   * @throws IllegalArgumentException if there is no canvas or an empty one, a sequence lacks
   *     blocks, an id is unknown, or the step is too large
   */
  static TileImage ofPasses(
      SpeechFormat format, int vocabulary, List<CanvasPass> passes, IntBuffer to) {
    int tiles = 0;
    int rows = 0;
    for (CanvasPass pass : passes) {
      requireRows(pass, vocabulary);
      tiles += tilesOf(pass.ids().length);
      rows += pass.ids().length;
    }
    requireSize(format, passes.size(), tiles);
    int ids = DECODER_INTS * tiles;
    int tables = ids + rows;
    int tile = 0;
    int row = 0;
    int end = tables;
    for (CanvasPass pass : passes) {
      int frames = frames(pass);
      int count = pass.ids().length;
      for (int first = 0; first < count; first += ROWS) {
        to.put(DECODER_INTS * tile, row + first)
            .put(DECODER_INTS * tile + 1, Math.min(ROWS, count - first))
            .put(DECODER_INTS * tile + 2, pass.first() + first)
            .put(DECODER_INTS * tile + 3, frames)
            .put(DECODER_INTS * tile + 4, end - tables)
            .put(DECODER_INTS * tile + 5, pass.causal() ? 1 : 0)
            .put(DECODER_INTS * tile + 6, pass.first() + count)
            .put(DECODER_INTS * tile + 7, 0);
        tile++;
      }
      for (int id : pass.ids()) {
        to.put(ids + row++, id);
      }
      end = putTable(pass.sequence(), frames + pass.first() + count, to, end);
    }
    return new TileImage(tiles, ids, tables, rows, end);
  }

  private static int frames(CanvasPass pass) {
    SequenceStep.Input input = pass.sequence().input();
    if (input == null) {
      throw new IllegalArgumentException(
          "sequence %d has no recording".formatted(pass.sequence().sequenceId()));
    }
    return input.slots();
  }

  private static void requireRows(CanvasPass pass, int vocabulary) {
    if (pass.ids().length < 1 || pass.first() < 0 || (!pass.causal() && pass.first() > 0)) {
      throw new IllegalArgumentException(
          "a pass of sequence %d has %d rows from position %d on"
              .formatted(pass.sequence().sequenceId(), pass.ids().length, pass.first()));
    }
    for (int id : pass.ids()) {
      if (id < 0 || id >= vocabulary) {
        throw new IllegalArgumentException(
            "a canvas of sequence %d has id %d, but the model has the ids 0 to %d"
                .formatted(pass.sequence().sequenceId(), id, vocabulary - 1));
      }
    }
  }

  private static void requireSize(SpeechFormat format, int sequences, int tiles) {
    if (sequences < 1 || sequences > format.maxSequences() || tiles > format.tiles()) {
      throw new IllegalArgumentException(
          "a step has %d sequences with %d pieces of %d positions, but the device runs 1 to %d sequences and %d pieces"
              .formatted(sequences, tiles, ROWS, format.maxSequences(), format.tiles()));
    }
  }

  /** Writes the blocks of some slots; returns where the next table begins. */
  private static int putTable(SequenceStep sequence, int slots, IntBuffer to, int at) {
    int blocks = tilesOf(slots);
    if (blocks > sequence.blockCount() || at + blocks > to.capacity()) {
      throw new IllegalArgumentException(
          "sequence %d has %d KV blocks, but a step needs %d for %d positions"
              .formatted(sequence.sequenceId(), sequence.blockCount(), blocks, slots));
    }
    for (int i = 0; i < blocks; i++) {
      to.put(at + i, sequence.block(i));
    }
    return at + blocks;
  }
}
