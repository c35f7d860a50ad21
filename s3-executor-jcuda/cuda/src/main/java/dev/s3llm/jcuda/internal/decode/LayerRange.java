package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * The consecutive layers of a stage.
 *
 * @param from index of the first layer
 * @param to index after the last layer
 */
record LayerRange(int from, int to) {

  /** Returns whether the model begins here: the stage also has the embedding. */
  boolean first() {
    return from == 0;
  }

  /** Returns whether the model ends here: the stage also computes the logits. */
  boolean last(ModelConfig config) {
    return to == config.layerCount();
  }

  /**
   * Returns whether a layer is in this range.
   *
   * @param number number of the layer, from 1; 0 for none
   */
  boolean has(int number) {
    return number > from && number <= to;
  }

  /** Returns the number of layers. */
  int count() {
    return to - from;
  }

  /** Returns what differs from layer to layer, of this range's. */
  List<ModelConfig.Layer> of(ModelConfig config) {
    return config.layers().subList(from, to);
  }

  /** Splits all layers into parts whose sizes differ by at most one. */
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
