package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.execute.StepBatch;
import dev.s3llm.jcuda.internal.batch.BatchFormat;
import dev.s3llm.jcuda.internal.batch.BatchImage;
import dev.s3llm.jcuda.internal.batch.DeviceBatch;
import dev.s3llm.jcuda.internal.batch.KeptMasks;
import dev.s3llm.jcuda.internal.batch.LogProbabilityFormat;
import dev.s3llm.jcuda.internal.batch.StepShape;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceEvent;
import dev.s3llm.jcuda.internal.driver.DeviceException;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.KernelModule;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import dev.s3llm.jcuda.internal.driver.Resources;
import dev.s3llm.jcuda.internal.kv.DeviceKvPool;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShard;
import dev.s3llm.model.ModelTensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Some consecutive layers on one device, with weights, KV memory, a stream and graphs. Copies
 * hidden states from the stage before and to the next stage.
 *
 * <p>Opened in two steps, weights first and then memory, so that the memory can be sized by the
 * bytes that the weights leave free. For the executor's thread.
 */
final class CudaStage implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CudaStage.class);

  private final ModelShard shard;
  private final ModelConfig config;
  private final LayerRange range;
  private final int ordinal;
  private final ElementType type;
  private final KvPrecision kv;
  private final boolean samples;
  private final int featureLayer;
  private final Resources resources = new Resources();
  private final Device device;
  private final DeviceStream compute;
  private final StageKernels kernels;
  private final CudaWeights weights;
  private @Nullable StepKernels step;
  private @Nullable CardWatch watch;
  private @Nullable Memory memory;
  private boolean whole; // the last step

  /** The parts of a stage that exist once its memory is sized. */
  private record Memory(
      DeviceKvPool pool,
      DeviceBatch input,
      CudaDecoder decoder,
      GraphCache graphs,
      List<Part> parts) {}

  /**
   * Memory and event of one part of the batch.
   *
   * @param inbox receives hidden states of the stage before; null in the first stage
   * @param handedOn event after the copy of this stage's hidden states to the next inbox
   */
  private record Part(@Nullable DeviceMemory inbox, DeviceEvent handedOn) {}

  /**
   * Opens the device and copies the weights there.
   *
   * @param shard part of the model, whole layers or one card's
   * @param type number type of activations and widened weights
   * @param kv how keys and values are stored
   * @param plan chooses the formats of matrices
   * @param onBytes receives the bytes of weights copied so far
   * @param featureLayer number of the layer whose results are kept, from 1; 0 for none
   * @param wholeSteps whether small steps run all layers in one launch
   */
  CudaStage(
      int ordinal,
      ModelShard shard,
      LayerRange range,
      ElementType type,
      KvPrecision kv,
      ModelTensors tensors,
      WeightPlan plan,
      LongConsumer onBytes,
      int featureLayer,
      WholeSteps wholeSteps) {
    this.shard = shard;
    this.config = shard.config();
    this.range = range;
    this.ordinal = ordinal;
    this.type = type;
    this.kv = kv;
    this.samples = range.last(config) && shard.rank() == 0;
    this.featureLayer = shard.rank() == 0 ? featureLayer : 0;
    this.device = resources.keep(Device.open(ordinal));
    try {
      requireSharedMemory();
      this.compute = resources.keep(device.newStream());
      KernelModule module = resources.keep(new KernelModule(KernelModule.TEXT));
      KernelModule rounding =
          plan.rounds(config, range, tensors)
              ? resources.keep(new KernelModule(KernelModule.FP8))
              : null;
      requireRoom(
          "the weights of layers " + range.from() + " to " + (range.to() - 1),
          plan.bytes(config, range, tensors));
      this.weights =
          resources.keep(
              new CudaWeights(
                  device,
                  compute,
                  new LoadKernels(module, rounding, type),
                  config,
                  range,
                  tensors,
                  plan,
                  onBytes));
      this.kernels = StageKernels.of(module, rounding, device, shard, range, type, kv);
      kernels.load(weights); // before memory is sized by the free bytes
      this.step = runsLayersInOneLaunch(wholeSteps) ? stepKernels(type) : null;
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Returns whether small steps run all layers in one launch: device and model must allow it. */
  private boolean runsLayersInOneLaunch(WholeSteps wholeSteps) {
    boolean fits =
        wholeSteps != WholeSteps.OFF
            && StageKernels.hopper(device)
            && PersistentDecode.fits(config, range, kv, weights.layers, featureLayer)
            && (shard.count() == 1 || PersistentDecode.fitsCards(weights.layers))
            && PersistentDecode.limits(
                    config, range, weights.layers, shard.count() > 1, device.multiprocessors())
                .allow(1, 1);
    if (!fits || !device.shared()) {
      return fits;
    }
    if (wholeSteps == WholeSteps.ON) {
      LOG.warn("{} may be shared (MPS, MIG): steps may fail with persistentDecode", device.name());
    }
    return wholeSteps == WholeSteps.ON;
  }

  private StepKernels stepKernels(ElementType type) {
    KernelModule module = resources.keep(new KernelModule(KernelModule.STEP));
    StepKernels kernels =
        new StepKernels(
            module,
            config,
            range,
            type,
            PersistentDecode.format(weights.layers),
            shard.count() > 1);
    kernels.load();
    return kernels;
  }

  /**
   * Lets small steps be one launch on each card only if they can be on all; before memory is sized.
   */
  static void agreeOnSteps(List<CudaStage> cards) {
    int blocks = cards.get(0).device.multiprocessors();
    boolean all =
        cards.stream()
            .allMatch(card -> card.step != null && card.device.multiprocessors() == blocks);
    if (!all) {
      cards.forEach(card -> card.step = null);
    }
  }

  private void requireSharedMemory() {
    int needed = AttentionKernels.sharedBytes(config.headSize(), kv);
    int limit = device.sharedBytes();
    if (needed > limit) {
      throw new IllegalArgumentException(
          "head_dim is %d, whose kernels take %d bytes of shared memory, but %s has %d for a block"
              .formatted(config.headSize(), needed, device.name(), limit));
    }
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

  /** Returns the free bytes of device memory. */
  long freeBytes() {
    device.makeCurrent();
    return device.freeBytes();
  }

  /** Returns the bytes of one KV block over this stage's layers. */
  long blockBytes(int blockTokens) {
    long vectors = 2L * range.count() * config.kvHeads();
    long bytes = vectors * kv.vectorBytes(config.headSize(), Layouts.NUMBER_BYTES);
    return Math.multiplyExact(bytes, (long) blockTokens);
  }

  /** Returns the bytes that the stage takes beside weights and KV. */
  long workspaceBytes(BatchFormat format) {
    long bytes =
        Workspace.bytes(
                config,
                range,
                format,
                featureLayer,
                samples,
                new Workspace.Inputs(weights.orderedColumns(), kernels.rounded() != null))
            + (step == null
                ? 0
                : PersistentDecode.bytes(config, range, weights.layers, device.multiprocessors()))
            + DeviceBatch.bytes(format, samples);
    return shard.count() == 1
        ? bytes
        : bytes
            + CardMemory.bytes(rows(format), config.hiddenSize(), shard.count())
            + (step == null ? 0 : CardSums.bytes(config.hiddenSize(), shard.count()));
  }

  private static int rows(BatchFormat format) {
    return 8 * Layouts.groups(format.maxTokens());
  }

  /**
   * Lets this card's kernels read and write the memory of the other cards.
   *
   * @throws IllegalArgumentException if they cannot
   */
  void connect(List<CudaStage> cards) {
    device.makeCurrent();
    for (CudaStage other : cards) {
      if (other == this) {
        continue;
      }
      if (!device.canAccess(other.device)) {
        throw new IllegalArgumentException(
            "cards names %d and %d, but %s cannot access the memory of %s; use devices, which splits the model by layers"
                .formatted(ordinal, other.ordinal, device.name(), other.device.name()));
      }
      device.enableAccess(other.device);
    }
  }

  /** Allocates the memory that the other cards of a model read and write. */
  CardMemory allocateShared(BatchFormat format) {
    device.makeCurrent();
    DeviceMemory embedding = weights.embedding;
    if (embedding == null) {
      throw new IllegalStateException("a card has all layers, so it has an embedding");
    }
    CardMemory own =
        CardMemory.allocate(
            device,
            resources,
            rows(format),
            config.hiddenSize(),
            shard.count(),
            embedding,
            step == null
                ? null
                : CardSums.allocate(device, resources, config.hiddenSize(), shard.count()));
    watch = resources.keep(new CardWatch(device, own));
    return own;
  }

  /**
   * Allocates the memory.
   *
   * @param blockCount KV blocks on the device
   * @param hostBlockCount KV blocks in swap space
   * @param parts parts of a batch that may run at once
   * @param cards shared memory of all cards; empty where layers are whole
   * @param logits the logits of the card that samples; null on that card
   */
  void allocate(
      BatchFormat format,
      int blockCount,
      int hostBlockCount,
      int parts,
      List<CardMemory> cards,
      @Nullable DeviceMemory logits) {
    device.makeCurrent();
    DeviceKvPool pool =
        resources.keep(
            new DeviceKvPool(device, blockBytes(format.blockTokens()), blockCount, hostBlockCount));
    DeviceBatch input = resources.keep(new DeviceBatch(device::allocate, format, samples));
    CudaDecoder decoder =
        resources.keep(
            new CudaDecoder(
                device,
                compute,
                kernels,
                config,
                range,
                weights,
                pool.blocks(),
                input,
                format,
                featureLayer,
                samples,
                cards.isEmpty()
                    ? null
                    : new CudaDecoder.Cards(
                        cardKernels(cards), shard.firstToken(), logits, stepCards(cards)),
                step));
    List<Part> all = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      long bytes = decoder.residual().bytes();
      DeviceMemory inbox = range.first() ? null : resources.keep(device.allocate(bytes));
      all.add(new Part(inbox, resources.keep(device.newEvent())));
    }
    PersistentDecode one = decoder.whole();
    if (watch != null && one != null) {
      watch.join(one);
    }
    memory = new Memory(pool, input, decoder, resources.keep(new GraphCache()), List.copyOf(all));
  }

  private CardKernels cardKernels(List<CardMemory> cards) {
    KernelModule module = resources.keep(new KernelModule(KernelModule.CARDS));
    CardKernels own = new CardKernels(module, shard, type, device.multiprocessors(), cards);
    own.load();
    return own;
  }

  private @Nullable StepCards stepCards(List<CardMemory> cards) {
    List<CardSums> all = cards.stream().map(CardMemory::steps).filter(Objects::nonNull).toList();
    int rank = shard.rank();
    return step == null ? null : StepCards.of(all, rank, cards.get(rank).state());
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

  BatchImage newImage(BatchFormat format, KeptMasks kept) {
    device.makeCurrent();
    return new BatchImage(device, format, kept);
  }

  DeviceEvent newEvent() {
    device.makeCurrent();
    return device.newEvent();
  }

  DeviceStream stream() {
    return compute;
  }

  void makeCurrent() {
    device.makeCurrent();
  }

  /**
   * Makes the device current, and starts a step's copies.
   *
   * @param handedOver blocks whose owner changes, to be poisoned
   */
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
   * @param part index of the part
   * @param previous the stage before; null for the first
   * @param next the stage after; null for the last
   */
  void run(BatchImage image, int part, @Nullable CudaStage previous, @Nullable CudaStage next) {
    device.makeCurrent();
    Memory own = memory();
    StepShape shape = own.decoder.launched(image.shape(), image.launched());
    whole = shape.anyContext();
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

  /**
   * Puts the copies of the requested features of a part, which the stage has just run, into the
   * stream, {@code [request][hidden]} of float; none where the layer is not in this stage.
   */
  void copyFeatures(BatchImage image, PinnedMemory to) {
    DeviceMemory features = memory().decoder.features();
    long bytes = (long) Float.BYTES * config.hiddenSize();
    for (int i = 0; features != null && i < image.features(); i++) {
      compute.copyOut(features, image.featureRow(i) * bytes, to.at(i * bytes), bytes);
    }
  }

  /** Puts the copy of drawn tokens, then failures, into the stream; for the last stage. */
  void copyDrawn(PinnedMemory to) {
    DeviceMemory drawn = memory().decoder.drawn();
    if (drawn != null) {
      compute.copyOut(drawn, 0, to.at(0), drawn.bytes());
    }
  }

  /** Puts the copy of the log probabilities, if a row requested some; for the last stage. */
  void copyLogs(BatchImage image, PinnedMemory to) {
    DeviceMemory logs = memory().decoder.logs();
    if (logs != null && image.shape().logs()) {
      int bytes = LogProbabilityFormat.ROW_BYTES * image.shape().sampled();
      compute.copyOut(logs, 0, to.at(0), bytes);
    }
  }

  /** Returns the logits of the sampled rows; null where the stage does not sample. */
  @Nullable DeviceMemory logits() {
    return memory().decoder.logits();
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

  /** Ends the step: later work also waits for its copies. */
  void endStep() {
    device.makeCurrent();
    if (watch != null) {
      watch.look(compute);
    }
    memory().pool.endStep(compute);
  }

  /** Waits for all work in the stream. */
  void synchronize() {
    device.makeCurrent();
    compute.synchronize();
  }

  /** Returns the meeting at which this card waited in vain in the step that ended last. */
  Optional<CardWatch.Missed> missed() {
    int before = whole ? StepCards.MEETINGS * range.count() : 0;
    return watch == null ? Optional.empty() : watch.missed(before);
  }

  /** Ends this card's waits for other cards, in a step that failed. */
  void giveUp() {
    if (watch != null) {
      device.makeCurrent();
      watch.giveUp();
    }
  }

  /** Forgets all meetings with other cards; the work of all cards must have ended. */
  void resetMeetings() {
    if (watch != null) {
      device.makeCurrent();
      watch.reset();
    }
  }

  /**
   * Refuses the results of a step whose one launch waited too long; the step is over.
   *
   * @throws IllegalStateException naming the phase; later steps are a launch for each part
   */
  void requireEnded() {
    device.makeCurrent();
    Memory own = memory();
    IllegalStateException failure = own.decoder.failure(compute);
    if (failure != null) {
      own.graphs.close();
      LOG.warn("a step failed", failure);
      throw failure;
    }
  }

  /** Lets no further step be one launch, since one failed on another card. */
  void endWholeSteps() {
    device.makeCurrent();
    Memory own = memory();
    PersistentDecode one = own.decoder.whole();
    if (one != null) {
      one.end();
      own.graphs.close();
    }
  }

  /** Waits for the work of a step that failed before its end, copies included. */
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
