package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.testkit.HandDrivenEngine;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** A caller that has a result sees a snapshot without the request. */
class SnapshotAfterResultTest {

  @Test
  void snapshotWithTheResult_hasNoBlocksOfTheRequest() {
    List<EngineSnapshot> seen = new ArrayList<>();
    try (HandDrivenEngine driven =
        HandDrivenEngine.of(FakeExecutor.immediate(), UnaryOperator.identity())) {
      S3Engine engine = driven.engine();
      engine
          .submit(GenerationRequest.builder(1, 2).maxNewTokens(9).build())
          .result()
          .thenRun(() -> seen.add(engine.snapshot()));
      driven.run();
    }
    assertThat(seen)
        .singleElement()
        .satisfies(
            snapshot -> {
              assertThat(snapshot.memory().allocatedBlocks()).isZero();
              assertThat(snapshot.memory().reservedBlocks()).isZero();
              assertThat(snapshot.requests().running()).isZero();
              assertThat(snapshot.requests().ended().cutAtLimit()).isEqualTo(1);
              assertThat(snapshot.work().outputTokens()).isEqualTo(9);
            });
  }

  @Test
  void snapshotAfterJoin_isNotBehind() throws Exception {
    try (S3Engine engine = S3Engine.builder(FakeExecutor.immediate()).build()) {
      for (int i = 1; i <= 300; i++) {
        engine
            .submit(GenerationRequest.builder(1, 2).maxNewTokens(3).build())
            .result()
            .get(60, TimeUnit.SECONDS);
        EngineSnapshot snapshot = engine.snapshot();
        assertThat(snapshot.memory().allocatedBlocks()).isZero();
        assertThat(snapshot.requests().ended().total()).isEqualTo(i);
      }
    }
  }
}
