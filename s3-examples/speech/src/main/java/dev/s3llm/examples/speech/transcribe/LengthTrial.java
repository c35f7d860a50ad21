package dev.s3llm.examples.speech.transcribe;

import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.predict.LengthQuery;
import java.util.List;

/** Measures how well an estimator, with its calibration, predicts lengths. */
public final class LengthTrial {
  private LengthTrial() {}

  /**
   * A recording that was transcribed.
   *
   * @param speech the recording
   * @param found length of the text that was found, from which the predictor learns
   * @param truth length of the true text
   */
  public record Sample(Speech speech, int found, int truth) {}

  /**
   * Predicts the length of each recording and then learns from its text, in order, as a transcriber
   * does.
   *
   * @param config the model's shape
   * @param estimator a new estimator
   * @param limit output limit of the requests
   * @param samples the recordings
   * @return the mean absolute difference of prediction and true length, in characters
   */
  public static double meanError(
      SpeechConfig config, LengthEstimator estimator, int limit, List<Sample> samples) {
    CanvasPredictor predictor = new CanvasPredictor(config);
    double errors = 0;
    for (Sample sample : samples) {
      Features features = sample.speech().features();
      double[] facts = estimator.facts(features);
      LengthQuery query =
          CanvasPredictor.query(
              SpeechConfig.encoderFrames(features.frames()),
              estimator.characters(facts),
              Decoding.Strategy.EASY_FIRST,
              limit);
      errors += Math.abs(predictor.open(query) - sample.truth());
      predictor.learn(query, sample.found());
      estimator.learn(facts, features.seconds(), sample.found());
    }
    return errors / samples.size();
  }
}
