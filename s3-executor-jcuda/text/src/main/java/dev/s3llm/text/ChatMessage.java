package dev.s3llm.text;

import java.util.Objects;

/**
 * One message of a conversation.
 *
 * @param role the author's role
 * @param content the text; may be empty
 */
public record ChatMessage(ChatRole role, String content) {

  /**
   * Creates a message.
   *
   * @throws NullPointerException if a component is null
   */
  public ChatMessage {
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(content, "content");
  }

  /**
   * Creates a message of the application.
   *
   * @param content the text; may be empty
   */
  public static ChatMessage system(String content) {
    return new ChatMessage(ChatRole.SYSTEM, content);
  }

  /**
   * Creates a message of the user.
   *
   * @param content the text; may be empty
   */
  public static ChatMessage user(String content) {
    return new ChatMessage(ChatRole.USER, content);
  }

  /**
   * Creates a message of the model: an earlier answer.
   *
   * @param content the text; may be empty
   */
  public static ChatMessage assistant(String content) {
    return new ChatMessage(ChatRole.ASSISTANT, content);
  }
}
