package dev.s3llm.examples.server.openai;

import org.jspecify.annotations.Nullable;

/** An error response of the protocol. */
public record ErrorBody(Details error) {

  /**
   * The error.
   *
   * @param message explanation for people
   * @param type class of the error
   * @param param name of the wrong field; null if no single field is wrong
   * @param code kind of the error for programs
   */
  public record Details(
      String message, String type, @Nullable String param, @Nullable String code) {}
}
