package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.error.ExecutorLostException;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.jcuda.LoadProgress;
import dev.s3llm.jcuda.StepTimes;
import dev.s3llm.jcuda.internal.batch.BatchFormat;
import dev.s3llm.jcuda.internal.batch.BatchImage;
import dev.s3llm.jcuda.internal.batch.KeptMasks;
import dev.s3llm.jcuda.internal.batch.LogProbabilityFormat;
import dev.s3llm.jcuda.internal.driver.DeviceException;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import dev.s3llm.jcuda.internal.driver.Resources;
import dev.s3llm.jcuda.internal.kv.KvAudit;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.NormPlacement;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.ModelShard;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.TensorSource;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A model over one or several stages, or with every layer cut over several cards.
 *
 * <p>The sequences of a step are split into as many parts as the model has stages, so that one
 * stage runs a part while the next stage runs the part before. With cards each has a stage with its
 * part of all layers; all run the whole step, and the first samples. A card that fails or does not
 * come fails the step; the next step starts afresh.
 *
 * <p>For the executor's thread.
 */
public final class CudaPipeline implements AutoCloseable {
  /** The failure of a row whose masks leave no token, as {@code sampling.cu} writes it. */
  private static final int NOTHING_ALLOWED = -2;

  private final ModelConfig config;
  private final Placement placement;
  private final List<CudaStage> stages = new ArrayList<>();
  private final Resources resources = new Resources();
  private final List<BatchImage> images = new ArrayList<>();
  private final List<PinnedMemory> drawn = new ArrayList<>();
  private final List<PinnedMemory> features = new ArrayList<>();
  private final List<PinnedMemory> logs = new ArrayList<>();
  private final int featureLayer;
  private final @Nullable CardThreads threads;
  private final @Nullable CardTurns turns;
  private KeptMasks masks = new KeptMasks(1);
  private @Nullable StepClock clock;
  private @Nullable KvAudit audit;

