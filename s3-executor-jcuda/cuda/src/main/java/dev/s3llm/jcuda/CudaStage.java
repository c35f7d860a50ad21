package dev.s3llm.jcuda;

import dev.s3llm.execute.StepBatch;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceEvent;
import dev.s3llm.jcuda.internal.driver.DeviceException;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.KernelModule;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import dev.s3llm.jcuda.internal.driver.Resources;
import dev.s3llm.jcuda.internal.kv.DeviceKvPool;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.TensorSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Some consecutive layers on one device, with all that they need: weights, KV memory, a stream,
 * graphs. Takes hidden states from the stage before and hands its own to the next.
 *
 * <p>Opened in two parts, weights first and then memory, so that the memory can be sized by what
 * the weights leave free. For the executor's thread.
 */
final class CudaStage implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CudaStage.class);

  private final ModelConfig config;
  private final LayerRange range;
  private final int ordinal;
  private final Resources resources = new Resources();
  private final Device device;
  private final DeviceStream compute;
  private final DecoderKernels kernels;
  private final CudaWeights weights;
  private @Nullable Memory memory;

  /** What a stage has once its memory is sized. */
  private record Memory(
      DeviceKvPool pool,
      DeviceBatch input,
      CudaDecoder decoder,
      GraphCache graphs,
      List<Part> parts) {}

  /**
   * What belongs to a part of the batch.
   *
   * @param inbox where the stage before leaves its hidden states; null in the first stage
   * @param handedOn happens when this stage has left its own in the next one's inbox
   */
  private record Part(@Nullable DeviceMemory inbox, DeviceEvent handedOn) {}

  /** Opens the device and brings the weights there. */
  CudaStage(
      int ordinal,
      ModelConfig config,
      LayerRange range,
      Precision precision,
      TensorSource source,
      LongConsumer onBytes) {
    this.config = config;
    this.range = range;
    this.ordinal = ordinal;
    this.device = resources.keep(Device.open(ordinal));
    try {
      this.compute = resources.keep(device.newStream());
      KernelModule module = resources.keep(new KernelModule());
      requireRoom(
          "the weights of layers " + range.from() + " to " + (range.to() - 1), weightBytes());
      this.weights =
          resources.keep(
              new CudaWeights(device, compute, module, config, range, precision, source, onBytes));
      this.kernels = new DecoderKernels(module, device, config, precision);
      kernels.load(weights); // before memory is sized by what is free
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private long weightBytes() {
    return CudaWeights.bytes(config, range);
  }

  private void requireRoom(String what, long bytes) {
    long free = device.freeBytes();
    if (bytes > free) {
      throw new IllegalArgumentException(
          "%s take %d bytes, but %s has %d free; spread the model over more devices"
              .formatted(what, bytes, device.name(), free));
    }
  }

  int ordinal() {
    return ordinal;
  }

  String deviceName() {
    return device.name();
  }

  /** Bytes of device memory that are free. */
  long freeBytes() {
    device.makeCurrent();
    return device.freeBytes();
  }

  /** Bytes of one KV block over this stage's layers. */
  long blockBytes(int blockTokens) {
    return Math.multiplyExact(
        2L * Precision.BYTES * range.count() * config.kvSize(), (long) blockTokens);
  }

  /** Bytes that a stage takes beside weights and KV. */
  long workspaceBytes(BatchFormat format) {
    return CudaDecoder.workspaceBytes(config, range, format) + format.capacityBytes();
  }

  /**
   * Takes the memory.
   *
   * @param parts how many parts of a batch may be under way at once
   */
  void allocate(BatchFormat format, int blockCount, int hostBlockCount, int parts) {
    device.makeCurrent();
    DeviceKvPool pool =
        resources.keep(
            new DeviceKvPool(device, blockBytes(format.blockTokens()), blockCount, hostBlockCount));
    DeviceBatch input = resources.keep(new DeviceBatch(device, format));
    CudaDecoder decoder =
        resources.keep(
            new CudaDecoder(device, kernels, config, range, weights, pool.blocks(), input, format));
    List<Part> all = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      long bytes = decoder.residual().bytes();
      DeviceMemory inbox = range.first() ? null : resources.keep(device.allocate(bytes));
      all.add(new Part(inbox, resources.keep(device.newEvent())));
    }
    memory = new Memory(pool, input, decoder, resources.keep(new GraphCache()), List.copyOf(all));
  }

  private Memory memory() {
    Memory taken = memory;
    if (taken == null) {
      throw new IllegalStateException("the stage has no memory yet");
    }
    return taken;
  }

  PinnedMemory allocatePinned(long bytes) {
    device.makeCurrent();
    return device.allocatePinned(bytes);
  }

  BatchImage newImage(BatchFormat format) {
    device.makeCurrent();
    return new BatchImage(device, format);
  }

  DeviceEvent newEvent() {
    device.makeCurrent();
    return device.newEvent();
  }

  DeviceStream stream() {
    return compute;
  }

  /** Makes the device current, and starts a step's copies. */
  void beginStep(StepBatch batch, List<Integer> handedOver) {
    device.makeCurrent();
    DeviceKvPool pool = memory().pool;
    pool.beginStep(batch, compute);
    for (int block : handedOver) {
      pool.poison(block, compute);
    }
  }

  /**
   * Puts one part of a step into the stage's stream.
   *
   * @param previous the stage before, null for the first
   * @param next the stage behind, null for the last
   */
  void run(BatchImage image, int part, @Nullable CudaStage previous, @Nullable CudaStage next) {
    device.makeCurrent();
    Memory own = memory();
    StepShape shape = image.launched();
    long hiddenBytes = (long) Float.BYTES * shape.rows() * config.hiddenSize();
    DeviceMemory inbox = own.parts.get(part).inbox;
    if (inbox != null && previous != null) {
      compute.await(previous.memory().parts.get(part).handedOn);
      compute.copy(inbox, own.decoder.residual(), 0, hiddenBytes);
    }
    own.input.load(image, compute);
    if (image.shape().decodesOnly()) {
      own.graphs.launch(compute, shape, () -> own.decoder.launch(compute, shape));
    } else {
      own.decoder.launch(compute, shape);
    }
    DeviceMemory outbox = next == null ? null : next.memory().parts.get(part).inbox;
    if (outbox != null) {
      compute.copy(own.decoder.residual(), outbox, 0, hiddenBytes);
      compute.record(own.parts.get(part).handedOn);
    }
  }

  /** Puts the copy of drawn tokens, then failures, into the stream; for the last stage. */
  void copyDrawn(PinnedMemory to) {
    DeviceMemory drawn = memory().decoder.drawn();
    if (drawn != null) {
      compute.copyOut(drawn, 0, to.at(0), drawn.bytes());
    }
  }

  /** Copies logits of the sampled rows; for the last stage. */
  void copyLogits(PinnedMemory to, long bytes) {
    device.makeCurrent();
    DeviceMemory logits = memory().decoder.logits();
    if (logits != null) {
      compute.copyOut(logits, 0, to.at(0), bytes);
      compute.synchronize();
    }
  }

  /** Ends the step: later work waits for its copies as well. */
  void endStep() {
    device.makeCurrent();
    memory().pool.endStep(compute);
  }

  /** Waits for all that was put in. */
  void synchronize() {
    device.makeCurrent();
    compute.synchronize();
  }

  /** Waits for all that was put in by a step that failed on the way, its copies included. */
  void settle() {
    synchronize();
    memory().pool.settle();
  }

  @Override
  public void close() {
    try {
      device.makeCurrent();
    } catch (DeviceException e) {
      LOG.debug("a lost device cannot be made current", e);
    }
    resources.close();
  }
}
