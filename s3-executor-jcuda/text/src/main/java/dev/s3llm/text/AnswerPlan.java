package dev.s3llm.text;

import com.google.common.base.Preconditions;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.text.constraint.Constraints;
import dev.s3llm.text.internal.tool.AfterThinking;
import dev.s3llm.text.internal.tool.AnswerParsers;
import dev.s3llm.text.internal.tool.CallGrammar;
import dev.s3llm.text.internal.tool.Functions;
import dev.s3llm.text.internal.tool.StreamingParser.Thinking;
import dev.s3llm.text.tool.AnswerFormat;
import dev.s3llm.text.tool.AnswerParser;
import dev.s3llm.text.tool.ToolChoice;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a model answers a conversation.
 *
 * @param prompt the prompt
 * @param format how calls and reasoning are written
 * @param functions the functions that may be called
 * @param thinking the markers of reasoning
 */
record AnswerPlan(
    RenderedPrompt prompt, AnswerFormat format, Functions functions, Thinking thinking) {

  /**
   * Plans an answer.
   *
   * @throws ChatTemplateException if the template refuses the conversation or cannot be rendered
   * @throws IllegalArgumentException if the tool choice names a function that does not exist, or
   *     requires one where there is none
   */
  static AnswerPlan of(TextModel model, Conversation conversation, AnswerSettings settings) {
    conversation.requireText();
    Functions functions = functions(conversation, settings.toolChoice());
    ChatTemplate template = model.chatTemplate();
    Conversation shown = functions.isEmpty() ? conversation.withoutTools() : conversation;
    TemplateTraits traits = template.traits(shown);
    Conversation switched = switchThinking(shown, traits, settings);
    RenderedPrompt prompt = template.prompt(switched);
    AnswerFormat format = settings.format().orElse(traits.format());
    Thinking thinking = thinking(model, traits, prompt);
    boolean silent = settings.thinking().isPresent() && !settings.thinking().get();
    if (silent && thinking.begun()) {
      prompt = prompt.withOwnText(closing(prompt, thinking));
      thinking = new Thinking(thinking.open(), thinking.close(), false);
    }
    return new AnswerPlan(prompt, format, functions, thinking);
  }

  /** Creates the parser of the answer; null if all of it is content. */
  @Nullable AnswerParser parser() {
    boolean whole =
        format == AnswerFormat.RAW
            || (format != AnswerFormat.HARMONY && functions.isEmpty() && thinking.open().isEmpty());
    return whole ? null : AnswerParsers.create(format, functions, thinking);
  }

  /** Returns the rule of the answer's tokens; null if there is none. */
  @Nullable TokenConstraint constraint(TextModel model, AnswerSettings settings) {
    TokenConstraint content = content(model, settings);
    boolean harmony = format == AnswerFormat.HARMONY;
    boolean thinks = harmony || !thinking.open().isEmpty();
    boolean off = settings.thinking().isPresent() && !settings.thinking().get();
    if (!thinks || (off && !harmony) || (content == null && settings.thinkingBudget().isEmpty())) {
      return content;
    }
    AfterThinking.Frame frame =
        harmony
            ? frame(
                model,
                "<|channel|>analysis<|message|>",
                "<|end|>",
                "<|end|><|start|>assistant<|channel|>final<|message|>",
                "<|start|>assistant<|channel|>final<|message|>")
            : frame(model, thinking.open(), thinking.close(), "\n" + thinking.close() + "\n\n", "");
    return new AfterThinking(
        frame,
        new AfterThinking.Settings(
            thinking.begun(), harmony, settings.thinkingBudget().orElse(Integer.MAX_VALUE)),
        content,
        new AfterThinking.Tokens(
            model.vocabularySize(), model.stopTokens(), model.tokenizer()::tokenText));
  }

  /** Returns how the output divides into reasoning and answer; null if it does not think. */
  LengthQuery.@Nullable Thinking division(TextModel model, AnswerSettings settings) {
    int budget = settings.thinkingBudget().orElse(Integer.MAX_VALUE);
    if (format == AnswerFormat.HARMONY) {
      return division(model, "<|channel|>analysis<|message|>", List.of("<|end|>"), budget);
    }
    boolean off = settings.thinking().isPresent() && !settings.thinking().get();
    if (thinking.open().isEmpty() || off) {
      return null;
    }
    String close = thinking.close(); // a tokenizer may join it with the line breaks behind it
    List<String> endings = List.of(close, close + "\n", close + "\n\n");
    return division(model, thinking.begun() ? "" : thinking.open(), endings, budget);
  }

  private static LengthQuery.@Nullable Thinking division(
      TextModel model, String open, List<String> close, int budget) {
    List<List<Integer>> endings =
        close.stream().map(text -> ids(model, text)).filter(ids -> !ids.isEmpty()).toList();
    List<Integer> opening = open.isEmpty() ? List.of() : ids(model, open);
    return endings.isEmpty() ? null : new LengthQuery.Thinking(opening, endings, budget);
  }

  private static List<Integer> ids(TextModel model, String text) {
    return Arrays.stream(model.encode(text, false)).boxed().toList();
  }

  /** Returns the rule of what follows the reasoning; null if there is none. */
  private @Nullable TokenConstraint content(TextModel model, AnswerSettings settings) {
    TokenConstraint own = settings.constraint().map(model::constraint).orElse(null);
    boolean forced = settings.toolChoice().isForced();
    if (functions.isEmpty() || (own != null && format == AnswerFormat.HARMONY && !forced)) {
      return own;
    }
    CallGrammar grammar =
        new CallGrammar(
            format,
            functions,
            new CallGrammar.Model(
                model.vocabularySize(),
                model.stopTokens(),
                text -> model.encode(text, false),
                schema -> model.constraint(Constraints.jsonSchema(schema))));
    if (forced) {
      return grammar.required(settings.toolChoice(), settings.parallelCalls());
    }
    return own == null
        ? grammar.strict().orElse(null)
        : grammar.either(own, settings.parallelCalls());
  }

  private static AfterThinking.Frame frame(
      TextModel model, String open, String close, String closing, String following) {
    return new AfterThinking.Frame(
        model.encode(open, false),
        close,
        model.encode(closing, false),
        following.isEmpty() ? new int[0] : model.encode(following, false));
  }

  private static Functions functions(Conversation conversation, ToolChoice choice) {
    Functions all = ToolFrame.functions(conversation);
    Preconditions.checkArgument(
        !choice.isForced() || !all.isEmpty(),
        "toolChoice %s needs a tool, but the conversation has none",
        choice.mode());
    choice
        .function()
        .ifPresent(
            name ->
                Preconditions.checkArgument(
                    all.contains(name),
                    "toolChoice names the function %s, but the tools are %s",
                    name,
                    all.names()));
    return choice.mode() == ToolChoice.Mode.NONE ? Functions.NONE : all;
  }

  private static Conversation switchThinking(
      Conversation conversation, TemplateTraits traits, AnswerSettings settings) {
    if (settings.thinking().isEmpty()) {
      return conversation;
    }
    boolean on = settings.thinking().get();
    Conversation switched = conversation;
    for (String name : traits.thinkingVariables()) {
      switched = switched.hasVariable(name) ? switched : switched.with(name, on);
    }
    boolean effort = traits.format() == AnswerFormat.HARMONY && !on;
    return effort && !switched.hasVariable("reasoning_effort")
        ? switched.with("reasoning_effort", "low")
        : switched;
  }

  private static Thinking thinking(TextModel model, TemplateTraits traits, RenderedPrompt prompt) {
    String open = traits.thinkOpen();
    String close = traits.thinkClose();
    if (open.isEmpty() && model.tokenizer().addedToken("<think>").isPresent()) {
      open = "<think>";
      close = "</think>";
    }
    if (open.isEmpty()) {
      return Thinking.NONE;
    }
    String end = prompt.ownEnd();
    return new Thinking(open, close, end.lastIndexOf(open) > end.lastIndexOf(close));
  }

  /** Returns what closes the reasoning that a prompt begins. */
  private static String closing(RenderedPrompt prompt, Thinking thinking) {
    return (prompt.text().endsWith("\n") ? "\n" : "\n\n") + thinking.close() + "\n\n";
  }
}
