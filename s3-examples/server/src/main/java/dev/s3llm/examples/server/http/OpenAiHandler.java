package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.ChatRequest;
import dev.s3llm.examples.server.openai.CompletionForm;
import dev.s3llm.examples.server.openai.CompletionRequest;
import dev.s3llm.examples.server.openai.Endpoint;
import dev.s3llm.examples.server.openai.JsonFields;
import java.util.List;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** Handles chat completions and completions. Thread-safe. */
public final class OpenAiHandler {
  private final CallRunner runner;

  /** Creates a handler whose requests this runner answers. */
  public OpenAiHandler(CallRunner runner) {
    this.runner = runner;
  }

  /** Handles {@code POST /v1/chat/completions}. */
  public Mono<ServerResponse> chat(ServerRequest request) {
    return runner.answer(request, OpenAiHandler::chat);
  }

  private static Wanted chat(JsonFields fields) {
    ChatRequest chat = ChatRequest.read(fields);
    return Wanted.message(
        Endpoint.CHAT, chat.dialogue(), chat.options(), new CompletionAnswers(CompletionForm.CHAT));
  }

  /** Handles {@code POST /v1/completions}. */
  public Mono<ServerResponse> completions(ServerRequest request) {
    return runner.answer(request, OpenAiHandler::completions);
  }

  private static Wanted completions(JsonFields fields) {
    CompletionRequest asked = CompletionRequest.read(fields);
    List<Wanted.One> prompts =
        asked.prompts().stream()
            .map(prompt -> new Wanted.One(prompt.request(), prompt, asked.echo()))
            .toList();
    return new Wanted(
        Endpoint.COMPLETIONS,
        asked.options(),
        prompts,
        new CompletionAnswers(CompletionForm.TEXT),
        model -> {});
  }
}
