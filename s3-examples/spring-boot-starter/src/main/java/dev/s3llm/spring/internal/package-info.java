/** Start of the application: default properties, checks and failure reports. No API. */
@NullMarked
package dev.s3llm.spring.internal;

import org.jspecify.annotations.NullMarked;
