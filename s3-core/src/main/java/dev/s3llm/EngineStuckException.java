package dev.s3llm;

/**
 * The engine made no progress for twice its limit ({@link EngineBuilder#stuckAfter}); the message
 * names the thread that is stuck.
 */
public final class EngineStuckException extends RetriableFailureException {
  private static final long serialVersionUID = 1L;

  EngineStuckException(String requestId, Throwable cause) {
    super(requestId, "the engine is stuck", cause);
  }
}
