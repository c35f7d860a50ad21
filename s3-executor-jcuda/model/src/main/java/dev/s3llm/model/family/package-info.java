/**
 * Model families: how each says its arithmetic in {@code config.json}, and how its tensors are
 * named. {@link dev.s3llm.model.family.Family} is the table; a new family is a row of it, and what
 * is truly its own a method that reads it.
 *
 * <p>Not exported. May depend on {@code dev.s3llm.model} and its JSON reader.
 */
@NullMarked
package dev.s3llm.model.family;

import org.jspecify.annotations.NullMarked;
