package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.WeightNames;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import jcuda.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a stage's layers on its device: matrices in tiles, norms and the embedding in
 * rows. The first stage has the embedding, the last the final norm and the output matrix.
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
  final DeviceMemory frequencies;
  final @Nullable DeviceMemory embedding;
  final @Nullable Norm finalNorm;
  final @Nullable Matrix output;

  /**
   * The matrices of one layer; matrices with the same input are joined.
   *
   * @param feedForwardNorm null where both parts of a layer read the same normed rows
   * @param up up rows; in turns of eight with gate rows where the layer has a gate
   */
  record Layer(
      Norm attentionNorm,
      Matrix queryKeyValue,
      Matrix attentionOutput,
      @Nullable Norm feedForwardNorm,
      Matrix up,
      Matrix down) {}

  /** The scale of a norm, and its bias if it is a LayerNorm. */
  record Norm(DeviceMemory weight, @Nullable DeviceMemory bias) {}

  /** A matrix {@code [out][in]} in tiles, and its bias, which may be null. */
  record Matrix(DeviceMemory tiles, int out, int in, @Nullable DeviceMemory bias) {}

  /**
   * Copies the weights of some layers to the current device and waits for them.
   *
   * @param onBytes receives the bytes copied so far, of {@link #bytes}
   */
  CudaWeights(
      Device device,
      DeviceStream stream,
      LoadKernels kernels,
      ModelConfig config,
      LayerRange range,
      TensorSource source,
      LongConsumer onBytes) {
    try (WeightUpload upload = new WeightUpload(device, stream, kernels, onBytes)) {
      Loader loader = new Loader(device, config, source, upload);
      WeightNames names = WeightNames.of(config.family());
      this.frequencies = loader.floats(stream, config.rope().frequencies());
      this.embedding = range.first() ? loader.embedding(names.embedding()) : null;
      for (int i = range.from(); i < range.to(); i++) {
        layers.add(loader.layer(names.layer(i)));
      }
      this.finalNorm = range.last(config) ? loader.norm(names.finalNorm()) : null;
      this.output = range.last(config) ? loader.output(names) : null;
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Returns the bytes that a stage's weights take on its device. */
  static long bytes(ModelConfig config, LayerRange range) {
    int hidden = config.hiddenSize();
    boolean gated = WeightNames.of(config.family()).layer(0).gate() != null;
    long layer =
        Layouts.weightBytes(config.querySize() + 2 * config.kvSize(), hidden)
            + Layouts.weightBytes(hidden, config.querySize())
            + Layouts.weightBytes((gated ? 2 : 1) * config.intermediateSize(), hidden)
            + Layouts.weightBytes(hidden, config.intermediateSize());
    long bytes = layer * (range.to() - range.from());
    if (range.first()) {
      bytes += (long) Layouts.NUMBER_BYTES * config.vocabularySize() * hidden;
    }
    if (range.last(config)) {
      bytes += Layouts.weightBytes(config.vocabularySize(), hidden);
    }
    return bytes;
  }

  /** Copies tensors of one source into this stage's memory. */
  private final class Loader {
    private final Device device;
    private final ModelConfig config;
    private final TensorSource source;
    private final WeightUpload upload;

    Loader(Device device, ModelConfig config, TensorSource source, WeightUpload upload) {
      this.device = device;
      this.config = config;
      this.source = source;
      this.upload = upload;
    }

    /** A module with a matrix {@code [out][in]}. */
    private record Module(String name, int out, int in) {}

    Layer layer(WeightNames.Layer names) {
      int hidden = config.hiddenSize();
      int inner = config.intermediateSize();
      String norm = names.feedForwardNorm();
      String gate = names.gate();
      Module up = new Module(names.up(), inner, hidden);
      return new Layer(
          norm(names.attentionNorm()),
          joined(
              new Module(names.query(), config.querySize(), hidden),
              new Module(names.key(), config.kvSize(), hidden),
              new Module(names.value(), config.kvSize(), hidden)),
          joined(new Module(names.attentionOutput(), hidden, config.querySize())),
          norm == null ? null : norm(norm),
          gate == null ? joined(up) : gated(new Module(gate, inner, hidden), up),
          joined(new Module(names.down(), hidden, inner)));
    }

    Matrix output(WeightNames names) {
      boolean tied = config.tiedOutput() || !source.contains(names.output() + ".weight");
      return joined(
          new Module(
              tied ? names.embedding() : names.output(),
              config.vocabularySize(),
              config.hiddenSize()));
    }

    DeviceMemory embedding(String name) {
      long rows = config.vocabularySize();
      DeviceMemory memory =
          keep(device.allocate(Layouts.NUMBER_BYTES * rows * config.hiddenSize()));
      upload.copy(source.tensor(name + ".weight", rows, config.hiddenSize()), memory, 0);
      return memory;
    }

    Norm norm(String name) {
      DeviceMemory weight =
          keep(device.allocate((long) Layouts.NUMBER_BYTES * config.hiddenSize()));
      upload.copy(source.tensor(name + ".weight", config.hiddenSize()), weight, 0);
      return new Norm(weight, bias(new Module(name, config.hiddenSize(), 1)));
    }

    /** Loads matrices with the same input, one above the other. */
    private Matrix joined(Module... parts) {
      int out = 0;
      for (Module part : parts) {
        out += part.out;
      }
      int in = parts[0].in;
      DeviceMemory tiles = keep(device.allocate(Layouts.weightBytes(out, in)));
      int row = 0;
      for (Module part : parts) {
        upload.tile(matrix(part), part.out, in, tiles, row, IN_ORDER);
        row += part.out;
      }
      return new Matrix(tiles, out, in, bias(parts));
    }

    private Matrix gated(Module gate, Module up) {
      for (Module part : List.of(gate, up)) {
        if (source.contains(part.name + ".bias")) {
          throw new ModelFormatException(part.name + ".bias: a gate with biases is not supported");
        }
      }
      int out = gate.out + up.out;
      DeviceMemory tiles = keep(device.allocate(Layouts.weightBytes(out, up.in)));
      upload.tile(matrix(gate), gate.out, gate.in, tiles, 0, GATE);
      upload.tile(matrix(up), up.out, up.in, tiles, 0, UP);
      return new Matrix(tiles, out, up.in, null);
    }

    private Tensor matrix(Module module) {
      return source.tensor(module.name + ".weight", module.out, module.in);
    }

    /** Loads the biases of joined matrices, zeros for a matrix without; null if none has one. */
    private @Nullable DeviceMemory bias(Module... parts) {
      int out = 0;
      boolean biased = false;
      for (Module part : parts) {
        out += part.out;
        biased |= source.contains(part.name + ".bias");
      }
      if (!biased) {
        return null;
      }
      DeviceMemory memory = keep(device.allocate((long) Layouts.NUMBER_BYTES * out));
      int at = 0;
      for (Module part : parts) {
        if (source.contains(part.name + ".bias")) {
          upload.copy(source.tensor(part.name + ".bias", part.out), memory, at);
        }
        at += part.out;
      }
      return memory;
    }

    DeviceMemory floats(DeviceStream stream, float[] values) {
      DeviceMemory memory = keep(device.allocate((long) Float.BYTES * values.length));
      stream.copyIn(Pointer.to(values), memory, 0, (long) Float.BYTES * values.length);
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
