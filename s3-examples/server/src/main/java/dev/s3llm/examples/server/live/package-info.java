/**
 * Data and files of a page that shows the batch while it runs: the owners of KV blocks, the waiting
 * requests with reasons, and the quality of the length predictions. Depends on the engine, but on
 * no other package of the server.
 */
@NullMarked
package dev.s3llm.examples.server.live;

import org.jspecify.annotations.NullMarked;
