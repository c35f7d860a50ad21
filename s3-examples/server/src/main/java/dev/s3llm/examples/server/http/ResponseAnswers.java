package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.call.Answer;
import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.Finished;
import dev.s3llm.examples.server.openai.Json;
import dev.s3llm.examples.server.openai.ResponseEvent;
import dev.s3llm.examples.server.openai.ResponseObject;
import dev.s3llm.examples.server.openai.ResponseStream;
import dev.s3llm.examples.server.openai.ResponsesRequest;
import java.util.List;
import java.util.function.Function;
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
    return new ResponseObject(call.head(), request).whole(answers.get(0));
  }

  @Override
  public Flux<ServerSentEvent<String>> stream(
      Started call, Function<Throwable, ApiException> errors) {
    return Flux.defer(
        () -> {
          Answer answer = call.answers().get(0);
          ResponseStream stream = new ResponseStream(new ResponseObject(call.head(), request));
          return Flux.concat(
                  Flux.fromIterable(stream.opening()),
                  Answers.parts(answer).concatMapIterable(stream::event),
                  Answers.finished(answer).flatMapIterable(stream::ending))
              .onErrorResume(cause -> Flux.fromIterable(stream.failure(errors.apply(cause))))
              .map(ResponseAnswers::event);
        });
  }

  private static ServerSentEvent<String> event(ResponseEvent event) {
    return Events.typed(event.type(), Json.write(event.fields()));
  }
}
