package dev.s3llm.text.internal.template;

import org.jspecify.annotations.Nullable;

/** A template that cannot be rendered: it refuses its input, or exceeds a limit. */
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TemplateException(String message) {
    this(message, null);
  }

  TemplateException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
