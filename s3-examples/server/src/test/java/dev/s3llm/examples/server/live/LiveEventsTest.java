package dev.s3llm.examples.server.live;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.examples.server.live.LiveEvents.Happening;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineInspection;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.observe.Health;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.recover.PreemptionMode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The events that are kept, and the page's data from them. */
class LiveEventsTest {
  private static final EngineEvent.Request ASKED =
      new EngineEvent.Request(0, 1, 1, 0, Long.MAX_VALUE, "", 0, List.of());
  private final LiveEvents events = new LiveEvents(() -> 1_000);

  @Test
  void answers_giveTheCoverageAndTheFirstTokens() {
    ended(FinishReason.STOP, 40, 1);
    ended(FinishReason.STOP, 60, 3); // longer than predicted
    ended(FinishReason.LENGTH, 50, 2); // cut: its length was not the model's choice
    ended(FinishReason.CANCELLED, 3, 99);
    Picture picture = picture();
    assertThat(picture.history().predictions().count()).isEqualTo(2);
    assertThat(picture.history().predictions().within()).isEqualTo(1);
    assertThat(picture.history().predictions().points())
        .containsExactly(List.of(50, 50, 40), List.of(50, 50, 60));
    assertThat(picture.history().firstTokens().count()).isEqualTo(4);
    assertThat(picture.history().firstTokens().p50()).isEqualTo(2);
    assertThat(picture.history().firstTokens().p99()).isEqualTo(99);
  }

  @Test
  void beforeTheFirstAnswer_nothingIsClaimed() {
    assertThat(picture().history().firstTokens().p50()).isNull();
    assertThat(picture().memory().map()).isNull();
    events.onEvent(new EngineEvent.Ended(0, "x", FinishReason.CANCELLED, 0, null, -1, ASKED));
    assertThat(picture().history().firstTokens().count()).isZero();
  }

  @Test
  void memory_isBounded() {
    for (int i = 0; i < 10_000; i++) {
      ended(FinishReason.STOP, 1 + i % 50, 1);
      events.onEvent(preempted("r" + i, "x".repeat(5_000)));
    }
    LiveEvents.Memory memory = events.memory();
    assertThat(memory.answers()).hasSize(LiveEvents.MOST_ANSWERS);
    assertThat(memory.happenings()).hasSize(LiveEvents.MOST_HAPPENINGS);
    assertThat(memory.happenings().get(LiveEvents.MOST_HAPPENINGS - 1).request())
        .isEqualTo("r9999");
    assertThat(memory.happenings()).allMatch(one -> one.text().length() < 400);
  }

  @Test
  void whatAPersonShouldKnowOf_isTold() {
    events.onEvent(preempted("r", "no room"));
    events.onEvent(new EngineEvent.PredictionDrift(0, true, 0.5, 30));
    events.onEvent(new EngineEvent.StepFailed(0, 1, new IllegalStateException("bad step")));
    events.onEvent(new EngineEvent.EngineStuck(0, "step 1 hangs"));
    events.onEvent(new EngineEvent.EngineRecovered(0));
    events.onEvent(new EngineEvent.EngineLost(0, new IllegalStateException("gone")));
    events.onEvent(new EngineEvent.StepCompleted(0, 1, 2, 3, 4));
    LiveEvents.Memory memory = events.memory();
    assertThat(memory.happenings())
        .extracting(Happening::kind)
        .containsExactly("preempted", "predictions", "step failed", "stuck", "recovered", "lost");
    assertThat(memory.happenings().get(0).text()).contains("lost 48 tokens of KV (swap): no room");
    assertThat(memory.happenings().get(1).text()).contains("50 %");
    assertThat(memory.drifting()).isTrue();
    events.onEvent(new EngineEvent.PredictionDrift(0, false, 0.9, 3));
    assertThat(events.memory().drifting()).isFalse();
  }

