package dev.s3llm.text.template;

import java.util.Arrays;
import java.util.Locale;

/** Who says a message. */
public enum ChatRole {
  /** The application: how to answer. */
  SYSTEM,
  /** The person who asks. */
  USER,
  /** The model. */
  ASSISTANT,
  /** What a tool gave back. */
  TOOL;

  /** The role's name in chat templates and protocols, such as {@code user}. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The role of a name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static ChatRole of(String text) {
    for (ChatRole role : values()) {
      if (role.text().equals(text)) {
        return role;
      }
    }
    throw new IllegalArgumentException(
        "role must be one of %s, but is %s"
            .formatted(Arrays.stream(values()).map(ChatRole::text).toList(), text));
  }
}
