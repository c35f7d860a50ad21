package dev.s3llm.engine.constraint;

import dev.s3llm.execute.SequenceStep.TokenConstraint;

/**
 * A request's constraint, and what the request says about the end of its answer.
 *
 * @param constraint the constraint
 * @param stopTokens ids of the tokens that end the answer, in the vocabulary
 * @param leastTokens number of output tokens before which no stop token may come, 0 or more
 * @param maxNewTokens output limit in tokens, at least 1
 * @param vocabularySize number of token ids, at least 1
 * @param endings the masks with stop tokens, which the engine's requests share
 */
@SuppressWarnings("ArrayRecordComponent") // shared with the request, never compared
public record AnswerRules(
    TokenConstraint constraint,
    int[] stopTokens,
    int leastTokens,
    int maxNewTokens,
    int vocabularySize,
    EndingMasks endings) {}
