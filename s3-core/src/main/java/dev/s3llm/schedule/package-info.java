/**
 * What the next step does: in which order waiting sequences are considered, and how a step's token
 * budget is spent. Depends on {@code predict} and {@code memory}.
 */
@NullMarked
package dev.s3llm.schedule;

import org.jspecify.annotations.NullMarked;
