package dev.s3llm.examples.server.openai;

import dev.s3llm.GenerationResult;
import dev.s3llm.GenerationResult.TokenScores;
import dev.s3llm.examples.server.openai.Completion.Call;
import dev.s3llm.examples.server.openai.Completion.Choice;
import dev.s3llm.examples.server.openai.Completion.Delta;
import dev.s3llm.examples.server.openai.Completion.Message;
import dev.s3llm.text.tool.AnswerEvent;
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

  /**
   * Returns whole answers.
   *
   * @param answers the answers that are sent
   * @param usage token counts of all answers
   * @param texts texts of tokens, for log probabilities; null if there are none
   */
  public Completion whole(
      CompletionHead head, List<Finished> answers, Usage usage, @Nullable TokenTexts texts) {
    List<Choice> choices = new ArrayList<>();
    for (Finished answer : answers) {
      List<TokenScores> scores = answer.tokens().map(GenerationResult::scores).orElse(List.of());
      Object logprobs = texts == null ? null : logprobs(scores, texts, 0);
      choices.add(choice(choices.size(), answer, logprobs));
    }
    return completion(head, wholeObject, choices, usage);
  }

  private Choice choice(int index, Finished answer, @Nullable Object logprobs) {
    return this == CHAT
        ? new Choice(index, message(answer), null, null, logprobs, answer.finishReason())
        : new Choice(index, null, null, answer.text(), logprobs, answer.finishReason());
  }

  /**
   * Returns log probabilities.
   *
   * @param offset number of characters of the answer before them
   */
  private Object logprobs(List<TokenScores> scores, TokenTexts texts, int offset) {
    return this == CHAT ? LogProbs.chat(scores, texts) : LogProbs.completion(scores, texts, offset);
  }

  /**
   * Returns a piece with log probabilities of the tokens since the piece before.
   *
   * @param offset number of characters of the answer before them
   */
  public Completion withLogprobs(
      Completion piece, List<TokenScores> scores, TokenTexts texts, int offset) {
    Choice old = piece.choices().get(0);
    Choice choice =
        new Choice(
            old.index(),
            null,
            old.delta(),
            old.text(),
            logprobs(scores, texts, offset),
            old.finishReason());
    return new Completion(
        piece.id(), piece.object(), piece.created(), piece.model(), List.of(choice), null);
  }

  private static Message message(Finished answer) {
    List<Call> calls = answer.toolCalls().stream().map(Call::whole).toList();
    return new Message(
        ASSISTANT,
        answer.text().isEmpty() && !calls.isEmpty() ? null : answer.text(),
        answer.reasoning().isEmpty() ? null : answer.reasoning(),
        calls.isEmpty() ? null : calls,
        null);
  }

  /** Returns the first piece of an answer; empty if the endpoint has none. */
  public Optional<Completion> opening(CompletionHead head, int index) {
    return this == CHAT
        ? Optional.of(piece(head, chat(index, new Delta(ASSISTANT, "", null, null), null)))
        : Optional.empty();
  }

  /** Returns the piece of an event; empty if the endpoint has none. */
  public Optional<Completion> piece(CompletionHead head, int index, AnswerEvent event) {
    if (this == TEXT) {
      return event instanceof AnswerEvent.Content content
          ? Optional.of(piece(head, new Choice(index, null, null, content.text(), null, null)))
          : Optional.empty();
    }
    return delta(event).map(delta -> piece(head, chat(index, delta, null)));
  }

  private static Optional<Delta> delta(AnswerEvent event) {
    if (event instanceof AnswerEvent.Content content) {
      return Optional.of(Delta.content(content.text()));
    }
    if (event instanceof AnswerEvent.Reasoning reasoning) {
      return Optional.of(new Delta(null, null, reasoning.text(), null));
    }
    if (event instanceof AnswerEvent.CallStart start) {
      return Optional.of(delta(Call.start(start.index(), start.id(), start.name())));
    }
    if (event instanceof AnswerEvent.CallArguments arguments) {
      return Optional.of(delta(Call.piece(arguments.index(), arguments.json())));
    }
    return Optional.empty();
  }

  private static Delta delta(Call call) {
    return new Delta(null, null, null, List.of(call));
  }

  /** Returns the piece with the reason of the end. */
  public Completion ending(CompletionHead head, int index, String finishReason) {
    return piece(
        head,
        this == CHAT
            ? chat(index, new Delta(null, null, null, null), finishReason)
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
