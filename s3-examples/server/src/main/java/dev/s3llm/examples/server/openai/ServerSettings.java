package dev.s3llm.examples.server.openai;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What the endpoints need to know.
 *
 * @param model its name
 * @param started when it was loaded
 * @param maxRequestBytes largest request body
 * @param requestTimeout until a request's body must be there
 * @param heartbeat how often a silent stream says that it is there
 * @param firstTokenWithin refuses requests whose first token is expected later
 * @param deadline after how long a request times out
 */
public record ServerSettings(
    String model,
    Instant started,
    int maxRequestBytes,
    Duration requestTimeout,
    Duration heartbeat,
    Optional<Duration> firstTokenWithin,
    Optional<Duration> deadline) {}
