package dev.s3llm.text;

import dev.s3llm.execute.SequenceStep.TokenConstraint;

/** The rules of JSON texts by their schemas. */
final class SchemaRules {
  private SchemaRules() {}

  /**
   * Returns the rule of the JSON texts that keep a schema.
   *
   * @param model the model whose tokens spell the text
   * @param schema the schema
   * @throws IllegalArgumentException if the schema cannot be kept
   */
  static TokenConstraint of(TextModel model, String schema) {
    throw new IllegalArgumentException(
        "this version of s3-text keeps no JSON schema, which a required tool choice and strict"
            + " functions need: use tool choice auto, without strict");
  }
}
