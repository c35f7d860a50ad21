package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.Endpoint;
import dev.s3llm.examples.server.openai.JsonFields;
import dev.s3llm.examples.server.openai.ResponsesRequest;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** Handles the Responses API. Thread-safe. */
public final class ResponsesHandler {
  private final CallRunner runner;

  /** Creates a handler whose requests this runner answers. */
  public ResponsesHandler(CallRunner runner) {
    this.runner = runner;
  }

  /** Handles {@code POST /v1/responses}. */
  public Mono<ServerResponse> create(ServerRequest request) {
    return runner.answer(request, ResponsesHandler::read);
  }

  private static Wanted read(JsonFields fields) {
    ResponsesRequest asked = ResponsesRequest.read(fields);
    return Wanted.message(
        Endpoint.RESPONSES, asked.dialogue(), asked.options(), new ResponseAnswers(asked));
  }
}
