package dev.s3llm.examples.server.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The response of a transcription.
 *
 * @param task always {@code transcribe}; null in the short form
 * @param language name of the language; null in the short form
 * @param duration length of the recording in seconds; null in the short form
 * @param text the text
 * @param segments always empty, because the model gives no times; null in the short form
 * @param usage what the recording took
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record TranscriptionAnswer(
    @Nullable String task,
    @Nullable String language,
    @Nullable Double duration,
    String text,
    @Nullable List<String> segments,
    Usage usage) {

  /**
   * What a recording took.
   *
   * @param type always {@code duration}
   * @param seconds length of the recording, rounded up
   * @param s3 decoding and scheduling, which are not part of OpenAI's protocol
   */
  public record Usage(String type, long seconds, S3 s3) {}

  /**
   * Decoding and scheduling of a recording.
   *
   * @param canvas positions of the canvas
   * @param passes passes over the canvas
   * @param doublings how often the canvas was doubled
   * @param predictedCharacters length of the text as predicted before the encoder
   * @param preemptions number of times that the request lost its KV memory
   * @param totalMs milliseconds from submission to the end
   */
  public record S3(
      int canvas,
      int passes,
      int doublings,
      int predictedCharacters,
      int preemptions,
      double totalMs) {}

  /**
   * Returns the short form.
   *
   * @param text the text
   * @param usage what the recording took
   */
  public static TranscriptionAnswer brief(String text, Usage usage) {
    return new TranscriptionAnswer(null, null, null, text, null, usage);
  }

  /**
   * Returns the long form.
   *
   * @param text the text
   * @param language name of the language
   * @param seconds length of the recording
   * @param usage what the recording took
   */
  public static TranscriptionAnswer verbose(
      String text, String language, double seconds, Usage usage) {
    return new TranscriptionAnswer("transcribe", language, seconds, text, List.of(), usage);
  }
}
