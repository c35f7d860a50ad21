package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.batch.DeviceBatch;
import dev.s3llm.jcuda.internal.batch.StepShape;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelConfig.Scores;
import dev.s3llm.model.RotaryEmbedding;

/**
 * Launches the kernels of attention, one method for each kernel. Beside each launch stand its grid
 * and its shared memory, as {@code src/main/cuda/README.md} prescribes them. The grid never changes
 * a result, bit by bit.
 */
final class AttentionKernels {
  /** Positions of a part of decode attention, which is a unit of its sums. */
  static final int PART = 256;

  private static final int ROTARY_THREADS = 256;
  private static final int THREADS = 128;
  private static final int WIDE_THREADS = 384;

  /** Blocks of decode attention that a multiprocessor runs at once. */
  private static final int BLOCKS_EACH = 3;

  /**
   * Parts that a block of decode attention goes through at most. With more, the block of a long
   * sequence still works when all others are done; with fewer, blocks start more often than that.
   */
  private static final int MOST_PARTS = 4;

  /** Waves of blocks that even out sequences of unlike lengths, for KV in 8 bits. */
  private static final int EVEN_WAVES = 4;

  /** Blocks of the rotary embedding that a multiprocessor needs to be busy. */
  private static final int ROTARY_BLOCKS_EACH = 2;

  /** Blocks among which the heads of a row are split at most. */
  private static final int MOST_ROTARY_BLOCKS = 16;

  /** Part of the names of the kernels for KV in 8 bits, which have windows, caps and sinks. */
  private static final String CODED = "_kv8";

  /** End of the names of the kernels with windows, caps and sinks. */
  private static final String BOUNDED = "_bounded";

  private final KernelLauncher launcher;
  private final ModelConfig config;
  private final LayerRange range;
  private final boolean wide;
  private final int multiprocessors;
  private final KvPrecision kv;
  private final String rotateAndStore;
  private final String decode;
  private final String prefill;

  /**
   * Chooses the kernels of a model's shape and number type.
   *
   * @param kv how keys and values are stored
   * @param range layers of the stage
   * @param hopper whether the device has Hopper's own products
   * @param multiprocessors multiprocessors of the device
   */
  AttentionKernels(
      KernelLauncher launcher,
      ModelConfig config,
      ElementType type,
      KvPrecision kv,
      LayerRange range,
      boolean hopper,
      int multiprocessors) {
    String suffix = type.suffix() + (kv == KvPrecision.INT8 ? CODED : "");
    this.launcher = launcher;
    this.config = config;
    this.range = range;
    this.wide = hopper && wide(config.headSize());
    this.multiprocessors = multiprocessors;
    this.kv = kv;
    this.rotateAndStore = "rotate_and_store_" + suffix;
    this.decode = "attention_decode_" + suffix + "_d" + config.headSize();
    this.prefill = "attention_prefill_" + suffix + "_d" + config.headSize();
  }

  /** Brings all kernels to the device. */
  void load() {
    launcher.load(rotateAndStore);
    for (int i = 0; i < range.count(); i++) {
      launcher.load(decode + end(i));
      launcher.load(prefillKernel(i));
    }
  }

  private String prefillKernel(int layer) {
    return prefill + end(layer) + (wide ? "_wgmma" : "");
  }

  /** Returns whether there is a kernel for Hopper's own products. */
  private static boolean wide(int headSize) {
    return headSize == 64 || headSize == 128;
  }

  /** Returns the end of the name of a layer's kernels. */
  private String end(int layer) {
    if (kv == KvPrecision.INT8) {
      return "";
    }
    Scores scores = config.attention().scores();
    return window(layer) > 0 || scores.softcap() > 0 || scores.sinks() ? BOUNDED : "";
  }

  /** Returns the window of a layer; 0 where it has none, or one that every context fits. */
  private int window(int layer) {
    int window = shape(layer).window();
    return window < config.maxContextTokens() ? window : 0;
  }

  private ModelConfig.Layer shape(int layer) {
    return range.of(config).get(layer);
  }

  /**
   * Norms and rotates queries and keys, and stores keys and values in the KV pool.
   *
   * @param layer index of the layer in the stage
   * @param heads what belongs to its heads
   * @param norm the norm of queries and keys that is still to be done
   */
  void rotateAndStore(
      DeviceStream stream,
      int rows,
      DeviceMemory qkv,
      DeviceMemory pool,
      DeviceBatch batch,
      CudaWeights.Heads heads,
      int layer,
      QueryKeyNorm norm) {
    RotaryEmbedding rope = shape(layer).rope();
    boolean none = norm == QueryKeyNorm.NONE;
    int turned = rope == null ? 0 : rope.dimensions();
    int normed = none ? 0 : config.heads() + config.kvHeads();
    boolean whole = norm == QueryKeyNorm.WHOLE;
    launcher.launch(
        stream,
        rotateAndStore,
        Grid.of(rows, whole ? 1 : rotaryBlocks(rows)),
        ROTARY_THREADS,
        Float.BYTES * (turned + normed),
        qkv,
        pool,
        batch.positions,
        batch.sequences,
        batch.tableStarts,
        batch.lists,
        heads.frequencies(),
        layer,
        range.count(),
        config.heads(),
        config.kvHeads(),
        config.headSize(),
        turned,
        rope != null && rope.interleaved() ? 1 : 0,
        rope == null ? 1f : rope.magnitude(),
        none ? null : heads.queryNorm(),
        none ? null : heads.keyNorm(),
        config.normEpsilon(),
        whole ? 1 : 0);
  }

