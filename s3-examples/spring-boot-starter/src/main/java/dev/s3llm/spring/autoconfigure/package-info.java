/**
 * Creates engine, model and text generator from {@code s3llm.*} properties. A bean of the
 * application replaces each bean of this package.
 */
@NullMarked
package dev.s3llm.spring.autoconfigure;

import org.jspecify.annotations.NullMarked;
