package dev.s3llm.text.internal.tool;

import dev.s3llm.text.internal.tool.Recognizer.Status;

/** Passes the arguments of a call on, as long as they are a JSON object. Not thread-safe. */
final class ArgumentsObject {
  private final JsonScanner json = new JsonScanner();
  private final Emitter out;

  ArgumentsObject(Emitter out) {
    this.out = out;
  }

  /** Adds a character; the status is {@code DONE} if it ends the object. */
  Status feed(char c) {
    boolean inString = json.inString();
    boolean first = json.depth() == 0;
    if ((first && c != '{') || !json.feed(c)) {
      return Status.REJECTED;
    }
    out.arguments(inString && c < ' ' ? escape(c) : String.valueOf(c));
    return json.done() ? Status.DONE : Status.MORE;
  }

  boolean isDone() {
    return json.done();
  }

  /** Returns a control character as it must stand within a string of JSON. */
  static String escape(char c) {
    return switch (c) {
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      default -> String.format("\\u%04x", (int) c);
    };
  }
}
