package dev.s3llm.onnx;

/**
 * The outputs of a model for one prompt.
 *
 * @param logits one for each length bucket
 * @param embedding the vector from which the logits were computed
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Scores(float[] logits, float[] embedding) {

  /**
   * Returns these scores if all values are finite.
   *
   * @throws LengthModelException if one is not, naming the output and the value
   */
  Scores requireFinite() {
    requireFinite(LengthClassifier.LOGITS, logits);
    requireFinite(LengthClassifier.EMBEDDING, embedding);
    return this;
  }

  private static void requireFinite(String name, float[] row) {
    for (float value : row) {
      if (!Float.isFinite(value)) {
        throw new LengthModelException("the model's output '" + name + "' holds " + value);
      }
    }
  }
}
