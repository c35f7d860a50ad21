package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.batch.DeviceBatch;
import dev.s3llm.jcuda.internal.batch.StepShape;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Launches the kernels of a forward pass that are no matrix products, one method for each kernel.
 * Beside each launch stand its grid and its shared memory, as {@code src/main/cuda/README.md}
 * prescribes them. The grid never changes a result, bit by bit.
 */
final class DecoderKernels {
  /** Positions of a part of decode attention, which is a unit of its sums. */
  static final int PART = 256;

  private static final int THREADS = 256;

  /** A norm's sum depends on it. */
  private static final int NORM_THREADS = 1024;

  private static final int ATTENTION_THREADS = 128;
  private static final int SAMPLE_THREADS = 1024;
  private static final String SAMPLE = "sample";

  /** Blocks of decode attention that a multiprocessor runs at once. */
  private static final int ATTENTION_BLOCKS_EACH = 3;

  /** Blocks of the rotary embedding that a multiprocessor needs to be busy. */
  private static final int ROTARY_BLOCKS_EACH = 2;

  /** Blocks among which the heads of a row are split at most. */
  private static final int MOST_ROTARY_BLOCKS = 16;

  private final KernelLauncher launcher;
  private final ModelConfig config;
  private final int layers;
  private final int multiprocessors;
  private final String embed;
  private final String rmsNorm;
  private final String layerNorm;
  private final String rotateAndStore;
  private final String decodeAttention;
  private final String prefillAttention;

  /**
   * Chooses the kernels of a model's shape and number type.
   *
   * @param layers layers of the stage
   * @param multiprocessors multiprocessors of the device
   */
  DecoderKernels(
      KernelLauncher launcher,
      ModelConfig config,
      ElementType type,
      int layers,
      int multiprocessors) {
    String suffix = type.suffix();
    this.launcher = launcher;
    this.config = config;
    this.layers = layers;
    this.multiprocessors = multiprocessors;
    this.embed = "embed_" + suffix;
    this.rmsNorm = "rms_norm_" + suffix;
    this.layerNorm = "layer_norm_" + suffix;
    this.rotateAndStore = "rotate_and_store_" + suffix;
    this.decodeAttention = "attention_decode_" + suffix + "_d" + config.headSize();
    this.prefillAttention = "attention_prefill_" + suffix + "_d" + config.headSize();
  }

  /** Brings all kernels to the device. */
  void load() {
    List.of(embed, rmsNorm, layerNorm, rotateAndStore, decodeAttention, prefillAttention, SAMPLE)
        .forEach(launcher::load);
  }

  /** Writes the embedding of each token to its row of the residual stream. */
  void embed(
      DeviceStream stream,
      int rows,
      DeviceMemory embedding,
      DeviceAddress tokens,
      DeviceMemory residual) {
    launcher.launch(
        stream, embed, Grid.of(rows), THREADS, 0, embedding, tokens, residual, config.hiddenSize());
  }

  /**
   * Norms rows of the residual stream into tiles, by RMSNorm.
   *
   * @param picked indices of the rows; null for the first rows
   * @param groups groups of eight rows that the tiles have room for
   */
  void rmsNorm(
      DeviceStream stream,
      int rows,
      DeviceMemory residual,
      @Nullable DeviceAddress picked,
      DeviceMemory weight,
      DeviceMemory tiles,
      int groups) {
    launcher.launch(
        stream,
        rmsNorm,
        Grid.of(rows),
        NORM_THREADS,
        0,
        residual,
        null, // delta: products add to the residual stream themselves
        picked,
        weight,
        tiles,
        config.hiddenSize(),
        groups,
        config.normEpsilon());
  }

  /** Norms rows of the residual stream into tiles, by LayerNorm; see {@link #rmsNorm}. */
  void layerNorm(
      DeviceStream stream,
      int rows,
      DeviceMemory residual,
      @Nullable DeviceAddress picked,
      DeviceMemory weight,
      DeviceMemory bias,
      DeviceMemory tiles,
      int groups) {
    launcher.launch(
        stream,
        layerNorm,
        Grid.of(rows),
        NORM_THREADS,
        0,
        residual,
        null, // delta: products add to the residual stream themselves
        picked,
        weight,
        bias,
        tiles,
        config.hiddenSize(),
        groups,
        config.normEpsilon());
  }

