/**
 * HTTP: handlers of the endpoints, filters for API keys and disconnects, error responses, and
 * timeouts of connections. Depends on WebFlux, {@code call}, {@code live} and {@code openai}.
 */
@NullMarked
package dev.s3llm.examples.server.http;

import org.jspecify.annotations.NullMarked;
