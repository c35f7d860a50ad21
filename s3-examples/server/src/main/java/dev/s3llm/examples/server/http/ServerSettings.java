package dev.s3llm.examples.server.http;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Settings of the endpoints.
 *
 * @param model name of the model
 * @param started time at which the server started
 * @param maxRequestBytes largest request body, in bytes
 * @param requestTimeout most time for a request's body to arrive
 * @param maxOutputTokens most output tokens of a request; fewer if there is no room for as many
 * @param heartbeat interval between comments in a stream without data
 * @param firstTokenWithin refuses requests whose first token is expected later
 * @param deadline time after which a request times out
 */
public record ServerSettings(
    String model,
    Instant started,
    int maxRequestBytes,
    Duration requestTimeout,
    int maxOutputTokens,
    Duration heartbeat,
    Optional<Duration> firstTokenWithin,
    Optional<Duration> deadline) {}
