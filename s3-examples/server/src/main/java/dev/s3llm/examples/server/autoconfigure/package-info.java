/**
 * Creates the endpoints from {@code s3llm.*} properties. A bean of the application replaces each
 * bean of this package that it may replace. Depends on all other packages of the server.
 */
@NullMarked
package dev.s3llm.examples.server.autoconfigure;

import org.jspecify.annotations.NullMarked;
