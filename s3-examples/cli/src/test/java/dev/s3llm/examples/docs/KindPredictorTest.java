package dev.s3llm.examples.docs;

import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthPredictorContract;

class KindPredictorTest extends LengthPredictorContract {
  @Override
  protected LengthPredictor create() {
    return new KindPredictor();
  }
}
