package dev.s3llm.examples.server.openai;

import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** Makes responses of errors. */
public final class ErrorResponses {
  private ErrorResponses() {}

  /** The response that tells of an error. */
  public static Mono<ServerResponse> of(ApiException error) {
    ServerResponse.BodyBuilder response =
        ServerResponse.status(error.status()).contentType(MediaType.APPLICATION_JSON);
    error
        .retryAfterSeconds()
        .ifPresent(s -> response.header(HttpHeaders.RETRY_AFTER, String.valueOf(s)));
    return response.bodyValue(Json.write(error.body()));
  }
}
