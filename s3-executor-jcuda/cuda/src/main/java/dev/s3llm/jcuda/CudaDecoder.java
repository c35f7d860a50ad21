package dev.s3llm.jcuda;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.MatrixProduct.Output;
import dev.s3llm.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of a stage's layers on its device, over the layouts of {@code
 * src/main/cuda/README.md}: {@code CpuDecoder} of s3-executor-cpu is its reference. Puts a step
 * into a stream and returns at once. A row's result never depends on other rows, bit by bit.
 */
final class CudaDecoder implements AutoCloseable {
  /** Positions of an attention part. */
  static final int PART = 256;

  private static final int THREADS = 256;
  private static final int NORM_THREADS = 1024;

  /** Blocks of attention that an H200 runs at once. */
  private static final int ATTENTION_SLOTS = 396;

  /** Blocks of the rotary embedding that are worth having. */
  private static final int ROTARY_SLOTS = 264;

  private static final int MOST_ROTARY_BLOCKS = 16;
  private static final int SAMPLE_THREADS = 1024;

  private final ModelConfig config;
  private final LayerRange range;
  private final CudaWeights weights;
  private final DecoderKernels kernels;
  private final DeviceMemory pool;
  private final DeviceBatch batch;
  private final List<DeviceMemory> all = new ArrayList<>();
  private final int groups;
  private final int qkvSize;
  private final DeviceMemory residual;
  private final DeviceMemory normed;
  private final DeviceMemory qkv;
  private final DeviceMemory attended;
  private final DeviceMemory activated;
  private final DeviceMemory sums;
  private final DeviceMemory states;
  private final DeviceMemory counters;
  private final @Nullable DeviceMemory logits;
  private final @Nullable DeviceMemory drawn;
  private final int maxSequences;

  /** Sizes of the buffers between kernels. */
  private record Workspace(
      long residual,
      long normed,
      long qkv,
      long attended,
      long activated,
      long sums,
      long states,
      long counters,
      long logits,
      long drawn) {

    static Workspace of(ModelConfig config, LayerRange range, BatchFormat format) {
      long rows = groups(format) * 8L;
      long parts =
          (long) format.maxSequences() * config.heads() * partsCapacity(format.maxContext());
      boolean last = range.last(config);
      return new Workspace(
          Float.BYTES * rows * config.hiddenSize(),
          tileBytes(rows, config.hiddenSize()),
          Precision.BYTES * rows * (config.querySize() + 2 * config.kvSize()),
          tileBytes(rows, config.querySize()),
          tileBytes(rows, config.intermediateSize()),
          Float.BYTES * parts * config.headSize(),
          2 * Float.BYTES * parts,
          (long) Integer.BYTES * format.maxSequences() * config.kvHeads(),
          last ? (long) Float.BYTES * format.maxSequences() * config.vocabularySize() : 0,
          last ? 2L * Integer.BYTES * format.maxSequences() : 0);
    }

    long bytes() {
      return residual + normed + qkv + attended + activated + sums + states + counters + logits
          + drawn;
    }
  }

