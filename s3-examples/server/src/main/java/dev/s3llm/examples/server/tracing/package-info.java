/** Spans of calls. Knows Micrometer Tracing and calls. */
@NullMarked
package dev.s3llm.examples.server.tracing;

import org.jspecify.annotations.NullMarked;
