/**
 * Decides which kept KV blocks are forgotten first: blocks without an owner, whose tokens a later
 * request may begin with. Knows blocks by the key of their chain, and depends on no other package
 * of the engine.
 */
@NullMarked
package dev.s3llm.engine.prefix;

import org.jspecify.annotations.NullMarked;
