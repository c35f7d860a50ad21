package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.predict.LengthQuery.Part;
import dev.s3llm.predict.LengthQuery.Thinking;
import dev.s3llm.schedule.SequenceView;
import dev.s3llm.testkit.HandDrivenEngine;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The lengths of thinking and answer are predicted and observed apart. */
class ThinkingTest {
  private static final int CLOSE = 7;

  private final LowestAllowed executor = new LowestAllowed();
  private final Parts predictor = new Parts();
  private final List<EngineEvent.Ended> ended = new ArrayList<>();

  @Test
  void lengthsOfThinkingAndAnswer_areObservedApart() {
    run(begun(99).tokenConstraint(Places.exactly(5, 5, 5, CLOSE, 5, 6)));

    assertThat(predictor.seen)
        .extracting(f -> f.query().part() + " " + f.actualTokens() + " " + f.censored())
        .containsExactly("THINKING 4 false", "ANSWER 2 false");
    assertThat(ended.get(0).thinkingTokens()).isEqualTo(4);
  }

  @Test
  void outputThatIsCutOffWhileItThinks_saysNothingAboutItsAnswer() {
    run(begun(99).tokenConstraint(Places.exactly(5, 5, 5, CLOSE, 5, 6)).maxNewTokens(3));

    assertThat(predictor.seen)
        .extracting(f -> f.query().part() + " " + f.actualTokens() + " " + f.censored())
        .containsExactly("THINKING 3 true");
    assertThat(ended.get(0).thinkingTokens()).isEqualTo(3);
  }

  @Test
  void thinkingThatItsBudgetEnds_isCensored_andItsAnswerIsNot() {
    run(begun(3).tokenConstraint(Places.exactly(5, 5, 5, CLOSE, 5, 6)));

    assertThat(predictor.seen).extracting(LengthFeedback::censored).containsExactly(true, false);
    assertThat(predictor.asked.get(Part.THINKING).maxNewTokens()).isEqualTo(4);
  }

  @Test
  void outputThatDoesNotOpen_doesNotThink() {
    Thinking thinking = new Thinking(List.of(8, 9), List.of(List.of(CLOSE)), 99);
    run(builder(thinking).tokenConstraint(Places.exactly(8, 5, 5)));

    assertThat(predictor.seen)
        .extracting(f -> f.query().part() + " " + f.actualTokens())
        .containsExactly("THINKING 1", "ANSWER 3");
    assertThat(ended.get(0).thinkingTokens()).isZero();
  }

  @Test
  void oneHundredTokensOfThinking_leaveTheAnswerAlone() {
    predictor.lengths.put(Part.THINKING, LengthPrediction.uniform(100));
    predictor.lengths.put(Part.ANSWER, LengthPrediction.exactly(20));
    int[] tokens = IntStream.range(0, 60).map(i -> i == 49 ? CLOSE : 5).toArray();
    List<Double> remaining = new ArrayList<>();
    Executor watching =
        new ForwardingExecutor(executor) {
          @Override
          public CompletionStage<StepResult> execute(StepBatch batch) {
            SequenceView running = (SequenceView) batch.sequences().get(0);
            remaining.add(running.expectedRemainingTokens());
            return super.execute(batch);
          }
        };

    run(watching, begun(1000).tokenConstraint(Places.exactly(tokens)).maxNewTokens(200));

    assertThat(remaining.get(0)).isBetween(65.0, 72.0); // 50 of thinking, and 20
    assertThat(remaining.get(45)).isBetween(38.0, 52.0); // of up to 100, some 27 are left, and 20
    assertThat(remaining.get(55)).isBetween(12.0, 17.0); // all of the answer but the first ones
  }

  @Test
  void hint_isOfTheWholeLength() {
    run(begun(99).tokenConstraint(Places.exactly(5, CLOSE, 5)).lengthHint(3));

    assertThat(predictor.asked).containsOnlyKeys(Part.WHOLE);
    assertThat(predictor.seen).extracting(f -> f.query().part()).containsExactly(Part.WHOLE);
    assertThat(ended.get(0).thinkingTokens()).isEqualTo(2);
  }

  private static GenerationRequest.Builder begun(int budget) {
    return builder(new Thinking(List.of(), List.of(List.of(CLOSE)), budget));
  }

  private static GenerationRequest.Builder builder(Thinking thinking) {
    return GenerationRequest.builder(1).thinking(thinking);
  }

  private void run(GenerationRequest.Builder request) {
    run(executor, request);
  }

  private void run(Executor steps, GenerationRequest.Builder request) {
    try (HandDrivenEngine driven =
        HandDrivenEngine.of(
            steps,
            b ->
                b.predictor(predictor)
                    .listener(
                        event -> {
                          if (event instanceof EngineEvent.Ended end) {
                            ended.add(end);
                          }
                        }))) {
      driven.engine().submit(request.build());
      driven.run();
      assertThat(driven.engine().snapshot().work().thinkingTokens())
          .isEqualTo(ended.get(0).thinkingTokens());
    }
  }

  /** Predicts given lengths, and records what it is asked for and what it observes. */
  private static final class Parts implements LengthPredictor {
    private final Map<Part, LengthPrediction> lengths = new EnumMap<>(Part.class);
    private final Map<Part, LengthQuery> asked = new EnumMap<>(Part.class);
    private final List<LengthFeedback> seen = new ArrayList<>();

    @Override
    public boolean predictsParts() {
      return true;
    }

    @Override
    public CompletionStage<LengthPrediction> predict(LengthQuery query) {
      asked.put(query.part(), query);
      LengthPrediction length =
          lengths.getOrDefault(query.part(), LengthPrediction.uniform(query.maxNewTokens()));
      return CompletableFuture.completedFuture(length);
    }

    @Override
    public void observe(LengthFeedback feedback) {
      seen.add(feedback);
    }
  }
}
