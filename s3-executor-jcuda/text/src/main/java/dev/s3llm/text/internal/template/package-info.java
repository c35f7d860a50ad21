/**
 * Jinja for chat templates, with limits. Not part of the API.
 *
 * <p>Depends on no other package of ours; uses Jinjava and Guava.
 */
@NullMarked
package dev.s3llm.text.internal.template;

import org.jspecify.annotations.NullMarked;
