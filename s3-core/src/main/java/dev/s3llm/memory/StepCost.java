package dev.s3llm.memory;

/**
 * What a step that is over cost and brought.
 *
 * @param producedTokens output tokens it sampled
 * @param computedTokens tokens the model processed: decodes, prefills and recomputations
 * @param lostTokens tokens whose KV its preemptions took from the device, to be recomputed or
 *     swapped in later
 * @param recoveryTokens what that costs, in tokens to prefill: as many where they are recomputed,
 *     fewer where swapping is cheaper
 * @param nanos from its launch to its end
 */
public record StepCost(
    int producedTokens, int computedTokens, int lostTokens, double recoveryTokens, long nanos) {}