  @Test
  void engineThatIsNotWell_saysWhy() {
    Picture picture =
        Picture.of(
            snapshot(0).with(Health.bad("stuck"), EngineSnapshot.Refused.NONE),
            null,
            events.memory(),
            List.of(),
            5);
    assertThat(picture.engine().healthy()).isFalse();
    assertThat(picture.engine().reason()).isEqualTo("stuck");
    assertThat(picture.engine().inspectedMillis()).isZero();
  }

  @Test
  void series_holdsRatesOfTheLastMinutes() {
    LiveSeries series = new LiveSeries();
    for (int i = 0; i <= 1_000; i++) {
      series.sample(snapshot(100L * i), i * 2_000_000_000L, i);
    }
    assertThat(series.samples()).hasSize(LiveSeries.MOST);
    assertThat(series.samples()).allMatch(one -> one.tokensPerSecond() == 50);
    assertThat(series.samples().get(LiveSeries.MOST - 1).millis()).isEqualTo(1_000);
    assertThat(series.samples().get(0).waiting())
        .isEqualTo(3); // with the request that awaits a prediction
  }

  @Test
  void pictureAsJson_hasTheFieldsOfThePagesProtocol() {
    EngineInspection seen =
        new EngineInspection(
            0,
            16,
            10,
            6,
            List.of(
                new EngineInspection.Running(
                    new EngineInspection.Request("r", "t", 1, 2, 9, LengthPrediction.exactly(5), 0),
                    0,
                    4,
                    List.of(3))),
            List.of(
                new EngineInspection.Waiting(
                    new EngineInspection.Request("w", "t", 1, 2, 9, LengthPrediction.exactly(5), 0),
                    0,
                    "no room")));
    Picture picture =
        Picture.of(snapshot(0), new Picture.Inspected(seen, 4), events.memory(), List.of(), 5);
    JsonNode json = JsonMapper.shared().valueToTree(picture);
    assertThat(json.propertyNames())
        .containsExactlyInAnyOrder(
            ("millis healthy reason inspectedMillis runningCount waitingCount predictingCount"
                    + " capacityBlocks heldBlocks reservedBlocks blockTokens ended failed"
                    + " preemptions running waiting map series firstTokens predictions happenings")
                .split(" "));
    assertThat(json.at("/running/0").propertyNames())
        .containsExactlyInAnyOrder(
            "id tenant waited prompt output limit p50 p90 held reserved preemptions".split(" "));
    assertThat(json.at("/waiting/0").propertyNames())
        .containsExactlyInAnyOrder(
            "id tenant waiting prompt output p50 p90 preemptions reason".split(" "));
  }

  private void ended(FinishReason reason, int tokens, int firstTokenSeconds) {
    events.onEvent(
        new EngineEvent.Ended(
            0,
            "r",
            reason,
            tokens,
            LengthPrediction.exactly(50),
            firstTokenSeconds * 1_000_000_000L,
            ASKED));
  }

  private static EngineEvent preempted(String request, String reason) {
    return new EngineEvent.Preempted(0, request, PreemptionMode.SWAP, 48, "other", reason);
  }

  private Picture picture() {
    return Picture.of(snapshot(0), null, events.memory(), List.of(), 5);
  }

  private static EngineSnapshot snapshot(long outputTokens) {
    return new EngineSnapshot(
        Health.OK,
        new EngineSnapshot.Requests(
            1, 2, 4, 7, new EngineSnapshot.Ended(0, 0, 0, 0, 0), EngineSnapshot.Refused.NONE),
        new EngineSnapshot.Memory(10, 8, 6, 0, 0),
        new EngineSnapshot.Work(9, 0, outputTokens, new EngineSnapshot.Preempted(0, 0, 0), 0, 0),
        new EngineSnapshot.Predictions(0, 0, Double.NaN),
        new EngineSnapshot.Faults(0, 0, 0),
        EngineSnapshot.Latency.NONE,
        Map.of());
  }
}
