package dev.s3llm.examples.server.openai;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The fields of a transcription request beside its file. The fields {@code language}, {@code
 * prompt} and {@code temperature} have no effect.
 *
 * @param model name of the model, if the request has one
 * @param format form of the response
 * @param language the client's name of the language; English if it names none
 */
public record TranscriptionRequest(Optional<String> model, Format format, String language) {

  /** Forms of the response. */
  public enum Format {
    JSON,
    TEXT,
    VERBOSE_JSON
  }

  /**
   * Reads the fields of a form.
   *
   * @param fields the text fields, by name
   * @throws ApiException if a field is wrong or not supported
   */
  public static TranscriptionRequest read(Map<String, String> fields) {
    if (Boolean.parseBoolean(fields.getOrDefault("stream", "false"))) {
      throw ApiException.unsupported("stream", "stream is not supported; leave it out");
    }
    for (String name : new String[] {"timestamp_granularities", "timestamp_granularities[]"}) {
      if (fields.containsKey(name)) {
        throw ApiException.unsupported(name, "the model gives no times; leave " + name + " out");
      }
    }
    checkTemperature(fields.getOrDefault("temperature", "0"));
    return new TranscriptionRequest(
        Optional.ofNullable(fields.get("model")),
        format(fields.getOrDefault("response_format", "json")),
        fields.getOrDefault("language", "english"));
  }

  private static void checkTemperature(String value) {
    double temperature;
    try {
      temperature = Double.parseDouble(value);
    } catch (NumberFormatException e) {
      temperature = Double.NaN;
    }
    if (!(temperature >= 0 && temperature <= 1)) {
      throw ApiException.badField("temperature", "temperature must be a number from 0 to 1");
    }
  }

  private static Format format(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "json" -> Format.JSON;
      case "text" -> Format.TEXT;
      case "verbose_json" -> Format.VERBOSE_JSON;
      default ->
          throw ApiException.badField(
              "response_format", "response_format must be json, text or verbose_json");
    };
  }
}
