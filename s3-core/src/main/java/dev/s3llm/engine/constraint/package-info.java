/**
 * The states and masks of a request's token constraint. The loop owns a {@link
 * dev.s3llm.engine.constraint.ConstraintProgress}; other threads compute its {@link
 * dev.s3llm.engine.constraint.Verdict}s.
 */
@NullMarked
package dev.s3llm.engine.constraint;

import org.jspecify.annotations.NullMarked;
