/**
 * Calls: requests of clients from their arrival to their end, and the threads that submit them.
 * Depends on {@code openai} and the text generator.
 */
@NullMarked
package dev.s3llm.examples.server.call;

import org.jspecify.annotations.NullMarked;
