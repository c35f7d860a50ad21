package dev.s3llm.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.text.TextGenerator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.MessageAggregator;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.support.ToolCallbacks;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;

class StreamTest {
  private static final String STORY = "Tell me a long story";

  private final TextGenerator generator = Generators.scripted();
  private final S3ChatModel model = S3ChatModel.builder(generator).build();

  @AfterEach
  void close() {
    generator.close();
  }

  @Test
  void pieces_areTheAnswerAndTheLastResponseHasItsMetadata() {
    List<ChatResponse> responses = model.stream(new Prompt(STORY)).collectList().block();
    ChatResponse last = responses.get(responses.size() - 1);

    assertThat(responses.size()).isGreaterThan(10);
    assertThat(text(responses)).isEqualTo("There was a cat. ".repeat(40));
    assertThat(responses.get(0).getResult().getMetadata().getFinishReason()).isNull();
    assertThat(last.getResult().getMetadata().getFinishReason()).isEqualTo("STOP");
    assertThat(last.getMetadata().getUsage().getCompletionTokens()).isPositive();
    assertThat(responses)
        .extracting(one -> one.getMetadata().getId())
        .containsOnly(last.getMetadata().getId());
  }

  @Test
  void demand_limitsTheResponses() {
    List<ChatResponse> responses =
        model.stream(new Prompt(STORY)).limitRate(1).collectList().block();

    assertThat(text(responses)).isEqualTo("There was a cat. ".repeat(40));
  }

  @Test
  void cancelledStream_freesTheRequest() {
    CompletableFuture<Void> gate = new CompletableFuture<>();
    try (TextGenerator gated = Generators.gated(gate, 4)) {
      Disposable waiting = S3ChatModel.builder(gated).build().stream(new Prompt(STORY)).subscribe();
      await().until(() -> gated.engine().snapshot().requests().running() == 1);
      waiting.dispose();
      gate.complete(null);
      await().until(() -> gated.engine().snapshot().requests().ended().cancelled() == 1);
      assertThat(gated.engine().snapshot().requests().running()).isZero();
    }
  }

  @Test
  void streamThatIsReadInPart_isCancelled() {
    assertThat(model.stream(new Prompt(STORY)).take(3).collectList().block()).hasSize(3);

    await().until(() -> generator.engine().snapshot().requests().running() == 0);
    assertThat(generator.engine().snapshot().memory().reservedBlocks()).isZero();
  }

  @Test
  void manyStreams_runSideBySide() {
    List<String> texts =
        Flux.range(0, 16)
            .flatMap(
                i ->
                    model.stream(new Prompt(STORY))
                        .subscribeOn(Schedulers.boundedElastic())
                        .collectList()
                        .map(StreamTest::text),
                16)
            .collectList()
            .block();

    assertThat(texts).hasSize(16).containsOnly("There was a cat. ".repeat(40));
    assertThat(generator.engine().snapshot().requests().ended().stopped()).isEqualTo(16);
  }

  @Test
  void eachSubscription_isARequest() {
    Flux<ChatResponse> colours = model.stream(new Prompt("Name three colours."));

    assertThat(IntStream.range(0, 2).mapToObj(i -> text(colours.collectList().block())))
        .containsExactly("red, green, blue", "red, green, blue");
    assertThat(generator.engine().snapshot().requests().ended().stopped()).isEqualTo(2);
  }

  @Test
  void callsOfTools_comeTogetherAtTheEnd() {
    S3ChatOptions options =
        S3ChatOptions.builder().toolCallbacks(ToolCallbacks.from(new Atlas())).build();
    Prompt prompt = new Prompt("How warm is it in the capital of France?", options);
    CompletableFuture<ChatResponse> whole = new CompletableFuture<>();
    List<ChatResponse> responses =
        new MessageAggregator()
            .aggregate(model.stream(prompt), whole::complete)
            .collectList()
            .block();

    assertThat(responses.get(responses.size() - 1).hasToolCalls()).isTrue();
    assertThat(whole.join().getResult().getOutput().getToolCalls())
        .singleElement()
        .satisfies(
            call -> {
              assertThat(call.name()).isEqualTo("capital");
              assertThat(call.arguments()).isEqualToIgnoringWhitespace("{\"country\":\"France\"}");
            });
    assertThat(whole.join().getResult().getMetadata().getFinishReason()).isEqualTo("TOOL_CALLS");
  }

  @Test
  void failure_isSignalledBehindTheTextBefore() {
    assertThatThrownBy(() -> model.stream(new Prompt("A question without an answer")).blockLast())
        .isInstanceOf(GenerationFailedException.class)
        .hasMessageContaining("no answer to");
  }

  private static String text(List<ChatResponse> responses) {
    return responses.stream()
        .map(response -> response.getResult().getOutput().getText())
        .collect(Collectors.joining());
  }
}
