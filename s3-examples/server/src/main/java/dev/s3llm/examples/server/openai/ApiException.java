package dev.s3llm.examples.server.openai;

import dev.s3llm.EngineClosedException;
import dev.s3llm.FirstTokenTooLateException;
import dev.s3llm.QueueFullException;
import dev.s3llm.RequestRefusedException;
import dev.s3llm.RetriableFailureException;
import dev.s3llm.RetriableRefusalException;
import dev.s3llm.text.TextResult;
import dev.s3llm.text.template.ChatTemplateException;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.http.HttpStatus;
import org.springframework.web.server.ResponseStatusException;
import tools.jackson.databind.exc.JsonNodeException;

/** A request that gets an error instead of an answer, as OpenAI's protocol says it. */
public final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final String INVALID = "invalid_request_error";

  private final int status;
  private final String type;
  private final @Nullable String param;
  private final @Nullable String code;
  private final @Nullable Duration retryAfter;

  private ApiException(
      int status,
      String type,
      @Nullable String param,
      @Nullable String code,
      @Nullable Duration retryAfter,
      @Nullable String message) {
    super(message == null ? type : message, null, false, false); // a flood of these must be cheap
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** A field of the request is wrong. */
  static ApiException badField(String param, String message) {
    return new ApiException(400, INVALID, param, "invalid_value", null, message);
  }

  /** A field asks for what this server does not do. */
  static ApiException unsupported(String param, String message) {
    return new ApiException(400, INVALID, param, "unsupported_parameter", null, message);
  }

  /** The request as a whole is wrong. */
  static ApiException badRequest(String message) {
    return new ApiException(400, INVALID, null, null, null, message);
  }

  /** Prompt and limit do not fit; the field is the one that is to blame. */
  static ApiException neverFits(String param, String message) {
    return new ApiException(400, INVALID, param, "context_length_exceeded", null, message);
  }

  static ApiException modelNotFound(String model) {
    return new ApiException(
        404, INVALID, "model", "model_not_found", null, "the model '" + model + "' is not here");
  }

  /** No API key, or an unknown one. */
  public static ApiException unauthorized() {
    return new ApiException(
        401, INVALID, null, "invalid_api_key", null, "an API key of this server is needed");
  }

  /** A request's body does not arrive. */
  static ApiException tooSlow() {
    return new ApiException(
        408, INVALID, null, "request_timeout", null, "the request did not arrive in time");
  }

  static ApiException timeout() {
    return new ApiException(
        504, "timeout_error", null, "deadline_exceeded", null, "the deadline passed");
  }

  /** Its client has gone, so that nobody is told. */
  static ApiException cancelled() {
    return new ApiException(499, "cancelled", null, null, null, "the client has gone");
  }

  static ApiException closing() {
    return unavailable("shutting_down", null, "the server is shutting down");
  }

  /** As many requests are live as the engine takes. */
  static ApiException queueFull(Duration wait) {
    return busy(wait, "as many requests are live as this server takes; try later");
  }

  /**
   * What an exception means to the client.
   *
   * @param wait what somebody who comes now waits for
   */
  static ApiException of(Throwable cause, Duration wait) {
    if (cause instanceof ApiException known) {
      return known;
    }
    if (cause instanceof RequestRefusedException refusal) {
      return refused(refusal, wait);
    }
    if (cause instanceof RetriableFailureException failed) { // a step's fault or the engine's
      return unavailable("generation_failed", wait, String.valueOf(failed.getMessage()));
    }
    if (cause instanceof RejectedExecutionException) {
      return busy(wait, "too many prompts wait to be read; try later");
    }
    if (cause instanceof ChatTemplateException) {
      return badField("messages", String.valueOf(cause.getMessage()));
    }
    if (cause instanceof JsonNodeException) {
      return badRequest("a value is out of range");
    }
    if (cause instanceof DataBufferLimitException) {
      return new ApiException(
          413, INVALID, null, "request_too_large", null, "the request's body is too large");
    }
    if (cause instanceof ResponseStatusException web) {
      return of(web);
    }
    return new ApiException(
        500,
        "server_error",
        null,
        "internal_error",
        null,
        "the request failed; see the server's log");
  }

  /** What was wrong with how a call ended that was taken; empty if nothing was. */
  public static Optional<ApiException> of(TextResult result) {
    return switch (result.finishReason()) {
      case STOP, LENGTH -> Optional.empty();
      case CANCELLED -> Optional.of(cancelled());
      case TIMEOUT -> Optional.of(timeout());
      case FAILED ->
          Optional.of(
              of(
                  result.generation().failure().orElseGet(IllegalStateException::new),
                  Duration.ZERO));
    };
  }

  /** What Spring refuses. */
  static ApiException of(ResponseStatusException web) {
    int status = web.getStatusCode().value();
    return status == HttpStatus.NOT_FOUND.value()
        ? new ApiException(status, INVALID, null, "unknown_url", null, "there is no such endpoint")
        : new ApiException(status, INVALID, null, null, null, web.getReason());
  }

  private static ApiException refused(RequestRefusedException refusal, Duration wait) {
    String message = String.valueOf(refusal.getMessage());
    if (refusal instanceof FirstTokenTooLateException late) {
      return busy(late.retryAfter(), message);
    }
    if (refusal instanceof QueueFullException) {
      return busy(wait, message);
    }
    if (refusal instanceof RetriableRefusalException) {
      return unavailable("engine_unavailable", wait, message);
    }
    if (refusal instanceof EngineClosedException) {
      return unavailable("engine_closed", null, message);
    }
    return badRequest(message);
  }

  private static ApiException busy(Duration retryAfter, String message) {
    return new ApiException(429, "rate_limit_error", null, "queue_full", retryAfter, message);
  }

  private static ApiException unavailable(
      String code, @Nullable Duration retryAfter, String message) {
    return new ApiException(503, "server_error", null, code, retryAfter, message);
  }

  /** The HTTP status. */
  public int status() {
    return status;
  }

  /** After how many seconds, at least one, to try again, where that can help. */
  public OptionalLong retryAfterSeconds() {
    return retryAfter == null
        ? OptionalLong.empty()
        : OptionalLong.of(Math.max(1, retryAfter.plusMillis(999).toSeconds()));
  }

  /** What went wrong, for programs. */
  public String kind() {
    return code == null ? type : code;
  }

  /** Whether it is the server's fault. */
  boolean internal() {
    return status == HttpStatus.INTERNAL_SERVER_ERROR.value();
  }

  /** The response's body. */
  public ErrorBody body() {
    return new ErrorBody(new ErrorBody.Details(String.valueOf(getMessage()), type, param, code));
  }
}
