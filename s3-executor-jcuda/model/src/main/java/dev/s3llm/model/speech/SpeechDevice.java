package dev.s3llm.model.speech;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.StepBatch;
import java.util.List;

/**
 * The arithmetic of a speech model on one device, with its KV blocks. A result depends on its
 * sequence alone, bitwise, whatever else is in the same call.
 *
 * <p>Called from one thread. What a method throws fails the step.
 */
public interface SpeechDevice extends AutoCloseable {
  /** Returns the shape of the model. */
  SpeechConfig config();

  /** Returns memory and limits, which never change. From any thread. */
  ExecutorProfile profile();

  /**
   * Copies KV blocks to host memory, then from there.
   *
   * @param batch the step, of which the copies alone count
   */
  void copy(StepBatch batch);

  /**
   * Runs the encoder and the CTC branch over recordings. Writes the keys and values of the
   * decoder's cross-attention for frame {@code t} to KV slot {@code t}, computed from the encoder's
   * output plus the sinusoid of {@link CtcText#index}.
   *
   * @param recordings the recordings with the blocks of their sequences
   * @return the CTC branch's reading of each recording, in order
   */
  List<CtcText> encode(List<Recording> recordings);

  /**
   * Runs the decoder once over some canvases.
   *
   * @param passes the canvases; the recordings of their sequences are encoded
   * @return the logits of all rows, {@code [row][vocabulary]}, one canvas after another
   */
  float[] decode(List<CanvasPass> passes);

  /** Releases the model and its memory. Idempotent. */
  @Override
  void close();
}
