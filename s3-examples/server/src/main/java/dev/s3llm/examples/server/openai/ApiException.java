package dev.s3llm.examples.server.openai;

import dev.s3llm.error.FirstTokenTooLateException;
import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.text.ChatTemplateException;
import dev.s3llm.text.TextResult;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.http.HttpStatus;
import org.springframework.web.server.ResponseStatusException;
import tools.jackson.databind.exc.JsonNodeException;

/** An error that a client gets instead of an answer, in the terms of OpenAI's protocol. */
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
    super(
        message == null ? type : message,
        null,
        false,
        false); // cheap, as many may be thrown under load
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** Returns the error of a wrong field. */
  public static ApiException badField(String param, String message) {
    return new ApiException(400, INVALID, param, "invalid_value", null, message);
  }

  /** Returns the error of a wrong field, with a kind for programs. */
  static ApiException badField(String param, String code, String message) {
    return new ApiException(400, INVALID, param, code, null, message);
  }

  /** Returns the error of a field of an unsupported feature. */
  static ApiException unsupported(String param, String message) {
    return new ApiException(400, INVALID, param, "unsupported_parameter", null, message);
  }

  /** Returns the error of a request that is wrong as a whole. */
  public static ApiException badRequest(String message) {
    return new ApiException(400, INVALID, null, null, null, message);
  }

  /** Returns the error of a prompt and a limit that do not fit; the field is the one to change. */
  public static ApiException neverFits(String param, String message) {
    return new ApiException(400, INVALID, param, "context_length_exceeded", null, message);
  }

  /** Returns the error of an unknown model. */
  public static ApiException modelNotFound(String model) {
    return new ApiException(
        404,
        INVALID,
        "model",
        "model_not_found",
        null,
        "The model `%s` does not exist on this server.".formatted(model));
  }

  /** Returns the error of a missing or unknown API key. */
  public static ApiException unauthorized() {
    return new ApiException(
        401, INVALID, null, "invalid_api_key", null, "an API key of this server is needed");
  }

  /** Returns the error of a request whose body does not arrive. */
  public static ApiException tooSlow() {
    return new ApiException(
        408, INVALID, null, "request_timeout", null, "the request did not arrive in time");
  }

  /** Returns the error of a body in an encoding that is not known. */
  public static ApiException unsupportedEncoding() {
    return new ApiException(
        415,
        INVALID,
        null,
        "unsupported_encoding",
        null,
        "the body's content-encoding must be gzip or none");
  }

  /** Returns the error of a passed deadline. */
  public static ApiException timeout() {
    return new ApiException(
        504, "timeout_error", null, "deadline_exceeded", null, "the deadline passed");
  }

  /** Returns the error of a call whose client has disconnected; it is recorded, but not sent. */
  public static ApiException cancelled() {
    return new ApiException(499, "cancelled", null, null, null, "the client has gone");
  }

  /** Returns the error of a server that shuts down. */
  public static ApiException closing() {
    return unavailable("shutting_down", null, "the server is shutting down");
  }

  /** Returns the error of a full engine. */
  public static ApiException queueFull(Duration wait) {
    return busy(wait, "as many requests are live as this server takes; try later");
  }

  /**
   * Converts an exception.
   *
   * @param wait expected waiting time of a new request
   */
  public static ApiException of(Throwable cause, Duration wait) {
    if (cause instanceof ApiException known) {
      return known;
    }
    if (cause instanceof RequestRefusedException refusal) {
      return refused(refusal, wait);
    }
    if (cause instanceof GenerationFailedException failed && failed.retriable()) {
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

  /** Returns the error of a result; empty after a normal end. */
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

  /** Converts an exception of Spring. */
  public static ApiException of(ResponseStatusException web) {
    int status = web.getStatusCode().value();
    return status == HttpStatus.NOT_FOUND.value()
        ? new ApiException(status, INVALID, null, "unknown_url", null, "there is no such endpoint")
        : new ApiException(status, INVALID, null, null, null, web.getReason());
  }

  private static ApiException refused(RequestRefusedException refusal, Duration wait) {
    if (refusal instanceof FirstTokenTooLateException late) {
      return busy(late.retryAfter(), "the first token would come too late; try later");
    }
    return switch (refusal.reason()) {
      case QUEUE_FULL, FIRST_TOKEN_TOO_LATE -> queueFull(wait);
      case ENGINE_UNHEALTHY ->
          unavailable("engine_unavailable", wait, "the engine makes no progress now; try later");
      case ENGINE_CLOSED -> unavailable("engine_closed", null, "the server is shutting down");
      case NEVER_FITS, INVALID_REQUEST -> refused(String.valueOf(refusal.getMessage()));
    };
  }

  /**
   * Returns the error of a request that the engine has refused.
   *
   * @param message the engine's message, whose names are replaced by those of the protocol
   */
  public static ApiException refused(String message) {
    String text =
        message
            .replaceFirst("^request \\S+ refused: ", "")
            .replace("maxNewTokens", "max_tokens")
            .replace("minTokens", "min_tokens")
            .replace("logitBias", "logit_bias")
            .replace("promptTokens", "prompt");
    for (String param : List.of("min_tokens", "logit_bias", "prompt")) {
      if (text.startsWith(param)) {
        return badField(param, text);
      }
    }
    return badRequest(text);
  }

  private static ApiException busy(Duration retryAfter, String message) {
    return new ApiException(429, "rate_limit_error", null, "queue_full", retryAfter, message);
  }

  private static ApiException unavailable(
      String code, @Nullable Duration retryAfter, String message) {
    return new ApiException(503, "server_error", null, code, retryAfter, message);
  }

  /** Returns the HTTP status. */
  public int status() {
    return status;
  }

  /** Returns the seconds to wait before a new attempt, at least 1; empty if none can help. */
  public OptionalLong retryAfterSeconds() {
    return retryAfter == null
        ? OptionalLong.empty()
        : OptionalLong.of(Math.max(1, retryAfter.plusMillis(999).toSeconds()));
  }

  /** Returns the kind of the error for programs. */
  public String kind() {
    return code == null ? type : code;
  }

  /** Returns whether the server, not the request, is at fault. */
  public boolean internal() {
    return status == HttpStatus.INTERNAL_SERVER_ERROR.value();
  }

  /** Returns the response's body. */
  public ErrorBody body() {
    return new ErrorBody(new ErrorBody.Details(String.valueOf(getMessage()), type, param, code));
  }
}
