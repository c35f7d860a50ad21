package dev.s3llm.observe;

import java.time.Duration;

/**
 * The expected latency of a request, computed when it joins the queue. All durations count from its
 * submission. The estimate depends on the predicted lengths of the requests before it, so it is
 * right on average and can be wrong for a single request. Immutable.
 *
 * @param queued time until the request starts
 * @param firstToken time until its first token
 * @param finish time until its last token, if the answer has the predicted mean length
 */
public record LatencyEstimate(Duration queued, Duration firstToken, Duration finish) {}
