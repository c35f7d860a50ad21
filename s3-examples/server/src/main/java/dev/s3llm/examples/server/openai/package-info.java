/**
 * Requests, responses and errors of OpenAI's protocol as JSON. Depends on Jackson, on Spring's web
 * exceptions and on the library's types, but on no other package of the server.
 */
@NullMarked
package dev.s3llm.examples.server.openai;

import org.jspecify.annotations.NullMarked;
