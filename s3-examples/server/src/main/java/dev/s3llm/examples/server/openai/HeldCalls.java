package dev.s3llm.examples.server.openai;

import dev.s3llm.text.tool.AnswerEvent;
import dev.s3llm.text.tool.AnswerEvent.CallArguments;
import dev.s3llm.text.tool.AnswerEvent.CallEnd;
import dev.s3llm.text.tool.AnswerEvent.CallRevoked;
import dev.s3llm.text.tool.AnswerEvent.CallStart;
import java.util.ArrayList;
import java.util.List;

/**
 * Holds back the events of a call until it is certain: the protocol has no word for a call that
 * turns out to be none. The calls that remain are numbered from 0. Used by one subscriber.
 */
public final class HeldCalls {
  private final List<AnswerEvent> held = new ArrayList<>();
  private int calls;

  /** Creates an empty holder. */
  public HeldCalls() {}

  /** Adds an event and returns the events that are certain now. */
  public List<AnswerEvent> add(AnswerEvent event) {
    if (event instanceof CallStart start) {
      held.add(new CallStart(calls, start.id(), start.name()));
    } else if (event instanceof CallArguments arguments) {
      held.add(new CallArguments(calls, arguments.json()));
    } else if (event instanceof CallEnd) {
      held.add(new CallEnd(calls++));
      List<AnswerEvent> certain = List.copyOf(held);
      held.clear();
      return certain;
    } else if (event instanceof CallRevoked) {
      held.clear();
    } else {
      return List.of(event);
    }
    return List.of();
  }
}
