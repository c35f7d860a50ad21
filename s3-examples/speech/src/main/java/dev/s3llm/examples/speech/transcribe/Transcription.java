package dev.s3llm.examples.speech.transcribe;

import java.time.Duration;

/**
 * The text of a recording, and what it took. Immutable.
 *
 * @param text capital letters and spaces; empty if nothing was understood
 * @param complete false if the canvas has reached its limit, so that the end of the text may be
 *     missing
 * @param audio the recording
 * @param canvas how the text was decoded
 * @param predictedCharacters length of the text as predicted at submission
 * @param preemptions how often the request was preempted
 * @param total time from submission to the end
 */
public record Transcription(
    String text,
    boolean complete,
    Audio audio,
    Canvas canvas,
    int predictedCharacters,
    int preemptions,
    Duration total) {

  /**
   * A recording.
   *
   * @param seconds its length
   * @param frames frames of the encoder, 25 a second, each of which takes one KV slot
   */
  public record Audio(double seconds, int frames) {}

  /**
   * How a text was decoded.
   *
   * @param size positions of the canvas; 0 if the text was decoded without one
   * @param passes passes over the canvas, those that preemptions made necessary again included; for
   *     left to right, the number of decoder steps; 0 without the decoder
   * @param doublings how often the canvas was doubled because no end fell on it
   */
  public record Canvas(int size, int passes, int doublings) {}
}
