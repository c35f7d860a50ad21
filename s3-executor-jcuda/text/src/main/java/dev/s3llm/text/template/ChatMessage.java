package dev.s3llm.text.template;

import java.util.Objects;

/**
 * One message of a conversation.
 *
 * @param role who says it
 * @param content what is said; may be empty
 */
public record ChatMessage(ChatRole role, String content) {

  /** Refuses null. */
  public ChatMessage {
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(content, "content");
  }

  /** A message of the application. */
  public static ChatMessage system(String content) {
    return new ChatMessage(ChatRole.SYSTEM, content);
  }

  /** A message of the person who asks. */
  public static ChatMessage user(String content) {
    return new ChatMessage(ChatRole.USER, content);
  }

  /** An earlier answer. */
  public static ChatMessage assistant(String content) {
    return new ChatMessage(ChatRole.ASSISTANT, content);
  }
}
