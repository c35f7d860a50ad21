package dev.s3llm.examples.server.openai;

import dev.s3llm.examples.server.openai.Completion.Choice;
import dev.s3llm.examples.server.openai.Completion.Delta;
import dev.s3llm.examples.server.openai.Completion.Message;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The endpoints, with the form of their responses. */
public enum Endpoint {
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

  /** Returns OpenTelemetry's name of the operation. */
  public String operation() {
    return operation;
  }

  /** Returns the name of the field that has the prompt. */
  public String promptField() {
    return this == CHAT ? "messages" : "prompt";
  }

  /** Returns the prefix of ids. */
  public String idPrefix() {
    return idPrefix;
  }

  /** Returns a whole answer. */
  public Completion whole(CompletionHead head, String text, String finishReason, Usage usage) {
    Choice choice =
        this == CHAT
            ? new Choice(0, new Message(ASSISTANT, text, null), null, null, null, finishReason)
            : new Choice(0, null, null, text, null, finishReason);
    return completion(head, wholeObject, List.of(choice), usage);
  }

  /** Returns the first piece of a stream; empty if the endpoint has none. */
  public Optional<Completion> opening(CompletionHead head) {
    return this == CHAT
        ? Optional.of(piece(head, new Choice(0, null, new Delta(ASSISTANT, ""), null, null, null)))
        : Optional.empty();
  }

  /** Returns a piece with text. */
  public Completion piece(CompletionHead head, String text) {
    return piece(
        head,
        this == CHAT
            ? new Choice(0, null, new Delta(null, text), null, null, null)
            : new Choice(0, null, null, text, null, null));
  }

  /** Returns the piece with the reason of the end. */
  public Completion ending(CompletionHead head, String finishReason) {
    return piece(
        head,
        this == CHAT
            ? new Choice(0, null, new Delta(null, null), null, null, finishReason)
            : new Choice(0, null, null, "", null, finishReason));
  }

  /** Returns the piece with the token counts. */
  public Completion usage(CompletionHead head, Usage usage) {
    return completion(head, pieceObject, List.of(), usage);
  }

  private Completion piece(CompletionHead head, Choice choice) {
    return completion(head, pieceObject, List.of(choice), null);
  }

  private static Completion completion(
      CompletionHead head, String object, List<Choice> choices, @Nullable Usage usage) {
    return new Completion(
        head.id(), object, head.created().getEpochSecond(), head.model(), choices, usage);
  }
}
