package dev.s3llm.springai;

import dev.s3llm.GenerationRequest;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.text.Conversation;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.ToolFunction;
import dev.s3llm.text.constraint.Constraints;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.tool.ToolCallingChatOptions;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.definition.ToolDefinition;

/** Converts Spring AI's prompts. Thread-safe. */
final class Requests {
  private final String modelName;
  private final S3ChatOptions defaults;

  /**
   * Creates a converter.
   *
   * @param defaults options of prompts without options
   */
  Requests(String modelName, S3ChatOptions defaults) {
    this.modelName = modelName;
    this.defaults = defaults;
  }

  /**
   * Returns a prompt with complete options. As in Spring AI's other models, options of the prompt
   * are not merged with those of the model: a chat client has done so before.
   */
  Prompt resolve(Prompt prompt) {
    S3ChatOptions options =
        prompt.getOptions() == null ? defaults : S3ChatOptions.of(prompt.getOptions());
    return prompt
        .mutate()
        .chatOptions(
            options.getModel() == null ? options.mutate().model(modelName).build() : options)
        .build();
  }

  /**
   * Checks a resolved prompt and converts it.
   *
   * @throws IllegalArgumentException if a message has media, an option is out of range, or the
   *     schema of the output cannot be kept
   */
  TextRequest of(Prompt prompt) {
    S3ChatOptions options = S3ChatOptions.of(Objects.requireNonNull(prompt.getOptions()));
    requireModel(options);
    TextRequest.Builder builder =
        TextRequest.builder()
            .conversation(conversation(prompt, options))
            .stop(Objects.requireNonNullElse(options.getStopSequences(), List.of()));
    ifSet(options.getMaxTokens(), most -> builder.maxNewTokens(atLeastOne("maxTokens", most)));
    ifSet(options.getOutputSchema(), schema -> builder.constraint(Constraints.jsonSchema(schema)));
    ifSet(options.getToolChoice(), builder::toolChoice);
    ifSet(options.getParallelToolCalls(), builder::parallelToolCalls);
    ifSet(options.getThinking(), builder::thinking);
    ifSet(options.getThinkingBudget(), builder::thinkingBudget);
    SamplingParameters sampling = sampling(options);
    return builder
        .configure(tokens -> tokens.sampling(sampling))
        .configure(tokens -> schedule(tokens, options))
        .build();
  }

  private void requireModel(S3ChatOptions options) {
    String name = options.getModel();
    if (name != null && !name.equals(modelName)) {
      throw new IllegalArgumentException(
          "the option model is '%s', but this engine runs '%s': do not set it, or set that name"
              .formatted(name, modelName));
    }
  }

  private static int atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException("%s must be at least 1, but is %d".formatted(name, value));
    }
    return value;
  }

  private static Conversation conversation(Prompt prompt, S3ChatOptions options) {
    Conversation.Builder builder = Conversation.builder(Messages.of(prompt.getInstructions()));
    List<ToolCallback> tools = options.getToolCallbacks();
    if (tools == null || tools.isEmpty()) {
      return builder.build();
    }
    ToolCallingChatOptions.validateToolCallbacks(tools);
    boolean strict = Boolean.TRUE.equals(options.getStrictTools());
    return builder
        .tools(tools.stream().map(tool -> definition(tool.getToolDefinition(), strict)).toList())
        .build();
  }

  private static Map<String, @Nullable Object> definition(ToolDefinition tool, boolean strict) {
    return ToolFunction.parse(tool.name(), tool.description(), tool.inputSchema())
        .withStrict(strict)
        .definition();
  }

  private static SamplingParameters sampling(S3ChatOptions options) {
    return new SamplingParameters(
        Objects.requireNonNullElse(options.getTemperature(), 0.0),
        Objects.requireNonNullElse(options.getTopK(), 0),
        Objects.requireNonNullElse(options.getTopP(), 1.0),
        Objects.requireNonNullElse(options.getMinP(), 0.0),
        Objects.requireNonNullElse(options.getRepetitionPenalty(), 1.0),
        Objects.requireNonNullElse(options.getPresencePenalty(), 0.0),
        Objects.requireNonNullElse(options.getFrequencyPenalty(), 0.0),
        Objects.requireNonNullElse(options.getLogitBias(), Map.of()),
        Objects.requireNonNullElse(options.getSeed(), 0L));
  }

  private static void schedule(GenerationRequest.Builder tokens, S3ChatOptions options) {
    ifSet(options.getMinTokens(), tokens::minTokens);
    ifSet(options.getLogProbabilities(), tokens::logProbabilities);
    ifSet(options.getTenant(), tokens::tenant);
    ifSet(options.getPriority(), tokens::priority);
    ifSet(options.getDeadline(), tokens::deadline);
  }

  private static <T> void ifSet(@Nullable T value, Consumer<T> setter) {
    if (value != null) {
      setter.accept(value);
    }
  }
}
