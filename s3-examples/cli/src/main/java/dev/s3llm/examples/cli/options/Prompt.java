package dev.s3llm.examples.cli.options;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A prompt to answer.
 *
 * @param id its id, unique among the prompts of a run
 * @param text its text, not blank
 */
public record Prompt(@JsonProperty("id") String id, @JsonProperty("prompt") String text) {}
