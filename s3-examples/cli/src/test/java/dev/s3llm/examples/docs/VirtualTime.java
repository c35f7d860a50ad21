package dev.s3llm.examples.docs;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.execute.Executor;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.testkit.HandDrivenEngine;
import java.time.Duration;

/** Runs one request on virtual time. */
final class VirtualTime {
  static int[] tokens(Executor executor, GenerationRequest request) {
    try (HandDrivenEngine driven =
        HandDrivenEngine.of(executor, builder -> builder.planner(new OnDemandPlanner()))) {
      Generation generation = driven.engine().submit(request);
      driven.pass(); // accepts the request and launches its first step
      driven.advance(Duration.ofMillis(20));
      driven.run(); // until no request is live
      return generation.result().join().tokens();
    }
  }
}
