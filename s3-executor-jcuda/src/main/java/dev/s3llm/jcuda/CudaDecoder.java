package dev.s3llm.jcuda;

import dev.s3llm.jcuda.kernel.Device;
import dev.s3llm.jcuda.kernel.DeviceMemory;
import dev.s3llm.jcuda.kernel.KernelModule;
import dev.s3llm.jcuda.kernel.MatrixProduct;
import dev.s3llm.jcuda.kernel.MatrixProduct.Output;
import dev.s3llm.jcuda.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * The forward pass of {@link LlamaDecoder} on the device, nine launches a layer, over the layouts
 * of {@code src/main/cuda/README.md}. Puts a step into the device's stream and returns at once. A
 * row's result never depends on other rows, bit by bit.
 */
final class CudaDecoder implements AutoCloseable {
  private static final int THREADS = 256;
  private static final int PART = 256;
  private static final int SAMPLE_THREADS = 1024;
  private static final String TYPE = "f16";
  private static final int HALF = 2;

  private final ModelConfig config;
  private final CudaWeights weights;
  private final KernelModule kernels;
  private final MatrixProduct products;
  private final DeviceMemory pool;
  private final List<DeviceMemory> all = new ArrayList<>();
  private final int groups;
  private final int qkvSize;
  private final DeviceMemory stream;
  private final DeviceMemory normed;
  private final DeviceMemory qkv;
  private final DeviceMemory attended;
  private final DeviceMemory gated;
  private final DeviceMemory sums;
  private final DeviceMemory states;
  private final DeviceMemory logits;
  private final DeviceMemory drawn;
  private final int maxSequences;

  CudaDecoder(
      Device device,
      KernelModule kernels,
      ModelConfig config,
      CudaWeights weights,
      DeviceMemory pool,
      int maxTokens,
      int maxSequences,
      int maxContext) {
    this.config = config;
    this.weights = weights;
    this.kernels = kernels;
    this.pool = pool;
    this.maxSequences = maxSequences;
    this.products = new MatrixProduct(kernels, TYPE, device.computeCapability());
    this.groups = (maxTokens + 7) / 8;
    this.qkvSize = config.querySize() + 2 * config.kvSize();
    long rows = groups * 8L;
    long parts = (long) maxSequences * config.heads() * parts(maxContext);
    this.stream = keep(device, 4 * rows * config.hiddenSize());
    this.normed = keep(device, tileBytes(rows, config.hiddenSize()));
    this.qkv = keep(device, HALF * rows * qkvSize);
    this.attended = keep(device, tileBytes(rows, config.querySize()));
    this.gated = keep(device, tileBytes(rows, config.intermediateSize()));
    this.sums = keep(device, 4 * parts * config.headSize());
    this.states = keep(device, 8 * parts);
    this.logits = keep(device, 4L * maxSequences * config.vocabularySize());
    this.drawn = keep(device, 8L * maxSequences);
  }

  private DeviceMemory keep(Device device, long bytes) {
    DeviceMemory memory = device.allocate(bytes);
    all.add(memory);
    return memory;
  }

  private static long tileBytes(long rows, int width) {
    return HALF * rows * 64 * ((width + 63) / 64);
  }

  private static int parts(int context) {
    return (context + PART - 1) / PART;
  }

  /** Drawn tokens, then failures, {@code maxSequences} of each. */
  DeviceMemory drawn() {
    return drawn;
  }

  /** Puts a step into the stream. */
  void launch(CudaBatch batch) {
    int rows = batch.layout().rows;
    kernels.launch(
        "embed_" + TYPE,
        new int[] {rows},
        THREADS,
        0,
        weights.embedding,
        batch.tokens(),
        stream,
        config.hiddenSize());
    for (int i = 0; i < weights.layers.size(); i++) {
      attention(i, rows, batch);
      feedForward(i, rows);
    }
    if (batch.layout().sampledRows.length > 0) {
      sample(batch);
    }
  }

  private void attention(int i, int rows, CudaBatch batch) {
    CudaWeights.Layer layer = weights.layers.get(i);
    norm(null, layer.attentionNorm(), rows);
    multiply(layer.queryKeyValue(), normed, qkv, rows, qkvSize, Output.ROWS);
    rotateAndStore(i, rows, batch);
    if (batch.decodes > 0) {
      decode(i, batch);
    }
    if (batch.chunks > 0) {
      prefill(i, batch);
    }
    multiply(layer.attentionOutput(), attended, stream, rows, config.hiddenSize(), Output.ADDED);
  }

