/**
 * A server of OpenAI's protocol on Spring Boot. The application class is empty: {@code
 * autoconfigure} creates the endpoints, {@code s3-spring-boot-starter} creates the engine.
 *
 * <p>Packages, each of which depends only on those before it: {@code openai} (requests, responses
 * and errors of the protocol), {@code call} (calls and their submission), {@code live} (data of the
 * live page; on its own), {@code http} (handlers and filters), {@code observe} (meters and spans of
 * calls), {@code autoconfigure}. Of the starter they use public types only.
 */
@NullMarked
package dev.s3llm.examples.server;

import org.jspecify.annotations.NullMarked;
