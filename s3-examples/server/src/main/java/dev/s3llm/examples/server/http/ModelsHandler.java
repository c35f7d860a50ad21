package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.spring.ServedCall;
import java.util.List;
import java.util.Map;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** Handles the list of models, which has one. Thread-safe. */
public final class ModelsHandler {
  private final ServerSettings settings;

  /** Creates a handler of the model of these settings. */
  public ModelsHandler(ServerSettings settings) {
    this.settings = settings;
  }

  /** Handles {@code GET /v1/models}. */
  public Mono<ServerResponse> models(ServerRequest request) {
    return CallRunner.json(Map.of("object", "list", "data", List.of(model())));
  }

  /** Handles {@code GET /v1/models/{model}}. */
  public Mono<ServerResponse> model(ServerRequest request) {
    String name = request.pathVariable("model").substring(1); // without the path's slash
    return name.equals(settings.model())
        ? CallRunner.json(model())
        : ErrorResponses.of(ApiException.modelNotFound(name));
  }

  private Map<String, Object> model() {
    return Map.of(
        "id",
        settings.model(),
        "object",
        "model",
        "created",
        settings.started().getEpochSecond(),
        "owned_by",
        ServedCall.PROVIDER);
  }
}