  /**
   * Rotates queries and keys in place, and stores keys and values in the KV pool.
   *
   * @param layer index of the layer in the stage
   */
  void rotateAndStore(
      DeviceStream stream,
      int rows,
      DeviceMemory qkv,
      DeviceMemory pool,
      DeviceBatch batch,
      DeviceMemory frequencies,
      int layer) {
    int allHeads = config.heads() + 2 * config.kvHeads();
    int most = Math.min(allHeads, MOST_ROTARY_BLOCKS);
    int wanted = ROTARY_BLOCKS_EACH * multiprocessors / rows;
    int turned = config.rope().dimensions();
    launcher.launch(
        stream,
        rotateAndStore,
        Grid.of(rows, Math.max(1, Math.min(most, wanted))),
        THREADS,
        Float.BYTES * turned,
        qkv,
        pool,
        batch.positions,
        batch.sequences,
        batch.tableStarts,
        batch.lists,
        frequencies,
        layer,
        layers,
        config.heads(),
        config.kvHeads(),
        config.headSize(),
        turned,
        config.rope().interleaved() ? 1 : 0);
  }

  /**
   * Attends from each sequence with one new token to its positions.
   *
   * @param layer index of the layer in the stage
   */
  void decodeAttention(
      DeviceStream stream,
      StepShape shape,
      Workspace work,
      DeviceMemory pool,
      DeviceBatch batch,
      int layer) {
    int size = config.headSize();
    int parts = Divide.up(shape.longestDecode(), PART);
    int atOnce = ATTENTION_BLOCKS_EACH * multiprocessors;
    int partBlocks = atOnce / (config.kvHeads() * shape.decodes());
    launcher.launch(
        stream,
        decodeAttention,
        new Grid(config.kvHeads(), shape.decodes(), Math.max(1, Math.min(parts, partBlocks))),
        ATTENTION_THREADS,
        512 * (size + 8) + Math.max(32 * (size + 8), 2304) + 400,
        work.qkv,
        pool,
        batch.positions,
        batch.sequences,
        batch.tableStarts,
        batch.lists,
        batch.decodeRows,
        work.sums,
        work.states,
        work.counters,
        work.attended,
        qkvSize(),
        work.groups,
        layer,
        layers,
        config.heads(),
        config.kvHeads(),
        parts,
        scale());
  }

  /**
   * Attends from each sequence with several new tokens to its positions.
   *
   * @param layer index of the layer in the stage
   */
  void prefillAttention(
      DeviceStream stream,
      StepShape shape,
      Workspace work,
      DeviceMemory pool,
      DeviceBatch batch,
      int layer) {
    int size = config.headSize();
    int blocks = Divide.up(shape.longestChunk() * (config.heads() / config.kvHeads()), 64);
    launcher.launch(
        stream,
        prefillAttention,
        new Grid(blocks, config.kvHeads(), shape.chunks()),
        ATTENTION_THREADS,
        (size > 128 ? 384 : 514) * (size + 8) + 256 * size,
        work.qkv,
        pool,
        batch.positions,
        batch.sequences,
        batch.tableStarts,
        batch.lists,
        batch.firstRows,
        batch.rowCounts,
        work.attended,
        qkvSize(),
        work.groups,
        layer,
        layers,
        config.heads(),
        config.kvHeads(),
        scale());
  }

  /**
   * Draws a token from each row of logits.
   *
   * @param rows sampled rows
   * @param drawn receives the tokens, then the failures
   * @param maxSequences tokens before the first failure
   */
  void sample(
      DeviceStream stream,
      int rows,
      DeviceMemory logits,
      DeviceBatch batch,
      DeviceMemory drawn,
      int maxSequences) {
    int vocabulary = config.vocabularySize();
    launcher.launch(
        stream,
        SAMPLE,
        Grid.of(rows),
        SAMPLE_THREADS,
        Divide.up(vocabulary, 32) * Integer.BYTES,
        logits,
        vocabulary, // stride
        vocabulary,
        batch.sampling,
        batch.lists,
        drawn,
        new DeviceAddress(drawn, (long) Integer.BYTES * maxSequences));
  }

  private int qkvSize() {
    return config.querySize() + 2 * config.kvSize();
  }

  private float scale() {
    return (float) (1 / Math.sqrt(config.headSize()));
  }
}
