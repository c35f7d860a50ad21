package dev.s3llm.text.internal.tool;

import dev.s3llm.text.internal.tool.Recognizer.Status;
import dev.s3llm.text.tool.AnswerEvent;
import dev.s3llm.text.tool.AnswerParser;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Parses the channels of gpt-oss. An answer is a list of messages, each a header (role, channel,
 * recipient, content type) and a body. The channel {@code analysis} is reasoning; a body for a
 * recipient {@code functions.NAME} is the arguments of a call; everything else is content. The
 * first header begins in the prompt.
 */
final class HarmonyParser implements AnswerParser {
  private static final String MESSAGE = "<|message|>";
  private static final List<String> HEADS = List.of("<|start|>", "<|channel|>");
  private static final List<String> ENDS = List.of("<|end|>", "<|return|>", "<|call|>");
  private static final Pattern RECIPIENT = Pattern.compile("to=(?:functions\\.)?([\\w.-]+)");
  private static final Pattern CHANNEL = Pattern.compile("<\\|channel\\|>\\s*(\\w+)");
  private static final Pattern FIRST_HEADER = Pattern.compile("\\s*(assistant)?\\s*(to=.*)?");
  private static final int MAX_HEADER = 400;

  private enum State {
    HEADER,
    REASONING,
    CONTENT,
    CALL,
    BROKEN_CALL
  }

  private final Functions functions;
  private final Emitter out;
  private final StringBuilder input = new StringBuilder();
  private final StringBuilder header = new StringBuilder();
  private final StringBuilder body = new StringBuilder();
  private State state = State.HEADER;
  private @Nullable ArgumentsObject arguments;
  private boolean first = true;
  private boolean finishing;

  HarmonyParser(Functions functions, Supplier<String> ids) {
    this.functions = functions;
    this.out = new Emitter(ids);
  }

  @Override
  public List<AnswerEvent> text(String piece) {
    input.append(piece);
    return run();
  }

  @Override
  public List<AnswerEvent> special(String token) {
    return text(token);
  }

  @Override
  public List<AnswerEvent> finish() {
    finishing = true;
    run();
    endBody();
    if (first || header.indexOf("<|") < 0) {
      noHeader();
    }
    out.releaseBlanks();
    return out.take();
  }

  @Override
  public boolean inReasoning() {
    return state == State.REASONING;
  }

  private List<AnswerEvent> run() {
    int at = 0;
    while (at < input.length()) {
      int step = state == State.HEADER ? header(at) : body(at);
      if (step == 0) {
        break;
      }
      at += step;
    }
    input.delete(0, at);
    return out.take();
  }

  /** Reads a character or the end of a header; returns the number of characters read. */
  private int header(int at) {
    int end = match(MESSAGE, at);
    if (end != 0) {
      if (end > 0) {
        beginBody();
      }
      return Math.max(0, end);
    }
    header.append(input.charAt(at));
    boolean none =
        first
            && header.indexOf("<|") < 0
            && !(header.length() == header.indexOf("<") + 1)
            && !couldBeHeader();
    if (none || header.length() > MAX_HEADER) {
      noHeader();
    }
    return 1;
  }

  private boolean couldBeHeader() {
    Matcher matcher = FIRST_HEADER.matcher(header);
    return matcher.matches() || matcher.hitEnd();
  }

  /** Treats an answer without a header as content. */
  private void noHeader() {
    first = false;
    state = State.CONTENT;
    for (int i = 0; i < header.length(); i++) {
      out.content(header.charAt(i));
    }
    header.setLength(0);
  }

  private void beginBody() {
    first = false;
    Matcher recipient = RECIPIENT.matcher(header);
    Matcher channel = CHANNEL.matcher(header);
    String name = channel.find() ? channel.group(1) : "final";
    body.setLength(0);
    if (recipient.find() && functions.contains(recipient.group(1))) {
      state = State.CALL;
      arguments = new ArgumentsObject(out);
      out.start(recipient.group(1));
    } else {
      state = name.equals("analysis") ? State.REASONING : State.CONTENT;
    }
    header.setLength(0);
  }

  private int body(int at) {
    for (String head : HEADS) {
      int match = match(head, at);
      if (match != 0) {
        if (match > 0) {
          endBody();
          header.append(head);
        }
        return Math.max(0, match);
      }
    }
    for (String end : ENDS) {
      int match = match(end, at);
      if (match != 0) {
        if (match > 0) {
          endBody();
        }
        return Math.max(0, match);
      }
    }
    bodyCharacter(input.charAt(at));
    return 1;
  }

  private void bodyCharacter(char c) {
    switch (state) {
      case REASONING -> out.reasoning(c);
      case CALL -> callCharacter(c);
      default -> out.content(c);
    }
  }

  private void callCharacter(char c) {
    ArgumentsObject call = arguments;
    if (call == null || (JsonScanner.isSpace(c) && (body.isEmpty() || call.isDone()))) {
      return;
    }
    body.append(c);
    if (call.feed(c) == Status.REJECTED) {
      revoke();
    }
  }

  /** Turns a broken call into content. */
  private void revoke() {
    out.revoke();
    arguments = null;
    state = State.BROKEN_CALL;
    for (int i = 0; i < body.length(); i++) {
      out.content(body.charAt(i));
    }
    body.setLength(0);
  }

  private void endBody() {
    ArgumentsObject call = arguments;
    if (state == State.CALL && call != null) {
      if (call.isDone()) {
        out.end();
      } else {
        revoke();
      }
      arguments = null;
    } else if (state == State.REASONING) {
      out.endReasoning();
    }
    if (!first) {
      state = State.HEADER;
    }
  }

  /** Returns the length of a marker that stands at an offset; 0 if none does; -1 if it may. */
  private int match(String marker, int offset) {
    int length = Math.min(marker.length(), input.length() - offset);
    for (int i = 0; i < length; i++) {
      if (input.charAt(offset + i) != marker.charAt(i)) {
        return 0;
      }
    }
    return length == marker.length() ? length : finishing ? 0 : -1;
  }
}
