/**
 * Constraints for answers: JSON, a JSON schema, a regular expression, a choice of texts or a
 * grammar. {@link dev.s3llm.text.constraint.Constraints} makes a {@link
 * dev.s3llm.text.constraint.Grammar}, which is independent of a model; {@link
 * dev.s3llm.text.TextRequest.Builder#constraint} applies it to a request.
 *
 * <p>Depends on the token constraints of {@code s3-core} and on {@code internal.grammar}, which is
 * not visible in public signatures.
 */
@NullMarked
package dev.s3llm.text.constraint;

import org.jspecify.annotations.NullMarked;
