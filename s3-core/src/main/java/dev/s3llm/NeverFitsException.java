package dev.s3llm;

/** Prompt and output limit together exceed what the engine can ever hold. */
public final class NeverFitsException extends FinalRefusalException {
  private static final long serialVersionUID = 1L;

  private final long neededTokens;
  private final long limitTokens;

  NeverFitsException(String requestId, long neededTokens, long limitTokens, String what) {
    super(
        requestId,
        "prompt and maxNewTokens need %d tokens, but %s is %d; lower maxNewTokens or shorten the prompt"
            .formatted(neededTokens, what, limitTokens));
    this.neededTokens = neededTokens;
    this.limitTokens = limitTokens;
  }

  /** Tokens that the request may need. */
  public long neededTokens() {
    return neededTokens;
  }

  /** Tokens that a sequence can have. */
  public long limitTokens() {
    return limitTokens;
  }
}
