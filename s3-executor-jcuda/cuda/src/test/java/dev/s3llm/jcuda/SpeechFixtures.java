package dev.s3llm.jcuda;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.cpu.CpuSpeechDevices;
import dev.s3llm.jcuda.internal.speech.JCudaSpeechDevice;
import dev.s3llm.jcuda.internal.speech.SpeechFormat;
import dev.s3llm.jcuda.internal.speech.SpeechProfile;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechDevice;
import dev.s3llm.model.speech.SpeechFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * The trained speech model of the examples, its reference values, and the features of two of its
 * recordings, which lie beside the tests of the CPU executor.
 */
final class SpeechFixtures {
  private static final String EXAMPLE = "s3-examples/speech/src/";
  private static final String PACKAGE = "dev/s3llm/examples/speech/";

  private SpeechFixtures() {}

  /** Returns a place in the checkout, from this module or from the checkout's folder. */
  private static Path find(String place) {
    return Stream.of(Path.of("../..", place), Path.of(place))
        .filter(Files::exists)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    place + " is missing; run from the checkout's folder or from this module"));
  }

  /** Opens the model. */
  static SpeechFiles model() {
    return SpeechFiles.open(find(EXAMPLE + "main/resources/" + PACKAGE + "model"));
  }

  /** Returns the vectors of the reference. */
  static JsonNode vectors() throws IOException {
    return new ObjectMapper()
        .readTree(find(EXAMPLE + "test/resources/" + PACKAGE + "vectors.json").toFile());
  }

  /** Returns the features of a recording, {@code short} or {@code middle}. */
  static float[] features(String name) {
    try {
      byte[] bytes =
          Files.readAllBytes(
              find("s3-executor-jcuda/cpu/src/test/resources/speech/" + name + ".features"));
      float[] features = new float[bytes.length / Float.BYTES];
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(features);
      return features;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Opens the model on GPU 0: 1,024 KV blocks, 64 more in swap space. */
  static SpeechDevice gpu() {
    try (SpeechFiles files = model()) {
      SpeechConfig config = files.config();
      return new JCudaSpeechDevice(
          0,
          config,
          files.tensors(),
          new SpeechProfile(config, new SpeechFormat(4096, 64, 8192), 32L << 20, 2L << 20));
    }
  }

  /** Opens the model on the CPU. */
  static SpeechDevice cpu() {
    try (SpeechFiles files = model()) {
      return CpuSpeechDevices.open(files.config(), files.tensors());
    }
  }
}
