package dev.s3llm.cpu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.Decoding.Strategy;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechFiles;
import dev.s3llm.model.speech.SpeechInput;
import dev.s3llm.testkit.HandDrivenSequence;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The trained speech model of the examples, and two recordings. {@code short.features} and {@code
 * middle.features} are what {@code LogMel} of the examples makes of the WAV files of the same name,
 * as floats; a test compares them with the reference's.
 */
final class SpeechFixtures {
  static final Path EXAMPLE = Path.of("../../s3-examples/speech/src");
  static final Path PACKAGE = Path.of("dev/s3llm/examples/speech");
  static final Path MODEL = EXAMPLE.resolve("main/resources").resolve(PACKAGE).resolve("model");
  static final SpeechConfig CONFIG = config();

  private SpeechFixtures() {}

  private static SpeechConfig config() {
    try (SpeechFiles files = SpeechFiles.open(MODEL)) {
      return files.config();
    }
  }

  /** Returns the weights of the trained model. */
  static CpuSpeechWeights weights() {
    try (SpeechFiles files = SpeechFiles.open(MODEL)) {
      return CpuSpeechWeightReader.read(CONFIG, files.tensors());
    }
  }

  /** Returns a device with 256 blocks and as many in the swap space. */
  static CpuSpeechDevice device(CpuSpeechWeights weights, int threads, int blockTokens) {
    ExecutorProfile profile =
        ExecutorProfile.builder()
            .kvBlocks(256, blockTokens, 4096L * blockTokens)
            .hostBlocks(256)
            .maxContextTokens(1024)
            .maxTokensPerStep(512)
            .maxSequencesPerStep(8)
            .vocabularySize(CONFIG.vocabularySize())
            .growth(KvGrowth.FIXED_CANVAS)
            .takesInputs(true)
            .build();
    WorkerPool workers =
        new WorkerPool(
            threads,
            task -> {
              Thread thread = new Thread(task);
              thread.setDaemon(true);
              return thread;
            });
    return new CpuSpeechDevice(CONFIG, weights, profile, workers);
  }

  /** Returns the vectors of the reference. */
  static JsonNode vectors() throws IOException {
    Path file = EXAMPLE.resolve("test/resources").resolve(PACKAGE).resolve("vectors.json");
    return new ObjectMapper().readTree(file.toFile());
  }

  /** Returns a recording, {@code short} or {@code middle}. */
  static SpeechInput input(String name) {
    float[] features = features(name);
    return input(features, features.length / CONFIG.melBands());
  }

  /** Returns the first frames of features. */
  static SpeechInput input(float[] features, int frames) {
    return new SpeechInput(
        Arrays.copyOf(features, frames * CONFIG.melBands()),
        frames,
        Decoding.of(Strategy.EASY_FIRST, 3));
  }

  /** Returns the features of a recording, {@code short} or {@code middle}. */
  static float[] features(String name) {
    try {
      byte[] bytes = Files.readAllBytes(Path.of("src/test/resources/speech", name + ".features"));
      float[] features = new float[bytes.length / Float.BYTES];
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(features);
      return features;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns a sequence with an input and 32 blocks from a given one on, in falling order. */
  static SequenceStep sequence(long id, SpeechInput input, int firstBlock) {
    return sequence(id, input, firstBlock, 32);
  }

  /** Returns a sequence with an input and some blocks from a given one on, in falling order. */
  static SequenceStep sequence(long id, SpeechInput input, int firstBlock, int count) {
    int[] blocks = IntStream.range(0, count).map(b -> firstBlock + count - 1 - b).toArray();
    int[] prompt = new int[input.slots()];
    return new HandDrivenSequence(id, prompt, SamplingParameters.GREEDY, blocks).with(input);
  }
}
