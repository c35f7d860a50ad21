package dev.s3llm.text;

import dev.s3llm.GenerationResult;
import dev.s3llm.observe.FinishReason;
import java.util.Optional;

/**
 * The result of a text generation.
 *
 * @param text the answer without the stop string that ended it; partial if the generation was cut
 *     off
 * @param finishReason why the generation ended; {@link FinishReason#STOP} also after a stop string
 * @param stopString the stop string that ended the answer, if one did
 * @param generation tokens, times, prediction and explanation of the generation in tokens. After a
 *     stop string its own finish reason is usually {@code CANCELLED}, and it may hold a few tokens
 *     more than the text
 */
public record TextResult(
    String text,
    FinishReason finishReason,
    Optional<String> stopString,
    GenerationResult generation) {}
