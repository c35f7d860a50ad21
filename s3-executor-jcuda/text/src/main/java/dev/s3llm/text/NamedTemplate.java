package dev.s3llm.text;

import dev.s3llm.text.internal.jinja.JinjaException;
import dev.s3llm.text.internal.jinja.RenderLimits;
import dev.s3llm.text.internal.jinja.Rendering;
import dev.s3llm.text.internal.jinja.Template;
import dev.s3llm.text.internal.template.TemplateSource;
import java.time.Clock;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A template of a model, and where it stands.
 *
 * @param where the file or field, for messages
 * @param source its text
 * @param template the parsed template
 */
record NamedTemplate(String where, String source, Template template) {

  /**
   * Parses a template.
   *
   * @param source its text, and where it stands
   * @throws ChatTemplateException if it is not valid or not supported
   * @throws IllegalArgumentException if it is too long
   */
  static NamedTemplate parse(TemplateSource source) {
    try {
      return new NamedTemplate(source.where(), source.text(), Template.parse(source.text()));
    } catch (JinjaException e) {
      throw failure(source.where(), e);
    }
  }

  /**
   * Renders a conversation.
   *
   * @param own the special tokens of the model by name
   * @param foreign everything else that the template sees
   * @param clock the time of {@code strftime_now}
   * @throws ChatTemplateException if the template refuses the conversation, fails or exceeds a
   *     limit
   */
  RenderedPrompt render(
      Map<String, Object> own, Map<String, @Nullable Object> foreign, Clock clock) {
    try {
      Rendering rendering = template.render(own, foreign, RenderLimits.standard(), clock);
      return RenderedPrompt.of(rendering.text(), rendering.foreignRanges());
    } catch (JinjaException e) {
      throw failure(where, e);
    }
  }

  private static ChatTemplateException failure(String where, JinjaException e) {
    String message = String.valueOf(e.getMessage());
    boolean ownWords = e.kind() == JinjaException.Kind.RAISED;
    return new ChatTemplateException(
        ownWords ? message : where + ", " + message, e.line(), e.column());
  }
}
