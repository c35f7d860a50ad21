package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.s3llm.predict.LengthBuckets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnlineHeadTest {
  private static final LengthBuckets BUCKETS = LengthBuckets.of(4, 16, 64, 256);
  private static final Scores SHORT = new Scores(new float[] {3, 0, 0, 0}, new float[] {1, -1});

  @TempDir Path folder;

  @Test
  void freshHead_saysWhatTheModelSays() {
    OnlineHead head = head("m");
    assertThat(head.apply(SHORT)).containsExactly(OnlineHead.softmax(SHORT.logits()));
    assertThat(head.active()).isFalse();
  }

  @Test
  void longAnswers_areLearned() {
    OnlineHead head = head("m");
    learn(head, 400, 100, false);
    assertThat(head.active()).isTrue();
    assertThat(head.apply(SHORT)[3]).isGreaterThan(0.9);
    assertThat(head.onlineLoss()).isLessThan(head.frozenLoss());
  }

  @Test
  void cutOffAnswers_sayThatTheyAreLongerButNotHowMuch() {
    OnlineHead head = head("m");
    learn(head, 400, 10, true); // longer than the first bucket
    double[] belief = head.apply(SHORT);
    assertThat(belief[0]).isLessThan(0.1);
    assertThat(belief[1]).isCloseTo(belief[2], org.assertj.core.data.Offset.offset(0.01));
    assertThat(belief[2]).isCloseTo(belief[3], org.assertj.core.data.Offset.offset(0.01));
  }

  @Test
  void headThatBecomesWorse_givesWay() {
    OnlineHead head = head("m");
    learn(head, 400, 100, false);
    assertThat(head.active()).isTrue();
    Random random = new Random(3);
    for (int i = 0; i < 4_000; i++) { // the model is right again
      head.learn(SHORT, random.nextInt(20) == 0 ? 100 : 2, false);
    }
    double[] belief = head.apply(SHORT);
    assertThat(belief[0]).isGreaterThan(0.8);
  }

  @Test
  void absurdEmbeddings_neverGiveNonsense() {
    Random random = new Random(7);
    OnlineHead head = head("m");
    for (int i = 0; i < 5_000; i++) {
      Scores scores = new Scores(extremes(random, 4), extremes(random, 2));
      head.learn(scores, 1 + random.nextInt(300), random.nextBoolean());
      double[] belief = head.apply(scores);
      assertThat(Arrays.stream(belief).sum()).isBetween(0.999, 1.001);
    }
    for (float weight : head.state().weights()) {
      assertThat(weight).isFinite();
    }
  }

  @Test
  void savedHead_isRestoredAndGoesOn() throws Exception {
    OnlineHead head = head("m");
    learn(head, 400, 100, false);
    Path file = folder.resolve("head");
    head.state().write(file);
    OnlineHead other = head("m");
    other.restore(OnlineHeadState.read(file, other.state()));
    assertThat(other.active()).isTrue();
    assertThat(other.apply(SHORT)).containsExactly(head.apply(SHORT));
    assertThat(folder).isDirectoryNotContaining("glob:**.part");
  }

  @Test
  void filesThatDoNotFit_areRefused() throws Exception {
    OnlineHead head = head("m");
    Path file = folder.resolve("head");
    head.state().write(file);
    refused(file, head("another"), "another model");
    refused(
        file, new OnlineHead(LengthBuckets.of(4, 16), 4, "m"), "another classes: 4 instead of 2");
    byte[] bytes = Files.readAllBytes(file);
    for (int length = 0; length < bytes.length; length++) {
      refused(Files.write(file, Arrays.copyOf(bytes, length)), head, "damaged");
    }
    for (int i = 0; i < bytes.length; i++) {
      byte[] damaged = bytes.clone();
      damaged[i] ^= 4;
      refused(Files.write(file, damaged), head, "damaged");
    }
    refused(Files.write(file, Arrays.copyOf(bytes, bytes.length + 1)), head, "damaged");
  }

  @Test
  void valuesThatNobodyLearned_areRefused() throws Exception {
    OnlineHead head = head("m");
    OnlineHeadState state = head.state();
    Path file = folder.resolve("head");
    state.weights()[3] = Float.NaN;
    state.write(file);
    refused(file, head, "finite");
    state.weights()[3] = 0;
    state.squares()[0] = -1;
    state.write(file);
    refused(file, head, "finite");
    state(-1, 0).write(file);
    refused(file, head, "negative count");
    state(1, Double.NaN).write(file);
    refused(file, head, "loss");
  }

  private static OnlineHeadState state(long answers, double frozenLoss) {
    return new OnlineHeadState(
        new OnlineHeadState.Shape("m", 4, 2),
        new OnlineHeadState.Progress(answers, Math.max(0, answers), frozenLoss, 0),
        new float[12],
        new float[12]);
  }

  private static void refused(Path file, OnlineHead head, String because) {
    assertThatExceptionOfType(LengthModelException.class)
        .isThrownBy(() -> OnlineHeadState.read(file, head.state()))
        .withMessageContaining(because);
  }

  private static void learn(OnlineHead head, int times, int actual, boolean censored) {
    for (int i = 0; i < times; i++) {
      head.learn(SHORT, actual, censored);
    }
  }

  private static float[] extremes(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) Math.scalb(random.nextGaussian(), random.nextInt(250) - 124);
      values[i] = Float.isFinite(values[i]) ? values[i] : Float.MAX_VALUE;
    }
    return values;
  }

  private static OnlineHead head(String model) {
    return new OnlineHead(BUCKETS, 2, model);
  }
}
