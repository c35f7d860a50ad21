package dev.s3llm.examples.server.openai;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An event of a streamed response.
 *
 * @param type type of the event
 * @param fields its fields, the type among them
 */
public record ResponseEvent(String type, Map<String, @Nullable Object> fields) {

  /**
   * Creates an event.
   *
   * @param number number of the event in its stream, from 0
   */
  static ResponseEvent of(String type, int number) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("type", type);
    fields.put("sequence_number", number);
    return new ResponseEvent(type, fields);
  }

  /** Adds a field. */
  ResponseEvent with(String name, @Nullable Object value) {
    fields.put(name, value);
    return this;
  }
}
