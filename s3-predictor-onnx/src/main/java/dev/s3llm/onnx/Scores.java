package dev.s3llm.onnx;

/**
 * What the model says of one prompt.
 *
 * @param logits one for each length bucket
 * @param embedding the vector that the logits were computed from
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
record Scores(float[] logits, float[] embedding) {}
