package dev.s3llm.text.internal.tool;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads calls that are JSON objects: one, several with separators, or a list of them. */
final class JsonCalls extends Recognizer {
  private enum State {
    BEFORE,
    OBJECT,
    BETWEEN,
    AFTER_LIST,
    CLOSER
  }

  private final Emitter out;
  private final Functions functions;
  private final String closer;
  private final boolean bare;
  private final boolean whole;
  private final List<CallObject> deferred = new ArrayList<>();
  private State state = State.BEFORE;
  private @Nullable CallObject object;
  private boolean inList;
  private int closed;

  /**
   * Creates a reader.
   *
   * @param out receives the events
   * @param functions the functions that exist
   * @param closer what ends the calls; empty if nothing does
   * @param bare whether no marker stands before the calls
   * @param whole whether there are calls only if nothing else follows in the answer
   */
  JsonCalls(Emitter out, Functions functions, String closer, boolean bare, boolean whole) {
    this.out = out;
    this.functions = functions;
    this.closer = closer;
    this.bare = bare;
    this.whole = whole;
  }

  @Override
  Status accept(char c) {
    return switch (state) {
      case BEFORE -> before(c);
      case OBJECT -> object(c);
      case BETWEEN -> between(c);
      case AFTER_LIST -> afterList(c);
      case CLOSER -> closer(c);
    };
  }

  @Override
  Status finish() {
    boolean complete =
        !inList
            && (state == State.BETWEEN
                || state == State.AFTER_LIST
                || (state == State.CLOSER && !whole));
    if (!complete) {
      return Status.REJECTED;
    }
    deferred.forEach(call -> out.call(call.name(), call.arguments()));
    deferred.clear();
    settle();
    return Status.DONE;
  }

  private Status before(char c) {
    if (JsonScanner.isSpace(c)) {
      return Status.MORE;
    }
    if (c == '[' && !inList && settled() == 0) {
      inList = true;
      return Status.MORE;
    }
    if (c != '{') {
      return Status.REJECTED;
    }
    object = new CallObject(out, functions, bare, whole);
    state = State.OBJECT;
    return object(c);
  }

  private Status object(char c) {
    CallObject current = object;
    Status status = current == null ? Status.REJECTED : current.feed(c);
    if (status != Status.DONE || current == null) {
      return status;
    }
    if (whole) {
      deferred.add(current);
    } else {
      settle();
    }
    state = State.BETWEEN;
    return Status.MORE;
  }

  private Status between(char c) {
    if (JsonScanner.isSpace(c)) {
      return Status.MORE;
    }
    if (inList && c == ']') {
      inList = false;
      state = State.AFTER_LIST;
      if (!whole) {
        settle();
      }
      return Status.MORE;
    }
    if (c == ',' || (c == ';' && !inList)) {
      state = State.BEFORE;
      return Status.MORE;
    }
    return inList ? Status.REJECTED : afterList(c);
  }

  private Status afterList(char c) {
    if (JsonScanner.isSpace(c)) {
      return Status.MORE;
    }
    state = State.CLOSER;
    return closer(c);
  }

  private Status closer(char c) {
    if (closed < closer.length() && c == closer.charAt(closed)) {
      closed++;
      if (closed < closer.length()) {
        return Status.MORE;
      }
      if (!whole) {
        return Status.DONE;
      }
      state = State.AFTER_LIST;
      return Status.MORE;
    }
    return Status.REJECTED;
  }
}
