package dev.s3llm;

/**
 * The engine makes no progress at present ({@link S3Engine#health}), so that it takes nothing new.
 */
public final class EngineUnhealthyException extends RetriableRefusalException {
  private static final long serialVersionUID = 1L;

  EngineUnhealthyException(String requestId, String reason) {
    super(requestId, "the engine makes no progress: " + reason);
  }
}
