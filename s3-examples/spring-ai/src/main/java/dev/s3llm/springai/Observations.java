package dev.s3llm.springai;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.ai.chat.observation.ChatModelObservationDocumentation;
import org.springframework.ai.chat.observation.DefaultChatModelObservationConvention;
import org.springframework.ai.chat.prompt.Prompt;
import reactor.core.publisher.Flux;
import reactor.util.context.ContextView;

/** Observes requests as Spring AI's own models do. Thread-safe. */
final class Observations {
  /** Where Micrometer keeps the current observation in Reactor's context. */
  private static final String CONTEXT_KEY = "micrometer.observation";

  private static final ChatModelObservationConvention DEFAULT =
      new DefaultChatModelObservationConvention();

  private final ObservationRegistry registry;
  private final ChatModelObservationConvention convention;

  Observations(ObservationRegistry registry, @Nullable ChatModelObservationConvention convention) {
    this.registry = registry;
    this.convention = Objects.requireNonNullElse(convention, DEFAULT);
  }

  /** Observes a request whose answer is returned whole. */
  ChatResponse observe(Prompt prompt, Supplier<ChatResponse> answer) {
    ChatModelObservationContext observed = context(prompt, false);
    return Objects.requireNonNull(
        observation(observed)
            .observe(
                () -> {
                  ChatResponse response = answer.get();
                  observed.setResponse(response);
                  return response;
                }));
  }

  /**
   * Observes a request whose answer is streamed, from subscription to its end.
   *
   * @param context the subscriber's, with the parent observation if there is one
   * @param answer creates the stream, and sets the response when it is known
   */
  Flux<ChatResponse> observe(
      Prompt prompt,
      ContextView context,
      Function<ChatModelObservationContext, Flux<ChatResponse>> answer) {
    ChatModelObservationContext observed = context(prompt, true);
    Observation observation = observation(observed);
    start(observation, context.getOrDefault(CONTEXT_KEY, null));
    return answer
        .apply(observed)
        .doOnError(observation::error)
        .doFinally(signal -> observation.stop())
        .contextWrite(inner -> inner.put(CONTEXT_KEY, observation));
  }

  /** Starts an observation in the scope of its parent, from which tracing takes the parent span. */
  private static void start(Observation observation, @Nullable Observation parent) {
    if (parent == null) {
      observation.start();
      return;
    }
    observation.parentObservation(parent);
    parent.scoped(
        () -> {
          observation.start();
        });
  }

  private Observation observation(ChatModelObservationContext context) {
    return ChatModelObservationDocumentation.CHAT_MODEL_OPERATION.observation(
        convention, DEFAULT, () -> context, registry);
  }

  private static ChatModelObservationContext context(Prompt prompt, boolean streaming) {
    return ChatModelObservationContext.builder()
        .prompt(prompt)
        .provider("s3")
        .streaming(streaming)
        .build();
  }
}
