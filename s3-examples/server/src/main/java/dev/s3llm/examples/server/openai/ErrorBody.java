package dev.s3llm.examples.server.openai;

import org.jspecify.annotations.Nullable;

/** An error as clients of the protocol expect it. */
public record ErrorBody(Details error) {

  /**
   * What is wrong.
   *
   * @param message for people
   * @param type class of the error
   * @param param the field that is to blame, if one is
   * @param code for programs
   */
  public record Details(
      String message, String type, @Nullable String param, @Nullable String code) {}
}
