/** Meters and spans of calls, recorded by the starter's recorders. Depends on {@code call}. */
@NullMarked
package dev.s3llm.examples.server.observe;

import org.jspecify.annotations.NullMarked;
