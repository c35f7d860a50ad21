package dev.s3llm.jcuda;

import dev.s3llm.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * The layers of a stage.
 *
 * @param from the first
 * @param to behind the last
 */
record LayerRange(int from, int to) {

  /** Whether these begin the model: the embedding comes before. */
  boolean first() {
    return from == 0;
  }

  /** Whether these end the model: the logits come after. */
  boolean last(ModelConfig config) {
    return to == config.layers();
  }

  /** How many. */
  int count() {
    return to - from;
  }

  /** All layers, in as many parts, as even as can be. */
  static List<LayerRange> split(int layers, int parts) {
    List<LayerRange> ranges = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      ranges.add(
          new LayerRange(
              (int) ((long) layers * i / parts), (int) ((long) layers * (i + 1) / parts)));
    }
    return ranges;
  }
}
