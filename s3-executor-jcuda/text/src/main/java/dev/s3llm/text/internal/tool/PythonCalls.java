package dev.s3llm.text.internal.tool;

/**
 * Reads a Python list of calls, such as {@code [f(a=1), g(b="x")]}. The calls are emitted together
 * at its end.
 */
final class PythonCalls extends Recognizer {
  private static final int MAX_CHARS = 1 << 20;

  private final Emitter out;
  private final Functions functions;
  private final String closer;
  private final StringBuilder text = new StringBuilder();
  private final StringBuilder open = new StringBuilder();
  private char quote;
  private boolean escaped;
  private boolean named;
  private boolean complete;
  private int closed;

  /**
   * Creates a reader.
   *
   * @param out receives the events
   * @param functions the functions that exist
   * @param closer what may stand behind the list; may be empty
   */
  PythonCalls(Emitter out, Functions functions, String closer) {
    this.out = out;
    this.functions = functions;
    this.closer = closer;
  }

  @Override
  Status accept(char c) {
    if (complete) {
      return closer(c);
    }
    if (open.isEmpty()) {
      return begin(c);
    }
    text.append(c);
    if (text.length() > MAX_CHARS || (!named && !couldBeName(c))) {
      return Status.REJECTED;
    }
    return bracket(c);
  }

  @Override
  Status finish() {
    return complete ? Status.DONE : Status.REJECTED;
  }

  private Status begin(char c) {
    if (c != '[') {
      return JsonScanner.isSpace(c) ? Status.MORE : Status.REJECTED;
    }
    open.append(c);
    text.append(c);
    return Status.MORE;
  }

  /** Returns whether the first word within the list is, or may become, the name of a function. */
  private boolean couldBeName(char c) {
    String word = text.substring(1).stripLeading();
    if (c != '(') {
      return functions.anyBeginsWith(word.stripTrailing());
    }
    named = true;
    return functions.contains(word.substring(0, word.length() - 1).strip());
  }

  private Status bracket(char c) {
    if (quote != 0) {
      boolean ends = c == quote && !escaped;
      escaped = c == '\\' && !escaped;
      quote = ends ? 0 : quote;
      return Status.MORE;
    }
    switch (c) {
      case '"', '\'' -> quote = c;
      case '(', '[', '{' -> open.append(c);
      case ')', ']', '}' -> {
        int last = open.length() - 1;
        if ("([{".indexOf(open.charAt(last)) != ")]}".indexOf(c)) {
          return Status.REJECTED;
        }
        open.setLength(last);
        return last == 0 ? calls() : Status.MORE;
      }
      default -> {}
    }
    return Status.MORE;
  }

  private Status calls() {
    var calls = PythonReader.calls(text.toString());
    if (calls.isEmpty() || !calls.stream().allMatch(call -> functions.contains(call.name()))) {
      return Status.REJECTED;
    }
    calls.forEach(call -> out.call(call.name(), Json.write(call.arguments())));
    complete = true;
    settle();
    return closer.isEmpty() ? Status.DONE : Status.MORE;
  }

  private Status closer(char c) {
    if (closed == 0 && JsonScanner.isSpace(c)) {
      return Status.MORE;
    }
    if (c != closer.charAt(closed)) {
      return Status.REJECTED;
    }
    closed++;
    return closed == closer.length() ? Status.DONE : Status.MORE;
  }
}
