package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.Finished;
import java.util.List;
import java.util.function.Function;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.publisher.Flux;

/** The form of an endpoint's responses. */
interface Form {
  /**
   * Returns the body of a whole response, which is written as JSON.
   *
   * @param answers the answers, in order
   */
  Object whole(Started call, List<Finished> answers);

  /**
   * Returns the events of a response in pieces. The stream never fails: an error is its last event.
   *
   * @param errors converts exceptions
   */
  Flux<ServerSentEvent<String>> stream(Started call, Function<Throwable, ApiException> errors);
}
