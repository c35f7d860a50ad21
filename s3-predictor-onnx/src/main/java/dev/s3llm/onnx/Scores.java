package dev.s3llm.onnx;

/**
 * What the model says of one prompt.
 *
 * @param logits one for each length bucket
 * @param embedding the vector that the logits were computed from
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
record Scores(float[] logits, float[] embedding) {

  /**
   * Refuses infinities and what is no number.
   *
   * @throws LengthModelException naming the output and the first such value
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
