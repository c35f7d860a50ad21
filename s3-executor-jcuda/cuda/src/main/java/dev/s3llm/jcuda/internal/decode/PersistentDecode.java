package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.batch.BatchFormat;
import dev.s3llm.jcuda.internal.batch.DeviceBatch;
import dev.s3llm.jcuda.internal.batch.StepShape;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
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
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import jcuda.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The layers of a stage in one launch, for steps that decode a few rows: {@code decode_step.cu}.
 * The bits are those of a launch for each part.
 *
 * <p>On several cards each has a launch, which adds up the cards' parts itself; all cards must have
 * as many multiprocessors, and run the same steps so.
 *
 * <p>All blocks of the launch must run at once. A launch that waits too long ends, and the step
 * fails ({@link #failure}); from then on the stage launches a kernel for each part.
 */
final class PersistentDecode implements AutoCloseable {
  private static final Set<Integer> HEAD_SIZES = Set.of(64, 128);

  /** Columns of a tile of weights of 16 bits, and of codes. */
  private static final int TILE = 64;

  private static final int CODED_TILE = 128;

  /** Rows of a weight that a warp multiplies: columns of a result. */
  static final int UNIT_ROWS = 16;

  /** Heads that share keys and values, at most. */
  private static final int MOST_HEADS = 16;

  private static final long LIMIT_NANOS = 2_000_000_000L;

  /** Where {@code StepState} has its failure. */
  private static final int FAILED_AT = 3 * Integer.BYTES;

  private final StepKernels kernels;
  private final int blocks;
  private final StepLimits limits;
  private final Resources resources = new Resources();
  private final Buffers buffers;
  private final DeviceMemory counters;
  private final @Nullable StepCards cards;
  private final long limitNanos;
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

  /** The shape of a product, and the format of its codes; null for 16 bits. */
  private record Product(int out, int in, @Nullable CodeFormat format) {
    int splits() {
      return format == null ? ProductShapes.splits(out, in) : CodedShapes.splits(out, in);
    }

    private int tile() {
      return format == null ? TILE : CODED_TILE;
    }

    boolean fillsTiles() {
      return out % UNIT_ROWS == 0 && in % tile() == 0;
    }

    StepShares.Product units() {
      return new StepShares.Product(splits(), out / UNIT_ROWS, in / tile() / splits());
    }
  }

  /**
   * Allocates the memory and puts the tables into it.
   *
   * @param stream receives the copies; waited for
   * @param cards all cards; null where the layers are whole
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
      BatchFormat format,
      @Nullable StepCards cards) {
    this.kernels = kernels;
    this.counters = work.counters;
    this.cards = cards;
    this.limitNanos = cards == null ? LIMIT_NANOS : CardKernels.PATIENCE_NANOS;
    this.blocks = device.multiprocessors();
    this.limits = limits(config, range, weights.layers, cards != null, blocks);
    List<Product> products = products(config, range, format(weights.layers));
    try {
      this.buffers =
          new Buffers(
              resources.keep(device.allocate(StepKernels.PLAN_BYTES)),
              resources.keep(device.allocate(tableBytes(range))),
              resources.keep(device.allocate(shareBytes(range, blocks))),
              resources.keep(device.allocate(StepKernels.STATE_BYTES)),
              resources.keep(device.allocatePinned(Integer.BYTES)),
              resources.keep(device.allocate(partialBytes(products))),
              resources.keep(device.allocate(partialBytes(products))),
              resources.keep(device.allocate(streamBytes(config))));
      buffers.report.view(0, Integer.BYTES).putInt(0, 0);
      int[] shares = shares(products, range, blocks);
      stream.copyIn(Pointer.to(shares), buffers.shares, 0, shareBytes(range, blocks));
      for (int i = 0; i < range.count(); i++) {
        kernels.layer(stream, buffers.table, i, weights.layers.get(i));
      }
      int[] splits = products.stream().mapToInt(Product::splits).toArray();
      int parts = StepShape.partsClass(format.maxContext(), AttentionKernels.PART);
      kernels.plan(stream, buffers, work, pool, batch, splits, parts, limitNanos);
      stream.synchronize();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * Returns whether the kernel computes the layers of a stage: dense layers with RMS norms before
   * both parts, weights of one format, KV in 16 bits, widths that fill tiles and are not too large,
   * and attention to all positions.
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
        && products(config, range, format(layers)).stream().allMatch(Product::fillsTiles)
        && oneFormat(layers);
  }

  /**
   * Returns whether the kernel adds up the cards' parts of these layers: a bias of one card alone
   * would not be known to the others.
   */
  static boolean fitsCards(List<CudaWeights.Layer> layers) {
    return layers.stream()
        .allMatch(layer -> layer.attentionOutput().bias() == null && layer.down().bias() == null);
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

  /** Returns the format of the layers' codes; null for 16 bits. */
  static @Nullable CodeFormat format(List<CudaWeights.Layer> layers) {
    return layers.isEmpty() ? null : layers.get(0).attentionOutput().format();
  }

  /**
   * Returns whether all matrices have one format that the kernel reads, and their inputs' order.
   */
  private static boolean oneFormat(List<CudaWeights.Layer> layers) {
    CodeFormat format = format(layers);
    return (format == null || (format.dense() && format.input() == null))
        && layers.stream()
            .flatMap(PersistentDecode::matrices)
            .allMatch(matrix -> Objects.equals(matrix.format(), format) && matrix.order() == null);
  }

  private static Stream<CudaWeights.Matrix> matrices(CudaWeights.Layer layer) {
    return Stream.concat(
        layer.queryKeyValue().stream(),
        Stream.of(layer.attentionOutput(), layer.up(), layer.down()));
  }

  /** Returns the products of a layer in the order of the kernel. */
  private static List<Product> products(
      ModelConfig config, LayerRange range, @Nullable CodeFormat format) {
    FeedForward part = range.of(config).get(0).feedForward();
    int hidden = config.hiddenSize();
    return List.of(
        new Product(config.querySize() + 2 * config.kvSize(), hidden, format),
        new Product(hidden, config.querySize(), format),
        new Product((part.gated() ? 2 : 1) * part.size(), hidden, format),
        new Product(hidden, part.size(), format));
  }

  private static int[] shares(List<Product> products, LayerRange range, int blocks) {
    List<StepShares.Product> layer = products.stream().map(Product::units).toList();
    List<StepShares.Product> all = new ArrayList<>();
    IntStream.range(0, range.count()).forEach(i -> all.addAll(layer));
    return StepShares.of(all, blocks);
  }

  /**
   * Returns the bytes of device memory that the launches take.
   *
   * @param layers the weights, whose format counts
   * @param blocks multiprocessors of the device
   */
  static long bytes(
      ModelConfig config, LayerRange range, List<CudaWeights.Layer> layers, int blocks) {
    return StepKernels.PLAN_BYTES
        + StepKernels.STATE_BYTES
        + tableBytes(range)
        + shareBytes(range, blocks)
        + 2 * partialBytes(products(config, range, format(layers)))
        + streamBytes(config);
  }

  private static long tableBytes(LayerRange range) {
    return (long) StepKernels.LAYER_BYTES * range.count();
  }

  private static long shareBytes(LayerRange range, int blocks) {
    return 4L * Integer.BYTES * range.count() * (blocks + 1);
  }

  private static long partialBytes(List<Product> products) {
    long most =
        products.stream()
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
    return !failed && limits.allow(rows, longest);
  }

  /**
   * Returns which steps are faster in one launch.
   *
   * @param layers the weights, whose format counts
   * @param ofCards whether cards have a part of every layer each
   * @param blocks multiprocessors of the device
   */
  static StepLimits limits(
      ModelConfig config,
      LayerRange range,
      List<CudaWeights.Layer> layers,
      boolean ofCards,
      int blocks) {
    CodeFormat format = format(layers);
    long weights =
        products(config, range, format).stream()
            .mapToLong(product -> (long) product.out * product.in)
            .sum();
    return StepLimits.of(config.kvHeads(), weights, format, ofCards, blocks);
  }

  /** Puts the layers of a step into a stream. */
  void launch(DeviceStream stream, int rows) {
    kernels.decodeStep(stream, buffers.plan, rows, blocks, cards);
  }

  /** Ends the waits of a launch on a card, in a step that failed on another. */
  void giveUp(DeviceStream signals) {
    signals.fill(buffers.state, FAILED_AT, CardWatch.BY_THE_HOST, Integer.BYTES);
  }

  /** Forgets what blocks and cards told each other; no card may be in a step. */
  void forget(DeviceStream signals) {
    signals.fill(buffers.state, 0, 0, buffers.state.bytes());
    signals.fill(counters, 0, 0, counters.bytes());
    if (cards != null) {
      signals.fill(cards.own().arrivals(), 0, 0, cards.own().arrivals().bytes());
    }
    buffers.report.view(0, Integer.BYTES).putInt(0, 0);
  }

  /** Returns the meeting at which a launch that is over waited for another card in vain. */
  Optional<CardWatch.Missed> missed() {
    return reported().missed();
  }

  private StepFailure reported() {
    return new StepFailure(buffers.report.view(0, Integer.BYTES).getInt(0));
  }

  /** Lets no further step be one launch, since one failed on another card. */
  void end() {
    failed = true;
  }

  /**
   * Returns the failure of a launch that is over, once; null if it ended as it should. No step is
   * one launch after that.
   */
  @Nullable IllegalStateException failure() {
    StepFailure reported = reported();
    if (failed || !reported.ofOwnBlocks()) {
      return null;
    }
    failed = true;
    return new IllegalStateException(reported.message(limitNanos));
  }

  @Override
  public void close() {
    resources.close();
  }
}
