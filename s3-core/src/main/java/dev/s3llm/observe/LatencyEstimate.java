package dev.s3llm.observe;

import java.time.Duration;

/**
 * What a request can expect, as of when it joined the queue; all from its submission on. Rests on
 * the predicted lengths of those before it, so it is right on average and can be wrong for one.
 *
 * @param queued until it starts
 * @param firstToken until its first token
 * @param finish until its last token, if its answer has the predicted mean length
 */
public record LatencyEstimate(Duration queued, Duration firstToken, Duration finish) {}