  private int rotaryBlocks(int rows) {
    int most = Math.min(config.heads() + 2 * config.kvHeads(), MOST_ROTARY_BLOCKS);
    int wanted = ROTARY_BLOCKS_EACH * multiprocessors / rows;
    return Math.max(1, Math.min(most, wanted));
  }

  /**
   * Attends from each sequence with one new token to its positions.
   *
   * @param layer index of the layer in the stage
   * @param heads what belongs to its heads
   */
  void decode(
      DeviceStream stream,
      StepShape shape,
      Workspace work,
      DeviceMemory pool,
      DeviceBatch batch,
      CudaWeights.Heads heads,
      int layer) {
    int size = config.headSize();
    int parts = Divide.up(shape.longestDecode(), PART);
    int window = window(layer);
    if (window > 0) {
      parts = Math.min(parts, (window + PART - 2) / PART + 1); // a window begins within a part
    }
    launcher.launch(
        stream,
        decode + end(layer),
        new Grid(config.kvHeads(), shape.decodes(), blocksOfRow(shape.decodes(), parts)),
        THREADS,
        decodeSharedBytes(size, kv),
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
        range.count(),
        config.heads(),
        config.kvHeads(),
        parts,
        config.attention().scores().scale(),
        config.attention().scores().softcap(),
        window,
        heads.sinks());
  }

  /**
   * Returns the blocks that share the parts of a row and key head. With KV in 8 bits a part is so
   * short that many rows even out long ones for less than more blocks cost.
   */
  private int blocksOfRow(int decodes, int parts) {
    int atOnce = BLOCKS_EACH * multiprocessors;
    int pairs = config.kvHeads() * decodes;
    boolean even = kv == KvPrecision.INT8 && pairs >= EVEN_WAVES * atOnce;
    return Math.max(Math.min(parts, atOnce / pairs), even ? 1 : Divide.up(parts, MOST_PARTS));
  }

  /**
   * Attends from each sequence with several new tokens to its positions.
   *
   * @param layer index of the layer in the stage
   * @param heads what belongs to its heads
   */
  void prefill(
      DeviceStream stream,
      StepShape shape,
      Workspace work,
      DeviceMemory pool,
      DeviceBatch batch,
      CudaWeights.Heads heads,
      int layer) {
    int size = config.headSize();
    int rows = shape.longestChunk() * (config.heads() / config.kvHeads());
    launcher.launch(
        stream,
        prefillKernel(layer),
        wide
            ? wideGrid(rows, shape.chunks())
            : new Grid(Divide.up(rows, 64), config.kvHeads(), shape.chunks()),
        wide ? WIDE_THREADS : THREADS,
        wide ? widePrefillSharedBytes(size, kv) : prefillSharedBytes(size, kv),
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
        range.count(),
        config.heads(),
        config.kvHeads(),
        config.attention().scores().scale(),
        config.attention().scores().softcap(),
        window(layer),
        heads.sinks());
  }

  /** Returns the shared memory that attention takes at most, in bytes of a block. */
  static int sharedBytes(int headSize, KvPrecision kv) {
    return Math.max(decodeSharedBytes(headSize, kv), prefillSharedBytes(headSize, kv));
  }

  private static int decodeSharedBytes(int size, KvPrecision kv) {
    int units = kv == KvPrecision.INT8 ? 2 * codedUnitBytes(size) : 512 * (size + 8);
    return units + Math.max(32 * (size + 8), 2304) + 400;
  }

  private static int prefillSharedBytes(int size, KvPrecision kv) {
    if (kv == KvPrecision.INT8) {
      int queries = (size > 128 ? 128 : 2) * (size + 8);
      return (size > 128 ? 1 : 2) * codedUnitBytes(size) + queries + 256 * size;
    }
    return (size > 128 ? 384 : 514) * (size + 8) + 256 * size;
  }

  /** Returns as many blocks for each chunk as run at once; they share the tiles of all heads. */
  private Grid wideGrid(int rows, int chunks) {
    int tiles = Divide.up(rows, 128) * config.kvHeads();
    return new Grid(Math.min(tiles, multiprocessors), 1, chunks);
  }

  /**
   * Returns the bytes of 128 queries, of four times the keys and values of 64 positions, and with
   * KV in 8 bits of their scales, and of the codes of twice as many positions.
   */
  private static int widePrefillSharedBytes(int size, KvPrecision kv) {
    int wide = 5 * 128 * Short.BYTES * size + 64 + 1024;
    int coded = 4 * 128 * Float.BYTES + 2 * 128 * (size + Float.BYTES) + 64;
    return kv == KvPrecision.INT8 ? wide + coded : wide;
  }

  /** Returns the bytes of the keys and values of 64 positions, codes and scales. */
  private static int codedUnitBytes(int size) {
    return 128 * (size + 16) + 128 * Float.BYTES;
  }

  private int qkvSize() {
    return config.querySize() + 2 * config.kvSize();
  }
}
