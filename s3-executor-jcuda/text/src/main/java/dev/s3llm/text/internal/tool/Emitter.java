package dev.s3llm.text.internal.tool;

import dev.s3llm.text.tool.AnswerEvent;
import dev.s3llm.text.tool.AnswerEvent.CallArguments;
import dev.s3llm.text.tool.AnswerEvent.CallEnd;
import dev.s3llm.text.tool.AnswerEvent.CallRevoked;
import dev.s3llm.text.tool.AnswerEvent.CallStart;
import dev.s3llm.text.tool.AnswerEvent.Content;
import dev.s3llm.text.tool.AnswerEvent.Reasoning;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Collects the events of an answer. Neighbouring characters of one kind become one event. Blanks
 * beside calls and at the borders of the reasoning belong to the frame and are dropped. Not
 * thread-safe.
 */
final class Emitter {
  private enum Kind {
    CONTENT,
    REASONING,
    ARGUMENTS
  }

  private final Supplier<String> ids;
  private List<AnswerEvent> events = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();
  private Kind kind = Kind.CONTENT;

  /** Blanks of the content that are dropped if a call follows. */
  private final StringBuilder blanks = new StringBuilder();

  private boolean dropsBlanks;
  private final StringBuilder reasoningBlanks = new StringBuilder();
  private boolean reasoned;
  private int started;
  private int open = -1;

  Emitter(Supplier<String> ids) {
    this.ids = ids;
  }

  /** Adds a character of the content. */
  void content(char c) {
    if (Character.isWhitespace(c)) {
      if (!dropsBlanks) {
        blanks.append(c);
      }
      return;
    }
    dropsBlanks = false;
    begin(Kind.CONTENT);
    text.append(blanks).append(c);
    blanks.setLength(0);
  }

  /** Releases the blanks at the end of the content, since no call can follow. */
  void releaseBlanks() {
    if (!blanks.isEmpty()) {
      begin(Kind.CONTENT);
      text.append(blanks);
      blanks.setLength(0);
    }
  }

  /** Adds a character of the reasoning. */
  void reasoning(char c) {
    if (Character.isWhitespace(c)) {
      if (reasoned) {
        reasoningBlanks.append(c);
      }
      return;
    }
    reasoned = true;
    begin(Kind.REASONING);
    text.append(reasoningBlanks).append(c);
    reasoningBlanks.setLength(0);
  }

  /** Ends the reasoning; blanks after it are dropped. */
  void endReasoning() {
    dropsBlanks = true;
    if (reasoned && !reasoningBlanks.isEmpty()) {
      reasoningBlanks.setLength(0);
      reasoningBlanks.append("\n\n"); // a later block of reasoning is a paragraph of its own
    }
  }

  /** Begins a call. */
  void start(String name) {
    flush();
    blanks.setLength(0);
    open = started++;
    events.add(new CallStart(open, ids.get(), name));
    begin(Kind.ARGUMENTS);
  }

  /** Adds a piece of the arguments of the open call. */
  void arguments(String json) {
    text.append(json);
  }

  /** Ends the open call. */
  void end() {
    flush();
    events.add(new CallEnd(open));
    close();
  }

  /** Emits a whole call. */
  void call(String name, String arguments) {
    start(name);
    arguments(arguments);
    end();
  }

  /** Ends the open call, if there is one, as no call. */
  void revoke() {
    if (open >= 0) {
      flush();
      events.add(new CallRevoked(open));
      open = -1;
      kind = Kind.CONTENT;
    }
  }

  /** Returns the number of calls that began. */
  int started() {
    return started;
  }

  /** Returns the events since the last call of this method. */
  List<AnswerEvent> take() {
    flush();
    List<AnswerEvent> taken = events;
    events = new ArrayList<>();
    return taken;
  }

  private void close() {
    open = -1;
    kind = Kind.CONTENT;
    dropsBlanks = true;
  }

  private void begin(Kind next) {
    if (kind != next) {
      flush();
      kind = next;
    }
  }

  private void flush() {
    if (text.isEmpty()) {
      return;
    }
    String piece = text.toString();
    text.setLength(0);
    events.add(
        switch (kind) {
          case CONTENT -> new Content(piece);
          case REASONING -> new Reasoning(piece);
          case ARGUMENTS -> new CallArguments(open, piece);
        });
  }
}
