/**
 * The command {@code devices}: lists what models can run on.
 *
 * <p>May depend on {@code s3-executor-jcuda} and picocli, and on no other package of the command
 * line.
 */
@NullMarked
package dev.s3llm.examples.cli.devices;

import org.jspecify.annotations.NullMarked;
