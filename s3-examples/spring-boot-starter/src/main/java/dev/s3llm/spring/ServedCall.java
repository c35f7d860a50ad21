package dev.s3llm.spring;

import java.time.Instant;
import java.util.Objects;

/**
 * A request of an application's client, as meters and spans describe it.
 *
 * @param operation name of the operation by OpenTelemetry's conventions, such as {@code chat}
 * @param model name of the model
 * @param id id of the response
 * @param created time at which the application received the request
 * @param submitted time at which the engine accepted the request; {@code created} before that
 */
public record ServedCall(
    String operation, String model, String id, Instant created, Instant submitted) {
  /** The value of OpenTelemetry's attribute {@code gen_ai.provider.name}. */
  public static final String PROVIDER = "s3llm";

  /** Checks that every value is given. */
  public ServedCall {
    Objects.requireNonNull(operation, "operation");
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(created, "created");
    Objects.requireNonNull(submitted, "submitted");
  }
}
