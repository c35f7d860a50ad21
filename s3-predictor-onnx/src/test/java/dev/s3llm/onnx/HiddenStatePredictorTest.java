package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.hash.Hashing;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.testkit.LengthPredictorContract;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class HiddenStatePredictorTest extends LengthPredictorContract {
  private static final LengthQuery QUERY = new LengthQuery(5, "x", null, 0, 1000);
  private static final LengthPrediction EARLIER = LengthPrediction.exactly(77);

  @TempDir Path folder;

  @Override
  protected LengthPredictor create() {
    return predictor();
  }

  private HiddenStatePredictor predictor() {
    return HiddenStatePredictor.builder(new TinyHead().write(folder.resolve("head")))
        .build(new EmpiricalLengthPredictor());
  }

  @Test
  void state_decidesWhatIsLeft_afterTheTokensMadeSoFar() throws Exception {
    try (HiddenStatePredictor predictor = predictor()) {
      assertThat(predictor.featureInterval(TinyHead.WIDTH)).isEqualTo(4);
      LengthPrediction soon = revised(predictor, QUERY, 100, 9, 0, 0);
      LengthPrediction late = revised(predictor, QUERY, 100, 0, 0, 9);
      assertThat(soon.quantile(0.5)).isBetween(101, 108);
      assertThat(late.quantile(0.5)).isBetween(165, 612);
      assertThat(revised(predictor, QUERY, 0, 9, 0, 0).quantile(0.5)).isBetween(1, 8);
      assertThat(predictor.stats().revisions()).isEqualTo(3);
      assertThat(predictor.stats().busyNanos()).isPositive();
    }
  }

  @Test
  void prediction_staysWithinTheLimitOfTheQuery() throws Exception {
    try (HiddenStatePredictor predictor = predictor()) {
      LengthQuery brief = new LengthQuery(5, "x", null, 0, 120);
      assertThat(revised(predictor, brief, 100, 0, 0, 9).maxTokens()).isEqualTo(120);
    }
  }

  @Test
  void statesThatWait_areAnsweredTogether_eachAsAlone() throws Exception {
    CountDownLatch start = new CountDownLatch(1);
    HiddenStatePredictor.Builder builder =
        HiddenStatePredictor.builder(new TinyHead().write(folder.resolve("head")))
            .threadFactory(
                task ->
                    new Thread(
                        () -> {
                          awaitQuietly(start);
                          task.run();
                        }));
    try (HiddenStatePredictor together = builder.build(new EmpiricalLengthPredictor());
        HiddenStatePredictor alone = predictor()) {
      List<CompletableFuture<LengthPrediction>> answers = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        answers.add(together.reviseFrom(QUERY, EARLIER, i, state(i)).toCompletableFuture());
      }
      start.countDown();
      for (int i = 0; i < 100; i++) {
        float[] state = state(i);
        assertThat(answers.get(i).get(60, TimeUnit.SECONDS).mean())
            .isCloseTo(
                revised(alone, QUERY, i, state).mean(), org.assertj.core.data.Offset.offset(1e-3));
      }
      assertThat(together.stats().batches()).isEqualTo(1);
    }
  }

  private static float[] state(int i) {
    return new float[] {i % 7, i % 5, i % 3};
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void stateThatCannotBeUsed_leavesTheEarlierPrediction() throws Exception {
    HiddenStatePredictor predictor = predictor();
    assertThat(revised(predictor, QUERY, 4, Float.NaN, 0, 0)).isSameAs(EARLIER);
    assertThat(revised(predictor, QUERY, 4, Float.POSITIVE_INFINITY, 0, 0)).isSameAs(EARLIER);
    assertThat(revised(predictor, QUERY, 4, 1, 2)).isSameAs(EARLIER);
    assertThat(predictor.stats().unusable()).isEqualTo(3);
    assertThat(revised(predictor, QUERY, 4, 9, 0, 0).quantile(0.5)).isLessThan(13);
    predictor.close();
    assertThat(revised(predictor, QUERY, 4, 9, 0, 0)).isSameAs(EARLIER);
  }

  @Test
  void otherWidthOfTheExecutor_leavesTheHeadUnused() {
    try (HiddenStatePredictor predictor = predictor()) {
      assertThat(predictor.featureInterval(TinyHead.WIDTH + 1)).isZero();
    }
  }

  @Test
  void servedModel_mustBeTheOneOfTheHead() throws Exception {
    Path model = Files.createDirectories(folder.resolve("served")).resolve("model.safetensors");
    Files.writeString(model, "weights");
    TinyHead head = new TinyHead();
    head.modelSha256 = Hashing.sha256().hashString("weights", StandardCharsets.UTF_8).toString();
    HiddenStatePredictor.Builder builder =
        HiddenStatePredictor.builder(head.write(folder.resolve("head")));
    assertThat(builder.requireModel(folder.resolve("served")).layer()).isEqualTo(2);
    Files.writeString(model, "other weights");
    assertThatThrownBy(() -> builder.requireModel(model))
        .isInstanceOf(LengthModelException.class)
        .hasMessageContaining("was made for the model with the SHA-256 " + head.modelSha256)
        .hasMessageContaining("train a head for this model");
    assertThatThrownBy(() -> builder.requireModel(folder.resolve("nothing.gguf")))
        .isInstanceOf(LengthModelException.class)
        .hasMessageContaining("nothing.gguf cannot be read");
  }

  @Test
  void damagedHeads_areRefusedWithTheFileAndTheReason() {
    refused(h -> h.checksum = "00", "remaining.onnx has the SHA-256");
    refused(h -> h.edges = "[8,8]", "remaining.json");
    refused(h -> h.width = 0, "width must be an integer from 1");
    refused(h -> h.hiddenName = "state", "the model has no 'hidden'");
    refused(h -> h.columns = 2, "the head's logits have 2 values, but remaining.json has 3");
    refused(h -> h.width = 4, "the model failed");
    assertThatThrownBy(() -> HiddenStatePredictor.builder(folder.resolve("none")))
        .isInstanceOf(LengthModelException.class)
        .hasMessageContaining("remaining.json is missing");
    assertThat(HiddenStatePredictor.isHead(folder.resolve("none"))).isFalse();
  }

  private void refused(Consumer<TinyHead> damage, String reason) {
    TinyHead head = new TinyHead();
    damage.accept(head);
    Path damaged = head.write(folder.resolve("damaged"));
    assertThatThrownBy(
            () -> HiddenStatePredictor.builder(damaged).build(new EmpiricalLengthPredictor()))
        .isInstanceOf(LengthModelException.class)
        .hasMessageContaining(damaged.toString())
        .hasMessageContaining(reason);
  }

  private static LengthPrediction revised(
      HiddenStatePredictor predictor, LengthQuery query, int generated, float... state)
      throws Exception {
    return predictor
        .reviseFrom(query, EARLIER, generated, state)
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
  }
}
