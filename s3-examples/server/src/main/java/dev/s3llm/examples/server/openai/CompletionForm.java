package dev.s3llm.examples.server.openai;

import dev.s3llm.examples.server.openai.Completion.Choice;
import dev.s3llm.examples.server.openai.Completion.Delta;
import dev.s3llm.examples.server.openai.Completion.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The form of the responses of {@code /v1/chat/completions} and {@code /v1/completions}. */
public enum CompletionForm {
  CHAT("chat.completion", "chat.completion.chunk"),
  TEXT("text_completion", "text_completion");

  private static final String ASSISTANT = "assistant";

  private final String wholeObject;
  private final String pieceObject;

  CompletionForm(String wholeObject, String pieceObject) {
    this.wholeObject = wholeObject;
    this.pieceObject = pieceObject;
  }

  /** Returns whole answers. */
  public Completion whole(CompletionHead head, List<Finished> answers) {
    List<Choice> choices = new ArrayList<>();
    for (Finished answer : answers) {
      choices.add(choice(choices.size(), answer));
    }
    return completion(head, wholeObject, choices, Usage.of(answers));
  }

  private Choice choice(int index, Finished answer) {
    return this == CHAT
        ? new Choice(
            index,
            new Message(ASSISTANT, answer.text(), null),
            null,
            null,
            null,
            answer.finishReason())
        : new Choice(index, null, null, answer.text(), null, answer.finishReason());
  }

  /** Returns the first piece of an answer; empty if the endpoint has none. */
  public Optional<Completion> opening(CompletionHead head, int index) {
    return this == CHAT
        ? Optional.of(piece(head, chat(index, new Delta(ASSISTANT, ""), null)))
        : Optional.empty();
  }

  /** Returns a piece with text. */
  public Completion piece(CompletionHead head, int index, String text) {
    return piece(
        head,
        this == CHAT
            ? chat(index, new Delta(null, text), null)
            : new Choice(index, null, null, text, null, null));
  }

  /** Returns the piece with the reason of the end. */
  public Completion ending(CompletionHead head, int index, String finishReason) {
    return piece(
        head,
        this == CHAT
            ? chat(index, new Delta(null, null), finishReason)
            : new Choice(index, null, null, "", null, finishReason));
  }

  /** Returns the piece with the token counts. */
  public Completion usage(CompletionHead head, Usage usage) {
    return completion(head, pieceObject, List.of(), usage);
  }

  private static Choice chat(int index, Delta delta, @Nullable String finishReason) {
    return new Choice(index, null, delta, null, null, finishReason);
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
