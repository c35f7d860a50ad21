package dev.s3llm.examples.server.openai;

import dev.s3llm.examples.server.openai.Completion.Choice;
import dev.s3llm.examples.server.openai.Completion.Message;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How each endpoint words its answers. */
enum Endpoint {
  CHAT("chat", "chatcmpl-", "chat.completion", "chat.completion.chunk"),
  COMPLETIONS("text_completion", "cmpl-", "text_completion", "text_completion");

  private static final String ASSISTANT = "assistant";

  private final String operation;
  private final String idPrefix;
  private final String wholeObject;
  private final String pieceObject;

  Endpoint(String operation, String idPrefix, String wholeObject, String pieceObject) {
    this.operation = operation;
    this.idPrefix = idPrefix;
    this.wholeObject = wholeObject;
    this.pieceObject = pieceObject;
  }

  /** OpenTelemetry's name of what is done. */
  String operation() {
    return operation;
  }

  /** Which field has the prompt. */
  String promptField() {
    return this == CHAT ? "messages" : "prompt";
  }

  String idPrefix() {
    return idPrefix;
  }

  Completion whole(Call call, String text, String finishReason, Usage usage) {
    Choice choice =
        this == CHAT
            ? new Choice(0, new Message(ASSISTANT, text), null, null, null, finishReason)
            : new Choice(0, null, null, text, null, finishReason);
    return completion(call, wholeObject, List.of(choice), usage);
  }

  /** What a stream begins with, if with anything. */
  Optional<Completion> opening(Call call) {
    return this == CHAT
        ? Optional.of(
            piece(call, new Choice(0, null, new Message(ASSISTANT, ""), null, null, null)))
        : Optional.empty();
  }

  Completion piece(Call call, String text) {
    return piece(
        call,
        this == CHAT
            ? new Choice(0, null, new Message(null, text), null, null, null)
            : new Choice(0, null, null, text, null, null));
  }

  Completion ending(Call call, String finishReason) {
    return piece(
        call,
        this == CHAT
            ? new Choice(0, null, new Message(null, null), null, null, finishReason)
            : new Choice(0, null, null, "", null, finishReason));
  }

  Completion usage(Call call, Usage usage) {
    return completion(call, pieceObject, List.of(), usage);
  }

  private Completion piece(Call call, Choice choice) {
    return completion(call, pieceObject, List.of(choice), null);
  }

  private static Completion completion(
      Call call, String object, List<Choice> choices, @Nullable Usage usage) {
    return new Completion(
        call.id(), object, call.created().getEpochSecond(), call.model(), choices, usage);
  }
}
