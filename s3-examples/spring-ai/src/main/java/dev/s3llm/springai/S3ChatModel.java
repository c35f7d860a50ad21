package dev.s3llm.springai;

import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextResult;
import io.micrometer.observation.ObservationRegistry;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.ai.chat.prompt.Prompt;
import reactor.adapter.JdkFlowAdapter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A {@link ChatModel} on a {@link TextGenerator} of this process, which batches the requests of all
 * threads.
 *
 * <p>Calls of tools are in the responses. As in Spring AI's other models, the model runs no tool: a
 * {@code ChatClient} or a {@code ToolCallingManager} does. Refusals and failures of the engine are
 * its own exceptions, which have {@code retriable()}; an answer that its deadline or a cancellation
 * ends is an {@link AnswerEndedException}, and a bad option an {@link IllegalArgumentException}
 * that names it.
 *
 * <p>Thread-safe. The model does not close the generator.
 */
public final class S3ChatModel implements ChatModel {
  private final TextGenerator generator;
  private final S3ChatOptions options;
  private final Requests requests;
  private final Responses responses;
  private final Observations observations;

  private S3ChatModel(Builder builder) {
    String name = Objects.requireNonNullElse(builder.modelName, "s3");
    generator = builder.generator;
    options =
        Objects.requireNonNullElseGet(builder.options, () -> S3ChatOptions.builder().build())
            .mutate()
            .model(name)
            .build();
    requests = new Requests(name, options);
    responses = new Responses(name);
    observations =
        new Observations(
            Objects.requireNonNullElse(builder.observationRegistry, ObservationRegistry.NOOP),
            builder.observationConvention);
    var unused = requests.of(requests.resolve(new Prompt("?"))); // checks the options
  }

  /**
   * Returns a builder of a model.
   *
   * @param generator runs the requests; remains owned by the caller, who closes it
   * @return a new builder
   */
  public static Builder builder(TextGenerator generator) {
    return new Builder(generator);
  }

  /**
   * Runs a request and waits for its answer. An interrupt of the waiting thread cancels the
   * request.
   *
   * @throws IllegalArgumentException if a message has media, an option is out of range, or the
   *     schema of the output cannot be kept
   * @throws dev.s3llm.error.RequestRefusedException if the engine refuses the request
   * @throws dev.s3llm.error.GenerationFailedException if the step or the engine failed
   * @throws dev.s3llm.text.ChatTemplateException if the chat template refuses the messages
   * @throws AnswerEndedException if the deadline passed, or the request was cancelled
   */
  @Override
  public ChatResponse call(Prompt prompt) {
    Prompt resolved = requests.resolve(prompt);
    return observations.observe(
        resolved, () -> responses.whole(await(generator.submit(requests.of(resolved)))));
  }

  private static TextResult await(TextGeneration generation) {
    try {
      return generation.result().get();
    } catch (ExecutionException e) {
      throw new CompletionException(e.getCause()); // its tokens cannot be decoded any more
    } catch (InterruptedException e) {
      generation.cancel();
      Thread.currentThread().interrupt();
      throw AnswerEndedException.interrupted(generation.id());
    }
  }

  /**
   * Returns the responses of an answer, piece by piece. Each subscription submits the request anew,
   * and cancelling it cancels the request, whose memory becomes free. Pieces of reasoning are in
   * the metadata {@code thinking} of their generation. The last response has the calls of tools,
   * the finish reason, the usage and all of the reasoning, and no text.
   *
   * <p>Responses are delivered on the engine's callback executor, as many as are requested. All
   * exceptions of {@link #call} are signalled to the subscriber.
   */
  @Override
  public Flux<ChatResponse> stream(Prompt prompt) {
    return Flux.deferContextual(
        context -> {
          Prompt resolved = requests.resolve(prompt);
          return observations.observe(
              resolved, context, observed -> Flux.defer(() -> answer(resolved, observed)));
        });
  }

  private Flux<ChatResponse> answer(Prompt prompt, ChatModelObservationContext observed) {
    TextGeneration generation = generator.submit(requests.of(prompt));
    Mono<ChatResponse> last =
        Mono.fromFuture(generation::result)
            .map(
                result -> {
                  observed.setResponse(responses.whole(result));
                  return responses.last(result);
                });
    return JdkFlowAdapter.flowPublisherToFlux(generation.events())
        .mapNotNull(event -> responses.piece(generation.id(), event))
        .onErrorResume(failure -> last.then(Mono.error(failure))) // the result says more
        .concatWith(last)
        .doOnCancel(generation::cancel);
  }

  /** Returns the options of prompts that have none, with the name of the model. */
  @Override
  public S3ChatOptions getOptions() {
    return options;
  }

  /**
   * Settings of a chat model. Each setting may be given once; a second call throws an {@link
   * IllegalStateException} that names the earlier value. Not thread-safe.
   */
  public static final class Builder {
    private final TextGenerator generator;
    private @Nullable String modelName;
    private @Nullable S3ChatOptions options;
    private @Nullable ObservationRegistry observationRegistry;
    private @Nullable ChatModelObservationConvention observationConvention;

    private Builder(TextGenerator generator) {
      this.generator = Objects.requireNonNull(generator, "generator");
    }

    /**
     * Sets the model name in responses and observations; {@code s3} by default. Requests that name
     * another model are refused, since an engine runs one model.
     *
     * @param modelName any text
     * @return this builder
     * @throws IllegalStateException if a name was set before
     */
    public Builder modelName(String modelName) {
      this.modelName = first("modelName", this.modelName, modelName);
      return this;
    }

    /**
     * Sets the options of prompts that have none, to which a chat client adds its own; by default
     * greedy decoding and an answer as long as context and KV memory allow.
     *
     * @param options the options; their model name is replaced
     * @return this builder
     * @throws IllegalStateException if options were set before
     */
    public Builder options(S3ChatOptions options) {
      this.options = first("options", this.options, options);
      return this;
    }

    /**
     * Sets the registry of the observations, one for each request; none by default.
     *
     * @param registry Micrometer's registry
     * @return this builder
     * @throws IllegalStateException if a registry was set before
     */
    public Builder observationRegistry(ObservationRegistry registry) {
      this.observationRegistry = first("observationRegistry", observationRegistry, registry);
      return this;
    }

    /**
     * Sets the names and values of the observations; Spring AI's convention by default.
     *
     * @param convention Spring AI's interface
     * @return this builder
     * @throws IllegalStateException if a convention was set before
     */
    public Builder observationConvention(ChatModelObservationConvention convention) {
      this.observationConvention =
          first("observationConvention", observationConvention, convention);
      return this;
    }

    private static <T> T first(String name, @Nullable T earlier, T value) {
      Objects.requireNonNull(value, name);
      if (earlier != null) {
        throw new IllegalStateException(name + " was already set to " + earlier);
      }
      return value;
    }

    /**
     * Returns the model.
     *
     * @return a new model
     * @throws IllegalArgumentException if an option is out of range
     */
    public S3ChatModel build() {
      return new S3ChatModel(this);
    }
  }
}
