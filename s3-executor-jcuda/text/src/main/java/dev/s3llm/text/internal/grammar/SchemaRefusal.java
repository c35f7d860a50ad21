package dev.s3llm.text.internal.grammar;

/** A part of a JSON schema that cannot be kept. */
public final class SchemaRefusal extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  private final String path;
  private final String keyword;

  SchemaRefusal(String path, String keyword, String why) {
    super(
        "the JSON schema cannot be used: '%s' at '%s': %s"
            .formatted(keyword, path.isEmpty() ? "/" : SchemaRewriting.named(path), why));
    this.path = SchemaRewriting.named(path);
    this.keyword = keyword;
  }

  /** Returns the JSON pointer of the schema that has the keyword. */
  public String path() {
    return path;
  }

  /** Returns the keyword. */
  public String keyword() {
    return keyword;
  }
}
