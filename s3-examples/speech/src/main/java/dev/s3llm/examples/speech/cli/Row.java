package dev.s3llm.examples.speech.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.speech.transcribe.Transcription;

/**
 * What {@code transcribe} writes about a file. The numbers of a file that could not be transcribed
 * are 0.
 */
final class Row {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Row() {}

  /** Returns the line of JSON about a file that was transcribed. */
  static String of(String file, Transcription result) {
    Transcription.Canvas canvas = result.canvas();
    ObjectNode row =
        JSON.createObjectNode()
            .put("file", file)
            .put("text", result.text())
            .put("seconds", Math.round(result.audio().seconds() * 1000) / 1000.0)
            .put("frames", result.audio().frames())
            .put("canvas", canvas.size())
            .put("passes", canvas.passes())
            .put("predicted", result.predictedCharacters())
            .put("doublings", canvas.doublings())
            .put("preemptions", result.preemptions())
            .put("total_ms", Math.round(result.total().toNanos() / 1e4) / 100.0);
    return line(row);
  }

  /** Returns the line of JSON about a file that could not be transcribed. */
  static String ofError(String file, double seconds, String message) {
    ObjectNode row =
        JSON.createObjectNode()
            .put("file", file)
            .put("text", "")
            .put("seconds", Math.round(seconds * 1000) / 1000.0)
            .put("frames", 0)
            .put("canvas", 0)
            .put("passes", 0)
            .put("predicted", 0)
            .put("doublings", 0)
            .put("preemptions", 0)
            .put("total_ms", 0.0)
            .put("error", message);
    return line(row);
  }

  private static String line(ObjectNode row) {
    try {
      return JSON.writeValueAsString(row);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("an object of numbers and texts is always JSON", e);
    }
  }
}
