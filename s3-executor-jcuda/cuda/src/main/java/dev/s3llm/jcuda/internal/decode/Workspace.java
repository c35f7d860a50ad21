package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.batch.BatchFormat;
import dev.s3llm.jcuda.internal.batch.LogProbabilityFormat;
import dev.s3llm.jcuda.internal.batch.StepShape;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.NormPlacement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** The buffers between the kernels of a stage, at addresses that never change. */
final class Workspace implements AutoCloseable {
  private final List<DeviceMemory> all = new ArrayList<>();

  /** Groups of eight rows of the buffers in tiles. */
  final int groups;

  /** Sequences that the step with the most has. */
  final int maxSequences;

  /** Residual stream, {@code [row][hidden]} of float; passed from stage to stage. */
  final DeviceMemory residual;

  /** Result of a norm, in tiles. */
  final DeviceMemory normed;

  /** Queries, keys and values, in rows. */
  final DeviceMemory qkv;

  /** Result of the attention, in tiles. */
  final DeviceMemory attended;

  /** Result of the feed-forward activation, in tiles; null if all layers have experts. */
  final @Nullable DeviceMemory activated;

  /** Input of a product with its columns in the order of the weight; null if none needs that. */
  final @Nullable DeviceMemory ordered;

  /** Input of a product that rounds it; null without such products. */
  final @Nullable RoundedRows rounded;

  /** A part's result before its norm, {@code [row][hidden]} of float; null without such norms. */
  final @Nullable DeviceMemory part;

  /** Buffers of experts; null without them. */
  final @Nullable ExpertSpace experts;

  /**
   * Partial results of decode attention: sums. Once all layers are done, and where it samples: the
   * logits that biases and penalties change.
   */
  final DeviceMemory sums;

  /** Partial results of decode attention: maxima and sums of probabilities. */
  final DeviceMemory states;

  /** Ended blocks of decode attention; zero between launches. */
  final DeviceMemory counters;

  /**
   * Logits of the sampled rows, {@code [row][vocabulary]} of float; null where the stage does not
   * sample.
   */
  final @Nullable DeviceMemory logits;

  /**
   * Residual stream after the layer of the features, {@code [row][hidden]} of float; null without
   * it.
   */
  final @Nullable DeviceMemory features;

  /**
   * Drawn tokens, then failures, {@code maxSequences} each; null where the stage does not sample.
   */
  final @Nullable DeviceMemory drawn;

  /** Log probabilities of the sampled rows; null where the stage does not sample. */
  final @Nullable DeviceMemory logs;

  /** Logits of a row that biases and penalties may change. */
  final int changedLogits;

  /**
   * What products do with their input first.
   *
   * @param orderedColumns columns of the widest input that is brought into another order; 0 for
   *     none
   * @param rounds whether there are products that round their input
   */
  record Inputs(int orderedColumns, boolean rounds) {
    /** Products that read their input as it is. */
    static final Inputs AS_THEY_ARE = new Inputs(0, false);
  }

