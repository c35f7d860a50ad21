/**
 * The page that {@code replay --html} writes: recorders that listen to simulated runs, and the HTML
 * page with their data.
 *
 * <p>May depend on {@code s3-core}, Jackson and {@code support}, and on no command.
 */
@NullMarked
package dev.s3llm.examples.cli.lab;

import org.jspecify.annotations.NullMarked;
