package dev.s3llm.examples.cli;

import dev.s3llm.onnx.OnnxLengthPredictor;
import dev.s3llm.predict.CalibratedPredictor;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.HintedPredictor;
import dev.s3llm.predict.LengthPredictor;
import java.nio.file.Path;

/** Length predictors that {@code generate} offers. */
enum PredictorChoice {
  /** The trained classifier, calibrated online. */
  ONNX("onnx"),
  /** What was learned from the answers of this run. */
  EMPIRICAL("empirical");

  private final String label;

  PredictorChoice(String label) {
    this.label = label;
  }

  /**
   * A new predictor.
   *
   * @param lengthModel folder of the classifier
   */
  LengthPredictor create(Path lengthModel) {
    return switch (this) {
      case ONNX -> new CalibratedPredictor(OnnxLengthPredictor.load(lengthModel));
      case EMPIRICAL -> new HintedPredictor(new EmpiricalLengthPredictor());
    };
  }

  @Override
  public String toString() {
    return label;
  }
}
