package dev.s3llm.examples.cli.generate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.onnx.HiddenStatePredictor;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.ToDoubleBiFunction;
import org.junit.jupiter.api.Test;

/**
 * The whole way of a hidden state: the small model on the CPU, the engine, its head, and how well
 * the head predicts what is left of answers to prompts that nothing was trained on.
 */
class RunningAnswersTest {
  private static final int PROMPTS = 16;
  private static final int LIMIT = 256;

  private final Map<String, NavigableMap<Integer, LengthPrediction>> revised =
      new ConcurrentHashMap<>();

  @Test
  void headThatReadsHiddenStates_knowsMoreThanSurvival_andTakesLittleOfTheTime() throws Exception {
    Path model = SmallModel.unpack();
    HiddenStatePredictor.Builder head =
        HiddenStatePredictor.builder(SmallModel.unpackHead()).requireModel(model);
    HiddenStatePredictor predictor = head.build(new EmpiricalLengthPredictor());
    long begin = System.nanoTime();
    Map<String, Integer> lengths = generate(model, head.layer(), predictor);
    double seconds = (System.nanoTime() - begin) / 1e9;

    double survival = error(lengths, (prompt, made) -> survivalLeft(lengths, made));
    double states = error(lengths, this::left);
    double share = predictor.stats().busyNanos() / 1e9 / seconds;
    System.out.printf(
        "what is left at a random moment: error %.1f by survival, %.1f by hidden states; %d"
            + " revisions in %d runs took %.2f %% of %.1f s%n",
        survival,
        states,
        predictor.stats().revisions(),
        predictor.stats().batches(),
        100 * share,
        seconds);
    assertThat(states).isLessThan(0.85 * survival);
    assertThat(predictor.stats().failures() + predictor.stats().unusable()).isZero();
    assertThat(share).isLessThan(0.05); // 0.2 % of CPU time; the machine of a test does other work
  }

  private Map<String, Integer> generate(Path model, int layer, LengthPredictor predictor)
      throws IOException {
    CpuExecutor executor =
        CpuExecutor.builder(model).kvBytes(64L << 20).featureLayer(layer).build();
    S3Engine engine = S3Engine.builder(executor).predictor(new Recording(predictor)).build();
    Map<String, Integer> lengths = new ConcurrentHashMap<>();
    try (TextGenerator generator = TextGenerator.of(engine, TextModel.load(model))) {
      List<TextGeneration> all = new ArrayList<>();
      List<String> prompts = prompts();
      for (String prompt : prompts) {
        all.add(generator.submit(request(prompt)));
      }
      for (int i = 0; i < all.size(); i++) {
        lengths.put(prompts.get(i), all.get(i).result().join().generation().tokens().length);
      }
    }
    return lengths;
  }

  private static TextRequest request(String prompt) {
    return TextRequest.builder().messages(ChatMessage.user(prompt)).maxNewTokens(LIMIT).build();
  }

  private static List<String> prompts() throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<String> prompts = new ArrayList<>();
    String[] lines = SmallModel.promptsJsonl().split("\n");
    for (int i = 0; i < lines.length; i += lines.length / PROMPTS) {
      prompts.add(json.readTree(lines[i]).get("prompt").asText());
    }
    return prompts;
  }

  /** Mean error over all moments of all answers, as a scheduler meets them. */
  private static double error(
      Map<String, Integer> lengths, ToDoubleBiFunction<String, Integer> left) {
    double sum = 0;
    int moments = 0;
    for (Map.Entry<String, Integer> answer : lengths.entrySet()) {
      for (int made = 0; made < answer.getValue(); made++, moments++) {
        double expected = left.applyAsDouble(answer.getKey(), made);
        sum += Math.abs(expected - (answer.getValue() - made));
      }
    }
    return sum / moments;
  }

  /** The median of what is left of the answers that lived as long; it knows these answers. */
  private static double survivalLeft(Map<String, Integer> lengths, int made) {
    int[] left =
        lengths.values().stream().mapToInt(n -> n - made).filter(n -> n > 0).sorted().toArray();
    return left[left.length / 2];
  }

  /** The median of the latest prediction, given that the answer has lived since. */
  private double left(String prompt, int made) {
    Map.Entry<Integer, LengthPrediction> latest =
        revised.getOrDefault(prompt, new ConcurrentSkipListMap<>()).floorEntry(made);
    assertThat(latest).as("prediction for '%s' after %d tokens", prompt, made).isNotNull();
    return latest.getValue().given(made).quantile(0.5) - made;
  }

  /** Keeps the predictions from hidden states. */
  private final class Recording implements LengthPredictor {
    private final LengthPredictor predictor;

    Recording(LengthPredictor predictor) {
      this.predictor = predictor;
    }

    @Override
    public CompletionStage<LengthPrediction> predict(LengthQuery query) {
      return predictor.predict(query);
    }

    @Override
    public int featureInterval(int width) {
      return predictor.featureInterval(width);
    }

    @Override
    public CompletionStage<LengthPrediction> reviseFrom(
        LengthQuery query, LengthPrediction earlier, int generated, float[] features) {
      return predictor
          .reviseFrom(query, earlier, generated, features)
          .whenComplete(
              (prediction, error) ->
                  revised
                      .computeIfAbsent(
                          String.valueOf(query.promptText()), key -> new ConcurrentSkipListMap<>())
                      .put(generated, prediction));
    }

    @Override
    public void close() {
      predictor.close();
    }
  }
}
