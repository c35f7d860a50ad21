package dev.s3llm.text;

import dev.s3llm.text.tool.AnswerEvent;
import dev.s3llm.text.tool.AnswerEvent.CallArguments;
import dev.s3llm.text.tool.AnswerEvent.CallEnd;
import dev.s3llm.text.tool.AnswerEvent.CallRevoked;
import dev.s3llm.text.tool.AnswerEvent.CallStart;
import dev.s3llm.text.tool.AnswerEvent.Content;
import dev.s3llm.text.tool.AnswerEvent.Reasoning;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Collects the parts of an answer from its events. Not thread-safe. */
final class AnswerRecord {
  private final StringBuilder content = new StringBuilder();
  private final StringBuilder reasoning = new StringBuilder();
  private final List<ToolCall> calls = new ArrayList<>();
  private final StringBuilder arguments = new StringBuilder();
  private @Nullable CallStart open;

  void add(AnswerEvent event) {
    if (event instanceof Content piece) {
      content.append(piece.text());
    } else if (event instanceof Reasoning piece) {
      reasoning.append(piece.text());
    } else if (event instanceof CallArguments piece) {
      arguments.append(piece.json());
    } else if (event instanceof CallStart start) {
      open = start;
      arguments.setLength(0);
    } else if (event instanceof CallEnd && open != null) {
      calls.add(ToolCall.parse(open.id(), open.name(), arguments.toString()));
      open = null;
    } else if (event instanceof CallRevoked) {
      open = null;
    }
  }

  String content() {
    return content.toString();
  }

  String reasoning() {
    return reasoning.toString();
  }

  List<ToolCall> calls() {
    return List.copyOf(calls);
  }
}
