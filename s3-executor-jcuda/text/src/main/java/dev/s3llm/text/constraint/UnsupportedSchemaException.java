package dev.s3llm.text.constraint;

import dev.s3llm.text.internal.grammar.SchemaRefusal;

/** A part of a JSON schema that answers cannot be made to keep, or that is not valid. */
public final class UnsupportedSchemaException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  private final String path;
  private final String keyword;

  UnsupportedSchemaException(SchemaRefusal refusal) {
    super(refusal.getMessage(), refusal);
    this.path = refusal.path();
    this.keyword = refusal.keyword();
  }

  /** Returns the JSON pointer of the schema that has the keyword; empty for the whole schema. */
  public String path() {
    return path;
  }

  /** Returns the keyword that cannot be kept. */
  public String keyword() {
    return keyword;
  }
}
