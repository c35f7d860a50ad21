package dev.s3llm.jcuda.internal.speech;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelSignatures;
import dev.s3llm.jcuda.internal.driver.RecordingLauncher;
import dev.s3llm.model.speech.CanvasPass;
import dev.s3llm.model.speech.Recording;
import java.io.IOException;
import java.nio.IntBuffer;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What blocks of the speech kernels work on, and how they are launched. */
class SpeechLaunchTest {
  private static final SpeechFormat FORMAT = new SpeechFormat(512, 8, 1024);

  private final RecordingLauncher recorder = new RecordingLauncher();
  private final IntBuffer ints = IntBuffer.allocate(FORMAT.imageInts());
  private final SequenceStep first = sequence(1, 70, 10); // 18 frames
  private final SequenceStep second = sequence(2, 4, 30); // 1 frame

  private static SequenceStep sequence(long id, int featureFrames, int firstBlock) {
    return SpeechModels.sequence(id, SpeechModels.silence(featureFrames), firstBlock, 4);
  }

  private TileImage recordings() {
    return TileImage.ofRecordings(
        FORMAT,
        List.of(
            new Recording(first, SpeechModels.silence(70)),
            new Recording(second, SpeechModels.silence(4))),
        ints);
  }

  private int[] numbers(int from, int count) {
    int[] numbers = new int[count];
    ints.get(from, numbers);
    return numbers;
  }

  @Test
  void recordings_beginATileEach() {
    TileImage image = recordings();
    assertThat(image.tiles()).isEqualTo(3);
    assertThat(numbers(0, 12)).containsExactly(0, 18, 70, 0, 0, 18, 70, 0, 2, 1, 4, 2);
    assertThat(image.idsPlace()).isEqualTo(12);
    assertThat(image.rows()).isEqualTo(48);
    assertThat(numbers(image.tablesPlace(), 3)).containsExactly(13, 12, 33);
    assertThat(image.used()).isEqualTo(12 + 48 + 3);
  }

  @Test
  void canvases_beginATileEachAndRowsFollowOneAnother() {
    TileImage image =
        TileImage.ofPasses(
            FORMAT,
            30,
            List.of(
                new CanvasPass(first, new int[17], 0, false),
                new CanvasPass(second, new int[] {7, 8}, 20, true)),
            ints);
    assertThat(image.tiles()).isEqualTo(3);
    assertThat(numbers(0, 8)).containsExactly(0, 16, 0, 18, 0, 0, 17, 0);
    assertThat(numbers(8, 8)).containsExactly(16, 1, 16, 18, 0, 0, 17, 0);
    assertThat(numbers(16, 8)).containsExactly(17, 2, 20, 1, 3, 1, 22, 0);
    assertThat(numbers(image.idsPlace() + 17, 2)).containsExactly(7, 8);
    assertThat(numbers(image.tablesPlace(), 5)).containsExactly(13, 12, 11, 33, 32);
    assertThat(image.used()).isEqualTo(24 + 19 + 5);
  }

  @Test
  void largestSteps_fitTheImage() {
    SpeechFormat small = new SpeechFormat(64, 4, 128);
    IntBuffer exact = IntBuffer.allocate(small.imageInts());
    CanvasPass canvas = new CanvasPass(sequence(1, 4, 0), new int[16], 0, false);
    assertThat(
            TileImage.ofPasses(small, 30, List.of(canvas, canvas, canvas, canvas), exact).tiles())
        .isEqualTo(4);
    CanvasPass whole = new CanvasPass(sequence(1, 4, 0), new int[63], 0, false);
    assertThat(TileImage.ofPasses(small, 30, List.of(whole), exact).tiles()).isEqualTo(4);
  }

  @Test
  void passesThatTheKernelsCannotRun_areRefused() {
    assertRefused(new CanvasPass(first, new int[64], 0, false), "4 KV blocks");
    assertRefused(new CanvasPass(first, new int[] {30}, 0, true), "id 30");
    assertRefused(new CanvasPass(first, new int[] {-1}, 0, true), "id -1");
    assertRefused(new CanvasPass(first, new int[0], 0, true), "0 rows");
    assertRefused(new CanvasPass(first, new int[1], 1, false), "from position 1");
  }

  private void assertRefused(CanvasPass pass, String reason) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TileImage.ofPasses(FORMAT, 30, List.of(pass), ints))
        .withMessageContaining(reason)
        .withMessageContaining("sequence 1");
  }

  @Test
  void stepBeyondTheFormat_isRefused() {
    List<CanvasPass> passes = Collections.nCopies(9, new CanvasPass(first, new int[1], 0, true));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TileImage.ofPasses(FORMAT, 30, passes, ints))
        .withMessageContaining("9 sequences");
  }

  @Test
  void everyLaunch_passesWhatItsKernelTakes() throws IOException {
    launchAll(8, 4);
    assertThat(recorder.launches).hasSize(2 + 2 * 8 + 1 + 1 + 4);
    for (RecordingLauncher.Launch launch : recorder.launches) {
      assertThat(launch.arguments())
          .as(launch.kernel())
          .hasSize(KernelSignatures.parametersOf(launch.kernel()));
      boolean whole = !launch.kernel().equals("speech_convolve");
      assertThat(launch.block()).isEqualTo(whole ? 512 : 256);
      assertThat(launch.shared()).isEqualTo(whole ? KernelSignatures.sizeOf("Shared") : 0);
      assertThat(launch.grid().x()).isEqualTo(3);
    }
    assertThat(recorder.launches.get(0).grid()).isEqualTo(Grid.of(3, 4));
    assertThat(recorder.launches.get(18).grid()).isEqualTo(Grid.of(3, 4)); // decoder layers
  }

  @Test
  void lastEncoderLayer_hasNoNextOne() {
    launchAll(2, 1);
    assertThat(recorder.launches.get(3).arguments().get(2)).isNotNull();
    assertThat(recorder.launches.get(5).arguments().get(2)).isNull();
  }

  @Test
  void everyKernel_isLoaded() {
    launchAll(1, 1).load();
    assertThat(recorder.loaded)
        .containsAll(
            recorder.launches.stream().map(RecordingLauncher.Launch::kernel).distinct().toList());
  }

  private SpeechKernels launchAll(int encoderLayers, int decoderLayers) {
    SpeechWeights weights = new SpeechWeights(null, new SpeechPlaces(encoderLayers, decoderLayers));
    SpeechSpace space = new SpeechSpace(bytes -> null, FORMAT, 30);
    SpeechKernels kernels = new SpeechKernels(recorder, weights, space, 30);
    TileImage image = recordings();
    kernels.encode(null, image);
    kernels.remember(null, image, null);
    kernels.decode(null, image, null);
    return kernels;
  }

  @Test
  void shapesThatTheKernelsDoNotKnow_areRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SpeechLimits.check(SpeechModels.config(2, 2, 160)))
        .withMessageContaining("hidden_size is 160");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SpeechLimits.check(SpeechModels.config(2, 0, 128)))
        .withMessageContaining("decoder_layers 0");
    SpeechLimits.check(SpeechModels.config(8, 4, 128));
  }
}
