package dev.s3llm.langchain4j;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.s3llm.text.TextGenerator;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Settings of a chat model. Each setting may be given once; a second call throws an {@link
 * IllegalStateException} that names the earlier value. Not thread-safe.
 *
 * @param <M> type of the model
 */
public final class S3ChatBuilder<M> {
  private final TextGenerator generator;
  private final Function<S3Chat, M> create;
  private @Nullable String modelName;
  private @Nullable ChatRequestParameters defaults;
  private @Nullable List<ChatModelListener> listeners;

  S3ChatBuilder(TextGenerator generator, Function<S3Chat, M> create) {
    this.generator = Objects.requireNonNull(generator, "generator");
    this.create = create;
  }

  /**
   * Sets the model name in responses; {@code s3} by default. Requests that name another model are
   * refused, since an engine runs one model.
   *
   * @param modelName any text
   * @return this builder
   * @throws IllegalStateException if a name was set before
   */
  public S3ChatBuilder<M> modelName(String modelName) {
    this.modelName = first("modelName", this.modelName, modelName);
    return this;
  }

  /**
   * Sets the parameters of requests that do not set them; by default greedy decoding and an answer
   * as long as context and KV memory allow.
   *
   * @param defaults LangChain4j's parameters or {@link S3ChatRequestParameters}
   * @return this builder
   * @throws IllegalStateException if default parameters were set before
   */
  public S3ChatBuilder<M> defaultRequestParameters(ChatRequestParameters defaults) {
    this.defaults = first("defaultRequestParameters", this.defaults, defaults);
    return this;
  }

  /**
   * Sets the listeners of requests, responses and errors; none by default.
   *
   * @param listeners called in order; copied
   * @return this builder
   * @throws IllegalStateException if listeners were set before
   */
  public S3ChatBuilder<M> listeners(List<ChatModelListener> listeners) {
    this.listeners = List.copyOf(first("listeners", this.listeners, listeners));
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
   * @throws UnsupportedFeatureException if the default parameters use a feature that the engine
   *     lacks
   * @throws InvalidRequestException if a default parameter is out of range
   */
  public M build() {
    return create.apply(
        new S3Chat(
            generator,
            Objects.requireNonNullElse(modelName, "s3"),
            Objects.requireNonNullElse(defaults, DefaultChatRequestParameters.EMPTY),
            Objects.requireNonNullElse(listeners, List.of())));
  }
}
