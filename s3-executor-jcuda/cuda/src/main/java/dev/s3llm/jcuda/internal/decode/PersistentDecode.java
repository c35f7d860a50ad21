package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.batch.BatchFormat;
import dev.s3llm.jcuda.internal.batch.DeviceBatch;
import dev.s3llm.jcuda.internal.batch.StepShape;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import dev.s3llm.jcuda.internal.driver.Resources;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.FeedForward;
import dev.s3llm.model.ModelConfig.NormKind;
import dev.s3llm.model.ModelConfig.NormPlacement;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelConfig.Scores;
import dev.s3llm.model.RotaryEmbedding;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import jcuda.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The layers of a stage in one launch, for steps that decode a few rows: {@code decode_step.cu}.
 * The bits are those of a launch for each part.
 *
 * <p>All blocks of the launch must run at once. A launch that waits too long ends, and the step
 * fails ({@link #failure}); from then on the stage launches a kernel for each part.
 */
final class PersistentDecode implements AutoCloseable {
  private static final Set<Integer> HEAD_SIZES = Set.of(64, 128);
  private static final int TILE = 64;
  private static final int UNIT_ROWS = 16;

  /** Heads that share keys and values, at most. */
  private static final int MOST_HEADS = 16;

  private static final int UNIT_POSITIONS = 64;

  /**
   * Units of positions, for each multiprocessor, up to which one launch was faster than a launch
   * for each part: its attention is the slower one; see docs/gpu.md.
   */
  private static final int MOST_UNITS = 32;

  private static final long LIMIT_NANOS = 2_000_000_000L;

  /** Names of a layer's phases, in the order of the kernel. */
  private static final List<String> PHASES =
      List.of(
          "the first norm",
          "queries, keys and values",
          "attention",
          "the output of attention",
          "the second norm",
          "gate and up",
          "the activation",
          "down");

  private final StepKernels kernels;
  private final int blocks;
  private final int kvHeads;
  private final Resources resources = new Resources();
  private final Buffers buffers;
  private boolean failed;

  /**
   * Memory of the launches.
   *
   * @param plan what all launches have in common
   * @param table addresses of the layers' weights
   * @param shares the units of each block
   * @param state what blocks tell each other
   * @param report receives the place of a wait that took too long
   * @param partial sums of segments of products
   * @param secondPartial the same of products whose results are added to the stream
   * @param stream the stream of a lone row between two of its norms
   */
  record Buffers(
      DeviceMemory plan,
      DeviceMemory table,
      DeviceMemory shares,
      DeviceMemory state,
      PinnedMemory report,
      DeviceMemory partial,
      DeviceMemory secondPartial,
      DeviceMemory stream) {}

  /** The shape of a product. */
  private record Product(int out, int in) {
    int splits() {
      return ProductShapes.splits(out, in);
    }

    StepShares.Product units() {
      return new StepShares.Product(splits(), out / UNIT_ROWS, in / TILE / splits());
    }
  }

  /**
   * Allocates the memory and puts the tables into it.
   *
   * @param stream receives the copies; waited for
   */
  PersistentDecode(
      Device device,
      DeviceStream stream,
      StepKernels kernels,
      ModelConfig config,
      LayerRange range,
      CudaWeights weights,
      Workspace work,
      DeviceMemory pool,
      DeviceBatch batch,
      BatchFormat format) {
    this.kernels = kernels;
    this.blocks = device.multiprocessors();
    this.kvHeads = config.kvHeads();
    try {
      this.buffers =
          new Buffers(
              resources.keep(device.allocate(StepKernels.PLAN_BYTES)),
              resources.keep(device.allocate(tableBytes(range))),
              resources.keep(device.allocate(shareBytes(range, blocks))),
              resources.keep(device.allocate(StepKernels.STATE_BYTES)),
              resources.keep(device.allocatePinned(Integer.BYTES)),
              resources.keep(device.allocate(partialBytes(config, range))),
              resources.keep(device.allocate(partialBytes(config, range))),
              resources.keep(device.allocate(streamBytes(config))));
      buffers.report.view(0, Integer.BYTES).putInt(0, 0);
      int[] shares = shares(config, range, blocks);
      stream.copyIn(Pointer.to(shares), buffers.shares, 0, shareBytes(range, blocks));
      for (int i = 0; i < range.count(); i++) {
        kernels.layer(stream, buffers.table, i, weights.layers.get(i));
      }
      int[] splits = products(config, range).stream().mapToInt(Product::splits).toArray();
      int parts = StepShape.partsClass(format.maxContext(), AttentionKernels.PART);
      kernels.plan(stream, buffers, work, pool, batch, splits, parts, LIMIT_NANOS);
      stream.synchronize();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * Returns whether the kernel computes the layers of a stage: dense layers with RMS norms before
   * both parts, weights and KV in 16 bits, widths that fill tiles and are not too large, and
   * attention to all positions.
   *
   * @param featureLayer number of the layer whose results are kept, from 1; 0 for none
   */
  static boolean fits(
      ModelConfig config,
      LayerRange range,
      KvPrecision kv,
      List<CudaWeights.Layer> layers,
      int featureLayer) {
    Scores scores = config.attention().scores();
    return kv == KvPrecision.FULL
        && HEAD_SIZES.contains(config.headSize())
        && config.heads() / config.kvHeads() <= MOST_HEADS
        && Math.max(config.hiddenSize(), config.querySize()) <= StepKernels.MOST_COLUMNS
        && config.norms().kind() != NormKind.LAYER
        && config.norms().placement() == NormPlacement.BEFORE
        && config.attention().queryKeyNorm() == QueryKeyNorm.NONE
        && scores.softcap() == 0
        && !scores.sinks()
        && !range.has(featureLayer)
        && alike(config, range)
        && products(config, range).stream().allMatch(PersistentDecode::fillsTiles)
        && layers.stream().allMatch(PersistentDecode::plain);
  }

  /** Returns whether the layers are dense, without windows, and differ in their weights alone. */
  private static boolean alike(ModelConfig config, LayerRange range) {
    List<ModelConfig.Layer> layers = range.of(config);
    ModelConfig.Layer first = layers.get(0);
    return layers.stream()
        .allMatch(
            layer ->
                (layer.window() == 0 || layer.window() >= config.maxContextTokens())
                    && layer.feedForward().experts() == null
                    && layer.feedForward().equals(first.feedForward())
                    && sameTurn(layer.rope(), first.rope()));
  }

  private static boolean sameTurn(@Nullable RotaryEmbedding own, @Nullable RotaryEmbedding other) {
    return own != null
        && other != null
        && own.dimensions() == other.dimensions()
        && own.interleaved() == other.interleaved()
        && own.magnitude() == other.magnitude();
  }

  private static boolean fillsTiles(Product product) {
    return product.out % UNIT_ROWS == 0 && product.in % TILE == 0;
  }

  private static boolean plain(CudaWeights.Layer layer) {
    return Stream.concat(
            layer.queryKeyValue().stream(),
            Stream.of(layer.attentionOutput(), layer.up(), layer.down()))
        .allMatch(matrix -> matrix.format() == null);
  }

  /** Returns the products of a layer in the order of the kernel. */
  private static List<Product> products(ModelConfig config, LayerRange range) {
    FeedForward part = range.of(config).get(0).feedForward();
    int hidden = config.hiddenSize();
    return List.of(
        new Product(config.querySize() + 2 * config.kvSize(), hidden),
        new Product(hidden, config.querySize()),
        new Product((part.gated() ? 2 : 1) * part.size(), hidden),
        new Product(hidden, part.size()));
  }

  private static int[] shares(ModelConfig config, LayerRange range, int blocks) {
    List<StepShares.Product> layer = products(config, range).stream().map(Product::units).toList();
    List<StepShares.Product> all = new ArrayList<>();
    IntStream.range(0, range.count()).forEach(i -> all.addAll(layer));
    return StepShares.of(all, blocks);
  }

  /**
   * Returns the bytes of device memory that the launches take.
   *
   * @param blocks multiprocessors of the device
   */
  static long bytes(ModelConfig config, LayerRange range, int blocks) {
    return StepKernels.PLAN_BYTES
        + StepKernels.STATE_BYTES
        + tableBytes(range)
        + shareBytes(range, blocks)
        + 2 * partialBytes(config, range)
        + streamBytes(config);
  }

  private static long tableBytes(LayerRange range) {
    return (long) StepKernels.LAYER_BYTES * range.count();
  }

  private static long shareBytes(LayerRange range, int blocks) {
    return 4L * Integer.BYTES * range.count() * (blocks + 1);
  }

  private static long partialBytes(ModelConfig config, LayerRange range) {
    long most =
        products(config, range).stream()
            .mapToLong(product -> (long) product.out * product.splits())
            .max()
            .orElse(0);
    return Float.BYTES * StepKernels.MOST_ROWS * most;
  }

  private static long streamBytes(ModelConfig config) {
    return (long) Float.BYTES * config.hiddenSize();
  }

  /**
   * Returns whether a step of decodes is one launch.
   *
   * @param rows rows of the step, with those that pad it
   * @param longest positions that the longest row attends to
   */
  boolean serves(int rows, int longest) {
    return !failed && wins(rows, longest, kvHeads, blocks);
  }

  /**
   * Returns whether one launch is faster for a step of decodes, which changes no bit.
   *
   * @param longest positions that the longest row attends to
   * @param blocks multiprocessors of the device
   */
  static boolean wins(int rows, int longest, int kvHeads, int blocks) {
    long units = (long) rows * kvHeads * Divide.up(longest, UNIT_POSITIONS);
    return rows <= StepKernels.MOST_ROWS && units <= (long) MOST_UNITS * blocks;
  }

  /** Puts the layers of a step into a stream. */
  void launch(DeviceStream stream, int rows) {
    kernels.decodeStep(stream, buffers.plan, rows, blocks);
  }

  /**
   * Returns the failure of a launch that is over, once; null if it ended as it should. No step is
   * one launch after that.
   */
  @Nullable IllegalStateException failure() {
    int code = failed ? 0 : buffers.report.view(0, Integer.BYTES).getInt(0);
    if (code == 0) {
      return null;
    }
    failed = true;
    return new IllegalStateException(message(code));
  }

  /**
   * Returns the message of a failure.
   *
   * @param code {@code 1 + (phase << 16 | block)}, as the kernel reports it
   */
  static String message(int code) {
    int phase = (code - 1) >>> 16;
    return "the decode step waited for more than %d s: block %d in %s of layer %d of its stage; other work on the GPU may keep its blocks from running at once; from now on a step is a launch for each part"
        .formatted(
            LIMIT_NANOS / 1_000_000_000L,
            (code - 1) & 0xFFFF,
            PHASES.get(phase % PHASES.size()),
            phase / PHASES.size() + 1);
  }

  @Override
  public void close() {
    resources.close();
  }
}
