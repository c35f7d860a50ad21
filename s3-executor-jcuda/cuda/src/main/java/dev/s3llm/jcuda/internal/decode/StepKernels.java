package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.batch.DeviceBatch;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.RotaryEmbedding;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Launches the kernels of {@code decode_step.cu}, one method for each. */
final class StepKernels {
  /** Bytes of a layer in the table of a model. */
  static final int LAYER_BYTES = 88;

  /** Bytes of what all launches have in common. */
  static final int PLAN_BYTES = 248;

  /** Bytes of what blocks tell each other. */
  static final int STATE_BYTES = 16;

  private static final int PRODUCT_BYTES = 48;

  /** Rows that the kernels have room for. */
  private static final List<Integer> ROOMS = List.of(1, 8, 16);

  /** Rows that a launch has room for at most. */
  static final int MOST_ROWS = 16;

  /** Columns of the stream, and of the result of attention, that the kernels have room for. */
  static final int MOST_COLUMNS = 8192;

  private static final int THREADS = 384;
  private static final int WEIGHT_BYTES = 32 << 10;

  private final KernelLauncher launcher;
  private final ModelConfig config;
  private final LayerRange range;
  private final String decodeStep; // all of its name but the rows
  private final int scales;

  /**
   * Creates the launches of a model.
   *
   * @param range layers of the stage
   * @param type number type of weights, activations and KV
   * @param format format of the weights' codes; null for 16 bits
   * @param ofCards whether the model is one card's part
   */
  StepKernels(
      KernelLauncher launcher,
      ModelConfig config,
      LayerRange range,
      ElementType type,
      @Nullable CodeFormat format,
      boolean ofCards) {
    this.launcher = launcher;
    this.config = config;
    this.range = range;
    String weights = type.suffix() + (format == null ? "" : "_" + format.suffix());
    this.decodeStep =
        "decode_step%s_%s_d%d_n".formatted(ofCards ? "_cards" : "", weights, config.headSize());
    this.scales = format == null ? 0 : format.scales();
  }

  /** Brings the kernels to the device. */
  void load() {
    ROOMS.forEach(room -> launcher.load(decodeStep + room));
  }

  /** Returns the rows that the kernel for so many has room for. */
  private static int room(int rows) {
    return ROOMS.stream().filter(room -> rows <= room).findFirst().orElseThrow();
  }

  /**
   * Fills in a layer of the table.
   *
   * @param index index of the layer in the stage
   */
  void layer(DeviceStream stream, DeviceMemory table, int index, CudaWeights.Layer layer) {
    CudaWeights.Norm attention = layer.norms().beforeAttention();
    CudaWeights.Norm feedForward = layer.norms().beforeFeedForward();
    CudaWeights.Matrix queryKeyValue =
        layer.queryKeyValue().get(0); // one where all have one format
    launcher.launch(
        stream,
        "step_layer",
        Grid.of(1),
        1,
        0,
        table,
        index,
        queryKeyValue.tiles(),
        layer.attentionOutput().tiles(),
        layer.up().tiles(),
        layer.down().tiles(),
        queryKeyValue.bias(),
        layer.attentionOutput().bias(),
        layer.up().bias(),
        layer.down().bias(),
        attention == null ? null : attention.weight(),
        feedForward == null ? null : feedForward.weight(),
        layer.heads().frequencies());
  }

  /**
   * Fills in what all launches have in common.
   *
   * @param own the tables and buffers of these launches
   * @param splits segments of the sums of the four products of a layer
   * @param maxParts parts of a row that the buffers of attention have room for
   * @param limitNanos time that a launch may wait
   */
  void plan(
      DeviceStream stream,
      PersistentDecode.Buffers own,
      Workspace work,
      DeviceMemory pool,
      DeviceBatch batch,
      int[] splits,
      int maxParts,
      long limitNanos) {
    ModelConfig.Layer layer = range.of(config).get(0);
    RotaryEmbedding rope = layer.rope();
    MatrixProduct.Output activated = MatrixProduct.Output.activated(layer.feedForward());
    launcher.launch(
        stream,
        "step_plan",
        Grid.of(1),
        1,
        0,
        own.plan(),
        own.table(),
        own.shares(),
        own.state(),
        own.report(),
        batch.positions,
        batch.sequences,
        batch.tableStarts,
        batch.lists,
        pool,
        work.residual,
        own.stream(),
        work.normed,
        work.attended,
        work.activated,
        own.partial(),
        own.secondPartial(),
        work.sums,
        work.states,
        work.counters,
        range.count(),
        config.hiddenSize(),
        config.heads(),
        config.kvHeads(),
        layer.feedForward().size(),
        splits[0],
        splits[1],
        splits[2],
        splits[3],
        rope == null ? 0 : rope.dimensions(),
        rope != null && rope.interleaved() ? 1 : 0,
        rope == null ? 1f : rope.magnitude(),
        config.normEpsilon(),
        config.scales().residual(),
        config.attention().scores().scale(),
        activated.activation(),
        layer.feedForward().gated() ? 1 : 0,
        work.groups,
        maxParts,
        scales,
        limitNanos);
  }

  /**
   * Runs all layers of the stage over the residual stream.
   *
   * @param rows rows, one new token each; at most {@link #MOST_ROWS}
   * @param blocks multiprocessors of the device, and of each other card
   * @param cards all cards; null where the layers are whole
   */
  void decodeStep(
      DeviceStream stream, DeviceMemory plan, int rows, int blocks, @Nullable StepCards cards) {
    List<Object> arguments = new ArrayList<>(Arrays.asList(plan, rows));
    if (cards != null) {
      Collections.addAll(
          arguments, cards.sums(), cards.arrivals(), cards.givenUp(), cards.rank(), cards.count());
    }
    launcher.launchTogether(
        stream,
        decodeStep + room(rows),
        Grid.of(blocks),
        THREADS,
        sharedBytes(config.headSize(), rows),
        arguments.toArray());
  }

  /** Returns the shared memory of a block: {@code StepMemory} in {@code decode_step.cu}. */
  static int sharedBytes(int headSize, int rows) {
    int room = room(rows);
    int stages = room > 8 ? 5 : 6;
    int stage = Math.max(WEIGHT_BYTES + 3 * room * 128, 256 * (headSize + 8));
    int ring = stages * (stage + 2 * Long.BYTES);
    int lone = room == 1 ? 2 * MOST_COLUMNS : 0;
    int turns = room * Float.BYTES * headSize;
    int zeros = 2 * (headSize + 8);
    int list = Integer.BYTES * (3 * room + 2);
    int sums = 32 * Float.BYTES;
    int own = Math.max(attentionBytes(headSize, room), lone) + turns + zeros;
    int plan = PLAN_BYTES + PRODUCT_BYTES + 3 * Integer.BYTES;
    return aligned(aligned(ring + own + list + sums, 8) + plan, 16);
  }

  /** Returns what attention takes of it: {@code StepAttention}. */
  private static int attentionBytes(int headSize, int room) {
    int teams = room > 1 && headSize == 64 ? 2 : 1;
    int units = room == 1 ? 4 : 2 / teams; // that a team adds at once
    int queries = 16 * 2 * (headSize + 8);
    int probabilities = teams * 16 * 2 * (units * 64 + 8);
    int fresh = 4 * 2 * 2 * headSize;
    int maxima = teams * units * 4 * 16 * Float.BYTES;
    return aligned(queries + probabilities + fresh + maxima + Integer.BYTES, 16);
  }

  private static int aligned(int bytes, int to) {
    return (bytes + to - 1) / to * to;
  }
}
