package dev.s3llm.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.s3llm.text.ToolCall;
import dev.s3llm.text.tool.AnswerEvent;
import dev.s3llm.text.tool.AnswerEvent.CallArguments;
import dev.s3llm.text.tool.AnswerEvent.CallEnd;
import dev.s3llm.text.tool.AnswerEvent.CallStart;
import dev.s3llm.text.tool.AnswerEvent.Content;
import dev.s3llm.text.tool.AnswerEvent.Reasoning;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Converts the parts of an answer to LangChain4j's events. Called by one thread at a time. */
final class PartialEvents {
  private final StringBuilder arguments = new StringBuilder();
  private @Nullable CallStart open;
  private int completed;

  /** Returns the event of a part; null if LangChain4j has none for it. */
  @Nullable ChatModelStreamingEvent of(AnswerEvent event) {
    if (event instanceof Content piece) {
      return new PartialResponse(piece.text());
    }
    if (event instanceof Reasoning piece) {
      return new PartialThinking(piece.text());
    }
    if (event instanceof CallStart start) {
      open = start;
      arguments.setLength(0);
      return null;
    }
    if (open == null) {
      return null;
    }
    if (event instanceof CallArguments piece) {
      arguments.append(piece.json());
      return piece.json().isEmpty() ? null : partial(open, piece.json());
    }
    if (event instanceof CallEnd) {
      return complete(open);
    }
    open = null; // the call was revoked
    return null;
  }

  private PartialToolCall partial(CallStart call, String json) {
    return PartialToolCall.builder()
        .index(completed)
        .id(call.id())
        .name(call.name())
        .partialArguments(json)
        .build();
  }

  private CompleteToolCall complete(CallStart call) {
    open = null;
    ToolExecutionRequest request =
        Tools.requests(List.of(ToolCall.parse(call.id(), call.name(), arguments.toString())))
            .get(0);
    return new CompleteToolCall(completed++, request);
  }
}
