package dev.s3llm.langchain4j;

import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.withLoggingExceptions;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextRequest;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Flow;

/**
 * A {@link StreamingChatModel} on a {@link TextGenerator} of this process: {@link S3ChatModel} with
 * answers in pieces.
 *
 * <p>Pieces go to a handler, whose {@code StreamingHandle} cancels the request, or to a subscriber
 * of a publisher, whose subscription does. They are delivered on the engine's callback executor,
 * one at a time, and not after cancellation.
 *
 * <p>Invalid requests are refused by an exception of the called method; every later failure goes to
 * the handler or the subscriber. Thread-safe. The model does not close the generator.
 */
public final class S3StreamingChatModel implements StreamingChatModel {
  private final S3Chat chat;

  private S3StreamingChatModel(S3Chat chat) {
    this.chat = chat;
  }

  /**
   * Returns a builder of a model.
   *
   * @param generator runs the requests; remains owned by the caller, who closes it
   * @return a new builder
   */
  public static S3ChatBuilder<S3StreamingChatModel> builder(TextGenerator generator) {
    return new S3ChatBuilder<>(generator, S3StreamingChatModel::new);
  }

  /**
   * Submits a request and passes its answer to a handler.
   *
   * @throws dev.langchain4j.exception.LangChain4jException if the request is invalid
   */
  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    TextRequest text = chat.request(request);
    TextGeneration generation;
    try {
      generation = chat.submit(text);
    } catch (RuntimeException e) {
      withLoggingExceptions(() -> handler.onError(e));
      return;
    }
    generation.events().subscribe(new HandlerFeed(chat, generation, handler));
  }

  /**
   * Returns a publisher that submits the request anew for each subscriber.
   *
   * @throws dev.langchain4j.exception.LangChain4jException if the request is invalid
   */
  @Override
  public Flow.Publisher<ChatModelStreamingEvent> doChat(ChatRequest request) {
    TextRequest text = chat.request(request);
    return subscriber -> EventFeed.start(chat, text, subscriber);
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return chat.defaults();
  }

  @Override
  public List<ChatModelListener> listeners() {
    return chat.listeners();
  }

  /** Returns that answers keep a JSON schema of the request. */
  @Override
  public Set<Capability> supportedCapabilities() {
    return Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
  }
}
