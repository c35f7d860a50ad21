package dev.s3llm.examples.cli.generate;

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
  /** Learns the lengths from the finished answers of this run. */
  EMPIRICAL("empirical");

  private final String label;

  PredictorChoice(String label) {
    this.label = label;
  }

  /**
   * Creates a predictor.
   *
   * @param lengthModel the folder of the classifier; unused by {@link #EMPIRICAL}
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
