/**
 * Chat models for LangChain4j that run on an engine of this process, and an example that answers
 * questions about documents with them.
 *
 * <p>May depend on {@code s3-core}, {@code s3-text} and LangChain4j; the retrieval example also on
 * the small model.
 */
@NullMarked
package dev.s3llm.examples.langchain4j;

import org.jspecify.annotations.NullMarked;
