package dev.s3llm.text;

import java.util.Arrays;
import java.util.Locale;

/** The role of a message's author. */
public enum ChatRole {
  /** The application, which sets the rules for the answers. */
  SYSTEM,
  /** The user. */
  USER,
  /** The model. */
  ASSISTANT,
  /** A tool, whose result the message holds. */
  TOOL,
  /** The application, in templates that distinguish its developer from the system. */
  DEVELOPER;

  /** Returns the role's name in chat templates and protocols, such as {@code user}. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Returns the role with a name.
   *
   * @param text the name in chat templates and protocols, such as {@code user}
   * @throws IllegalArgumentException if no role has that name
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
