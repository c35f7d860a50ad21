package dev.s3llm.text;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.support.Settings;
import dev.s3llm.text.tool.AnswerFormat;
import dev.s3llm.text.tool.ToolChoice;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a request says about the parts of its answer.
 *
 * @param toolChoice which tools it may or must call
 * @param parallelCalls whether there may be more than one call
 * @param thinking whether the model thinks; empty if its template decides
 * @param thinkingBudget the largest number of tokens of reasoning; empty without a limit
 * @param format how the model writes calls; empty if its template decides
 * @param constraint the rule of the content; empty if there is none
 */
record AnswerSettings(
    ToolChoice toolChoice,
    boolean parallelCalls,
    Optional<Boolean> thinking,
    OptionalInt thinkingBudget,
    Optional<AnswerFormat> format,
    Optional<TokenConstraint> constraint) {
  static final String TOOL_CHOICE = "toolChoice";
  static final String PARALLEL = "parallelToolCalls";
  static final String THINKING = "thinking";
  static final String BUDGET = "thinkingBudget";
  static final String FORMAT = "answerFormat";
  static final String CONSTRAINT = "contentConstraint";

  static AnswerSettings of(Settings settings) {
    Integer budget = settings.find(BUDGET, Integer.class);
    return new AnswerSettings(
        settings.get(TOOL_CHOICE, ToolChoice::auto),
        settings.get(PARALLEL, () -> true),
        Optional.ofNullable(settings.find(THINKING, Boolean.class)),
        budget == null ? OptionalInt.empty() : OptionalInt.of(budget),
        Optional.ofNullable(settings.find(FORMAT, AnswerFormat.class)),
        Optional.ofNullable(settings.find(CONSTRAINT, TokenConstraint.class)));
  }
}
