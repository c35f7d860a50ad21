package dev.s3llm.examples.speech;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuSpeechExecutor;
import dev.s3llm.examples.speech.audio.FeatureSettings;
import dev.s3llm.examples.speech.audio.LogMel;
import dev.s3llm.examples.speech.audio.Recording;
import dev.s3llm.examples.speech.audio.WavReader;
import dev.s3llm.execute.Executor;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.Decoding.Strategy;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechFiles;
import dev.s3llm.model.speech.SpeechInput;
import dev.s3llm.model.speech.SpeechVocabulary;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * From the WAV file to the text, through features, CPU executor and engine: each strategy gives the
 * text of the reference ({@code training/vectors.py}) in as many passes, while the other strategies
 * run in the same batches. Of the longest recording, the two strategies with a pass for each
 * character are left out: they take longer than all the rest.
 */
final class ReferenceTextsTest {
  private static final Path RESOURCES = Path.of("src/test/resources/dev/s3llm/examples/speech");
  private static final Path MODEL = Path.of("src/main/resources/dev/s3llm/examples/speech/model");
  private static final Set<String> SLOW = Set.of("easy-first K=L", "leftmost");

  private final SpeechConfig config;
  private final SpeechVocabulary vocabulary;
  private final Executor executor;

  ReferenceTextsTest() {
    try (SpeechFiles files = SpeechFiles.open(MODEL)) {
      config = files.config();
      vocabulary = files.vocabulary();
      executor =
          CpuSpeechExecutor.builder(config, files.tensors()).kvBytes(64 << 20).threads(2).build();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"short", "middle", "spliced"})
  void strategies_giveTheTextsAndPassesOfTheReference(String name) throws IOException {
    JsonNode expected =
        new ObjectMapper()
            .readTree(RESOURCES.resolve("vectors.json").toFile())
            .get(name)
            .get("strategies");
    float[] features = features(name);
    Map<String, Generation> generations = new LinkedHashMap<>();
    try (S3Engine engine = S3Engine.builder(executor).build()) {
      for (Map.Entry<String, JsonNode> strategy : expected.properties()) {
        if (!name.equals("spliced") || !SLOW.contains(strategy.getKey())) {
          generations.put(strategy.getKey(), engine.submit(request(features, strategy.getKey())));
        }
      }
      assertThat(generations).hasSizeGreaterThan(7);
      generations.forEach(
          (strategy, generation) ->
              assertEqual(strategy, generation.result().join(), expected.get(strategy)));
    }
  }

  private void assertEqual(String strategy, GenerationResult result, JsonNode expected) {
    assertThat(result.failure()).as(strategy).isEmpty();
    assertThat(vocabulary.text(result.tokens()))
        .as(strategy)
        .isEqualTo(expected.get("text").asText());
    boolean causal = strategy.equals("left-to-right");
    assertThat(causal ? result.outputTokens() : result.canvasPasses())
        .as("passes of %s", strategy)
        .isEqualTo(expected.get("passes").asInt());
    if (result.canvasPasses() > 0) {
      assertThat(result.canvasSlots())
          .as("canvas of %s", strategy)
          .isEqualTo(expected.get("canvas").asInt());
    }
  }

  private GenerationRequest request(float[] features, String strategy) {
    int frames = features.length / config.melBands();
    SpeechInput input = new SpeechInput(features, frames, decoding(strategy));
    boolean causal = input.decoding().strategy() == Strategy.LEFT_TO_RIGHT;
    int[] prompt = causal ? new int[] {config.endId()} : new int[0];
    return GenerationRequest.builder(input, prompt)
        .stopTokens(config.endId())
        .maxNewTokens(512)
        .build();
  }

  /** Returns the decoding of a name such as {@code easy-first K=3}; K=L is a pass a character. */
  private static Decoding decoding(String name) {
    String[] parts = name.split(" K=", 2);
    Strategy strategy = Strategy.valueOf(parts[0].toUpperCase(Locale.ROOT).replace('-', '_'));
    int passes = parts.length == 1 ? 3 : parts[1].equals("L") ? 1000 : Integer.parseInt(parts[1]);
    return Decoding.of(strategy, passes);
  }

  private static float[] features(String name) {
    Recording recording =
        new WavReader(Duration.ofSeconds(60)).read(RESOURCES.resolve(name + ".wav"));
    return new LogMel(FeatureSettings.read(MODEL.resolve("preprocessor_config.json")))
        .features(recording);
  }
}
