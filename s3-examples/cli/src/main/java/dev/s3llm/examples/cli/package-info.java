/**
 * The command line example: its entry point, the tree of commands, and the form of its errors.
 *
 * <p>Each command has its own package below this one: {@code generate}, {@code predict}, {@code
 * replay}, {@code capacity}, {@code bench}, {@code soak}, {@code devices}, {@code inspect}, {@code
 * score}, {@code template} and {@code tokenize}. Commands do not depend on one another. They share
 * {@code support} (errors of usage, files, JSON), {@code options} (prompts, models, devices),
 * {@code simulation} (traces, simulated GPUs) and {@code lab} (the page about a replay), which
 * depend on no command.
 */
@NullMarked
package dev.s3llm.examples.cli;

import org.jspecify.annotations.NullMarked;
