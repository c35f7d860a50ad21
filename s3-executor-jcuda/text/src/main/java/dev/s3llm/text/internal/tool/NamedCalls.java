package dev.s3llm.text.internal.tool;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads one call whose name stands before its arguments, which are a JSON object. */
final class NamedCalls extends Recognizer {
  private static final int MAX_HEADER = 300;

  private final Emitter out;
  private final Functions functions;
  private final Pattern header;
  private final List<String> closers;
  private final StringBuilder read = new StringBuilder();
  private final StringBuilder tail = new StringBuilder();
  private @Nullable ArgumentsObject arguments;

  /**
   * Creates a reader.
   *
   * @param out receives the events
   * @param functions the functions that exist
   * @param header all that stands between marker and arguments; its group 1 is the name
   * @param closers what may follow the arguments, in this order, with or without blanks
   */
  NamedCalls(Emitter out, Functions functions, Pattern header, List<String> closers) {
    this.out = out;
    this.functions = functions;
    this.header = header;
    this.closers = closers;
  }

  @Override
  Status accept(char c) {
    if (arguments == null) {
      return header(c);
    }
    if (arguments.isDone()) {
      return tail(c);
    }
    Status status = arguments.feed(c);
    if (status == Status.DONE) {
      out.end();
      settle();
      return closers.isEmpty() ? Status.DONE : Status.MORE;
    }
    return status;
  }

  @Override
  Status finish() {
    if (arguments == null || !arguments.isDone()) {
      return Status.REJECTED;
    }
    settle();
    return Status.DONE;
  }

  private Status header(char c) {
    Matcher matcher = header.matcher(read);
    if (c == '{' && matcher.matches()) {
      String name = matcher.group(1);
      if (!functions.contains(name)) {
        return Status.REJECTED;
      }
      out.start(name);
      arguments = new ArgumentsObject(out);
      return arguments.feed(c);
    }
    read.append(c);
    matcher.reset(read);
    boolean possible = matcher.matches() || matcher.hitEnd();
    return possible && read.length() <= MAX_HEADER ? Status.MORE : Status.REJECTED;
  }

  /** Reads closers: each is optional, and the last one ends the call. */
  private Status tail(char c) {
    tail.append(c);
    String rest = tail.toString().stripLeading();
    if (rest.isEmpty()) {
      return Status.MORE;
    }
    for (int i = 0; i < closers.size(); i++) {
      String closer = closers.get(i);
      if (rest.startsWith(closer)) {
        rest = rest.substring(closer.length()).stripLeading();
        if (i == closers.size() - 1) {
          return Status.DONE;
        }
      } else if (closer.startsWith(rest)) {
        return Status.MORE;
      }
    }
    return Status.REJECTED; // the call is settled; this text is another part of the answer
  }
}
