package dev.s3llm.jcuda.internal.speech;

import static dev.s3llm.jcuda.internal.speech.SpeechLimits.MEL_BANDS;
import static dev.s3llm.jcuda.internal.speech.SpeechLimits.ROWS;

import dev.s3llm.error.ExecutorLostException;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceException;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.KernelModule;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import dev.s3llm.jcuda.internal.driver.Resources;
import dev.s3llm.jcuda.internal.kv.DeviceKvPool;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.speech.CanvasPass;
import dev.s3llm.model.speech.CtcText;
import dev.s3llm.model.speech.Recording;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechDevice;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The arithmetic of a speech model on an NVIDIA GPU: weights and KV in fp16, the residual stream
 * and sums in fp32. {@code CpuSpeechDevice} of s3-executor-cpu is its reference. After an error
 * that the device cannot recover from, every call fails with {@link ExecutorLostException}.
 */
public final class JCudaSpeechDevice implements SpeechDevice {
  private static final Logger LOG = LoggerFactory.getLogger(JCudaSpeechDevice.class);

  private final SpeechConfig config;
  private final SpeechFormat format;
  private final Resources resources = new Resources();
  private final Device device;
  private final DeviceStream stream;
  private final SpeechSpace space;
  private final SpeechKernels kernels;
  private final DeviceKvPool pool;
  private final PinnedMemory image;
  private final IntBuffer ints;
  private final PinnedMemory features;
  private final FloatBuffer featureFloats;
  private final PinnedMemory logits;
  private final FloatBuffer logitFloats;
  private final ExecutorProfile profile;
  private boolean closed;

  /**
   * Opens a device, copies the weights there, allocates the memory and measures the costs of
   * recovery. The device becomes current on the calling thread.
   *
   * @param ordinal number of the device, from 0
   * @param config shape of the model, which {@link SpeechLimits} allows
   * @param source tensors of the model; stays open
   * @param sizes sizes of memory and steps
   * @throws IllegalArgumentException if the memory does not fit
   * @throws IllegalStateException if no driver is installed, or the device does not exist
   */
  public JCudaSpeechDevice(
      int ordinal, SpeechConfig config, TensorSource source, SpeechProfile sizes) {
    this.config = config;
    this.format = sizes.format();
    try {
      this.device = resources.keep(Device.open(ordinal));
      this.stream = resources.keep(device.newStream());
      KernelModule module = resources.keep(new KernelModule(KernelModule.SPEECH));
      SpeechWeights weights = resources.keep(SpeechWeights.load(device, stream, config, source));
      this.space =
          resources.keep(new SpeechSpace(device::allocate, format, config.vocabularySize()));
      this.kernels = new SpeechKernels(module, weights, space, config.vocabularySize());
      kernels.load();
      this.image = pinned((long) Integer.BYTES * format.imageInts());
      this.ints = whole(image).asIntBuffer();
      this.features = pinned(SpeechSpace.featureBytes(format));
      this.featureFloats = whole(features).asFloatBuffer();
      this.logits = pinned(SpeechSpace.logitBytes(format, config.vocabularySize()));
      this.logitFloats = whole(logits).asFloatBuffer();
      sizes.requireRoom(device.freeBytes(), device.name());
      this.pool = resources.keep(sizes.allocate(device));
      this.profile = sizes.profile(SpeechCosts.measure(this, sizes));
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  private PinnedMemory pinned(long bytes) {
    return resources.keep(device.allocatePinned(bytes));
  }

  private static ByteBuffer whole(PinnedMemory memory) {
    return memory.view(0, memory.bytes());
  }

  @Override
  public SpeechConfig config() {
    return config;
  }

  @Override
  public ExecutorProfile profile() {
    return profile;
  }

  @Override
  public void copy(StepBatch batch) {
    if (!batch.swapOuts().isEmpty() || !batch.swapIns().isEmpty()) {
      run(
          () -> {
            pool.beginStep(batch, stream);
            pool.endStep(stream);
            stream.synchronize();
            return batch;
          });
    }
  }

  @Override
  public List<CtcText> encode(List<Recording> recordings) {
    return run(
        () -> {
          TileImage tiles = TileImage.ofRecordings(format, recordings, ints);
          loadFeatures(recordings);
          load(0, tiles.used());
          kernels.encode(stream, tiles);
          readLogits(tiles.rows());
          List<CtcText> texts = texts(recordings, tiles);
          load(tiles.idsPlace(), tiles.rows());
          kernels.remember(stream, tiles, pool.blocks());
          stream.synchronize(); // the next call writes the image again
          return texts;
        });
  }

  private void loadFeatures(List<Recording> recordings) {
    int tile = 0;
    for (Recording recording : recordings) {
      float[] values = recording.input().features();
      int at = 4 * ROWS * tile * MEL_BANDS;
      featureFloats.put(at, values, 0, recording.input().frames() * MEL_BANDS);
      stream.copyIn(
          features.at((long) Float.BYTES * at),
          space.features,
          (long) Float.BYTES * at,
          (long) Float.BYTES * recording.input().frames() * MEL_BANDS);
      tile += TileImage.tilesOf(recording.input().slots());
    }
  }

  /** Reads the CTC branch's logits, and writes the index of each frame into the image. */
  private List<CtcText> texts(List<Recording> recordings, TileImage tiles) {
    List<CtcText> texts = new ArrayList<>();
    int row = 0;
    for (Recording recording : recordings) {
      int frames = recording.input().slots();
      float[] own = new float[frames * config.vocabularySize()];
      logitFloats.get(row * config.vocabularySize(), own);
      CtcText text = CtcText.of(config, own, frames);
      ints.put(tiles.idsPlace() + row, text.index());
      texts.add(text);
      row += ROWS * TileImage.tilesOf(frames);
    }
    return texts;
  }

  @Override
  public float[] decode(List<CanvasPass> passes) {
    return run(
        () -> {
          TileImage tiles = TileImage.ofPasses(format, config.vocabularySize(), passes, ints);
          load(0, tiles.used());
          kernels.decode(stream, tiles, pool.blocks());
          readLogits(tiles.rows());
          float[] result = new float[tiles.rows() * config.vocabularySize()];
          logitFloats.get(0, result);
          return result;
        });
  }

  /** Copies numbers of the image to the device. */
  private void load(int from, int count) {
    long at = (long) Integer.BYTES * from;
    stream.copyIn(image.at(at), space.image, at, (long) Integer.BYTES * count);
  }

  /** Waits for the logits of some rows. */
  private void readLogits(int rows) {
    long bytes = (long) Float.BYTES * rows * config.vocabularySize();
    stream.copyOut(space.logits, 0, logits.at(0), bytes);
    stream.synchronize();
  }

  private <T> T run(Supplier<T> work) {
    if (closed) {
      throw new IllegalStateException("the device is closed");
    }
    try {
      device.makeCurrent();
      return work.get();
    } catch (DeviceException e) {
      settle();
      throw e.sticky() ? new ExecutorLostException("the GPU is lost: " + e.getMessage(), e) : e;
    } catch (RuntimeException e) {
      settle();
      throw e;
    }
  }

  /** Waits for the work of a call that failed, which may still use the buffers. */
  private void settle() {
    try {
      stream.synchronize();
      pool.settle();
    } catch (DeviceException e) {
      LOG.debug("the work of a failed step could not be awaited", e);
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      device.makeCurrent();
    } catch (DeviceException e) {
      LOG.debug("a lost device cannot be made current", e);
    }
    resources.close();
  }
}
