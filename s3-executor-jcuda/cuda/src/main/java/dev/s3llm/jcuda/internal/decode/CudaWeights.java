package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.decode.WeightUpload.Tiles;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.ModelTensors.Expert;
import dev.s3llm.model.ModelTensors.Linear;
import dev.s3llm.model.RotaryEmbedding;
import dev.s3llm.model.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import jcuda.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a stage's layers on its device: matrices in tiles, the embedding in rows, the
 * scales of norms and all else that is added or multiplied once in floats. The first stage has the
 * embedding, the last the final norm and the output matrix.
 */
final class CudaWeights implements AutoCloseable {
  /** Placement of rows one after another. */
  private static final int IN_ORDER = 0;

  /** Placement of gate rows, in turns of eight with up rows. */
  private static final int GATE = 1;

  /** Placement of up rows, in turns of eight with gate rows. */
  private static final int UP = 2;

  private final List<DeviceMemory> all = new ArrayList<>();
  final List<Layer> layers = new ArrayList<>();
  final @Nullable DeviceMemory embedding;
  final @Nullable Norm finalNorm;
  final @Nullable Matrix output;

  /**
   * The weights of one layer; matrices with the same input are joined.
   *
   * @param queryKeyValue rows of queries, then of keys, then of values; a matrix for each format
   * @param router router of the experts; null for a dense part
   * @param up up rows; in turns of eight with gate rows where the part has a gate; of all experts,
   *     one after another
   * @param down of all experts, one after another
   */
  record Layer(
      Norms norms,
      List<Matrix> queryKeyValue,
      Heads heads,
      Matrix attentionOutput,
      @Nullable Matrix router,
      Matrix up,
      Matrix down) {}

  /** The norms of a layer; null where it has none at that place. */
  record Norms(
      @Nullable Norm beforeAttention,
      @Nullable Norm afterAttention,
      @Nullable Norm beforeFeedForward,
      @Nullable Norm afterFeedForward) {}

  /** The scale of a norm, and its bias if it is a LayerNorm; floats. */
  record Norm(DeviceMemory weight, @Nullable DeviceMemory bias) {}

  /**
   * What belongs to the heads of a layer; floats, null where it has none.
   *
   * @param frequencies of the rotary embedding
   * @param queryNorm scale of the norm on queries
   * @param keyNorm scale of the norm on keys
   * @param sinks logits without values
   */
  record Heads(
      @Nullable DeviceMemory frequencies,
      @Nullable DeviceMemory queryNorm,
      @Nullable DeviceMemory keyNorm,
      @Nullable DeviceMemory sinks) {}

  /**
   * A matrix {@code [out][in]} in tiles.
   *
   * @param format format of its codes; null for 16 bits
   * @param order column of the input that belongs to each column of the tiles, ints; null where it
   *     is the same
   * @param bias its bias, or null
   */
  record Matrix(
      DeviceMemory tiles,
      int out,
      int in,
      @Nullable CodeFormat format,
      @Nullable DeviceAddress order,
      @Nullable DeviceMemory bias) {}

