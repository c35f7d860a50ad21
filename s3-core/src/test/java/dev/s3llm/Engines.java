package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.concurrent.TimeUnit;

/** What tests do with an engine again and again. */
final class Engines {
  private Engines() {}

  static Generation submit(S3Engine engine, int maxNewTokens) {
    return engine.submit(GenerationRequest.builder(1).maxNewTokens(maxNewTokens).build());
  }

  /** The result, for which a minute must be enough. */
  static GenerationResult result(Generation generation) throws Exception {
    return generation.result().get(60, TimeUnit.SECONDS);
  }

  /** The engine answers, is healthy, and holds no memory afterwards. */
  static void assertServes(S3Engine engine) throws Exception {
    assertThat(result(submit(engine, 4)).tokens()).containsExactly(1, 2, 3, 4);
    await().until(() -> engine.snapshot().memory().reservedBlocks() == 0);
    assertThat(engine.health().healthy()).isTrue();
  }
}
