package dev.s3llm.springai;

import static io.micrometer.observation.tck.TestObservationRegistryAssert.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.s3llm.text.TextGenerator;
import io.micrometer.observation.Observation;
import io.micrometer.observation.tck.TestObservationRegistry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.prompt.Prompt;

/** Requests are observed by Spring AI's convention. */
class ObservationTest {
  private final TextGenerator generator = Generators.scripted();
  private final TestObservationRegistry registry = TestObservationRegistry.create();
  private final S3ChatModel model =
      S3ChatModel.builder(generator).modelName("small").observationRegistry(registry).build();

  @AfterEach
  void close() {
    generator.close();
  }

  @Test
  void call_isObservedWithModelUsageAndFinishReason() {
    model.call("Name three colours.");

    assertThat(registry)
        .hasObservationWithNameEqualTo("gen_ai.client.operation")
        .that()
        .hasBeenStarted()
        .hasBeenStopped()
        .hasContextualNameEqualTo("chat small")
        .hasLowCardinalityKeyValue("gen_ai.operation.name", "chat")
        .hasLowCardinalityKeyValue("gen_ai.request.model", "small")
        .hasLowCardinalityKeyValue("gen_ai.response.model", "small")
        .hasHighCardinalityKeyValue("gen_ai.response.finish_reasons", "[\"STOP\"]")
        .hasHighCardinalityKeyValueWithKey("gen_ai.usage.output_tokens");
  }

  @Test
  void stream_isObservedBelowTheObservationOfItsSubscriber() {
    Observation parent = Observation.createNotStarted("parent", registry).start();
    model.stream(new Prompt("Name three colours."))
        .contextWrite(context -> context.put("micrometer.observation", parent))
        .blockLast();
    parent.stop();

    await() // stopped behind the signal
        .untilAsserted(
            () ->
                assertThat(registry)
                    .hasObservationWithNameEqualTo("gen_ai.client.operation")
                    .that()
                    .hasBeenStopped()
                    .hasParentObservationEqualTo(parent)
                    .hasHighCardinalityKeyValue("gen_ai.response.finish_reasons", "[\"STOP\"]"));
  }

  @Test
  void failure_isObserved() {
    assertThatThrownBy(() -> model.stream(new Prompt("No such question")).blockLast())
        .isInstanceOf(RuntimeException.class);

    await() // stopped behind the signal
        .untilAsserted(
            () ->
                assertThat(registry)
                    .hasObservationWithNameEqualTo("gen_ai.client.operation")
                    .that()
                    .hasBeenStopped()
                    .hasError());
  }
}
