package dev.s3llm.model.family;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;

/** Reads what configurations say of single layers: which have a window, which have no positions. */
final class Layers {
  private static final String FULL = "full_attention";
  private static final String SLIDING = "sliding_attention";

  private Layers() {}

  /**
   * Returns the window of each layer.
   *
   * @param window the window's positions; 0 for none anywhere
   * @param byDefault whether a layer has the window where {@code layer_types} does not say
   */
  static IntUnaryOperator windows(DecoderReader reader, int window, IntPredicate byDefault) {
    IntPredicate sliding = sliding(reader, byDefault);
    if (window == 0) {
      for (int i = 0; i < reader.layers(); i++) {
        if (reader.fields().has("layer_types") && sliding.test(i)) {
          throw reader.fields().bad("sliding_window", "", "given, since layer_types names it");
        }
      }
      return layer -> 0;
    }
    return layer -> sliding.test(layer) ? window : 0;
  }

  /** Returns which layers have a window: {@code layer_types}, or the family's own rule. */
  static IntPredicate sliding(DecoderReader reader, IntPredicate byDefault) {
    ConfigFields fields = reader.fields();
    JsonNode types = fields.node("layer_types");
    if (types.isMissingNode()) {
      return byDefault;
    }
    boolean[] sliding = new boolean[reader.layers()];
    boolean right = types.isArray() && types.size() == sliding.length;
    for (int i = 0; right && i < sliding.length; i++) {
      String type = types.get(i).asText();
      sliding[i] = type.equals(SLIDING);
      right = sliding[i] || type.equals(FULL);
    }
    if (!right) {
      throw fields.bad(
          "layer_types",
          types.toString(),
          "%d times %s or %s".formatted(sliding.length, FULL, SLIDING));
    }
    return layer -> sliding[layer];
  }

  /** Returns the window's positions, or 0 if there is none. */
  static int window(ConfigFields fields, int byDefault) {
    if (fields.has("sliding_window")) {
      return fields.dimension("sliding_window");
    }
    boolean none = fields.names().contains("sliding_window"); // null
    fields.node("sliding_window");
    return none ? 0 : byDefault;
  }
}
