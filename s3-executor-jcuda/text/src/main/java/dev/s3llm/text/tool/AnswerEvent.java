package dev.s3llm.text.tool;

import java.util.Objects;

/**
 * A piece of an answer, in the order in which the model writes it. All {@link Content} pieces
 * together are the content of the answer, all {@link Reasoning} pieces its reasoning.
 *
 * <p>The events of one call are {@link CallStart}, any number of {@link CallArguments}, and {@link
 * CallEnd}. A call whose arguments turn out to be no valid JSON, or are cut off, ends with {@link
 * CallRevoked} in place of {@code CallEnd}: it is not part of the answer, and its text follows as
 * {@code Content}.
 */
public sealed interface AnswerEvent {

  /**
   * A piece of the content.
   *
   * @param text not empty
   */
  record Content(String text) implements AnswerEvent {
    /**
     * Creates a piece.
     *
     * @throws NullPointerException if the text is null
     */
    public Content {
      Objects.requireNonNull(text, "text");
    }
  }

  /**
   * A piece of what the model thinks before it answers.
   *
   * @param text not empty
   */
  record Reasoning(String text) implements AnswerEvent {
    /**
     * Creates a piece.
     *
     * @throws NullPointerException if the text is null
     */
    public Reasoning {
      Objects.requireNonNull(text, "text");
    }
  }

  /**
   * The beginning of a call.
   *
   * @param index number of calls that began before it in this answer, revoked ones included
   * @param id identifies the call: unique, letters and digits; 9 of them in the formats whose
   *     templates require it
   * @param name the name of a function of the request
   */
  record CallStart(int index, String id, String name) implements AnswerEvent {
    /**
     * Creates the beginning of a call.
     *
     * @throws NullPointerException if the id or the name is null
     */
    public CallStart {
      Objects.requireNonNull(id, "id");
      Objects.requireNonNull(name, "name");
    }
  }

  /**
   * A piece of the arguments of a call.
   *
   * @param index the call's index
   * @param json the next piece of a JSON object, not empty
   */
  record CallArguments(int index, String json) implements AnswerEvent {
    /**
     * Creates a piece.
     *
     * @throws NullPointerException if the text is null
     */
    public CallArguments {
      Objects.requireNonNull(json, "json");
    }
  }

  /**
   * The end of a call: all its pieces together are a valid JSON object.
   *
   * @param index the call's index
   */
  record CallEnd(int index) implements AnswerEvent {}

  /**
   * The end of a call that is not part of the answer.
   *
   * @param index the call's index
   */
  record CallRevoked(int index) implements AnswerEvent {}
}
