package dev.s3llm.spring.autoconfigure;

import dev.s3llm.springai.S3ChatOptions;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Min;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * Properties of Spring AI's chat model: options of requests that do not set them.
 *
 * @param temperature divisor of the logits, from 0 to 100. Default: 0, greedy decoding.
 * @param topP the smallest set of tokens whose probability reaches this value is kept, above 0 to
 *     1. Default: 1, all tokens.
 * @param topK number of most probable tokens to keep. Default: 0, all tokens.
 * @param minP tokens whose probability is below this part of the most probable token's are dropped,
 *     from 0 to 1. Default: 0, none.
 * @param maxTokens most tokens of an answer. Default: as many as context and memory allow.
 * @param thinking whether the model thinks before it answers. Default: as its chat template
 *     decides.
 * @param thinkingBudget most tokens of the thinking. Default: no limit.
 * @param nativeStructuredOutput whether entities of the auto-configured chat clients keep their
 *     JSON schema by a constraint of the tokens, in place of instructions in the prompt.
 */
@Validated
@ConfigurationProperties("s3llm.chat")
public record S3ChatProperties(
    @DecimalMin("0") @DecimalMax("100") @Nullable Double temperature,
    @DecimalMin(value = "0", inclusive = false) @DecimalMax("1") @Nullable Double topP,
    @Min(0) @Nullable Integer topK,
    @DecimalMin("0") @DecimalMax("1") @Nullable Double minP,
    @Min(1) @Nullable Integer maxTokens,
    @Nullable Boolean thinking,
    @Min(0) @Nullable Integer thinkingBudget,
    @DefaultValue("true") boolean nativeStructuredOutput) {

  /** Returns the options of the chat model. */
  S3ChatOptions options() {
    return S3ChatOptions.builder()
        .temperature(temperature)
        .topP(topP)
        .topK(topK)
        .minP(minP)
        .maxTokens(maxTokens)
        .thinking(thinking)
        .thinkingBudget(thinkingBudget)
        .build();
  }
}
