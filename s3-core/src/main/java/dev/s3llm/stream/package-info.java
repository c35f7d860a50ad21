/**
 * Streams with back-pressure, for the engine's tokens and for what layers on top of it make of
 * them. Depends on nothing else here.
 */
@NullMarked
package dev.s3llm.stream;

import org.jspecify.annotations.NullMarked;
