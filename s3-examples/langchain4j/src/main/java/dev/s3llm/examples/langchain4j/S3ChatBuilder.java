package dev.s3llm.examples.langchain4j;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.s3llm.text.TextGenerator;
import java.util.List;
import java.util.function.Function;

/**
 * Settings of a chat model. Not thread-safe.
 *
 * @param <M> the model
 */
public final class S3ChatBuilder<M> {
  private final TextGenerator generator;
  private final Function<S3Chat, M> create;
  private String modelName = "s3";
  private ChatRequestParameters defaults = DefaultChatRequestParameters.EMPTY;
  private List<ChatModelListener> listeners = List.of();

  S3ChatBuilder(TextGenerator generator, Function<S3Chat, M> create) {
    this.generator = generator;
    this.create = create;
  }

  /**
   * Sets the name that answers carry; {@code s3} by default. An engine runs one model: requests
   * that name another are refused.
   */
  public S3ChatBuilder<M> modelName(String modelName) {
    this.modelName = modelName;
    return this;
  }

  /** Sets the parameters of requests that do not say; greedy, at most 256 tokens by default. */
  public S3ChatBuilder<M> defaultRequestParameters(ChatRequestParameters defaults) {
    this.defaults = defaults;
    return this;
  }

  /** Sets the listeners; none by default. */
  public S3ChatBuilder<M> listeners(List<ChatModelListener> listeners) {
    this.listeners = List.copyOf(listeners);
    return this;
  }

  /**
   * The model.
   *
   * @throws UnsupportedFeatureException if the default parameters ask for what there is not
   * @throws InvalidRequestException if one of them is out of range
   */
  public M build() {
    return create.apply(new S3Chat(generator, modelName, defaults, listeners));
  }
}
