package dev.s3llm.text.template;

/**
 * A chat template cannot be rendered: it refuses the conversation (its message says why), takes too
 * long, or uses what is not supported.
 */
public final class ChatTemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ChatTemplateException(String message) {
    super(message);
  }

  ChatTemplateException(String message, Throwable cause) {
    super(message, cause);
  }
}
