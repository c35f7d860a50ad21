package dev.s3llm.examples.server.http;

import java.time.Duration;
import java.util.Optional;

/**
 * Settings of speech to text.
 *
 * @param model name of the model
 * @param maxRequestBytes largest request body, in bytes
 * @param requestTimeout most time for a request's body to arrive
 * @param deadline time after which a transcription times out
 * @param threads threads that read recordings, at least 1
 * @param queue recordings that may wait for these threads, at least 1
 */
public record SpeechSettings(
    String model,
    int maxRequestBytes,
    Duration requestTimeout,
    Optional<Duration> deadline,
    int threads,
    int queue) {}
