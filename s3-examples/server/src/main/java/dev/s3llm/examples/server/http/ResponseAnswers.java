package dev.s3llm.examples.server.http;

import dev.s3llm.Generation;
import dev.s3llm.examples.server.call.Answer;
import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.Finished;
import dev.s3llm.examples.server.openai.Json;
import dev.s3llm.examples.server.openai.OutputScores;
import dev.s3llm.examples.server.openai.ResponseEvent;
import dev.s3llm.examples.server.openai.ResponseObject;
import dev.s3llm.examples.server.openai.ResponseStream;
import dev.s3llm.examples.server.openai.ResponsesRequest;
import dev.s3llm.examples.server.openai.TokenTexts;
import dev.s3llm.text.TextGeneration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.publisher.Flux;

/** Responses in the form of the Responses API, which have one answer. */
final class ResponseAnswers implements Form {
  private final ResponsesRequest request;

  ResponseAnswers(ResponsesRequest request) {
    this.request = request;
  }

  @Override
  public Object whole(Started call, List<Finished> answers) {
    return new ResponseObject(call.head(), request).whole(answers.get(0), call.texts());
  }

  @Override
  public Flux<ServerSentEvent<String>> stream(
      Started call, Function<Throwable, ApiException> errors) {
    return Flux.defer(
        () -> {
          Answer answer = call.answers().get(0);
          ResponseStream stream =
              new ResponseStream(new ResponseObject(call.head(), request), scores(call, answer));
          return Flux.concat(
                  Flux.fromIterable(stream.opening()),
                  Answers.parts(answer).concatMapIterable(stream::event),
                  Answers.finished(answer).flatMapIterable(stream::ending))
              .onErrorResume(cause -> Flux.fromIterable(stream.failure(errors.apply(cause))))
              .map(ResponseAnswers::event);
        });
  }

  private static @Nullable OutputScores scores(Started call, Answer answer) {
    @Nullable TokenTexts texts = call.texts();
    Optional<Generation> generation = answer.generation().map(TextGeneration::generation);
    return texts == null
        ? null
        : new OutputScores(index -> generation.flatMap(one -> one.scores(index)), texts);
  }

  private static ServerSentEvent<String> event(ResponseEvent event) {
    return Events.typed(event.type(), Json.write(event.fields()));
  }
}
