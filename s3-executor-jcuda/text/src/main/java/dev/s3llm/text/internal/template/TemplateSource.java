package dev.s3llm.text.internal.template;

import dev.s3llm.model.ModelFormatException;
import dev.s3llm.text.internal.jinja.Template;

/**
 * The source of a chat template.
 *
 * @param name its name among the templates of a model, such as {@code default}
 * @param where the file or field that holds it, for messages
 * @param text Jinja
 */
public record TemplateSource(String name, String where, String text) {
  /** The name of the template that renders a conversation where no other is chosen. */
  public static final String DEFAULT = "default";

  /**
   * Checks the length of a source.
   *
   * @throws ModelFormatException if it is too long
   */
  static TemplateSource checked(String name, String where, String text) {
    if (text.length() > Template.MAX_SOURCE_CHARS) {
      throw new ModelFormatException(
          "%s has %d characters, the limit is %d"
              .formatted(where, text.length(), Template.MAX_SOURCE_CHARS));
    }
    return new TemplateSource(name, where, text);
  }
}
