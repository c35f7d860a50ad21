package dev.s3llm.examples.langchain4j;

import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.withLoggingExceptions;

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
import java.util.concurrent.Flow;

/**
 * {@link S3ChatModel}, piece by piece: to a handler, whose handle cancels, or as a publisher, whose
 * subscription does. Pieces come on the engine's callback executor, one at a time. Whoever cancels
 * hears nothing more.
 *
 * <p>What a caller did wrong is thrown; what goes wrong later goes to the handler. Thread-safe.
 */
public final class S3StreamingChatModel implements StreamingChatModel {
  private final S3Chat chat;

  private S3StreamingChatModel(S3Chat chat) {
    this.chat = chat;
  }

  /** Starts a model on a generator, which stays the caller's. */
  public static S3ChatBuilder<S3StreamingChatModel> builder(TextGenerator generator) {
    return new S3ChatBuilder<>(generator, S3StreamingChatModel::new);
  }

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
    generation.text().subscribe(new HandlerFeed(chat, generation, handler));
  }

  /** Each subscriber gets an answer of its own. */
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
}
