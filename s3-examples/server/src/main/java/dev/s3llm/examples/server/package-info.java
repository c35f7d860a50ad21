/**
 * An OpenAI-compatible server. The application itself is empty: {@code autoconfigure} makes the
 * engine and the endpoints from properties, as a starter does.
 */
@NullMarked
package dev.s3llm.examples.server;

import org.jspecify.annotations.NullMarked;
