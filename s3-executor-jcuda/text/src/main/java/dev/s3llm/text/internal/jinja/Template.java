package dev.s3llm.text.internal.jinja;

import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A parsed template. Immutable and thread-safe; each rendering has a state of its own. */
public final class Template {
  /** The longest source, in chars. */
  public static final int MAX_SOURCE_CHARS = 1 << 20;

  private final String source;
  private final List<Stmt> body;

  private Template(String source, List<Stmt> body) {
    this.source = source;
    this.body = body;
  }

  /**
   * Parses a template.
   *
   * @param source the template in Jinja, at most {@value #MAX_SOURCE_CHARS} chars
   * @throws JinjaException of kind {@code SYNTAX} if it is not one, with the line, the column and
   *     what was expected
   * @throws IllegalArgumentException if the source is too long
   */
  public static Template parse(String source) {
    if (source.length() > MAX_SOURCE_CHARS) {
      throw new IllegalArgumentException(
          "a chat template may have %d characters, but has %d"
              .formatted(MAX_SOURCE_CHARS, source.length()));
    }
    String normalized = Lexer.normalized(source);
    return new Template(normalized, TemplateParser.parse(normalized));
  }

  /**
   * Returns what the template writes.
   *
   * @param own variables that are part of the template, such as {@code bos_token}: null, strings,
   *     booleans, numbers, iterables and maps of these
   * @param foreign variables from outside, such as {@code messages} and {@code tools}, in the same
   *     types, and {@link OwnText}; {@link Rendering} says where their texts ended
   * @param limits the bounds of this rendering
   * @param clock the time and zone of {@code strftime_now}
   * @throws JinjaException if the template refuses its variables, fails, or exceeds a limit
   * @throws IllegalArgumentException if a variable is of another type
   */
  public Rendering render(
      Map<String, ? extends @Nullable Object> own,
      Map<String, ? extends @Nullable Object> foreign,
      RenderLimits limits,
      Clock clock) {
    Scope variables = new Scope(Globals.scope(clock));
    own.forEach((name, value) -> variables.set(name, new Conversion(false).value(value)));
    foreign.forEach((name, value) -> variables.set(name, new Conversion(true).value(value)));
    Env env = new Env(new Budget(limits), variables);
    try {
      env.run(body);
    } catch (JinjaException e) {
      throw e.at(source, env.offset());
    } catch (StackOverflowError e) {
      throw JinjaException.limit("the template nests its expressions and calls too deeply")
          .at(source, env.offset());
    }
    return new Rendering(env.out().toText());
  }
}