  /**
   * Opens the devices and copies the weights there.
   *
   * @param placement the devices, and whether each has whole layers
   * @param type number type of activations and widened weights
   * @param kv how keys and values are stored
   * @param plan chooses the formats of matrices
   * @param inputs sets how matrices round their input
   * @param progress receives the bytes of weights copied so far
   * @param featureLayer number of the layer whose results are the features, from 1; 0 for none
   * @param wholeSteps whether small steps run all layers of a device in one launch
   * @param factory makes the threads that load and launch on other cards than the first
   */
  public CudaPipeline(
      ModelConfig config,
      Placement placement,
      ElementType type,
      KvPrecision kv,
      TensorSource source,
      WeightPlan plan,
      UnaryOperator<ModelTensors> inputs,
      LoadProgress progress,
      int featureLayer,
      WholeSteps wholeSteps,
      ThreadFactory factory) {
    this.config = config;
    this.placement = placement;
    this.featureLayer = featureLayer;
    this.threads =
        placement.cut()
            ? resources.keep(new CardThreads(placement.devices().size(), factory))
            : null;
    this.turns = placement.cut() ? new CardTurns(placement.devices()) : null;
    try {
      List<Part> parts = parts(config, inputs.apply(ModelTensors.of(config, source)));
      long total = parts.stream().mapToLong(part -> part.bytes(plan)).sum();
      JointLoading loading = new JointLoading(progress, parts.size(), total);
      openStages(
          loading,
          index -> {
            Part part = parts.get(index);
            return new CudaStage(
                placement.devices().get(index),
                part.shard,
                part.range,
                type,
                kv,
                part.tensors,
                plan,
                loading.progressOf(index),
                featureLayer,
                wholeSteps);
          });
      if (placement.cut()) {
        stages.forEach(stage -> stage.connect(stages));
        CudaStage.agreeOnSteps(stages);
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Opens all stages: several cards at once, whole layers one device after another. */
  private void openStages(JointLoading loading, IntFunction<CudaStage> opener) {
    Map<Integer, CudaStage> opened = new ConcurrentSkipListMap<>();
    IntConsumer open =
        index -> {
          try {
            opened.put(index, opener.apply(index));
          } catch (DeviceException e) {
            throw e.on(placement.devices().get(index));
          }
        };
    try {
      if (threads == null) {
        IntStream.range(0, placement.devices().size()).forEach(i -> loading.run(i, open));
      } else {
        threads.run(card -> loading.run(card, open));
      }
    } finally {
      opened.values().forEach(stage -> stages.add(resources.keep(stage)));
    }
  }

  /** What one device has of the model. */
  private record Part(ModelShard shard, LayerRange range, ModelTensors tensors) {
    long bytes(WeightPlan plan) {
      return plan.bytes(shard.config(), range, tensors);
    }
  }

  private List<Part> parts(ModelConfig config, ModelTensors tensors) {
    int count = placement.devices().size();
    if (placement.cut()) {
      LayerRange all = new LayerRange(0, config.layerCount());
      return ModelShard.of(config, count).stream()
          .map(shard -> new Part(shard, all, cut(shard, tensors)))
          .toList();
    }
    ModelShard whole = ModelShard.of(config, 1).get(0);
    return LayerRange.split(config.layerCount(), count).stream()
        .map(range -> new Part(whole, range, tensors))
        .toList();
  }

  private ModelTensors cut(ModelShard shard, ModelTensors whole) {
    try {
      return shard.tensors(whole);
    } catch (ModelFormatException e) {
      throw new ModelFormatException(
          "cards is %s, but %s".formatted(placement.devices(), e.getMessage()), e);
    }
  }

  /** Returns the number of parts of a step that may run at once. */
  private int partsAtOnce() {
    return placement.cut() ? 1 : stages.size();
  }

  /** Returns the stage that samples. */
  private CudaStage last() {
    return placement.cut() ? stages.get(0) : stages.get(stages.size() - 1);
  }

  /** Returns the bytes of a KV block over all layers. */
  public long blockBytes(int blockTokens) {
    return stages.stream().mapToLong(stage -> stage.blockBytes(blockTokens)).sum();
  }

  /**
   * Returns the number of KV blocks that fit beside weights and workspace.
   *
   * @param share share of the free bytes for KV, in (0, 1]
   */
  public int blocksThatFit(BatchFormat format, double share) {
    long blocks = Integer.MAX_VALUE;
    for (CudaStage stage : stages) {
      long free = stage.freeBytes();
      long blockBytes = 0;
      for (CudaStage other : stages) {
        if (other.ordinal() == stage.ordinal()) {
          free -= other.workspaceBytes(format);
          blockBytes += other.blockBytes(format.blockTokens());
        }
      }
      blocks = Math.min(blocks, (long) (share * Math.max(0, free)) / blockBytes);
    }
    return (int) blocks;
  }

  /** Returns the names of the stages' devices, for messages. */
  public String devices() {
    return String.join(", ", stages.stream().map(CudaStage::deviceName).toList());
  }

  /**
   * Allocates the memory.
   *
   * @param blockCount KV blocks on the devices
   * @param hostBlockCount KV blocks in swap space
   * @param checked whether every step is audited
   */
  public void allocate(BatchFormat format, int blockCount, int hostBlockCount, boolean checked) {
    List<CardMemory> cards =
        placement.cut()
            ? stages.stream().map(stage -> stage.allocateShared(format)).toList()
            : List.of();
    for (CudaStage stage : stages) {
      DeviceMemory logits = placement.cut() && stage != last() ? last().logits() : null;
      stage.allocate(format, blockCount, hostBlockCount, partsAtOnce(), cards, logits);
    }
    masks = new KeptMasks(format.keptMaskCount());
    for (int part = 0; part < partsAtOnce(); part++) {
      images.add(resources.keep(stages.get(0).newImage(format, masks)));
      drawn.add(resources.keep(last().allocatePinned(2L * Integer.BYTES * format.maxSequences())));
      logs.add(
          resources.keep(
              last()
                  .allocatePinned((long) LogProbabilityFormat.ROW_BYTES * format.maxSequences())));
      if (featureLayer > 0) {
        long bytes = (long) Float.BYTES * format.maxSequences() * config.hiddenSize();
        features.add(resources.keep(last().allocatePinned(bytes)));
      }
    }
    clock = resources.keep(new StepClock(last()));
    audit = checked ? new KvAudit(format.blockTokens(), blockCount, hostBlockCount) : null;
  }

  /** Returns the times of the steps so far. */
  public StepTimes times() {
    StepClock started = clock;
    return started == null ? new StepTimes(0, 0, 0) : started.times();
  }

  /** Runs a step and waits for its end, also when the step fails. */
  public StepResult run(StepBatch batch) {
    return turns == null ? step(batch) : turns.run(() -> step(batch));
  }

  private StepResult step(StepBatch batch) {
    List<Integer> handedOver = audit == null ? List.of() : audit.step(batch);
    List<List<SequenceStep>> parts = split(batch.sequences());
    StepClock started = parts.isEmpty() ? null : clock;
    try {
      launch(batch, handedOver, parts, started);
      each(CudaStage::synchronize);
      requireAllCame();
      requireEnded();
    } catch (RuntimeException | Error e) {
      settle(e);
      throw e;
    }
    if (started != null) {
      started.add();
    }
    return result(batch, parts);
  }

  private void launch(
      StepBatch batch,
      List<Integer> handedOver,
      List<List<SequenceStep>> parts,
      @Nullable StepClock started) {
    masks.beginStep();
    each(stage -> stage.beginStep(batch, handedOver));
    if (started != null) {
      started.begin();
    }
    for (int part = 0; part < parts.size(); part++) {
      images.get(part).fill(parts.get(part), AttentionKernels.PART);
      int current = part;
      if (threads == null) {
        for (int i = 0; i < stages.size(); i++) {
          CudaStage previous = i == 0 ? null : stages.get(i - 1);
          CudaStage next = i == stages.size() - 1 ? null : stages.get(i + 1);
          run(stages.get(i), current, previous, next);
        }
      } else {
        threads.run(card -> run(stages.get(card), current, null, null));
      }
      last().copyDrawn(drawn.get(part));
      last().copyLogs(images.get(part), logs.get(part));
    }
    if (started != null) {
      started.end();
    }
    each(CudaStage::endStep);
  }

  private void run(
      CudaStage stage, int part, @Nullable CudaStage previous, @Nullable CudaStage next) {
    on(stage, own -> own.run(images.get(part), part, previous, next));
    if (featureLayer > 0) {
      on(stage, own -> own.copyFeatures(images.get(part), features.get(part)));
    }
  }

  private void each(Consumer<CudaStage> action) {
    stages.forEach(stage -> on(stage, action));
  }

  /** Does something on a stage; an error of its device names the device. */
  private static void on(CudaStage stage, Consumer<CudaStage> action) {
    try {
      action.accept(stage);
    } catch (DeviceException e) {
      throw e.on(stage.ordinal());
    }
  }

  private void requireEnded() {
    try {
      stages.forEach(CudaStage::requireEnded);
    } catch (IllegalStateException e) {
      if (placement.cut()) {
        stages.forEach(CudaStage::endWholeSteps); // all cards launch alike
      }
      throw e;
    }
  }

  private void requireAllCame() {
    for (CudaStage stage : stages) {
      stage
          .missed()
          .ifPresent(
              missed -> {
                CudaStage late = stages.get(missed.rank());
                throw new IllegalStateException(
                    "card %d, %s, did not come to %s within %d s; card %d waited for it"
                        .formatted(
                            late.ordinal(),
                            late.deviceName(),
                            place(missed.meeting()),
                            TimeUnit.NANOSECONDS.toSeconds(CardKernels.PATIENCE_NANOS),
                            stage.ordinal()));
              });
    }
  }

  /** Returns what a meeting is for. */
  private String place(int meeting) {
    List<String> ofLayer = new ArrayList<>();
    if (config.attention().queryKeyNorm() == QueryKeyNorm.WHOLE) {
      ofLayer.add("norm of the queries and keys");
    }
    if (config.norms().placement() != NormPlacement.SHARED) { // else one sum of both parts
      ofLayer.add("sum after the attention");
    }
    ofLayer.add("sum after the feed-forward part");
    int layer = meeting / ofLayer.size();
    return layer >= config.layerCount()
        ? "the logits"
        : "the %s of layer %d".formatted(ofLayer.get(meeting % ofLayer.size()), layer);
  }

  /**
   * Waits for the work of a failed step. Until it ends, the device reads the step's inputs and
   * writes to its blocks, which the engine gives to other sequences once the step has failed.
   *
   * @throws ExecutorLostException if waiting fails too: the device is lost
   */
  private void settle(Throwable failure) {
    masks.clear();
    try {
      each(CudaStage::giveUp);
      each(CudaStage::settle);
      each(CudaStage::resetMeetings);
    } catch (DeviceException e) {
      e.addSuppressed(failure);
      throw new ExecutorLostException("the GPU is lost: " + e.getMessage(), e);
    }
  }

  /** Splits sequences into the parts that run at once; sizes differ by at most one. */
  private List<List<SequenceStep>> split(List<SequenceStep> sequences) {
    List<List<SequenceStep>> parts = new ArrayList<>();
    int count = Math.min(partsAtOnce(), sequences.size());
    for (int i = 0; i < count; i++) {
      parts.add(
          sequences.subList(sequences.size() * i / count, sequences.size() * (i + 1) / count));
    }
    return parts;
  }

  private StepResult result(StepBatch batch, List<List<SequenceStep>> parts) {
    int[] tokens = new int[batch.sequences().size()];
    Arrays.fill(tokens, StepResult.NO_TOKEN);
    Map<Integer, Throwable> failures = new HashMap<>();
    RequestedLogs requestedLogs = new RequestedLogs(batch.sequences(), failures);
    int first = 0;
    for (int part = 0; part < parts.size(); part++) {
      read(images.get(part), drawn.get(part), first, tokens, failures);
      requestedLogs.read(images.get(part), logs.get(part), first, tokens);
      first += parts.get(part).size();
    }
    StepResult result = requestedLogs.addTo(StepResult.of(tokens, failures));
    float[] requested = featureLayer > 0 ? features(parts.size()) : new float[0];
    return requested.length == 0 ? result : result.withFeatures(requested);
  }

  private float[] features(int parts) {
    int hidden = config.hiddenSize();
    int count = images.subList(0, parts).stream().mapToInt(BatchImage::features).sum();
    float[] requested = new float[Math.multiplyExact(count, hidden)];
    int first = 0;
    for (int part = 0; part < parts; part++) {
      int length = images.get(part).features() * hidden;
      if (length > 0) {
        FloatBuffer values =
            features.get(part).view(0, (long) Float.BYTES * length).asFloatBuffer();
        values.get(requested, first, length);
        first += length;
      }
    }
    return requested;
  }

  private static void read(
      BatchImage image,
      PinnedMemory memory,
      int first,
      int[] tokens,
      Map<Integer, Throwable> failures) {
    ByteBuffer drawn = memory.view(0, memory.bytes());
    int failuresAt = drawn.remaining() / 2;
    for (int row = 0; row < image.shape().sampled(); row++) {
      int index = first + image.sampledSequence(row);
      int bad = drawn.getInt(failuresAt + Integer.BYTES * row);
      if (bad == NOTHING_ALLOWED) {
        failures.put(index, new IllegalStateException("the masks of the step leave no token"));
      } else if (bad >= 0) {
        failures.put(
            index, new ArithmeticException("the logit of token " + bad + " is not finite"));
      } else {
        tokens[index] = drawn.getInt(Integer.BYTES * row);
      }
    }
  }

  /**
   * Runs a step that fits one part and returns the logits of its sampled rows, {@code
   * [row][vocabulary]}; for comparisons with a reference. Greedy sampling does not change them.
   */
  public float[] logits(StepBatch batch) {
    run(batch);
    int rows = images.get(0).shape().sampled();
    float[] logits = new float[Math.multiplyExact(rows, config.vocabularySize())];
    long bytes = (long) Float.BYTES * logits.length;
    try (PinnedMemory memory = last().allocatePinned(bytes)) {
      last().copyLogits(memory, bytes);
      memory.view(0, bytes).asFloatBuffer().get(logits);
    }
    return logits;
  }

  @Override
  public void close() {
    resources.close();
  }
}