  CudaDecoder(
      Device device,
      DecoderKernels kernels,
      ModelConfig config,
      LayerRange range,
      CudaWeights weights,
      DeviceMemory pool,
      DeviceBatch batch,
      BatchFormat format) {
    this.config = config;
    this.range = range;
    this.weights = weights;
    this.kernels = kernels;
    this.pool = pool;
    this.batch = batch;
    this.maxSequences = format.maxSequences();
    this.groups = groups(format);
    this.qkvSize = config.querySize() + 2 * config.kvSize();
    Workspace sizes = Workspace.of(config, range, format);
    try {
      this.residual = keep(device.allocate(sizes.residual));
      this.normed = keep(device.allocate(sizes.normed));
      this.qkv = keep(device.allocate(sizes.qkv));
      this.attended = keep(device.allocate(sizes.attended));
      this.activated = keep(device.allocate(sizes.activated));
      this.sums = keep(device.allocate(sizes.sums));
      this.states = keep(device.allocate(sizes.states));
      this.counters = keep(device.allocate(sizes.counters));
      this.logits = sizes.logits == 0 ? null : keep(device.allocate(sizes.logits));
      this.drawn = sizes.drawn == 0 ? null : keep(device.allocate(sizes.drawn));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Bytes of the buffers between kernels. */
  static long workspaceBytes(ModelConfig config, LayerRange range, BatchFormat format) {
    return Workspace.of(config, range, format).bytes();
  }

  private DeviceMemory keep(DeviceMemory memory) {
    all.add(memory);
    return memory;
  }

  private static int groups(BatchFormat format) {
    return (format.maxTokens() + 7) / 8;
  }

  private static long tileBytes(long rows, int width) {
    return Precision.BYTES * rows * 64 * ((width + 63) / 64);
  }

  private static int parts(int context) {
    return (context + PART - 1) / PART;
  }

  /** Parts of the longest context, rounded up as {@link StepShape#padded} does. */
  private static int partsCapacity(int context) {
    return Integer.highestOneBit(Math.max(1, 2 * parts(context) - 1));
  }

  /** The residual stream, {@code [row][hidden]} of float: what stages hand on. */
  DeviceMemory residual() {
    return residual;
  }

  /** Drawn tokens, then failures, {@code maxSequences} of each; null in inner stages. */
  @Nullable DeviceMemory drawn() {
    return drawn;
  }

  /** Logits of the sampled rows, {@code [row][vocabulary]} of float; null in inner stages. */
  @Nullable DeviceMemory logits() {
    return logits;
  }

  /** Puts a step into a stream. */
  void launch(DeviceStream stream, StepShape shape) {
    new Pass(stream, shape).run();
  }

  /** One step's launches. */
  private final class Pass {
    private final DeviceStream stream;
    private final StepShape shape;
    private final int rows;

    Pass(DeviceStream stream, StepShape shape) {
      this.stream = stream;
      this.shape = shape;
      this.rows = shape.rows();
    }

    void run() {
      DeviceMemory embedding = weights.embedding;
      if (embedding != null) {
        launch(
            kernels.embed,
            rows,
            THREADS,
            0,
            embedding,
            batch.tokens,
            residual,
            config.hiddenSize());
      }
      for (int i = 0; i < range.count(); i++) {
        layer(i, weights.layers.get(i));
      }
      CudaWeights.Norm norm = weights.finalNorm;
      CudaWeights.Matrix output = weights.output;
      if (norm != null && output != null && logits != null && drawn != null) {
        if (shape.sampled() > 0) {
          sample(norm, output, logits, drawn);
        }
      }
    }

    private void layer(int i, CudaWeights.Layer layer) {
      norm(null, layer.attentionNorm(), rows);
      multiply(layer.queryKeyValue(), normed, qkv, rows, qkvSize, Output.ROWS);
      rotateAndStore(i);
      if (shape.decodes() > 0) {
        decode(i);
      }
      if (shape.chunks() > 0) {
        prefill(i);
      }
      int hidden = config.hiddenSize();
      multiply(layer.attentionOutput(), attended, residual, rows, hidden, Output.ADDED);
      CudaWeights.Norm norm = layer.feedForwardNorm();
      if (norm != null) {
        norm(null, norm, rows);
        multiply(layer.up(), normed, activated, rows, groups, Output.GATED_TILES);
      } else {
        multiply(layer.up(), normed, activated, rows, groups, Output.GELU_TILES);
      }
      multiply(layer.down(), activated, residual, rows, hidden, Output.ADDED);
    }

    private void norm(@Nullable Object pickedRows, CudaWeights.Norm norm, int count) {
      int width = config.hiddenSize();
      float epsilon = config.normEpsilon();
      DeviceMemory weight = norm.weight();
      DeviceMemory bias = norm.bias();
      if (bias == null) {
        launch(
            kernels.rmsNorm,
            count,
            NORM_THREADS,
            0,
            residual,
            null,
            pickedRows,
            weight,
            normed,
            width,
            groups,
            epsilon);
      } else {
        launch(
            kernels.layerNorm,
            count,
            NORM_THREADS,
            0,
            residual,
            null,
            pickedRows,
            weight,
            bias,
            normed,
            width,
            groups,
            epsilon);
      }
    }

    private void multiply(
        CudaWeights.Matrix matrix,
        DeviceMemory x,
        DeviceMemory y,
        int count,
        int stride,
        Output output) {
      kernels.products.launch(
          stream,
          matrix.tiles(),
          x,
          y,
          matrix.bias(),
          count,
          matrix.out(),
          matrix.in(),
          groups,
          stride,
          output);
    }

    private void rotateAndStore(int i) {
      int turned = config.rope().dimensions();
      int allHeads = config.heads() + 2 * config.kvHeads();
      int most = Math.min(allHeads, MOST_ROTARY_BLOCKS);
      int blocks = Math.max(1, Math.min(most, ROTARY_SLOTS / rows));
      kernels.module.launch(
          stream,
          kernels.rotateAndStore,
          new int[] {rows, blocks},
          THREADS,
          Float.BYTES * turned,
          qkv,
          pool,
          batch.positions,
          batch.sequences,
          batch.tableStarts,
          batch.lists,
          weights.frequencies,
          i,
          range.count(),
          config.heads(),
          config.kvHeads(),
          config.headSize(),
          turned,
          config.rope().interleaved() ? 1 : 0);
    }

    private void decode(int i) {
      int size = config.headSize();
      int parts = parts(shape.longestDecode());
      int rowBlocks = ATTENTION_SLOTS / (config.kvHeads() * shape.decodes());
      int shared = 512 * (size + 8) + Math.max(32 * (size + 8), 2304) + 400;
      kernels.module.launch(
          stream,
          kernels.decodeAttention,
          new int[] {config.kvHeads(), shape.decodes(), Math.max(1, Math.min(parts, rowBlocks))},
          128,
          shared,
          qkv,
          pool,
          batch.positions,
          batch.sequences,
          batch.tableStarts,
          batch.lists,
          batch.decodeRows,
          sums,
          states,
          counters,
          attended,
          qkvSize,
          groups,
          i,
          range.count(),
          config.heads(),
          config.kvHeads(),
          parts,
          scale());
    }

    private void prefill(int i) {
      int size = config.headSize();
      int blocks = (shape.longestChunk() * (config.heads() / config.kvHeads()) + 63) / 64;
      int shared = (size > 128 ? 384 : 514) * (size + 8) + 256 * size;
      kernels.module.launch(
          stream,
          kernels.prefillAttention,
          new int[] {blocks, config.kvHeads(), shape.chunks()},
          128,
          shared,
          qkv,
          pool,
          batch.positions,
          batch.sequences,
          batch.tableStarts,
          batch.lists,
          batch.firstRows,
          batch.rowCounts,
          attended,
          qkvSize,
          groups,
          i,
          range.count(),
          config.heads(),
          config.kvHeads(),
          scale());
    }

    private void sample(
        CudaWeights.Norm norm, CudaWeights.Matrix output, DeviceMemory logits, DeviceMemory drawn) {
      int sampled = shape.sampled();
      int vocabulary = config.vocabularySize();
      norm(batch.sampledRows, norm, sampled);
      multiply(output, normed, logits, sampled, vocabulary, Output.FLOAT_ROWS);
      kernels.module.launch(
          stream,
          kernels.sample,
          new int[] {sampled},
          SAMPLE_THREADS,
          (vocabulary + 31) / 32 * Integer.BYTES,
          logits,
          vocabulary,
          vocabulary,
          batch.sampling,
          batch.lists,
          drawn,
          new DeviceAddress(drawn, (long) Integer.BYTES * maxSequences));
    }

    private void launch(
        String kernel, int count, int threads, int shared, @Nullable Object... arguments) {
      kernels.module.launch(stream, kernel, new int[] {count}, threads, shared, arguments);
    }
  }

  private float scale() {
    return (float) (1 / Math.sqrt(config.headSize()));
  }

  @Override
  public void close() {
    all.forEach(DeviceMemory::close);
  }
}
