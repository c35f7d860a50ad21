package dev.s3llm.examples.server.openai;

import dev.s3llm.GenerationResult.TokenScores;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An item of a response's output, with its events: a message, reasoning, or a call of a function.
 * Not thread-safe.
 */
abstract class OutputItem {
  private final String id;
  private final int index;
  private final Function<String, ResponseEvent> events;
  private final StringBuilder text = new StringBuilder();

  /**
   * Creates an item.
   *
   * @param id id of the item
   * @param index its place in the output
   * @param events adds an event of a type to the stream
   */
  OutputItem(String id, int index, Function<String, ResponseEvent> events) {
    this.id = id;
    this.index = index;
    this.events = events;
  }

  /** Returns the item; its text is {@link #text}. */
  abstract Map<String, @Nullable Object> item(String status, boolean begun);

  /** Adds the events behind that of the item's begin. */
  abstract void begun();

  /** Adds the event of a piece of text. */
  abstract void piece(String piece);

  /** Adds the events before that of the item's end. */
  abstract void ending();

  final void begin() {
    place("response.output_item.added", "item", item("in_progress", true));
    begun();
  }

  final void append(String piece) {
    text.append(piece);
    piece(piece);
  }

  /** Adds the events of the end and returns the whole item. */
  final Map<String, @Nullable Object> end(String status) {
    ending();
    Map<String, @Nullable Object> whole = item(status, false);
    place("response.output_item.done", "item", whole);
    return whole;
  }

  final String id() {
    return id;
  }

  final String text() {
    return text.toString();
  }

  private void place(String type, String name, Object value) {
    events.apply(type).with("output_index", index).with(name, value);
  }

  /** Adds an event that names the item. */
  final ResponseEvent event(String type) {
    return events.apply(type).with("item_id", id).with("output_index", index);
  }

  /** A message of text, or reasoning. */
  static final class Text extends OutputItem {
    private final boolean reasoning;
    private final @Nullable OutputScores scores;
    private final List<TokenScores> all = new ArrayList<>();

    /**
     * Creates an item.
     *
     * @param scores log probabilities; null if the client wants none
     */
    Text(
        boolean reasoning,
        String id,
        int index,
        Function<String, ResponseEvent> events,
        @Nullable OutputScores scores) {
      super(id, index, events);
      this.reasoning = reasoning;
      this.scores = scores;
    }

    boolean isReasoning() {
      return reasoning;
    }

    private String type() {
      return reasoning ? "reasoning_text" : "output_text";
    }

    @Override
    Map<String, @Nullable Object> item(String status, boolean begun) {
      List<?> content = begun ? List.of() : List.of(part(text()));
      return reasoning
          ? ResponseStream.map(
              "id",
              id(),
              "type",
              "reasoning",
              "status",
              status,
              "summary",
              List.of(),
              "content",
              content)
          : ResponseStream.map(
              "id",
              id(),
              "type",
              "message",
              "status",
              status,
              "role",
              "assistant",
              "content",
              content);
    }

    private Map<String, @Nullable Object> part(String text) {
      Map<String, @Nullable Object> part = ResponseStream.map("type", type(), "text", text);
      if (!reasoning) {
        part.put("annotations", List.of());
        part.put("logprobs", text.isEmpty() ? List.of() : logprobs(all, true));
      }
      return part;
    }

    @Override
    void begun() {
      inPart("response.content_part.added").with("part", part(""));
    }

    @Override
    void piece(String piece) {
      List<TokenScores> own = scores == null ? List.of() : scores.take(piece);
      all.addAll(own);
      withLogprobs(inPart("response." + type() + ".delta").with("delta", piece), own);
    }

    @Override
    void ending() {
      withLogprobs(inPart("response." + type() + ".done").with("text", text()), all);
      inPart("response.content_part.done").with("part", part(text()));
    }

    private ResponseEvent inPart(String type) {
      return event(type).with("content_index", 0);
    }

    private void withLogprobs(ResponseEvent event, List<TokenScores> tokens) {
      if (!reasoning) {
        event.with("logprobs", logprobs(tokens, false));
      }
    }

    private List<?> logprobs(List<TokenScores> tokens, boolean bytes) {
      return scores == null ? List.of() : LogProbs.output(tokens, scores.texts(), bytes);
    }
  }

  /** A call of a function; its text is the arguments. */
  static final class Call extends OutputItem {
    private final String callId;
    private final String name;

    Call(String callId, String name, String id, int index, Function<String, ResponseEvent> events) {
      super(id, index, events);
      this.callId = callId;
      this.name = name;
    }

    @Override
    Map<String, @Nullable Object> item(String status, boolean begun) {
      return ResponseStream.map(
          "id",
          id(),
          "type",
          "function_call",
          "status",
          status,
          "call_id",
          callId,
          "name",
          name,
          "arguments",
          text());
    }

    @Override
    void begun() {}

    @Override
    void piece(String piece) {
      event("response.function_call_arguments.delta").with("delta", piece);
    }

    @Override
    void ending() {
      event("response.function_call_arguments.done").with("name", name).with("arguments", text());
    }
  }
}
