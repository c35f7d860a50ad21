package dev.s3llm.cpu;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.model.speech.CanvasPass;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** The canvases of a pass as rows, one for each position that is computed. */
final class CanvasRows {
  /** Tokens, block tables, and the KV slot of each row as its position. */
  final BatchLayout batch;

  /** Canvas position of each row, from 0 on. */
  final int[] places;

  /** Whether each row is of the causal mode. */
  final boolean[] causal;

  /** The slots of the canvas that each row sees. */
  final SeenSlots canvas;

  /** The slots of the frames, all of which each row sees. */
  final SeenSlots frames;

  CanvasRows(List<CanvasPass> passes) {
    int rows = passes.stream().mapToInt(pass -> pass.ids().length).reduce(0, Math::addExact);
    int[][] tables = new int[passes.size()][];
    Arrays.setAll(tables, s -> BatchLayout.blocks(passes.get(s).sequence()));
    batch = new BatchLayout(rows, tables);
    places = new int[rows];
    causal = new boolean[rows];
    canvas = new SeenSlots(new int[rows], new int[rows]);
    frames = new SeenSlots(new int[rows], new int[rows]);
    int row = 0;
    for (int s = 0; s < passes.size(); s++) {
      fill(passes.get(s), s, row);
      row += passes.get(s).ids().length;
    }
  }

  /** Returns the number of frames of a sequence. */
  static int frames(SequenceStep sequence) {
    return Objects.requireNonNull(sequence.input(), "a recording has an input").slots();
  }

  private void fill(CanvasPass pass, int sequence, int row) {
    int inputs = frames(pass.sequence());
    int length = pass.ids().length;
    for (int i = 0; i < length; i++, row++) {
      int place = pass.first() + i;
      places[row] = place;
      causal[row] = pass.causal();
      batch.tokens[row] = pass.ids()[i];
      batch.positions[row] = inputs + place;
      batch.sequenceOfRow[row] = sequence;
      canvas.from()[row] = inputs;
      canvas.to()[row] = inputs + (pass.causal() ? place + 1 : length);
      frames.to()[row] = inputs;
    }
  }
}
