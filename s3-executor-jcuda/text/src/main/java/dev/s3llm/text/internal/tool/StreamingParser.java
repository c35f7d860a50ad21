package dev.s3llm.text.internal.tool;

import dev.s3llm.text.internal.tool.Dialect.Place;
import dev.s3llm.text.internal.tool.Dialect.Trigger;
import dev.s3llm.text.internal.tool.Recognizer.Status;
import dev.s3llm.text.tool.AnswerEvent;
import dev.s3llm.text.tool.AnswerParser;
import java.util.BitSet;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Parses answers in which markers separate content, reasoning and calls.
 *
 * <p>Text is read character by character from {@link #input}. Where a trigger of the dialect
 * matches, a {@link Recognizer} reads on. If it rejects the text, reading goes back to the trigger,
 * or behind the last complete call, and tries the next trigger that matches there; without one, the
 * first character is content. Text that may still become a marker waits in {@link #input}.
 */
public final class StreamingParser implements AnswerParser {
  private enum State {
    START,
    REASONING,
    CONTENT,
    CALL
  }

  private final Dialect dialect;
  private final Functions functions;
  private final String thinkOpen;
  private final String thinkClose;
  private final Emitter out;

  private final StringBuilder input = new StringBuilder();

  /** Of each character of the input, whether it is part of a special token. */
  private final BitSet hidden = new BitSet();

  private int at;
  private State state;
  private @Nullable Recognizer recognizer;
  private int trigger;
  private int callStart;
  private int fedFrom;

  /** Where the input is at the first trigger that was not tried yet. */
  private int retry;

  private boolean lineStart = true;
  private boolean answerStart = true;
  private boolean finishing;

  /**
   * Creates a parser.
   *
   * @param dialect the format of calls
   * @param functions the functions that may be called; nothing is a call if there are none
   * @param thinking markers of reasoning
   * @param ids creates the ids of calls
   */
  StreamingParser(Dialect dialect, Functions functions, Thinking thinking, Supplier<String> ids) {
    this.dialect = dialect;
    this.functions = functions;
    this.thinkOpen = thinking.open();
    this.thinkClose = thinking.close();
    this.out = new Emitter(ids);
    this.state = thinking.begun() ? State.REASONING : State.START;
    if (thinking.open().isEmpty()) {
      state = State.CONTENT;
    }
  }

  /**
   * The markers of reasoning.
   *
   * @param open what begins it, empty if the model does not think
   * @param close what ends it
   * @param begun whether the prompt has begun it
   */
  public record Thinking(String open, String close, boolean begun) {
    /** No reasoning. */
    public static final Thinking NONE = new Thinking("", "", false);
  }

  @Override
  public List<AnswerEvent> text(String piece) {
    input.append(piece);
    return run();
  }

  @Override
  public List<AnswerEvent> special(String token) {
    hidden.set(input.length(), input.length() + token.length());
    input.append(token);
    return run();
  }

  @Override
  public List<AnswerEvent> finish() {
    finishing = true;
    return run();
  }

  @Override
  public boolean inReasoning() {
    return state == State.REASONING;
  }

  private List<AnswerEvent> run() {
    boolean moved = true;
    while (moved) {
      moved =
          switch (state) {
            case START -> start();
            case REASONING -> reasoning();
            case CONTENT -> content();
            case CALL -> call();
          };
    }
    if (functions.isEmpty() || finishing) {
      out.releaseBlanks();
    }
    drop();
    return out.take();
  }

  /** Removes what was read. */
  private void drop() {
    int read = state == State.CALL ? callStart : at;
    if (read > 0) {
      input.delete(0, read);
      BitSet rest = hidden.get(read, Math.max(read, hidden.length()));
      hidden.clear();
      hidden.or(rest);
      at -= read;
      callStart -= read;
      fedFrom -= read;
    }
  }

  private boolean start() {
    int i = at;
    while (i < input.length() && Character.isWhitespace(input.charAt(i))) {
      i++;
    }
    int match = match(thinkOpen, i);
    if (match > 0) {
      at = i + match;
      state = State.REASONING;
      return true;
    }
    if (match < 0 || (i == input.length() && !finishing)) {
      return false;
    }
    state = State.CONTENT;
    return true;
  }

  private boolean reasoning() {
    while (at < input.length()) {
      int match = match(thinkClose, at);
      if (match < 0) {
        return false;
      }
      if (match > 0) {
        at += match;
        out.endReasoning();
        state = State.CONTENT;
        return true;
      }
      int again = match(thinkOpen, at);
      if (again < 0) {
        return false;
      }
      if (again > 0) {
        at += again;
      } else {
        if (!hidden.get(at)) {
          out.reasoning(input.charAt(at));
        }
        at++;
      }
    }
    return false;
  }

  private boolean content() {
    while (at < input.length()) {
      int found = functions.isEmpty() ? dialect.triggers().size() : trigger();
      if (found < 0) {
        return false;
      }
      if (found < dialect.triggers().size()) {
        begin(found);
        return true;
      }
      int noise = noise();
      if (noise < 0) {
        return false;
      }
      if (noise > 0) {
        at += noise;
      } else {
        contentCharacter();
      }
      retry = 0;
    }
    return false;
  }

  private void contentCharacter() {
    char c = input.charAt(at);
    if (!hidden.get(at)) {
      out.content(c);
      lineStart = c == '\n' || (lineStart && Character.isWhitespace(c));
      answerStart = answerStart && Character.isWhitespace(c);
    }
    at++;
  }

  /**
   * Returns the first trigger from {@link #retry} on that matches here; their number if none does;
   * -1 if one may match with more text.
   */
  private int trigger() {
    List<Trigger> triggers = dialect.triggers();
    for (int i = retry; i < triggers.size(); i++) {
      Trigger candidate = triggers.get(i);
      boolean counts =
          candidate.place() == Place.ANYWHERE
              || (candidate.place() == Place.LINE ? lineStart : answerStart && out.started() == 0);
      int match = counts ? match(candidate.marker(), at) : 0;
      if (match != 0) {
        return match < 0 ? -1 : i;
      }
    }
    return triggers.size();
  }

  private int noise() {
    for (String marker : dialect.noise()) {
      int match = match(marker, at);
      if (match != 0) {
        return match;
      }
    }
    return 0;
  }

  /** Returns the length of a marker that stands at an offset; 0 if none does; -1 if it may. */
  private int match(String marker, int offset) {
    int length = Math.min(marker.length(), input.length() - offset);
    for (int i = 0; i < length; i++) {
      if (input.charAt(offset + i) != marker.charAt(i)) {
        return 0;
      }
    }
    if (length == marker.length()) {
      return length;
    }
    return finishing || length <= 0 ? 0 : -1;
  }

  private void begin(int found) {
    Trigger chosen = dialect.triggers().get(found);
    trigger = found;
    callStart = at;
    at += chosen.consumed() ? chosen.marker().length() : 0;
    fedFrom = at;
    recognizer = chosen.reader().apply(out, functions);
    state = State.CALL;
  }

  private boolean call() {
    Recognizer reader = recognizer;
    if (reader == null) {
      throw new IllegalStateException("no calls are read");
    }
    while (at < input.length()) {
      Status status = reader.feed(input.charAt(at));
      at++;
      if (status != Status.MORE) {
        return leave(reader, status);
      }
    }
    return finishing && leave(reader, reader.finish());
  }

  /** Goes on behind the calls, or back to what was no call. */
  private boolean leave(Recognizer reader, Status status) {
    recognizer = null;
    state = State.CONTENT;
    retry = 0;
    if (status == Status.REJECTED) {
      out.revoke();
      if (reader.settled() > 0) {
        at = fedFrom + reader.settled();
      } else {
        at = callStart;
        retry = trigger + 1;
      }
    }
    if (status == Status.DONE || reader.settled() > 0) {
      lineStart = true;
      answerStart = false;
    }
    return true;
  }
}
