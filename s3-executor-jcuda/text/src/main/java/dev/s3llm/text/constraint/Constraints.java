package dev.s3llm.text.constraint;

import com.google.common.base.Preconditions;
import dev.s3llm.text.internal.grammar.GbnfParser;
import dev.s3llm.text.internal.grammar.Program;
import dev.s3llm.text.internal.grammar.SchemaCompiler;
import dev.s3llm.text.internal.grammar.SchemaRefusal;
import dev.s3llm.text.internal.grammar.Texts;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/**
 * Creates grammars for answers.
 *
 * <pre>{@code
 * Grammar person = Constraints.jsonSchema(
 *     "{\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\"}}, \"required\": [\"name\"]}");
 * generator.submit(TextRequest.builder().prompt("A person: ").constraint(person).build());
 * }</pre>
 *
 * <p>Blanks in JSON are bounded, so that a weak model cannot fill its limit with them: at most one
 * behind a colon; at most one, or a new line with an indentation of up to 24 blanks, behind opening
 * brackets and commas and before closing brackets. Numbers have at most 18 digits on each side of
 * the point, and two in the exponent.
 */
public final class Constraints {
  private Constraints() {}

  /** Returns the grammar of any JSON value. */
  public static Grammar json() {
    return of("json", "", unused -> SchemaCompiler.anyValue());
  }

  /**
   * Returns the grammar of the JSON values that keep a schema. The named properties of an object
   * come in the order in which the schema names them.
   *
   * @param schema a JSON schema, draft 2020-12, at most 4 million characters
   * @throws UnsupportedSchemaException if the schema demands what cannot be kept, with the path and
   *     the keyword
   * @throws IllegalArgumentException if the text is no JSON, or the schema is too large
   */
  public static Grammar jsonSchema(String schema) {
    Objects.requireNonNull(schema, "schema must not be null");
    try {
      return of("schema", schema, SchemaCompiler::compile);
    } catch (SchemaRefusal e) {
      throw new UnsupportedSchemaException(e);
    }
  }

  /**
   * Returns the grammar of the texts that a regular expression describes as a whole.
   *
   * @param expression as in ECMAScript, without look-around, back references and word borders
   * @throws IllegalArgumentException if the expression is not valid, cannot be kept or is too large
   */
  public static Grammar regex(String expression) {
    Objects.requireNonNull(expression, "expression must not be null");
    return of("regex", expression, Texts::regex);
  }

  /**
   * Returns the grammar of a few texts.
   *
   * @param texts at least one; an answer is one of them
   * @throws IllegalArgumentException if there is no text
   */
  public static Grammar choice(List<String> texts) {
    List<String> all = List.copyOf(texts);
    Preconditions.checkArgument(!all.isEmpty(), "a choice must have at least one text");
    return of("choice", all, Texts::choice);
  }

  /**
   * Returns a context-free grammar.
   *
   * @param grammar rules in the form GBNF of llama.cpp, one of them named {@code root}; at most a
   *     million characters
   * @throws IllegalArgumentException if the text is not valid, a rule is missing, or a rule begins
   *     with itself
   */
  public static Grammar gbnf(String grammar) {
    Objects.requireNonNull(grammar, "grammar must not be null");
    return of("gbnf", grammar, GbnfParser::compile);
  }

  private static <T> Grammar of(String kind, T content, Function<T, Program> compile) {
    return new Grammar(new Grammar.Source(kind, content), compile.apply(content));
  }
}
