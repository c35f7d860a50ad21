package dev.s3llm.examples.server.openai;

/** The endpoints that generate text. */
public enum Endpoint {
  CHAT("chat", "chatcmpl-", "messages"),
  COMPLETIONS("text_completion", "cmpl-", "prompt"),
  RESPONSES("chat", "resp_", "input");

  private final String operation;
  private final String idPrefix;
  private final String promptField;

  Endpoint(String operation, String idPrefix, String promptField) {
    this.operation = operation;
    this.idPrefix = idPrefix;
    this.promptField = promptField;
  }

  /** Returns OpenTelemetry's name of the operation. */
  public String operation() {
    return operation;
  }

  /** Returns the name of the field that has the prompt. */
  public String promptField() {
    return promptField;
  }

  /** Returns the prefix of ids. */
  public String idPrefix() {
    return idPrefix;
  }
}
