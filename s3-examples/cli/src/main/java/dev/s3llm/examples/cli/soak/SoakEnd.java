package dev.s3llm.examples.cli.soak;

/**
 * The state at the end of a soak.
 *
 * @param whole whether every result arrived and every block was returned
 * @param unhealthy requests that were refused because the engine was unhealthy
 * @param refusal why the engine accepted no more requests; empty if it did to the end
 */
record SoakEnd(boolean whole, long unhealthy, String refusal) {}
