package dev.s3llm.langchain4j;

import dev.s3llm.text.TextGenerator;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;

/** A generator for each test: on the embedded model, or on the script instead. */
abstract class GeneratorFixture {
  TextGenerator generator = Generators.embedded();

  @AfterEach
  void close() {
    generator.engine().closeNow();
    generator.close();
  }

  /** Uses the script; no step ends before the returned future is completed. */
  CompletableFuture<Void> useGate(int maxLiveRequests) {
    CompletableFuture<Void> gate = new CompletableFuture<>();
    generator.close();
    generator =
        Generators.scripted(Duration.ZERO, gate, engine -> engine.maxLiveRequests(maxLiveRequests));
    return gate;
  }

  void useScript(Duration step) {
    generator.close();
    generator = Generators.scripted(step);
  }
}
