package dev.s3llm.jcuda;

import dev.s3llm.jcuda.kernel.Device;
import dev.s3llm.jcuda.kernel.DeviceMemory;
import dev.s3llm.jcuda.kernel.KernelModule;
import dev.s3llm.jcuda.model.HalfFloats;
import dev.s3llm.jcuda.model.LlamaWeights;
import dev.s3llm.jcuda.model.LlamaWeights.Linear;
import dev.s3llm.jcuda.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import jcuda.Pointer;
import org.jspecify.annotations.Nullable;

/** A Llama-family model's weights on the device: matrices in tiles of halves, the rest in rows. */
final class CudaWeights implements AutoCloseable {
  private static final int TILE = 64;
  private static final long TILE_BYTES = 8192;

  /**
   * Where {@code retile} puts rows: one after the other, or in turns of eight gate and eight up.
   */
  private static final int IN_ORDER = 0;

  private static final int GATE = 1;
  private static final int UP = 2;

  private final Device device;
  private final KernelModule kernels;
  private final List<DeviceMemory> all = new ArrayList<>();
  final DeviceMemory embedding;
  final List<Layer> layers = new ArrayList<>();
  final DeviceMemory finalNorm;
  final Matrix output;
  final DeviceMemory frequencies;

  /** One layer's matrices, those that read the same input joined. */
  record Layer(
      DeviceMemory attentionNorm,
      Matrix queryKeyValue,
      Matrix attentionOutput,
      DeviceMemory feedForwardNorm,
      Matrix gateUp,
      Matrix down) {}

  /** A matrix {@code [out][in]} in tiles, and its bias if it has one. */
  record Matrix(DeviceMemory tiles, int out, int in, @Nullable DeviceMemory bias) {}

  CudaWeights(Device device, KernelModule kernels, ModelConfig config, LlamaWeights weights) {
    this.device = device;
    this.kernels = kernels;
    try {
      this.embedding = halves(weights.embedding());
      for (LlamaWeights.Layer layer : weights.layers()) {
        layers.add(layer(config, layer));
      }
      this.finalNorm = halves(weights.finalNorm());
      this.output =
          joined(
              config.hiddenSize(),
              new Linear(config.vocabularySize(), config.hiddenSize(), weights.output(), null));
      this.frequencies = floats(config.rope().frequencies());
      device.synchronize();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private Layer layer(ModelConfig config, LlamaWeights.Layer layer) {
    int hidden = config.hiddenSize();
    return new Layer(
        halves(layer.attentionNorm()),
        joined(hidden, layer.query(), layer.key(), layer.value()),
        joined(config.querySize(), layer.attentionOutput()),
        halves(layer.feedForwardNorm()),
        gateUp(hidden, layer.gate(), layer.up()),
        joined(config.intermediateSize(), layer.down()));
  }

  /** Matrices with the same input, one above the other. */
  private Matrix joined(int in, Linear... parts) {
    int out = 0;
    boolean biased = false;
    for (Linear part : parts) {
      out += part.out();
      biased |= part.bias() != null;
    }
    DeviceMemory tiles = tiles(out, in);
    int row = 0;
    for (Linear part : parts) {
      retile(part, tiles, row, IN_ORDER);
      row += part.out();
    }
    return new Matrix(tiles, out, in, biased ? halves(bias(out, parts)) : null);
  }

  private static float[] bias(int out, Linear... parts) {
    float[] joined = new float[out];
    int row = 0;
    for (Linear part : parts) {
      float[] bias = part.bias();
      if (bias != null) {
        System.arraycopy(bias, 0, joined, row, bias.length);
      }
      row += part.out();
    }
    return joined;
  }

  private Matrix gateUp(int in, Linear gate, Linear up) {
    if (gate.bias() != null || up.bias() != null) {
      throw new IllegalArgumentException("biases of the feed-forward layer are not supported");
    }
    int out = gate.out() + up.out();
    DeviceMemory tiles = tiles(out, in);
    retile(gate, tiles, 0, GATE);
    retile(up, tiles, 0, UP);
    return new Matrix(tiles, out, in, null);
  }

  private DeviceMemory tiles(int out, int in) {
    long count = (long) ((out + TILE - 1) / TILE) * ((in + TILE - 1) / TILE);
    return keep(device.allocate(Math.multiplyExact(count, TILE_BYTES)));
  }

  private void retile(Linear part, DeviceMemory tiles, int firstRow, int placement) {
    try (DeviceMemory rows = device.allocate(4L * part.matrix().length)) {
      device.copyIn(Pointer.to(part.matrix()), rows, 0, 4L * part.matrix().length);
      kernels.launch(
          "retile_f32_f16",
          new int[] {2048},
          256,
          0,
          rows,
          tiles,
          part.out(),
          part.in(),
          firstRow,
          placement);
      device.synchronize(); // before the rows are freed
    }
  }

  private DeviceMemory halves(float[] values) {
    short[] halves = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      halves[i] = HalfFloats.toHalf(values[i]);
    }
    DeviceMemory memory = keep(device.allocate(2L * values.length));
    device.copyIn(Pointer.to(halves), memory, 0, 2L * values.length);
    device.synchronize();
    return memory;
  }

  private DeviceMemory floats(float[] values) {
    DeviceMemory memory = keep(device.allocate(4L * values.length));
    device.copyIn(Pointer.to(values), memory, 0, 4L * values.length);
    device.synchronize();
    return memory;
  }

  private DeviceMemory keep(DeviceMemory memory) {
    all.add(memory);
    return memory;
  }

  @Override
  public void close() {
    all.forEach(DeviceMemory::close);
  }
}
