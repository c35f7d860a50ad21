package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.concurrent.TimeUnit;

/** Helpers for tests of whole engines. */
final class Engines {
  private Engines() {}

  static Generation submit(S3Engine engine, int maxNewTokens) {
    return engine.submit(GenerationRequest.builder(1).maxNewTokens(maxNewTokens).build());
  }

  /** Returns the result; fails if there is none within a minute. */
  static GenerationResult result(Generation generation) throws Exception {
    return generation.result().get(60, TimeUnit.SECONDS);
  }

  /** Checks that the engine serves a request, is healthy, and reserves no memory afterwards. */
  static void assertServes(S3Engine engine) throws Exception {
    assertThat(result(submit(engine, 4)).tokens()).containsExactly(1, 2, 3, 4);
    await().until(() -> engine.snapshot().memory().reservedBlocks() == 0);
    assertThat(engine.health().healthy()).isTrue();
  }
}