  private void feedForward(int i, int rows) {
    CudaWeights.Layer layer = weights.layers.get(i);
    norm(null, layer.feedForwardNorm(), rows);
    multiply(layer.gateUp(), normed, gated, rows, groups, Output.GATED_TILES);
    multiply(layer.down(), gated, stream, rows, config.hiddenSize(), Output.ADDED);
  }

  private void norm(
      @org.jspecify.annotations.Nullable Object pickedRows, DeviceMemory weight, int rows) {
    kernels.launch(
        "rms_norm_" + TYPE,
        new int[] {rows},
        THREADS,
        0,
        stream,
        null,
        pickedRows,
        weight,
        normed,
        config.hiddenSize(),
        groups,
        config.normEpsilon());
  }

  private void multiply(
      CudaWeights.Matrix matrix,
      DeviceMemory x,
      DeviceMemory y,
      int rows,
      int stride,
      Output output) {
    products.launch(
        matrix.tiles(),
        x,
        y,
        matrix.bias(),
        rows,
        matrix.out(),
        matrix.in(),
        groups,
        stride,
        output);
  }

  private void rotateAndStore(int i, int rows, CudaBatch batch) {
    int size = config.headSize();
    kernels.launch(
        "rotate_and_store_" + TYPE,
        new int[] {rows},
        THREADS,
        4 * size,
        qkv,
        pool,
        batch.positions(),
        batch.sequences(),
        batch.tableStarts(),
        batch.tables(),
        weights.frequencies,
        i,
        config.layers(),
        config.heads(),
        config.kvHeads(),
        size,
        size,
        0);
  }

  private void decode(int i, CudaBatch batch) {
    int size = config.headSize();
    int parts = parts(batch.longestDecode);
    int shared = 2 * (272 * (size + 8) + 1152) + 320;
    kernels.launch(
        "attention_decode_" + TYPE + "_d" + size,
        new int[] {config.kvHeads(), batch.decodes, parts},
        128,
        shared,
        qkv,
        pool,
        batch.positions(),
        batch.sequences(),
        batch.tableStarts(),
        batch.tables(),
        batch.decodeRows(),
        sums,
        states,
        qkvSize,
        i,
        config.layers(),
        config.heads(),
        config.kvHeads(),
        parts,
        scale());
    kernels.launch(
        "attention_merge_" + TYPE + "_d" + size,
        new int[] {(config.heads() + 3) / 4, batch.decodes},
        128,
        0,
        batch.positions(),
        batch.sequences(),
        batch.decodeRows(),
        sums,
        states,
        attended,
        groups,
        config.heads(),
        parts);
  }

  private void prefill(int i, CudaBatch batch) {
    int size = config.headSize();
    int blocks = (batch.longestChunk * (config.heads() / config.kvHeads()) + 63) / 64;
    int shared = (size > 128 ? 384 : 514) * (size + 8) + 256 * size;
    kernels.launch(
        "attention_prefill_" + TYPE + "_d" + size,
        new int[] {blocks, config.kvHeads(), batch.chunks},
        128,
        shared,
        qkv,
        pool,
        batch.positions(),
        batch.sequences(),
        batch.tableStarts(),
        batch.tables(),
        batch.firstRows(),
        batch.rowCounts(),
        attended,
        qkvSize,
        groups,
        i,
        config.layers(),
        config.heads(),
        config.kvHeads(),
        scale());
  }

  private void sample(CudaBatch batch) {
    int sampled = batch.layout().sampledRows.length;
    int vocabulary = config.vocabularySize();
    norm(batch.sampledRows(), weights.finalNorm, sampled);
    multiply(weights.output, normed, logits, sampled, vocabulary, Output.FLOAT_ROWS);
    kernels.launch(
        "sample",
        new int[] {sampled},
        SAMPLE_THREADS,
        (vocabulary + 31) / 32 * 4,
        logits,
        vocabulary,
        vocabulary,
        batch.sampling(),
        batch.history(),
        drawn,
        new dev.s3llm.jcuda.kernel.DeviceAddress(drawn, 4L * maxSequences));
  }

  private float scale() {
    return (float) (1 / Math.sqrt(config.headSize()));
  }

  @Override
  public void close() {
    all.forEach(DeviceMemory::close);
  }
}
