package dev.s3llm.error;

/** Thrown when prompt and output limit together exceed what the engine can hold for one request. */
public final class NeverFitsException extends RequestRefusedException {
  private static final long serialVersionUID = 1L;

  private final long neededTokens;
  private final long limitTokens;

  /**
   * Creates the refusal.
   *
   * @param requestId the id of the refused request
   * @param neededTokens tokens that the request may need: prompt and output limit; above {@code
   *     limitTokens}
   * @param limitTokens the most tokens that a request can have
   * @param limitName the name of the limit, for the message
   */
  public NeverFitsException(
      String requestId, long neededTokens, long limitTokens, String limitName) {
    super(
        requestId,
        Reason.NEVER_FITS,
        "prompt and maxNewTokens need %d tokens, but %s is %d; lower maxNewTokens or shorten the prompt"
            .formatted(neededTokens, limitName, limitTokens));
    this.neededTokens = neededTokens;
    this.limitTokens = limitTokens;
  }

  /** Returns the tokens that the request may need: prompt and output limit. */
  public long neededTokens() {
    return neededTokens;
  }

  /** Returns the most tokens that a request can have. */
  public long limitTokens() {
    return limitTokens;
  }
}
