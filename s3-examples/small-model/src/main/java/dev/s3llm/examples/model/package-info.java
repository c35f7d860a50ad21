/**
 * Gives access to the small model that this jar carries as resources.
 *
 * <p>May depend on the JDK only.
 */
@NullMarked
package dev.s3llm.examples.model;

import org.jspecify.annotations.NullMarked;
