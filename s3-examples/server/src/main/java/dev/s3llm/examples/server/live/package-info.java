/**
 * A page that shows the batch as it runs: who holds which KV blocks, who waits for what, how good
 * the length predictions are. Depends on the engine alone.
 */
@NullMarked
package dev.s3llm.examples.server.live;

import org.jspecify.annotations.NullMarked;
