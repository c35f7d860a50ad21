/**
 * Unpacks the small model that this jar carries as resources.
 *
 * <p>Depends on the JDK only.
 */
@NullMarked
package dev.s3llm.examples.model;

import org.jspecify.annotations.NullMarked;
