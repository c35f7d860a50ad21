/**
 * Grammars over the tokens of a vocabulary. An {@link dev.s3llm.text.internal.grammar.Expr} is
 * compiled to a {@link dev.s3llm.text.internal.grammar.Program}, a pushdown automaton over bytes,
 * and that together with a vocabulary to a {@link dev.s3llm.text.internal.grammar.Machine}, which
 * has the masks.
 *
 * <p>Depends on the token constraints of {@code s3-core} and on Jackson.
 */
@NullMarked
package dev.s3llm.text.internal.grammar;

import org.jspecify.annotations.NullMarked;
