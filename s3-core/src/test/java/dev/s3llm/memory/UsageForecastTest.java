package dev.s3llm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.predict.LengthBuckets;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.testkit.TestSequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class UsageForecastTest {
  private static final int STEPS = 60;

  /** A sequence, and a copy of its state when its row was due to be computed last. */
  private static final class Member {
    final TestSequence now;
    final int prompt;
    TestSequence row;

    Member(TestSequence now, int prompt) {
      this.now = now;
      this.prompt = prompt;
      this.row = copy(now, prompt);
    }
  }

  @Property(tries = 60)
  void sumsAfterManyUpdates_equalThoseOfANewForecast(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 17) int blockTokens) {
    Random random = new Random(seed);
    UsageForecast kept = new UsageForecast();
    List<Member> members = new ArrayList<>();
    for (int step = 0; step < STEPS; step++) {
      members.removeIf(member -> random.nextInt(12) == 0);
      members.forEach(UsageForecastTest::grow);
      for (int i = random.nextInt(3); i > 0; i--) {
        members.add(member(100L * step + i, random));
      }
      kept.update(members.stream().map(member -> member.now).toList(), blockTokens);
      UsageForecast fresh = new UsageForecast();
      fresh.update(members.stream().map(member -> member.row).toList(), blockTokens);

      assertThat(kept.sums()).containsExactly(fresh.sums());
    }
  }

  @Property(tries = 60)
  void canvas_holdsItsSlotsForItsPasses(
      @ForAll @IntRange(min = 1, max = 40) int canvas,
      @ForAll @IntRange(min = 1, max = 60) int left) {
    TestSequence sequence = new TestSequence(1, 20, 64).canvas(20 + canvas, left);
    UsageForecast forecast = new UsageForecast();
    forecast.update(List.of(sequence), 4);
    double[] sums = forecast.sums();
    int[] horizons = {0, 4, 8, 16, 24, 32, 48};
    for (int j = 0; j < horizons.length; j++) {
      assertThat(sums[j]).isEqualTo(horizons[j] < left ? (20 + canvas + 3) / 4 : 0);
      assertThat(sums[sums.length / 2 + j]).isZero(); // known, so without a variance
    }
    assertThat(forecast.exact()).isTrue();
  }

  @Property(tries = 60)
  void canvasToCome_holdsThePredictedSlots(@ForAll @IntRange(min = 2, max = 64) int most) {
    TestSequence sequence =
        new TestSequence(1, 20, 64).canvas(20, 3).predicted(LengthPrediction.uniform(most));
    UsageForecast forecast = new UsageForecast();
    forecast.update(List.of(sequence), 4);
    double[] sums = forecast.sums();

    assertThat(sums[0]).isEqualTo(Math.ceil((20 + (1 + most) / 2.0) / 4));
    assertThat(sums[1]).isZero(); // four steps ahead it has ended
    assertThat(sums[sums.length / 2]).isPositive();
    assertThat(forecast.exact()).isFalse();
  }

  @Property(tries = 60)
  void repeatedUpdate_givesTheSameForecast(@ForAll long seed) {
    Random random = new Random(seed);
    List<TestSequence> running = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      running.add(member(i, random).now);
    }
    UsageForecast forecast = new UsageForecast();
    forecast.update(running, 16);
    double[] once = forecast.sums();
    forecast.join(running.get(3));
    forecast.update(running, 16);

    assertThat(forecast.sums()).containsExactly(once);
  }

  /** Compares the forecast with the ends of many sequences drawn from the prediction. */
  @Property(tries = 10)
  void meanAndVariance_areThoseOfRandomEnds(@ForAll long seed) {
    Random random = new Random(seed);
    LengthPrediction prediction = LengthPrediction.uniform(40);
    TestSequence sequence = new TestSequence(1, 10, 40).generated(4).predicted(prediction);
    UsageForecast forecast = new UsageForecast();
    forecast.update(List.of(sequence), 1);
    double[] sums = forecast.sums();
    int lead = UsageForecast.REFRESH / 2; // tokens that a new row looks ahead
    int ahead = 8; // the third horizon
    int draws = 200_000;
    double use = 0;
    double squared = 0;
    for (int i = 0; i < draws; i++) {
      int length = lead + 5 + random.nextInt(36 - lead);
      double held = length > lead + 4 + ahead ? lead + 14 + ahead : 0;
      use += held;
      squared += held * held;
    }
    double mean = use / draws;
    assertThat(sums[2]).isCloseTo(mean, within(0.15));
    assertThat(sums[sums.length / 2 + 2]).isCloseTo(squared / draws - mean * mean, within(2.0));
  }

  private static Member member(long id, Random random) {
    int prompt = 1 + random.nextInt(50);
    LengthBuckets buckets = LengthBuckets.of(10, 30, 80, 200);
    TestSequence now =
        new TestSequence(id, prompt, 300)
            .predicted(
                LengthPrediction.of(
                    buckets, random.nextDouble(), random.nextDouble(), random.nextDouble(), 0.1));
    return new Member(now, prompt);
  }

  private static void grow(Member member) {
    int generated = member.now.generatedTokens() + 1;
    member.now.generated(generated);
    if ((generated + member.now.sequenceId()) % UsageForecast.REFRESH == 0) {
      member.row = copy(member.now, member.prompt);
    }
  }

  private static TestSequence copy(TestSequence sequence, int prompt) {
    return new TestSequence(sequence.sequenceId(), prompt, sequence.maxNewTokens())
        .generated(sequence.generatedTokens())
        .predicted(sequence.prediction());
  }
}
