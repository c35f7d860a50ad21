package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.testkit.LengthPredictorContract;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class OnnxLengthPredictorTest extends LengthPredictorContract {
  @TempDir Path folder;

  @Override
  protected LengthPredictor create() {
    return OnnxLengthPredictor.load(new TinyModel().write(folder.resolve("model")));
  }

  @Test
  void prompt_decidesTheDistribution() throws Exception {
    try (OnnxLengthPredictor predictor = open(b -> b)) {
      assertThat(likeliest(answer(predictor, "w0 w0"))).isEqualTo(0);
      assertThat(likeliest(answer(predictor, "w3"))).isEqualTo(3);
      assertThat(likeliest(answer(predictor, "w9 w9 w1"))).isEqualTo(4);
      assertThat(predictor.stats().fallback().predictions()).isZero();
      assertThat(predictor.modelName()).isEqualTo("tiny");
      assertThat(predictor.lengthTokenizer()).isEqualTo("none");
    }
  }

  @Test
  void batches_giveWhatSinglePromptsGive() throws Exception {
    try (OnnxLengthPredictor together = open(b -> b.cacheEntries(0));
        OnnxLengthPredictor alone = open(b -> b.cacheEntries(0).maxBatch(1))) {
      List<String> prompts = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        prompts.add("w" + i % 10 + " w3".repeat(i % 40));
      }
      List<CompletableFuture<LengthPrediction>> answers = new ArrayList<>();
      for (String prompt : prompts) {
        answers.add(together.predict(query(prompt)).toCompletableFuture());
      }
      for (int i = 0; i < prompts.size(); i++) {
        LengthPrediction expected = answer(alone, prompts.get(i));
        LengthPrediction actual = answers.get(i).get(60, TimeUnit.SECONDS);
        for (int bucket = 0; bucket < TinyModel.CLASSES; bucket++) {
          assertThat(actual.probability(bucket))
              .isCloseTo(expected.probability(bucket), org.assertj.core.data.Offset.offset(1e-6));
        }
      }
      assertThat(together.stats().model().batches()).isLessThan(alone.stats().model().batches());
    }
  }

  @Test
  void repeatedPrompt_comesFromTheCache() throws Exception {
    try (OnnxLengthPredictor predictor = open(b -> b.cacheEntries(2))) {
      LengthPrediction first = answer(predictor, "w1");
      assertThat(answer(predictor, "w1")).isEqualTo(first);
      assertThat(predictor.stats().model().cacheHits()).isEqualTo(1);
      answer(predictor, "w2");
      answer(predictor, "w3"); // the cache holds two
      answer(predictor, "w1");
      assertThat(predictor.stats().model().cacheHits()).isEqualTo(1);
      assertThat(predictor.stats().model().batches()).isEqualTo(4);
      assertThat(predictor.stats().latency().p99Nanos()).isPositive();
    }
  }

  @Test
  void queryWithoutText_isAnsweredByTheFallback() throws Exception {
    try (OnnxLengthPredictor predictor = open(b -> b)) {
      for (int i = 0; i < 500; i++) {
        predictor.observe(
            new LengthFeedback(
                new LengthQuery(3, null, null, 0, 256), LengthPrediction.uniform(256), 40, false));
      }
      LengthPrediction answer =
          predictor
              .predict(new LengthQuery(3, null, null, 0, 256))
              .toCompletableFuture()
              .get(60, TimeUnit.SECONDS);
      assertThat(answer.quantile(0.5)).isBetween(30, 50);
      assertThat(predictor.stats().fallback().predictions()).isEqualTo(1);
    }
  }

  @Test
  void modelThatReturnsNonsense_isRefusedWhenLoaded() {
    for (float poison : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      TinyModel model = new TinyModel();
      model.poison = poison;
      assertThatExceptionOfType(LengthModelException.class)
          .isThrownBy(() -> OnnxLengthPredictor.load(model.write(folder.resolve("p" + poison))))
          .withMessageContaining("logits")
          .withMessageContaining(String.valueOf(Float.NaN));
    }
  }

  @Test
  void fullQueue_isAnsweredByTheFallbackAndCounted() throws Exception {
    try (OnnxLengthPredictor predictor =
        open(b -> b.queueCapacity(1).maxBatch(1).cacheEntries(0))) {
      List<CompletableFuture<LengthPrediction>> answers = new ArrayList<>();
      for (int i = 0; i < 2_000; i++) {
        answers.add(predictor.predict(query("w1 w2 w3")).toCompletableFuture());
      }
      for (CompletableFuture<LengthPrediction> answer : answers) {
        assertThat(answer.get(60, TimeUnit.SECONDS)).isNotNull();
      }
      assertThat(predictor.stats().fallback().rejected()).isPositive();
      assertThat(
              predictor.stats().model().predictions() + predictor.stats().fallback().predictions())
          .isEqualTo(2_000);
    }
  }

  @Test
  void closeDuringPredictions_waitsAndAnswersEverything() throws Exception {
    for (int round = 0; round < 20; round++) {
      OnnxLengthPredictor predictor = open(b -> b.cacheEntries(0));
      List<CompletableFuture<LengthPrediction>> answers = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        answers.add(predictor.predict(query("w" + i % 10 + " w4".repeat(i))).toCompletableFuture());
      }
      predictor.close();
      answers.add(predictor.predict(query("w1")).toCompletableFuture());
      for (CompletableFuture<LengthPrediction> answer : answers) {
        assertThat(answer.get(60, TimeUnit.SECONDS).maxTokens()).isBetween(1, 256);
      }
    }
  }

  @Test
  void closeFromACallback_doesNotWaitForItself() throws Exception {
    OnnxLengthPredictor predictor = open(b -> b.cacheEntries(0));
    onWorker(predictor, predictor::close).get(20, TimeUnit.SECONDS);
    predictor.close();
    assertThat(answer(predictor, "w1").maxTokens()).isBetween(1, 256);
    assertThat(predictor.stats().fallback().rejected()).isPositive();
  }

  @Test
  void reloadFromACallback_doesNotWaitForItself() throws Exception {
    Path other = new TinyModel().write(folder.resolve("other"));
    try (OnnxLengthPredictor predictor = open(b -> b.cacheEntries(0))) {
      onWorker(predictor, () -> predictor.reload(other)).get(20, TimeUnit.SECONDS);
      assertThat(likeliest(answer(predictor, "w3"))).isEqualTo(3);
    }
  }

  /** Runs an action in a callback of the predictor's thread. */
  private static CompletableFuture<Void> onWorker(OnnxLengthPredictor predictor, Runnable action)
      throws Exception {
    for (int attempt = 0; attempt < 1_000; attempt++) {
      CompletableFuture<Void> first =
          predictor
              .predict(query("w1 ".repeat(250)))
              .toCompletableFuture()
              .thenRun(
                  () -> {
                    if (!Thread.currentThread().getName().equals("s3-length-predictor")) {
                      throw new IllegalStateException("answered before the callback was added");
                    }
                    action.run();
                  });
      if (first.handle((nothing, error) -> error == null).get(20, TimeUnit.SECONDS)) {
        return first;
      }
    }
    throw new AssertionError("no answer came from the worker thread");
  }

  @Test
  void reloadAfterClose_isRefused() {
    OnnxLengthPredictor predictor = open(b -> b);
    predictor.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> predictor.reload(folder.resolve("tiny")))
        .withMessageContaining("closed");
  }

  @Test
  void promptThatBreaksTheModel_failsAlone() throws Exception {
    TinyModel model = new TinyModel();
    model.poisonedWord = 9;
    Path path = model.write(folder.resolve("poisoned"));
    try (OnnxLengthPredictor predictor =
        OnnxLengthPredictor.builder(path).cacheEntries(0).build()) {
      List<CompletableFuture<LengthPrediction>> answers = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        String prompt = i % 10 == 9 ? "w9" : "w3";
        answers.add(predictor.predict(query(prompt)).toCompletableFuture());
      }
      for (int i = 0; i < 300; i++) {
        LengthPrediction answer = answers.get(i).get(60, TimeUnit.SECONDS);
        assertThat(answer.buckets().count() == TinyModel.CLASSES).isEqualTo(i % 10 != 9);
      }
      assertThat(predictor.stats().fallback().failures()).isEqualTo(30);
      assertThat(predictor.stats().fallback().predictions()).isEqualTo(30);
      assertThat(predictor.stats().model().batches()).isLessThan(270);
    }
  }

  @Test
  void modelWhoseEmbeddingChangesSize_isAnsweredByTheFallback() throws Exception {
    TinyModel model = new TinyModel();
    model.embeddingVaries = true;
    Path path = model.write(folder.resolve("varying"));
    try (OnnxLengthPredictor predictor = OnnxLengthPredictor.load(path)) {
      assertThat(likeliest(answer(predictor, "w2"))).isEqualTo(2); // one token, as when loaded
      answer(predictor, "w2 w2 w2");
      assertThat(predictor.stats().fallback().failures()).isEqualTo(1);
      assertThat(predictor.stats().fallback().predictions()).isEqualTo(1);
    }
  }

  @Test
  void feedback_doesNotFillTheQueue() throws Exception {
    try (OnnxLengthPredictor predictor = open(b -> b.queueCapacity(1))) {
      for (int i = 0; i < 200; i++) {
        for (int j = 0; j < 20; j++) {
          predictor.observe(
              new LengthFeedback(query("w" + j % 10), LengthPrediction.uniform(256), 40, false));
        }
        answer(predictor, "w1 w" + i % 10 + " w2".repeat(i));
      }
      assertThat(predictor.stats().fallback().rejected()).isZero();
    }
  }

  @Test
  void threadFactoryThatFails_leaksNoModelAndSaysWhy() {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                open(
                    b ->
                        b.threadFactory(
                            task -> {
                              throw new IllegalStateException("no more threads");
                            })))
        .withMessage("no more threads");
  }

  @Test
  void reloadUnderLoad_dropsNothing() throws Exception {
    Path other = new TinyModel().write(folder.resolve("other"));
    try (OnnxLengthPredictor predictor = open(b -> b.cacheEntries(0))) {
      AtomicBoolean done = new AtomicBoolean();
      CompletableFuture<Integer> asking =
          CompletableFuture.supplyAsync(
              () -> {
                int asked = 0;
                while (!done.get()) {
                  predictor.predict(query("w" + asked++ % 10)).toCompletableFuture().join();
                }
                return asked;
              });
      for (int i = 0; i < 10; i++) {
        predictor.reload(other);
      }
      done.set(true);
      int asked = asking.get(60, TimeUnit.SECONDS);
      assertThat(predictor.stats().model().predictions()).isEqualTo(asked);
      assertThat(predictor.stats().fallback().predictions()).isZero();
      assertThat(predictor.stats().model().reloads()).isEqualTo(10);
    }
  }

  @Test
  void reloadOfABadModel_keepsTheOldOne() throws Exception {
    TinyModel bad = new TinyModel();
    bad.poison = Float.NaN;
    Path path = bad.write(folder.resolve("bad"));
    try (OnnxLengthPredictor predictor = open(b -> b)) {
      assertThatExceptionOfType(LengthModelException.class)
          .isThrownBy(() -> predictor.reload(path));
      assertThat(likeliest(answer(predictor, "w3"))).isEqualTo(3);
    }
  }

  @Test
  void onlineHead_takesOverWhileItIsBetterAndIsSavedAndRestored() throws Exception {
    Path saved = folder.resolve("head.bin");
    try (OnnxLengthPredictor predictor = open(b -> b)) {
      assertThat(likeliest(answer(predictor, "w0"))).isEqualTo(0);
      teach(predictor, "w0", 200, 600); // the model predicts at most 4 tokens
      assertThat(predictor.stats().model().onlineHead()).isTrue();
      assertThat(likeliest(answer(predictor, "w0"))).isEqualTo(4);
      predictor.saveOnlineHead(saved);
    }
    try (OnnxLengthPredictor fresh = open(b -> b)) {
      fresh.restoreOnlineHead(saved);
      assertThat(likeliest(answer(fresh, "w0"))).isEqualTo(4);
      Files.write(saved, new byte[] {1, 2, 3});
      assertThatExceptionOfType(LengthModelException.class)
          .isThrownBy(() -> fresh.restoreOnlineHead(saved))
          .withMessageContaining("damaged");
    }
  }

  @Test
  void onlineHead_staysAwayWhileTheModelIsRight() throws Exception {
    try (OnnxLengthPredictor predictor = open(b -> b)) {
      answer(predictor, "w0 w0 w0");
      answer(predictor, "w1 w1 w1");
      teach(predictor, "w0 w0 w0", 3, 200);
      teach(predictor, "w1 w1 w1", 12, 200);
      assertThat(predictor.stats().model().onlineHead()).isFalse();
    }
  }

  @Test
  void settings_areCheckedByName() {
    OnnxLengthPredictor.Builder builder = OnnxLengthPredictor.builder(folder);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.threads(0))
        .withMessageContaining("threads");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.maxBatch(5000))
        .withMessageContaining("maxBatch");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.queueCapacity(0))
        .withMessageContaining("queueCapacity");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.cacheEntries(-1))
        .withMessageContaining("cacheEntries");
    assertThatIllegalStateException()
        .isThrownBy(() -> builder.threads(2).threads(3))
        .withMessage("threads was already set to 2");
    assertThatNullPointerException()
        .isThrownBy(() -> builder.feedbackLog(null))
        .withMessage("feedbackLog must not be null");
    assertThatNullPointerException()
        .isThrownBy(() -> builder.threadFactory(null))
        .withMessage("threadFactory must not be null");
    assertThatNullPointerException().isThrownBy(() -> OnnxLengthPredictor.builder(null));
  }

  private static void teach(OnnxLengthPredictor predictor, String prompt, int actual, int times)
      throws Exception {
    for (int i = 0; i < times; i++) {
      predictor.observe(
          new LengthFeedback(query(prompt), LengthPrediction.uniform(256), actual, false));
      if (i % 50 == 49) {
        answer(predictor, "w5 w" + i % 10 + " w2".repeat(i)); // behind the feedback in the queue
      }
    }
  }

  private OnnxLengthPredictor open(
      java.util.function.UnaryOperator<OnnxLengthPredictor.Builder> settings) {
    return settings
        .apply(OnnxLengthPredictor.builder(new TinyModel().write(folder.resolve("tiny"))))
        .build();
  }

  private static LengthPrediction answer(OnnxLengthPredictor predictor, String prompt)
      throws Exception {
    return predictor.predict(query(prompt)).toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private static LengthQuery query(String prompt) {
    return new LengthQuery(3, prompt, null, 0, 256);
  }

  private static int likeliest(LengthPrediction prediction) {
    int best = 0;
    for (int i = 1; i < prediction.buckets().count(); i++) {
      best = prediction.probability(i) > prediction.probability(best) ? i : best;
    }
    return best;
  }
}
