import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuSpeechExecutor;
import dev.s3llm.examples.speech.audio.FeatureSettings;
import dev.s3llm.examples.speech.audio.LogMel;
import dev.s3llm.examples.speech.audio.WavReader;
import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.JCudaSpeechExecutor;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.Decoding.Strategy;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechFiles;
import dev.s3llm.model.speech.SpeechInput;
import dev.s3llm.model.speech.SpeechVocabulary;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * From the WAV files of the speech example to texts, through the engine: each strategy's text and
 * passes against the reference's, all strategies in the same batches; then the wall time of a whole
 * request alone, by strategy. Run from the checkout's folder with the source launcher; the argument
 * is {@code cuda} or {@code cpu}. Ends with status 1 if a text differs.
 */
final class SpeechTexts {
  private static final Path EXAMPLE = Path.of("s3-examples/speech/src");
  private static final String PACKAGE = "resources/dev/s3llm/examples/speech/";
  private static final int ROUNDS = 15;
  private static final int MOST_CHARACTERS = 512;

  private final Path model = EXAMPLE.resolve("main/" + PACKAGE + "model");
  private final Path recordings = EXAMPLE.resolve("test/" + PACKAGE);
  private final SpeechConfig config;
  private final SpeechVocabulary vocabulary;
  private final Executor executor;

  private SpeechTexts(String device) {
    try (SpeechFiles files = SpeechFiles.open(model)) {
      config = files.config();
      vocabulary = files.vocabulary();
      executor =
          device.equals("cuda")
              ? JCudaSpeechExecutor.builder(config, files.tensors()).build()
              : CpuSpeechExecutor.builder(config, files.tensors()).kvBytes(64 << 20).build();
    }
  }

  public static void main(String[] args) throws IOException {
    System.exit(new SpeechTexts(args.length > 0 ? args[0] : "cuda").run() ? 0 : 1);
  }

  private boolean run() throws IOException {
    JsonNode vectors = new ObjectMapper().readTree(recordings.resolve("vectors.json").toFile());
    boolean equal = true;
    try (S3Engine engine = S3Engine.builder(executor).build()) {
      for (String name : new String[] {"short", "middle", "spliced"}) {
        float[] features = features(name);
        equal &= texts(engine, name, features, vectors.get(name).get("strategies"));
        System.out.printf("%s: wall time of a request alone, median of %d, ms:%n", name, ROUNDS);
        for (String strategy : new String[] {"ctc", "easy-first K=3", "left-to-right"}) {
          System.out.printf("  %-16s %8.2f%n", strategy, millis(engine, features, strategy));
        }
      }
    }
    return equal;
  }

  private boolean texts(S3Engine engine, String name, float[] features, JsonNode expected) {
    Map<String, Generation> generations = new LinkedHashMap<>();
    expected
        .fieldNames()
        .forEachRemaining(s -> generations.put(s, engine.submit(request(features, s))));
    boolean equal = true;
    for (Map.Entry<String, Generation> entry : generations.entrySet()) {
      GenerationResult result = entry.getValue().result().join();
      JsonNode own = expected.get(entry.getKey());
      String text = vocabulary.text(result.tokens());
      boolean same =
          text.equals(own.get("text").asText())
              && (entry.getKey().equals("left-to-right")
                  || result.canvasPasses() == own.get("passes").asInt());
      System.out.printf(
          "%s %-18s %s %s%n", same ? "equal    " : "DIFFERENT", entry.getKey(), name, text);
      equal &= same;
    }
    return equal;
  }

  private double millis(S3Engine engine, float[] features, String strategy) {
    double[] millis = new double[ROUNDS];
    for (int i = -3; i < ROUNDS; i++) {
      GenerationRequest request = request(features, strategy);
      long start = System.nanoTime();
      engine.submit(request).result().join();
      millis[Math.max(0, i)] = (System.nanoTime() - start) / 1e6;
    }
    Arrays.sort(millis);
    return millis[ROUNDS / 2];
  }

  private float[] features(String name) {
    FeatureSettings settings = FeatureSettings.read(model.resolve("preprocessor_config.json"));
    WavReader reader = new WavReader(Duration.ofMinutes(5));
    return new LogMel(settings).features(reader.read(recordings.resolve(name + ".wav")));
  }

  private GenerationRequest request(float[] features, String strategy) {
    Decoding decoding = decoding(strategy);
    SpeechInput input = new SpeechInput(features, features.length / config.melBands(), decoding);
    int[] prompt =
        decoding.strategy() == Strategy.LEFT_TO_RIGHT ? new int[] {config.endId()} : new int[0];
    return GenerationRequest.builder(input, prompt)
        .maxNewTokens(MOST_CHARACTERS)
        .stopTokens(config.endId())
        .build();
  }

  private static Decoding decoding(String strategy) {
    String[] parts = strategy.split(" K=", 2);
    int passes =
        parts.length == 1 ? 3 : parts[1].equals("L") ? MOST_CHARACTERS : Integer.parseInt(parts[1]);
    return Decoding.of(Strategy.valueOf(parts[0].replace('-', '_').toUpperCase()), passes);
  }
}
