package dev.s3llm;

/** The request's own sampler, or a callback of its own, threw. */
public final class RequestFaultException extends FinalFailureException {
  private static final long serialVersionUID = 1L;

  RequestFaultException(String requestId, Throwable cause) {
    super(requestId, "its sampler or its callback threw", cause);
  }
}
