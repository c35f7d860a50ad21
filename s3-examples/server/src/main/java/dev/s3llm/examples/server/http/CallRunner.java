package dev.s3llm.examples.server.http;

import dev.s3llm.GenerationRequest;
import dev.s3llm.examples.server.call.Asked;
import dev.s3llm.examples.server.call.Call;
import dev.s3llm.examples.server.call.Submitter;
import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.GenerationOptions;
import dev.s3llm.examples.server.openai.Grammars;
import dev.s3llm.examples.server.openai.Json;
import dev.s3llm.examples.server.openai.JsonFields;
import dev.s3llm.examples.server.openai.OutputLimit;
import dev.s3llm.examples.server.openai.TokenTexts;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/** Reads the requests of clients, submits them and answers them. Thread-safe. */
public final class CallRunner {
  private static final Logger log = LoggerFactory.getLogger(CallRunner.class);

  private final Submitter submitter;
  private final ServerSettings settings;
  private final RequestThreads threads;
  private final TextModel model;
  private final TokenTexts texts;
  private final Grammars grammars = new Grammars();

  /**
   * Creates a runner.
   *
   * @param submitter submits calls
   * @param settings of the endpoints
   * @param threads read the requests
   * @param model the model that answers
   */
  public CallRunner(
      Submitter submitter, ServerSettings settings, RequestThreads threads, TextModel model) {
    this.model = model;
    this.texts = new TokenTexts(model);
    this.submitter = submitter;
    this.settings = settings;
    this.threads = threads;
  }

  /**
   * Answers a request.
   *
   * @param read reads the fields of the request's body
   */
  Mono<ServerResponse> answer(ServerRequest request, Function<JsonFields, Wanted> read) {
    return Bodies.readDecoded(request, settings.maxRequestBytes(), settings.requestTimeout())
        .publishOn(threads.scheduler()) // the body arrives on an event loop
        .map(Json::read)
        .map(read)
        .flatMap(wanted -> Mono.deferContextual(parent -> run(request, wanted, parent)))
        .onErrorResume(cause -> ErrorResponses.of(error(cause)));
  }

  private Mono<ServerResponse> run(ServerRequest request, Wanted wanted, ContextView parent) {
    GenerationOptions options = wanted.options();
    requireModel(options);
    wanted.check().accept(model);
    Call call = new Call(wanted.endpoint(), options.limit().field(), settings.model(), parent);
    CallFilter.attach(request, call);
    Optional<String> tenant = CallFilter.tenant(request).or(options::user);
    List<Asked> prompts = new ArrayList<>();
    for (Wanted.One one : wanted.prompts()) {
      String id = prompts.isEmpty() ? call.id() : call.id() + "/" + prompts.size();
      prompts.add(asked(one, options, to -> configure(to.id(id), options, tenant)));
    }
    return submitter
        .submit(call, prompts)
        .map(answers -> new Started(call, options, answers, texts(options)))
        .flatMap(started -> respond(started, wanted.form()));
  }

  private @Nullable TokenTexts texts(GenerationOptions options) {
    return options.delivery().logProbabilities() < 0 ? null : texts;
  }

  private void requireModel(GenerationOptions options) {
    String name = options.model().orElse(settings.model());
    if (!name.equals(settings.model())) {
      throw ApiException.modelNotFound(name);
    }
  }

  private Mono<ServerResponse> respond(Started started, Form form) {
    if (started.options().delivery().stream()) {
      return Answers.taken(started.answers(), settings.firstTokenWithin())
          .then(Events.response(form.stream(started, this::error), settings.heartbeat()));
    }
    return started
        .finished()
        .map(answers -> form.whole(started, answers))
        .flatMap(CallRunner::json);
  }

  private Asked asked(
      Wanted.One one, GenerationOptions options, Consumer<GenerationRequest.Builder> configure) {
    TextRequest.Builder text = one.request().stop(options.stop()).configure(configure);
    grammars.of(options.format()).ifPresent(text::constraint);
    boolean generates = options.limit().most().orElse(1) > 0;
    if (generates) {
      limit(options.limit(), text);
    }
    return new Asked(text.build(), options.answers(), one.prompt(), one.echo(), generates);
  }

  private void limit(OutputLimit limit, TextRequest.Builder text) {
    int most = settings.maxOutputTokens();
    if (limit.most().isEmpty()) {
      text.maxNewTokensThatFit(most);
      return;
    }
    int tokens = limit.most().getAsInt();
    if (tokens > most) {
      throw ApiException.badField(
          limit.field(),
          "%s is too large: %d. This server generates at most %d completion tokens."
              .formatted(limit.field(), tokens, most));
    }
    text.maxNewTokens(tokens);
  }

  private void configure(
      GenerationRequest.Builder request, GenerationOptions options, Optional<String> tenant) {
    request.sampling(options.sampling());
    int alternatives = options.delivery().logProbabilities();
    if (alternatives >= 0 || options.chooses()) {
      request.logProbabilities(Math.max(0, alternatives));
    }
    if (options.limit().least() > 0) {
      request.minTokens(options.limit().least());
    }
    if (options.limit().ignoreEos()) {
      request.stopTokens();
    }
    tenant.ifPresent(request::tenant);
    settings.firstTokenWithin().ifPresent(request::firstTokenWithin);
    settings.deadline().ifPresent(request::deadline);
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

  static Mono<ServerResponse> json(Object body) {
    return ServerResponse.ok().contentType(MediaType.APPLICATION_JSON).bodyValue(Json.write(body));
  }
}
