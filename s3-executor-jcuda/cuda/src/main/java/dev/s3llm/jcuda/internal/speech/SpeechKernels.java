package dev.s3llm.jcuda.internal.speech;

import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Launches the kernels of {@code src/main/cuda/speech.cu}: a block for each tile. A kernel does all
 * that looks at one row alone, so that a recording takes two launches for each layer of the encoder
 * and a pass one for each layer of the decoder.
 */
final class SpeechKernels {
  static final int THREADS = 512;

  /** Dynamic shared memory of a block: {@code sizeof(Shared)} of {@code speech.cuh}. */
  static final int SHARED_BYTES = 55_808;

  private static final int CONVOLVE_THREADS = 256;
  private static final int CONVOLVE_PARTS = 4;

  private static final String CONVOLVE = "speech_convolve";
  private static final String SUBSAMPLE = "speech_subsample";
  private static final String ATTEND = "speech_attend";
  private static final String MIX = "speech_mix";
  private static final String REMEMBER = "speech_remember";
  private static final String BEGIN = "speech_begin";
  private static final String DECODE = "speech_decode";
  private static final List<String> ALL =
      List.of(CONVOLVE, SUBSAMPLE, ATTEND, MIX, REMEMBER, BEGIN, DECODE);

  private final KernelLauncher launcher;
  private final SpeechWeights weights;
  private final SpeechSpace space;
  private final int vocabulary;

  /**
   * Creates the launches.
   *
   * @param vocabulary number of ids
   */
  SpeechKernels(KernelLauncher launcher, SpeechWeights weights, SpeechSpace space, int vocabulary) {
    this.launcher = launcher;
    this.weights = weights;
    this.space = space;
    this.vocabulary = vocabulary;
  }

  /** Brings all kernels to the device. */
  void load() {
    ALL.forEach(launcher::load);
  }

  /** Runs the encoder and the CTC branch over the features in the space. */
  void encode(DeviceStream stream, TileImage image) {
    launcher.launch(
        stream,
        CONVOLVE,
        Grid.of(image.tiles(), CONVOLVE_PARTS),
        CONVOLVE_THREADS,
        0,
        weights.front(),
        space.image,
        space.features,
        space.convolved);
    launch(
        stream,
        SUBSAMPLE,
        Grid.of(image.tiles()),
        weights.constants(),
        weights.front(),
        weights.encoderLayer(0),
        space.image,
        space.convolved,
        space.stream,
        space.queries,
        space.kv);
    for (int i = 0; i < weights.encoderLayers(); i++) {
      encoderLayer(stream, image, i);
    }
  }

  private void encoderLayer(DeviceStream stream, TileImage image, int i) {
    Grid grid = Grid.of(image.tiles());
    launch(
        stream,
        ATTEND,
        grid,
        weights.constants(),
        weights.encoderLayer(i),
        space.image,
        space.stream,
        space.queries,
        space.kv,
        space.gated);
    launch(
        stream,
        MIX,
        grid,
        weights.constants(),
        weights.encoderLayer(i),
        i + 1 < weights.encoderLayers() ? weights.encoderLayer(i + 1) : null,
        weights.encoderEnd(),
        space.image,
        space.stream,
        space.queries,
        space.kv,
        space.gated,
        space.logits,
        vocabulary);
  }

  /**
   * Writes keys and values of the cross-attention, from the encoder's output and the CTC index.
   *
   * @param pool KV blocks
   */
  void remember(DeviceStream stream, TileImage image, DeviceMemory pool) {
    launch(
        stream,
        REMEMBER,
        Grid.of(image.tiles(), weights.decoderLayers()),
        weights.constants(),
        weights.decoder(),
        space.image,
        at(image.tablesPlace()),
        at(image.idsPlace()),
        space.stream,
        pool);
  }

  /**
   * Runs a pass of the decoder.
   *
   * @param pool KV blocks
   */
  void decode(DeviceStream stream, TileImage image, DeviceMemory pool) {
    Grid grid = Grid.of(image.tiles());
    launch(
        stream,
        BEGIN,
        grid,
        weights.constants(),
        weights.embedding(),
        weights.decoder(),
        weights.decoderLayers(),
        space.image,
        at(image.tablesPlace()),
        at(image.idsPlace()),
        pool,
        space.stream,
        space.queries);
    for (int i = 0; i < weights.decoderLayers(); i++) {
      launch(
          stream,
          DECODE,
          grid,
          weights.constants(),
          weights.decoder(),
          i,
          weights.decoderLayers(),
          weights.decoderEnd(),
          space.image,
          at(image.tablesPlace()),
          pool,
          space.stream,
          space.queries,
          space.logits,
          vocabulary);
    }
  }

  private DeviceAddress at(int place) {
    return new DeviceAddress(space.image, (long) Integer.BYTES * place);
  }

  private void launch(
      DeviceStream stream, String kernel, Grid grid, @Nullable Object... arguments) {
    launcher.launch(stream, kernel, grid, THREADS, SHARED_BYTES, arguments);
  }
}
