package dev.s3llm.examples.speech.audio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class LogMelTest {
  private static final String RESOURCES = "/dev/s3llm/examples/speech/";
  private static final String SETTINGS = RESOURCES + "model/preprocessor_config.json";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private FeatureSettings settings;
  private LogMel logMel;

  @BeforeEach
  void load() throws IOException {
    settings = FeatureSettings.read(Files.write(folder.resolve("p.json"), resource(SETTINGS)));
    logMel = new LogMel(settings);
  }

  @ParameterizedTest
  @ValueSource(strings = {"short", "middle", "spliced"})
  void features_equalTheTrainings(String name) throws IOException {
    JsonNode vectors = JSON.readTree(resource(RESOURCES + "vectors.json")).get(name);
    Recording recording =
        new WavReader(Duration.ofSeconds(60)).read(name, resource(RESOURCES + name + ".wav"));
    float[] features = logMel.features(recording);

    assertThat(recording.samples()).hasSize(vectors.get("samples").intValue());
    assertThat(logMel.frames(recording.samples().length))
        .isEqualTo(vectors.get("frames").intValue());
    assertThat(features).hasSize(vectors.get("frames").intValue() * settings.bands());
    assertThat(vectors.get("features")).hasSize(5);
    for (JsonNode row : vectors.get("features")) {
      int frame = row.get(0).intValue();
      for (int b = 0; b < settings.bands(); b++) {
        float expected = row.get(1).get(b).floatValue();
        assertThat(features[frame * settings.bands() + b]).isCloseTo(expected, within(1e-3f));
      }
    }
  }

  @Test
  void silence_isTheFloorEverywhere() {
    float[] features = logMel.features(new Recording(16_000, new float[16_000]));

    assertThat(features).hasSize(98 * 64);
    for (int i = 0; i < features.length; i++) {
      double floor = (settings.logFloor - settings.mean[i % 64]) / settings.deviation[i % 64];
      assertThat((double) features[i]).isCloseTo(floor, within(1e-6));
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 1", "1, 1", "400, 1", "559, 1", "560, 2", "16000, 98"})
  void frames_areWholeWindows_andAtLeastOne(int samples, int frames) {
    assertThat(logMel.frames(samples)).isEqualTo(frames);
    assertThat(logMel.features(new Recording(16_000, new float[samples]))).hasSize(64 * frames);
  }

  @Test
  void tone_isLoudestInItsBand() {
    float[] samples = new float[400];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = (float) (0.5 * Math.sin(2 * Math.PI * 1000 * i / 16_000));
    }
    float[] features = logMel.features(new Recording(16_000, samples));
    int loudest = 0;
    for (int b = 0; b < 64; b++) {
      if (energy(features, b) > energy(features, loudest)) {
        loudest = b;
      }
    }
    // 1,000 Hz are 999.99 mel; the points lie 43.2 mel apart, from 31.7 on.
    assertThat(loudest).isEqualTo(21);
  }

  @Test
  void otherRate_isRefused() {
    assertThatThrownBy(() -> logMel.features(new Recording(8_000, new float[800])))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the recording has 8000 samples a second; the features need 16000");
  }

  @ParameterizedTest
  @CsvSource({
    "fft_size, 500, 500 is no power of two",
    "window_size, 0, is not a whole number from 1 to 512",
    "window, \"hamming\", is not supported; use",
    "high_frequency, 9000, is not a number from 20.000000000000004 to 8000.0",
    "mean, [1], is not a list of 64 numbers",
    "log_floor, \"x\", is not a number from -700.0 to 700.0"
  })
  void wrongSetting_isRefusedByName(String name, String value, String what) throws IOException {
    ObjectNode root = (ObjectNode) JSON.readTree(resource(SETTINGS));
    root.set(name, JSON.readTree(value));
    Path file = Files.write(folder.resolve("wrong.json"), JSON.writeValueAsBytes(root));

    assertThatThrownBy(() -> FeatureSettings.read(file))
        .isInstanceOf(AudioFormatException.class)
        .hasMessageStartingWith(file + ": " + name + ": ")
        .hasMessageContaining(what);
  }

  @Test
  void settingsThatAreNoJson_areRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("wrong.json"), "{");

    assertThatThrownBy(() -> FeatureSettings.read(file))
        .isInstanceOf(AudioFormatException.class)
        .hasMessageStartingWith(file + ": is not JSON: ");
    assertThatThrownBy(() -> FeatureSettings.read(folder.resolve("none.json")))
        .isInstanceOf(AudioFormatException.class)
        .hasMessage(folder.resolve("none.json") + ": does not exist");
  }

  private double energy(float[] features, int band) {
    return features[band] * settings.deviation[band] + settings.mean[band];
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(LogMelTest.class.getResourceAsStream(name), name)) {
      return in.readAllBytes();
    }
  }
}
