package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.model.speech.CanvasPass;
import dev.s3llm.model.speech.CtcText;
import dev.s3llm.model.speech.Recording;
import dev.s3llm.model.speech.SpeechInput;
import java.io.IOException;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Values between the parts of the speech model, and its logits, against those of PyTorch ({@code
 * training/vectors.py} of the speech example).
 */
class SpeechReferenceTest {
  /** Largest difference of two numbers, over the largest number of their row. */
  private static final double TOLERANCE = 1e-5;

  private final CpuSpeechWeights weights = SpeechFixtures.weights();
  private final WorkerPool workers = new WorkerPool(1, Thread::new);

  @ParameterizedTest
  @ValueSource(strings = {"short", "middle"})
  void encoder_equalsTheReference(String name) throws IOException {
    JsonNode expected = SpeechFixtures.vectors().get(name);
    SpeechInput input = SpeechFixtures.input(name);
    CpuKernels kernels = new CpuKernels(new FloatKvCache(1, 4, 32, 16, 1, 0), workers);
    CpuSpeechEncoder encoder =
        new CpuSpeechEncoder(SpeechFixtures.CONFIG, weights, kernels, workers);
    assertRows("features", input.features(), expected.get("features"), TOLERANCE);

    float[] stream = encoder.subsample(input);
    assertRows("subsampled", stream, expected.get("subsampled"), TOLERANCE);
    encoder.new Pass(input.slots())
        .layer(weights.encoder().get(0), new SpeechRows(SpeechFixtures.CONFIG, kernels, stream));
    assertRows("first_layer", stream, expected.get("first_layer"), TOLERANCE);

    float[] encoded = encoder.encode(input);
    assertRows("encoded", encoded, expected.get("encoded"), TOLERANCE);
    float[] logits = encoder.ctcLogits(encoded);
    CtcText text = CtcText.of(SpeechFixtures.CONFIG, logits, input.slots());
    assertRows("ctc", logProbabilities(logits), expected.at("/ctc/log_probabilities"), TOLERANCE);
    new CpuSpeechDecoder(SpeechFixtures.CONFIG, weights.decoder(), kernels)
        .addIndex(encoded, text.index());
    assertRows("memory", encoded, expected.get("memory"), TOLERANCE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"short", "middle"})
  void device_equalsTheReference(String name) throws IOException {
    JsonNode expected = SpeechFixtures.vectors().get(name);
    SpeechInput input = SpeechFixtures.input(name);
    SequenceStep sequence = SpeechFixtures.sequence(1, input, 3);
    try (CpuSpeechDevice device = SpeechFixtures.device(weights, 2, 16)) {
      CtcText text = device.encode(List.of(new Recording(sequence, input))).get(0);
      assertThat(text.ids()).isEqualTo(ints(expected.at("/ctc/ids")));
      assertThat(text.index()).isEqualTo(ints(expected.at("/ctc/index")));
      for (JsonNode canvas : expected.get("canvases")) {
        boolean causal = canvas.get("mode").asInt() == 1;
        CanvasPass pass = new CanvasPass(sequence, ints(canvas.get("ids")), 0, causal);
        float[] logits = device.decode(List.of(pass));
        assertRows("logits, causal " + causal, logits, canvas.get("logits"), TOLERANCE);
      }
    }
  }

  private static void assertRows(String what, float[] actual, JsonNode rows, double tolerance) {
    assertThat(rows).as(what).isNotEmpty();
    double worst = 0;
    for (JsonNode row : rows) {
      JsonNode values = row.get(1);
      int at = row.get(0).asInt() * values.size();
      double largest = 0;
      double difference = 0;
      for (int i = 0; i < values.size(); i++) {
        double value = values.get(i).asDouble();
        largest = Math.max(largest, Math.abs(value));
        difference = Math.max(difference, Math.abs(value - actual[at + i]));
      }
      worst = Math.max(worst, difference / largest);
    }
    System.out.printf("speech reference: %s differ by up to %.1e%n", what, worst);
    assertThat(worst).as(what).isLessThan(tolerance);
  }

  private static float[] logProbabilities(float[] logits) {
    int width = SpeechFixtures.CONFIG.vocabularySize();
    float[] logs = new float[logits.length];
    for (int at = 0; at < logits.length; at += width) {
      double sum = 0;
      for (int i = 0; i < width; i++) {
        sum += Math.exp(logits[at + i]);
      }
      for (int i = 0; i < width; i++) {
        logs[at + i] = (float) (logits[at + i] - Math.log(sum));
      }
    }
    return logs;
  }

  private static int[] ints(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
  }
}
