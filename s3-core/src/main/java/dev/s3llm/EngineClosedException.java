package dev.s3llm;

/** The engine was closed, or lost its executor. */
public final class EngineClosedException extends FinalRefusalException {
  private static final long serialVersionUID = 1L;

  EngineClosedException(String requestId, String why) {
    super(requestId, why);
  }
}
