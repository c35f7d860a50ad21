package dev.s3llm.examples.speech.transcribe;

/**
 * A recording that is ready for the model. Immutable and thread-safe. It has 25 KB of features for
 * each second.
 */
public final class Speech {
  private final Features features;
  private final double[] facts;

  Speech(Features features, LengthEstimator estimator) {
    this.features = features;
    facts = estimator.facts(features);
  }

  /** Returns the length of the recording, in seconds. */
  public double seconds() {
    return features.seconds();
  }

  Features features() {
    return features;
  }

  /** Returns the facts that the length is estimated from. */
  double[] facts() {
    return facts;
  }
}
