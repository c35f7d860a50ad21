package dev.s3llm.text;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when a chat template cannot be rendered: it refuses the conversation (the message says
 * why), exceeds a limit, or uses a feature that is not supported.
 *
 * <p>Like the {@link IllegalArgumentException}s of {@link TextGenerator#submit}, it means that the
 * request is bad: a server answers both with status 400.
 */
public final class ChatTemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ChatTemplateException(@Nullable String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
