/**
 * Makes engine, model and endpoints from {@code s3llm.*} properties. Each bean gives way to one of
 * the application's own. Depends on all other packages.
 */
@NullMarked
package dev.s3llm.examples.server.autoconfigure;

import org.jspecify.annotations.NullMarked;