  /** Sizes of the buffers in bytes; 0 for a buffer that a stage does not have. */
  private record Sizes(
      long residual,
      long normed,
      long qkv,
      long attended,
      long activated,
      long ordered,
      long rounded,
      long scales,
      long part,
      ExpertSpace.Sizes experts,
      long sums,
      long states,
      long counters,
      long logits,
      long features,
      long drawn,
      long logs) {

    static Sizes of(
        ModelConfig config,
        LayerRange range,
        BatchFormat format,
        int featureLayer,
        boolean samples,
        Inputs inputs) {
      int groups = Layouts.groups(format.maxTokens());
      long rows = groups * 8L;
      long maxParts = StepShape.partsClass(format.maxContext(), AttentionKernels.PART);
      long parts = (long) format.maxSequences() * config.heads() * maxParts;
      int widest =
          Math.max(denseWidth(config, range), Math.max(config.hiddenSize(), config.querySize()));
      long changed = (long) format.maxSequences() * format.changedLogits();
      return new Sizes(
          Float.BYTES * rows * config.hiddenSize(),
          Layouts.activationBytes(groups, config.hiddenSize()),
          Layouts.NUMBER_BYTES * rows * (config.querySize() + 2 * config.kvSize()),
          Layouts.activationBytes(groups, config.querySize()),
          Layouts.activationBytes(groups, denseWidth(config, range)),
          Layouts.activationBytes(groups, inputs.orderedColumns),
          inputs.rounds ? Layouts.roundedBytes(groups, widest) : 0,
          inputs.rounds ? Layouts.scaleBytes(groups, widest) : 0,
          normsResults(config) ? Float.BYTES * rows * config.hiddenSize() : 0,
          ExpertSpace.Sizes.of(config, range, format),
          Float.BYTES * Math.max(parts * config.headSize(), samples ? changed : 0),
          2 * Float.BYTES * parts,
          (long) Integer.BYTES * format.maxSequences() * config.kvHeads(),
          samples ? (long) Float.BYTES * format.maxSequences() * format.vocabulary() : 0,
          range.has(featureLayer) ? Float.BYTES * rows * config.hiddenSize() : 0,
          samples ? 2L * Integer.BYTES * format.maxSequences() : 0,
          samples ? (long) LogProbabilityFormat.ROW_BYTES * format.maxSequences() : 0);
    }

    private static int denseWidth(ModelConfig config, LayerRange range) {
      return range.of(config).stream()
          .map(ModelConfig.Layer::feedForward)
          .filter(part -> part.experts() == null)
          .mapToInt(ModelConfig.FeedForward::size)
          .max()
          .orElse(0);
    }

    private static boolean normsResults(ModelConfig config) {
      NormPlacement placement = config.norms().placement();
      return placement == NormPlacement.AFTER || placement == NormPlacement.AROUND;
    }

    long total() {
      long stream = residual + normed + part;
      long attention = qkv + attended + sums + states + counters;
      return stream
          + attention
          + activated
          + ordered
          + rounded
          + scales
          + experts.total()
          + logits
          + features
          + drawn
          + logs;
    }
  }

  /**
   * Allocates the buffers.
   *
   * @param allocator allocates bytes of device memory
   * @param featureLayer number of the layer whose results are kept, from 1; 0 for none
   * @param samples whether the stage draws tokens
   * @param inputs what products do with their input first
   */
  Workspace(
      LongFunction<DeviceMemory> allocator,
      ModelConfig config,
      LayerRange range,
      BatchFormat format,
      int featureLayer,
      boolean samples,
      Inputs inputs) {
    Sizes sizes = Sizes.of(config, range, format, featureLayer, samples, inputs);
    this.groups = Layouts.groups(format.maxTokens());
    this.maxSequences = format.maxSequences();
    this.changedLogits = format.changedLogits();
    try {
      this.residual = allocate(allocator, sizes.residual);
      this.normed = allocate(allocator, sizes.normed);
      this.qkv = allocate(allocator, sizes.qkv);
      this.attended = allocate(allocator, sizes.attended);
      this.activated = sizes.activated == 0 ? null : allocate(allocator, sizes.activated);
      this.ordered = sizes.ordered == 0 ? null : allocate(allocator, sizes.ordered);
      this.rounded =
          sizes.rounded == 0
              ? null
              : new RoundedRows(
                  allocate(allocator, sizes.rounded), allocate(allocator, sizes.scales));
      this.part = sizes.part == 0 ? null : allocate(allocator, sizes.part);
      this.experts =
          sizes.experts.none()
              ? null
              : new ExpertSpace(bytes -> allocate(allocator, bytes), sizes.experts);
      this.sums = allocate(allocator, sizes.sums);
      this.states = allocate(allocator, sizes.states);
      this.counters = allocate(allocator, sizes.counters);
      this.logits = sizes.logits == 0 ? null : allocate(allocator, sizes.logits);
      this.features = sizes.features == 0 ? null : allocate(allocator, sizes.features);
      this.drawn = sizes.drawn == 0 ? null : allocate(allocator, sizes.drawn);
      this.logs = sizes.logs == 0 ? null : allocate(allocator, sizes.logs);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private DeviceMemory allocate(LongFunction<DeviceMemory> allocator, long bytes) {
    DeviceMemory memory = allocator.apply(bytes);
    all.add(memory);
    return memory;
  }

  /** Returns the bytes that the buffers of a stage take. */
  static long bytes(
      ModelConfig config,
      LayerRange range,
      BatchFormat format,
      int featureLayer,
      boolean samples,
      Inputs inputs) {
    return Sizes.of(config, range, format, featureLayer, samples, inputs).total();
  }

  @Override
  public void close() {
    all.forEach(DeviceMemory::close);
  }
}
