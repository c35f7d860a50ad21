package dev.s3llm.model.gguf;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The tensors of a GGUF file under the names, and with the rows and values, that Hugging Face's
 * files have. What llama.cpp's converter does is undone as tensors are read: the order of rows of
 * queries and keys, the 1 added to Gemma's norms, the stacking of experts. Matrices keep their
 * stored format.
 */
final class GgufTensors implements TensorSource {
  /** Factors of rotary frequencies, which are part of the configuration. */
  static final Set<String> ROPE =
      Set.of("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight");

  private static final Pattern LAYER = Pattern.compile("blk\\.(\\d+)\\.(.+)\\.(weight|bias)");
  private static final Map<String, String> OUTER =
      Map.of(
          "token_embd.weight", "model.embed_tokens.weight",
          "output_norm.weight", "model.norm.weight",
          "output.weight", "lm_head.weight",
          "output.bias", "lm_head.bias");

  private final GgufFile file;
  private final GgufArchitecture architecture;
  private final long headSize;
  private final Map<String, Place> places = new LinkedHashMap<>();

  /**
   * Where a tensor is stored.
   *
   * @param name name in the file
   * @param expert number of the expert whose part it is; -1 for the whole
   * @param change what is undone
   */
  private record Place(String name, int expert, Change change) {}

  private enum Change {
    NONE,
    ROWS,
    PLUS_ONE
  }

  /**
   * Finds the tensors.
   *
   * @param headSize elements of a head, even
   * @throws ModelFormatException if the file has a tensor that the architecture is not known to
   *     have
   */
  GgufTensors(GgufFile file, GgufArchitecture architecture, long headSize) {
    this.file = file;
    this.architecture = architecture;
    this.headSize = headSize;
    Map<String, String> modules = architecture.modules();
    for (String name : file.names()) {
      if (!ROPE.contains(name) && !outer(name) && !layer(name, modules)) {
        throw new ModelFormatException(
            "%s: tensor %s is not known for the architecture %s, whose arithmetic must be another"
                .formatted(file.path(), name, architecture.id()));
      }
    }
  }

  private boolean outer(String name) {
    String outer = OUTER.get(name);
    if (outer != null) {
      put(outer, new Place(name, -1, change(name)));
    }
    return outer != null;
  }

  private boolean layer(String name, Map<String, String> modules) {
    Matcher layer = LAYER.matcher(name);
    if (!layer.matches()) {
      return false;
    }
    String prefix = "model.layers." + layer.group(1) + ".";
    String module = layer.group(2);
    String kind = "." + layer.group(3);
    if (module.equals("attn_sinks")) {
      put(prefix + "self_attn.sinks", new Place(name, -1, Change.NONE));
      return true;
    }
    String known = modules.get(module);
    if (known != null) {
      put(prefix + known + kind, new Place(name, -1, change(name)));
      return true;
    }
    return experts(name, prefix, module, kind);
  }

  private boolean experts(String name, String prefix, String module, String kind) {
    GgufArchitecture.Experts experts = architecture.experts();
    String part = experts.stacked().getOrDefault(module, "");
    if (part.isEmpty()) {
      return false;
    }
    List<Long> shape = file.shape(name);
    if (shape.size() != (kind.equals(".bias") ? 2 : 3)) {
      throw new ModelFormatException(
          "%s: tensor %s has shape %s, but must have one part for each expert"
              .formatted(file.path(), name, shape));
    }
    for (int i = 0; i < shape.get(0); i++) {
      put(prefix + experts.prefix() + i + "." + part + kind, new Place(name, i, Change.NONE));
    }
    return true;
  }

  private void put(String name, Place place) {
    Place other = places.put(name, place);
    if (other != null) {
      throw new ModelFormatException(
          "%s: tensors %s and %s are the same part of the architecture %s"
              .formatted(file.path(), other.name, place.name, architecture.id()));
    }
  }

  private Change change(String name) {
    if (architecture.shiftedNorms() && name.endsWith("norm.weight")) {
      return Change.PLUS_ONE;
    }
    boolean turned = name.contains(".attn_q.") || name.contains(".attn_k.");
    return turned && architecture.pairedRows() ? Change.ROWS : Change.NONE;
  }

  @Override
  public boolean contains(String name) {
    return places.containsKey(name);
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(places.keySet());
  }

  @Override
  public Tensor tensor(String name, long... shape) {
    Place place = places.get(name);
    if (place == null) {
      throw new ModelFormatException(file.path() + " has no tensor " + name);
    }
    if (place.expert >= 0) {
      return expert(place, shape);
    }
    Tensor stored = file.tensor(place.name, shape);
    return switch (place.change) {
      case NONE -> stored;
      case ROWS -> {
        requireHeads(place.name, shape[0]);
        yield MappedRows.of(stored, shape.length == 1 ? 1 : shape[1], MappedRows.halves(headSize));
      }
      case PLUS_ONE -> minusOne(stored.widened());
    };
  }

  private void requireHeads(String name, long rows) {
    if (rows % headSize != 0) {
      throw new ModelFormatException(
          "%s: tensor %s has %d rows, which are no whole heads of %d"
              .formatted(file.path(), name, rows, headSize));
    }
  }

  private Tensor expert(Place place, long... shape) {
    long[] stacked = new long[shape.length + 1];
    stacked[0] = file.shape(place.name).get(0);
    System.arraycopy(shape, 0, stacked, 1, shape.length);
    Tensor all = file.tensor(place.name, stacked);
    long size = all.elements() / stacked[0];
    return all.part("expert " + place.expert, place.expert * size, size);
  }

  private static Tensor minusOne(Tensor stored) {
    return new Tensor(
        stored.label(),
        ElementType.F32,
        stored.elements(),
        (first, count) -> {
          ByteBuffer from = stored.slice(first, count);
          ByteBuffer bytes =
              ByteBuffer.allocate(Float.BYTES * count).order(ByteOrder.LITTLE_ENDIAN);
          for (int i = 0; i < count; i++) {
            bytes.putFloat(from.getFloat(Float.BYTES * i) - 1);
          }
          return bytes.flip();
        });
  }

  @Override
  public void close() {
    file.close();
  }
}
