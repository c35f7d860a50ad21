package dev.s3llm.examples.server.openai;

import dev.s3llm.text.tool.AnswerEvent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The events of a streamed response, in their order. Items of the output begin with their first
 * piece and end before the next item or with the response. Not thread-safe.
 */
public final class ResponseStream {
  private static final String COMPLETED = "completed";

  private final ResponseObject response;
  private final @Nullable OutputScores scores;
  private final List<Map<String, @Nullable Object>> output = new ArrayList<>();
  private List<ResponseEvent> events = new ArrayList<>();
  private @Nullable OutputItem open;
  private int number;

  /**
   * Creates the stream of a response.
   *
   * @param response its fields
   * @param scores log probabilities of its texts; null if the client wants none
   */
  public ResponseStream(ResponseObject response, @Nullable OutputScores scores) {
    this.response = response;
    this.scores = scores;
  }

  /** Returns the events before the first token. */
  public List<ResponseEvent> opening() {
    add("response.created").with("response", response.begun());
    add("response.in_progress").with("response", response.begun());
    return taken();
  }

  /** Returns the events of a part of the answer. */
  public List<ResponseEvent> event(AnswerEvent event) {
    if (event instanceof AnswerEvent.Content content) {
      text(false).append(content.text());
    } else if (event instanceof AnswerEvent.Reasoning reasoning) {
      text(true).append(reasoning.text());
    } else if (event instanceof AnswerEvent.CallStart start) {
      endItem(COMPLETED);
      begin(new OutputItem.Call(start.id(), start.name(), nextId("fc_"), output.size(), this::add));
    } else if (event instanceof AnswerEvent.CallArguments arguments && open != null) {
      open.append(arguments.json());
    } else if (event instanceof AnswerEvent.CallEnd) {
      endItem(COMPLETED);
    }
    return taken();
  }

  /** Returns the events of the end, the whole response in the last one. */
  public List<ResponseEvent> ending(Finished answer) {
    Map<String, @Nullable Object> whole = end(answer);
    add("response." + whole.get("status")).with("response", whole);
    return taken();
  }

  /** Returns the events of an error. */
  public List<ResponseEvent> failure(ApiException error) {
    add("response.failed").with("response", response.failed(error));
    return taken();
  }

  /** Ends the last item, and returns the whole response. */
  Map<String, @Nullable Object> end(Finished answer) {
    if (open == null && output.isEmpty()) {
      text(false); // an empty answer is a message too
    }
    endItem(answer.isCut() ? "incomplete" : COMPLETED);
    return response.ended(answer, output);
  }

  private OutputItem text(boolean reasoning) {
    if (open instanceof OutputItem.Text same && same.isReasoning() == reasoning) {
      return same;
    }
    endItem(COMPLETED);
    return begin(
        new OutputItem.Text(
            reasoning, nextId(reasoning ? "rs_" : "msg_"), output.size(), this::add, scores));
  }

  private OutputItem begin(OutputItem item) {
    endItem(COMPLETED);
    open = item;
    item.begin();
    return item;
  }

  private String nextId(String prefix) {
    return response.itemId(prefix, output.size() + (open == null ? 0 : 1));
  }

  private void endItem(String status) {
    if (open != null) {
      output.add(open.end(status));
      open = null;
    }
  }

  private ResponseEvent add(String type) {
    ResponseEvent event = ResponseEvent.of(type, number++);
    events.add(event);
    return event;
  }

  private List<ResponseEvent> taken() {
    List<ResponseEvent> taken = events;
    events = new ArrayList<>();
    return taken;
  }

  /** Returns a map that may have nulls, in order. */
  static Map<String, @Nullable Object> map(@Nullable Object... namesAndValues) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      map.put(String.valueOf(namesAndValues[i]), namesAndValues[i + 1]);
    }
    return map;
  }
}
