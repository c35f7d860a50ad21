package dev.s3llm.text.internal.template;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.JinjavaNodePreProcessor;
import com.hubspot.jinjava.el.JinjavaProcessors;
import com.hubspot.jinjava.interpret.Context.Library;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.interpret.TemplateError.ErrorType;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import com.hubspot.jinjava.loader.ResourceNotFoundException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A chat template in Jinja. Jinjava renders it with the settings of the transformers library
 * (trim_blocks and lstrip_blocks) and within limits: {@link JinjaValues} shows it plain data only,
 * {@link JinjaFilters} disables filters that pad and repeat, {@link RenderBudget} limits its work,
 * nothing can be included, and the text of a message is never rendered. Immutable and thread-safe.
 */
public final class JinjaTemplate {
  private static final int MAX_SOURCE = 1 << 20;
  private static final int MAX_DEPTH = 50;

  private static final Map<Library, Set<String>> DISABLED =
      Map.of(
          Library.TAG, Set.of("include", "import", "from", "extends", "cycle"),
          Library.FILTER, JinjaFilters.disabled(),
          Library.FUNCTION, Set.of("today", "unixtimestamp"));

  private final Jinjava jinjava = engine();
  private final String source;
  private final String bosToken;
  private final String eosToken;

  /**
   * Creates a template. Mistakes in its source show when it is rendered.
   *
   * @param source Jinja, at most 1,048,576 characters
   * @param bosToken text of the token that starts a sequence; may be empty
   * @param eosToken text of the token that ends a sequence; may be empty
   * @throws IllegalArgumentException if the source is too long
   */
  public JinjaTemplate(String source, String bosToken, String eosToken) {
    if (source.length() > MAX_SOURCE) {
      throw new IllegalArgumentException(
          "a chat template may have %d characters, but has %d"
              .formatted(MAX_SOURCE, source.length()));
    }
    // As in Jinja, one newline at the end of a template is not part of its text.
    this.source = source.endsWith("\n") ? source.substring(0, source.length() - 1) : source;
    this.bosToken = bosToken;
    this.eosToken = eosToken;
  }

  /**
   * Returns the text of a conversation, with the prompt for an answer at its end.
   *
   * @param messages oldest first, each with {@code role} and {@code content}
   * @throws TemplateException if the template refuses the messages or cannot be rendered
   */
  public String render(List<Map<String, Object>> messages) {
    Map<String, Object> variables = new HashMap<>();
    variables.put("messages", messages);
    variables.put("add_generation_prompt", true);
    variables.put("bos_token", bosToken);
    variables.put("eos_token", eosToken);
    RenderResult result;
    try {
      result = jinjava.renderForResult(source, variables, config(new RenderBudget()));
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      throw new TemplateException("the chat template cannot be rendered: " + e.getMessage(), e);
    }
    fatal(result).ifPresent(JinjaTemplate::refuse);
    return result.getOutput();
  }

  private static Jinjava engine() {
    Jinjava jinjava = new JinjaExpressions(config(new RenderBudget()));
    jinjava.setResourceLocator(
        (name, encoding, interpreter) -> {
          throw new ResourceNotFoundException("a chat template includes nothing: " + name);
        });
    JinjaFilters.bound(jinjava);
    jinjava.registerFunction(
        new ELFunctionDefinition(
            "", "raise_exception", JinjaTemplate.class, "raiseException", String.class));
    return jinjava;
  }

  private static JinjavaConfig config(RenderBudget budget) {
    return JinjavaConfig.newBuilder()
        .withTrimBlocks(true)
        .withLstripBlocks(true)
        .withKeepTrailingNewline(true)
        .withNestedInterpretationEnabled(false) // messages are text, not templates
        .withDisabled(DISABLED)
        .withElResolver(new JinjaValues(budget))
        .withProcessors(
            JinjavaProcessors.newBuilder()
                .withNodePreProcessor(
                    new JinjavaNodePreProcessor().andThen((node, interpreter) -> budget.spend()))
                .build())
        .withMaxOutputSize(RenderBudget.MAX_CHARS)
        .withMaxStringLength(RenderBudget.MAX_CHARS)
        .withMaxListSize(RenderBudget.MAX_ITEMS)
        .withMaxMapSize(RenderBudget.MAX_ITEMS)
        .withMaxRenderDepth(MAX_DEPTH)
        .withMaxMacroRecursionDepth(MAX_DEPTH)
        .withLegacyOverrides(
            LegacyOverrides.newBuilder()
                .withEvaluateMapKeys(true)
                .withIterateOverMapKeys(true)
                .withUsePyishObjectMapper(true)
                .withUseNaturalOperatorPrecedence(true)
                .withParseWhitespaceControlStrictly(true)
                .withAllowAdjacentTextNodes(true)
                .withUseTrimmingForNotesAndExpressions(true)
                .withKeepNullableLoopValues(true)
                .build())
        .build();
  }

  /**
   * Refuses a conversation; templates call it as {@code raise_exception}.
   *
   * @param message the reason
   * @throws TemplateException always
   */
  public static String raiseException(String message) {
    throw new TemplateException(message);
  }

  private static Optional<TemplateError> fatal(RenderResult result) {
    return result.getErrors().stream()
        .filter(error -> error.getSeverity() == ErrorType.FATAL)
        .findFirst();
  }

  private static void refuse(TemplateError error) {
    for (Throwable cause = error.getException(); cause != null; cause = cause.getCause()) {
      if (cause instanceof TemplateException raised) {
        throw raised;
      }
    }
    throw new TemplateException(
        "the chat template cannot be rendered: line %d: %s"
            .formatted(error.getLineno(), error.getMessage()));
  }
}
