package dev.s3llm.examples.cli.options;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.s3llm.simulate.Trace;

/**
 * A prompt to answer.
 *
 * @param id its id, unique among the prompts of a run
 * @param text its text, not blank
 * @param terms limit, priority, deadline, tenant and cancellation of its request
 */
public record Prompt(
    @JsonProperty("id") String id,
    @JsonProperty("prompt") String text,
    @JsonIgnore Trace.Terms terms) {

  /**
   * Creates a prompt without terms.
   *
   * @param id its id, unique among the prompts of a run
   * @param text its text, not blank
   */
  public Prompt(String id, String text) {
    this(id, text, Trace.Terms.NONE);
  }
}
