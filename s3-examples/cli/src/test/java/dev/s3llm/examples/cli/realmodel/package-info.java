/**
 * Checks with a real model that lies beside the checkout; they say so where it does not.
 *
 * <p>May depend on whatever the command line depends on.
 */
@NullMarked
package dev.s3llm.examples.cli.realmodel;

import org.jspecify.annotations.NullMarked;
