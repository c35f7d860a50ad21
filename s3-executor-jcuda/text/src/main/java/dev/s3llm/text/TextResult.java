package dev.s3llm.text;

import dev.s3llm.GenerationResult;
import dev.s3llm.observe.FinishReason;
import java.util.Optional;

/**
 * How a text generation ended.
 *
 * @param text the answer, up to and without the stop string that ended it; whole or partial, as far
 *     as it came
 * @param finishReason how it ended; {@link FinishReason#STOP} also where a stop string ended it
 * @param stopString the stop string that ended it, if one did
 * @param generation the tokens, times, prediction and explanation underneath. Where a stop string
 *     ended it, its reason is as a rule {@code CANCELLED}, and it may hold a few tokens more than
 *     the text
 */
public record TextResult(
    String text,
    FinishReason finishReason,
    Optional<String> stopString,
    GenerationResult generation) {}
