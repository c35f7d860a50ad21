/**
 * Chat models for LangChain4j that run on an S3 engine in the same process.
 *
 * <p>Depends on {@code s3-core}, the text layer {@code s3-text} and {@code langchain4j-core} only.
 */
@NullMarked
package dev.s3llm.langchain4j;

import org.jspecify.annotations.NullMarked;
