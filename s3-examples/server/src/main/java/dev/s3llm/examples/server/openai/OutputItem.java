package dev.s3llm.examples.server.openai;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** An item of a response's output, with its events: a message of text. Not thread-safe. */
final class OutputItem {
  private final Kind kind;
  private final String id;
  private final int index;
  private final Function<String, ResponseEvent> events;
  private final StringBuilder text = new StringBuilder();

  /** Kinds of items. */
  enum Kind {
    TEXT("msg_", "response.output_text");

    private final String idPrefix;
    private final String event;

    Kind(String idPrefix, String event) {
      this.idPrefix = idPrefix;
      this.event = event;
    }

    String idPrefix() {
      return idPrefix;
    }
  }

  /**
   * Creates an item.
   *
   * @param index its place in the output
   * @param events adds an event of a type to the stream
   */
  OutputItem(Kind kind, String id, int index, Function<String, ResponseEvent> events) {
    this.kind = kind;
    this.id = id;
    this.index = index;
    this.events = events;
  }

  Kind kind() {
    return kind;
  }

  void begin() {
    events
        .apply("response.output_item.added")
        .with("output_index", index)
        .with("item", item("in_progress", List.of()));
    place("response.content_part.added").with("part", part(""));
  }

  void append(String piece) {
    text.append(piece);
    place(kind.event + ".delta").with("delta", piece).with("logprobs", List.of());
  }

  /** Adds the events of the end and returns the whole item. */
  Map<String, @Nullable Object> end(String status) {
    place(kind.event + ".done").with("text", text.toString()).with("logprobs", List.of());
    place("response.content_part.done").with("part", part(text.toString()));
    Map<String, @Nullable Object> whole = item(status, List.of(part(text.toString())));
    events.apply("response.output_item.done").with("output_index", index).with("item", whole);
    return whole;
  }

  private ResponseEvent place(String type) {
    return events
        .apply(type)
        .with("item_id", id)
        .with("output_index", index)
        .with("content_index", 0);
  }

  private Map<String, @Nullable Object> item(String status, List<?> content) {
    return ResponseStream.map(
        "id", id, "type", "message", "status", status, "role", "assistant", "content", content);
  }

  private static Map<String, @Nullable Object> part(String text) {
    return ResponseStream.map(
        "type", "output_text", "text", text, "annotations", List.of(), "logprobs", List.of());
  }
}
