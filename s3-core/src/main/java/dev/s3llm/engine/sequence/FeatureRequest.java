package dev.s3llm.engine.sequence;

/**
 * Whether the step of a sequence requests features, and whether the predictor still works on the
 * latest ones: at most one request is open. Only the loop's thread writes it; the executor reads
 * {@link #open} while a step is in flight.
 */
public final class FeatureRequest {
  private boolean open;
  private boolean pending;

  /** Output tokens that the features of the latest request depend on. */
  private int knownTokens;

  /** Output tokens from which the next features are requested. */
  private int nextTokens;

  FeatureRequest() {}

  /**
   * Decides whether the step that starts now requests features.
   *
   * @param allowed whether the step can return features
   * @param committedTokens output tokens so far
   */
  public void startStep(boolean allowed, int committedTokens) {
    open = allowed && !pending && committedTokens >= nextTokens;
    if (open) {
      knownTokens = committedTokens;
    }
  }

  /** Returns whether the latest step requests features. */
  public boolean open() {
    return open;
  }

  /**
   * Records that the predictor has received the features of the latest step.
   *
   * @param interval tokens from one request to the next, at least 1
   * @return the number of output tokens that they depend on
   */
  public int read(int interval) {
    open = false;
    pending = true;
    nextTokens = (int) Math.min(Integer.MAX_VALUE, (long) knownTokens + interval);
    return knownTokens;
  }

  /** Records that the predictor has answered, or has failed. */
  public void answered() {
    pending = false;
  }
}
