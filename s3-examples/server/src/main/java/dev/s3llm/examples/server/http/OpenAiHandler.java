package dev.s3llm.examples.server.http;

import dev.s3llm.GenerationRequest;
import dev.s3llm.examples.server.call.Call;
import dev.s3llm.examples.server.call.Submitter;
import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.ChatRequest;
import dev.s3llm.examples.server.openai.CompletionRequest;
import dev.s3llm.examples.server.openai.Endpoint;
import dev.s3llm.examples.server.openai.GenerationOptions;
import dev.s3llm.examples.server.openai.Json;
import dev.s3llm.examples.server.openai.JsonFields;
import dev.s3llm.spring.ServedCall;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextRequest;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.BodyInserters;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/** Handles the endpoints of OpenAI's protocol. Thread-safe. */
public final class OpenAiHandler {
  private static final Logger log = LoggerFactory.getLogger(OpenAiHandler.class);

  private final Submitter submitter;
  private final ServerSettings settings;

  /** Creates a handler that submits calls to this submitter. */
  public OpenAiHandler(Submitter submitter, ServerSettings settings) {
    this.submitter = submitter;
    this.settings = settings;
  }

  /** Handles {@code POST /v1/chat/completions}. */
  public Mono<ServerResponse> chat(ServerRequest request) {
    return answer(
        request,
        fields -> {
          ChatRequest chat = ChatRequest.read(fields);
          return new Wanted(
              Endpoint.CHAT, chat.options(), TextRequest.builder().messages(chat.messages()));
        });
  }

  /** Handles {@code POST /v1/completions}. */
  public Mono<ServerResponse> completions(ServerRequest request) {
    return answer(
        request,
        fields -> {
          CompletionRequest asked = CompletionRequest.read(fields);
          TextRequest.Builder text = TextRequest.builder().prompt(asked.prompt());
          return new Wanted(Endpoint.COMPLETIONS, asked.options(), text);
        });
  }

  /** Handles {@code GET /v1/models}. */
  public Mono<ServerResponse> models(ServerRequest request) {
    return json(Map.of("object", "list", "data", List.of(model())));
  }

  /** Handles {@code GET /v1/models/{model}}. */
  public Mono<ServerResponse> model(ServerRequest request) {
    String name = request.pathVariable("model").substring(1); // without the path's slash
    return name.equals(settings.model())
        ? json(model())
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

  /** A request's fields, read by its endpoint. */
  private record Wanted(
      Endpoint endpoint, GenerationOptions options, TextRequest.Builder request) {}

  private Mono<ServerResponse> answer(ServerRequest request, Function<JsonFields, Wanted> read) {
    return Bodies.readDecoded(request, settings.maxRequestBytes(), settings.requestTimeout())
        .map(Json::read)
        .map(read)
        .flatMap(wanted -> Mono.deferContextual(parent -> run(request, wanted, parent)))
        .onErrorResume(cause -> ErrorResponses.of(error(cause)));
  }

  private Mono<ServerResponse> run(ServerRequest request, Wanted wanted, ContextView parent) {
    GenerationOptions options = wanted.options();
    options
        .model()
        .filter(name -> !name.equals(settings.model()))
        .ifPresent(
            name -> {
              throw ApiException.modelNotFound(name);
            });
    Call call = new Call(wanted.endpoint(), options.limitField(), settings.model(), parent);
    CallFilter.attach(request, call);
    Optional<String> tenant = CallFilter.tenant(request).or(options::user);
    TextRequest.Builder text = wanted.request().stop(options.stop());
    limit(options, text);
    text.configure(engineRequest -> configure(engineRequest, call, options, tenant));
    return submitter
        .submit(call, text.build())
        .flatMap(
            generation ->
                options.stream()
                    ? Answers.taken(generation, settings.firstTokenWithin())
                        .then(stream(call, generation, options.includeUsage()))
                    : whole(call, generation));
  }

  private void limit(GenerationOptions options, TextRequest.Builder text) {
    int most = settings.maxOutputTokens();
    if (options.maxTokens().isEmpty()) {
      text.maxNewTokensThatFit(most);
      return;
    }
    int limit = options.maxTokens().getAsInt();
    if (limit > most) {
      throw ApiException.badField(
          options.limitField(),
          "%s is %d, but this server generates at most %d tokens"
              .formatted(options.limitField(), limit, most));
    }
    text.maxNewTokens(limit);
  }

  private void configure(
      GenerationRequest.Builder request,
      Call call,
      GenerationOptions options,
      Optional<String> tenant) {
    request.id(call.id()).sampling(options.sampling());
    if (options.minTokens() > 0) {
      request.minTokens(options.minTokens());
    }
    if (options.ignoreEos()) {
      request.stopTokens();
    }
    tenant.ifPresent(request::tenant);
    settings.firstTokenWithin().ifPresent(request::firstTokenWithin);
    settings.deadline().ifPresent(request::deadline);
  }

  private static Mono<ServerResponse> whole(Call call, TextGeneration generation) {
    return Mono.fromFuture(generation.result())
        .flatMap(result -> json(Answers.whole(call, result)));
  }

  private Mono<ServerResponse> stream(Call call, TextGeneration generation, boolean usage) {
    return ServerResponse.ok()
        .contentType(MediaType.TEXT_EVENT_STREAM)
        .header(HttpHeaders.CACHE_CONTROL, "no-cache")
        .header("X-Accel-Buffering", "no") // nginx would collect the pieces
        .body(
            BodyInserters.fromServerSentEvents(
                Answers.stream(call, generation, usage, settings.heartbeat(), this::error)));
  }

  private ApiException error(Throwable cause) {
    Throwable real =
        cause instanceof CompletionException && cause.getCause() != null ? cause.getCause() : cause;
    ApiException error = ApiException.of(real, submitter.expectedWait());
    if (error.internal() && error != real) { // an ApiException was logged where it was created
      log.warn("a request failed", real);
    }
    return error;
  }

  private static Mono<ServerResponse> json(Object body) {
    return ServerResponse.ok().contentType(MediaType.APPLICATION_JSON).bodyValue(Json.write(body));
  }
}