  /**
   * Copies the weights of some layers to the current device and waits for them.
   *
   * @param plan chooses the format of each matrix
   * @param onBytes receives the bytes copied so far, of {@link WeightPlan#bytes}
   */
  CudaWeights(
      Device device,
      DeviceStream stream,
      LoadKernels kernels,
      ModelConfig config,
      LayerRange range,
      ModelTensors tensors,
      WeightPlan plan,
      LongConsumer onBytes) {
    try (WeightUpload upload = new WeightUpload(device, stream, kernels, onBytes)) {
      Loader loader = new Loader(device, stream, upload, plan);
      this.embedding = range.first() ? loader.rows(tensors.embedding()) : null;
      for (int i = range.from(); i < range.to(); i++) {
        layers.add(loader.layer(config.layers().get(i), tensors.layers().get(i)));
      }
      this.finalNorm = range.last(config) ? loader.norm(tensors.finalNorm()) : null;
      this.output = range.last(config) ? loader.joined(plan.output(tensors.output())) : null;
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * Returns the columns of the widest matrix whose input is brought into another order; 0 for none.
   */
  int orderedColumns() {
    Stream<Matrix> inLayers =
        layers.stream()
            .flatMap(
                layer ->
                    Stream.concat(
                        layer.queryKeyValue.stream(),
                        Stream.of(layer.attentionOutput, layer.up, layer.down)));
    return Stream.concat(inLayers, Stream.ofNullable(output))
        .filter(matrix -> matrix.order != null)
        .mapToInt(Matrix::in)
        .max()
        .orElse(0);
  }

  /** Copies tensors of one source into this stage's memory. */
  private final class Loader {
    private final Device device;
    private final DeviceStream stream;
    private final WeightUpload upload;
    private final WeightPlan plan;
    private final IdentityHashMap<RotaryEmbedding, DeviceMemory> frequencies =
        new IdentityHashMap<>();

    Loader(Device device, DeviceStream stream, WeightUpload upload, WeightPlan plan) {
      this.device = device;
      this.stream = stream;
      this.upload = upload;
      this.plan = plan;
    }

    Layer layer(ModelConfig.Layer shape, ModelTensors.Layer own) {
      ModelTensors.Attention attention = own.attention();
      ModelTensors.Norms norms = own.norms();
      List<Expert> experts = own.feedForward().experts();
      Linear router = own.feedForward().router();
      return new Layer(
          new Norms(
              maybe(norms.beforeAttention()),
              maybe(norms.afterAttention()),
              maybe(norms.beforeFeedForward()),
              maybe(norms.afterFeedForward())),
          plan.layer(List.of(attention.query(), attention.key(), attention.value())).stream()
              .map(this::joined)
              .toList(),
          heads(shape, attention),
          joined(plan.layer(attention.output())),
          router == null ? null : joined(new WeightPlan.Joined(null, List.of(router))),
          up(experts),
          down(experts));
    }

    private Heads heads(ModelConfig.Layer shape, ModelTensors.Attention own) {
      RotaryEmbedding rope = shape.rope();
      ModelTensors.Norm queryNorm = own.queryNorm();
      ModelTensors.Norm keyNorm = own.keyNorm();
      Tensor sinks = own.sinks();
      return new Heads(
          rope == null ? null : frequencies.computeIfAbsent(rope, key -> floats(key.frequencies())),
          queryNorm == null ? null : floats(queryNorm.scale()),
          keyNorm == null ? null : floats(keyNorm.scale()),
          sinks == null ? null : floats(sinks.floats()));
    }

    /** Loads a matrix as rows. */
    DeviceMemory rows(Tensor tensor) {
      DeviceMemory memory = keep(device.allocate(Layouts.NUMBER_BYTES * tensor.elements()));
      upload.copy(tensor, memory);
      return memory;
    }

    private @Nullable Norm maybe(ModelTensors.@Nullable Norm norm) {
      return norm == null ? null : norm(norm);
    }

    Norm norm(ModelTensors.Norm norm) {
      Tensor bias = norm.bias();
      return new Norm(floats(norm.scale()), bias == null ? null : floats(bias.floats()));
    }

    /** Loads matrices with the same input, one above the other. */
    Matrix joined(WeightPlan.Joined joined) {
      CodeFormat format = joined.format();
      DeviceMemory tiles = keep(device.allocate(joined.bytes()));
      Tiles all = new Tiles(new DeviceAddress(tiles, 0), joined.bytes());
      Bias bias = new Bias(joined.out());
      int row = 0;
      for (Linear part : joined.parts()) {
        tile(part, format, all, row, IN_ORDER);
        bias.add(part, row, IN_ORDER);
        row += part.out();
      }
      return new Matrix(
          tiles,
          joined.out(),
          joined.in(),
          format,
          order(format, joined.parts().get(0)),
          bias.load());
    }

    private void tile(
        Linear part, @Nullable CodeFormat format, Tiles to, int firstRow, int placement) {
      if (format == null) {
        upload.tile(part, to, firstRow, placement);
      } else {
        boolean stored = plan.rounded() == null;
        upload.tile(part, format, stored, to, firstRow, placement);
      }
    }

    private Matrix up(List<Expert> experts) {
      Linear first = experts.get(0).up();
      int out = (experts.get(0).gate() == null ? 1 : 2) * first.out();
      CodeFormat format = plan.up(experts);
      long bytes = WeightPlan.bytes(format, out, first.in());
      DeviceMemory tiles = keep(device.allocate(bytes * experts.size()));
      Bias bias = new Bias(out * experts.size());
      for (int e = 0; e < experts.size(); e++) {
        Linear gate = experts.get(e).gate();
        Linear up = experts.get(e).up();
        Tiles own = new Tiles(new DeviceAddress(tiles, e * bytes), bytes);
        if (gate != null) {
          tile(gate, format, own, 0, GATE);
          bias.add(gate, e * out, GATE);
        }
        tile(up, format, own, 0, gate == null ? IN_ORDER : UP);
        bias.add(up, e * out, gate == null ? IN_ORDER : UP);
      }
      return new Matrix(tiles, out, first.in(), format, order(format, first), bias.load());
    }

    private Matrix down(List<Expert> experts) {
      Linear first = experts.get(0).down();
      CodeFormat format = plan.down(experts);
      long bytes = WeightPlan.bytes(format, first.out(), first.in());
      DeviceMemory tiles = keep(device.allocate(bytes * experts.size()));
      Bias bias = new Bias(first.out() * experts.size());
      for (int e = 0; e < experts.size(); e++) {
        Linear down = experts.get(e).down();
        Tiles own = new Tiles(new DeviceAddress(tiles, e * bytes), bytes);
        tile(down, format, own, 0, IN_ORDER);
        bias.add(down, e * first.out(), IN_ORDER);
      }
      return new Matrix(tiles, first.out(), first.in(), format, order(format, first), bias.load());
    }

    /** The biases of joined matrices in the order of their rows, zeros for those without. */
    private final class Bias {
      private final float[] values;
      private @Nullable String label;

      Bias(int out) {
        this.values = new float[out];
      }

      void add(Linear matrix, int firstRow, int placement) {
        Tensor own = matrix.bias();
        if (own == null) {
          return;
        }
        label = own.label();
        float[] floats = own.floats();
        for (int row = 0; row < floats.length; row++) {
          int turned = row / 8 * 16 + row % 8 + (placement == UP ? 8 : 0);
          values[firstRow + (placement == IN_ORDER ? row : turned)] = floats[row];
        }
      }

      /** Loads them; null if none of the matrices has one. */
      @Nullable DeviceMemory load() {
        String own = label;
        if (own == null) {
          return null;
        }
        DeviceMemory memory = keep(device.allocate((long) Layouts.NUMBER_BYTES * values.length));
        upload.copy(own, values, memory);
        return memory;
      }
    }

    private @Nullable DeviceAddress order(@Nullable CodeFormat format, Linear matrix) {
      int[] order = plan.order(format, matrix).orElse(null);
      return order == null ? null : new DeviceAddress(words(Pointer.to(order), order.length), 0);
    }

    private DeviceMemory floats(float[] values) {
      return words(Pointer.to(values), values.length);
    }

    /** Copies numbers of 32 bits. */
    private DeviceMemory words(Pointer from, int count) {
      DeviceMemory memory = keep(device.allocate((long) Float.BYTES * count));
      stream.copyIn(from, memory, 0, memory.bytes());
      stream.synchronize();
      return memory;
    }

    private DeviceMemory keep(DeviceMemory memory) {
      all.add(memory);
      return memory;
    }
  }

  @Override
  public void close() {
    all.forEach(DeviceMemory::close);
  }
}
