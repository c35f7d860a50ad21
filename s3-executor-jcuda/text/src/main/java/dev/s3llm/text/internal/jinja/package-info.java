/** Jinja. */
@NullMarked
package dev.s3llm.text.internal.jinja;

import org.jspecify.annotations.NullMarked;
