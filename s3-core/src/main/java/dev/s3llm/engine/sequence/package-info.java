/**
 * The record of a request, its output and its history, and the ledger of KV blocks. Depends on no
 * other package of the engine.
 */
@NullMarked
package dev.s3llm.engine.sequence;

import org.jspecify.annotations.NullMarked;
