/**
 * Tools and thinking: the parts of an answer ({@link dev.s3llm.text.tool.AnswerEvent}), the formats
 * in which models write them, and which tool a model may or must call.
 *
 * <p>Depends on no other package of this project but {@code dev.s3llm.support}.
 */
@NullMarked
package dev.s3llm.text.tool;

import org.jspecify.annotations.NullMarked;
