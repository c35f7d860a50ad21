package dev.s3llm.text.internal.tool;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Limits the reasoning of an answer, and applies another constraint to what follows it. When the
 * budget is used up, only the tokens that close the reasoning may come, one after another; so the
 * answer depends on its tokens alone. Thread-safe.
 */
public final class AfterThinking implements TokenConstraint {
  private static final int TAIL_CHARS = 64;

  private final Frame frame;
  private final Settings settings;
  private final @Nullable TokenConstraint content;
  private final Tokens tokens;
  private final long[] any;

  /**
   * The tokens around reasoning.
   *
   * @param open those that begin it
   * @param close the text that ends it
   * @param closing those that end it when the budget is used up, and begin the content
   * @param following those that must come after {@code close} before the content; may be empty
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Frame(int[] open, String close, int[] closing, int[] following) {}

  /**
   * How an answer may begin.
   *
   * @param begun whether the prompt has begun the reasoning
   * @param mustThink whether an answer cannot begin without reasoning
   * @param budget the largest number of tokens of reasoning, without its markers
   */
  public record Settings(boolean begun, boolean mustThink, int budget) {}

  /**
   * The vocabulary.
   *
   * @param size number of tokens
   * @param stopTokens tokens that end an answer
   * @param text the text of a token, special ones included
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Tokens(int size, int[] stopTokens, IntFunction<String> text) {}

  /**
   * Creates a constraint.
   *
   * @param frame the tokens around reasoning
   * @param settings how an answer may begin
   * @param content the rule of what follows the reasoning; null if everything may
   * @param tokens the vocabulary
   */
  public AfterThinking(
      Frame frame, Settings settings, @Nullable TokenConstraint content, Tokens tokens) {
    this.frame = frame;
    this.settings = settings;
    this.content = content;
    this.tokens = tokens;
    any = new long[(tokens.size() + 63) / 64];
    for (int i = 0; i < tokens.size(); i++) {
      any[i / 64] |= 1L << (i % 64);
    }
    for (int stop : tokens.stopTokens()) {
      if (stop >= 0 && stop < tokens.size()) {
        any[stop / 64] &= ~(1L << (stop % 64));
      }
    }
  }

  @Override
  public State start() {
    return settings.begun() ? new Reasoning(0, 0, "") : new Beginning(0);
  }

  @Override
  public int shortest() {
    return content == null ? 0 : content.shortest();
  }

  @Override
  public int longest() {
    int most = content == null ? Integer.MAX_VALUE : content.longest();
    long frames = (long) frame.open().length + frame.closing().length + frame.following().length;
    long sum = most + (long) settings.budget() + frames;
    boolean unbounded = most == Integer.MAX_VALUE || settings.budget() == Integer.MAX_VALUE;
    return unbounded ? Integer.MAX_VALUE : (int) Math.min(Integer.MAX_VALUE, sum);
  }

  private long[] only(int token) {
    long[] mask = new long[any.length];
    mask[token / 64] = 1L << (token % 64);
    return mask;
  }

  private State content() {
    return content == null ? new Free() : content.start();
  }

  private static IllegalArgumentException refused(int token) {
    return new IllegalArgumentException("token " + token + " may not come here");
  }

  /** Before the reasoning, or before content without it. */
  private final class Beginning implements State {
    private final int opened;

    Beginning(int opened) {
      this.opened = opened;
    }

    @Override
    public long[] mask(int tokensLeft) {
      int next = frame.open()[opened];
      if (content == null) {
        return any;
      }
      if (opened > 0 || settings.mustThink()) {
        return only(next);
      }
      long[] mask = content.start().mask(tokensLeft).clone();
      mask[next / 64] |= 1L << (next % 64);
      return mask;
    }

    @Override
    public State after(int token) {
      if (token == frame.open()[opened]) {
        boolean open = opened + 1 == frame.open().length;
        return open ? new Reasoning(0, 0, "") : new Beginning(opened + 1);
      }
      if (content == null) {
        return opened == 0 && tokens.text().apply(token).isBlank() ? this : new Free();
      }
      if (opened > 0 || settings.mustThink()) {
        throw refused(token);
      }
      return content.start().after(token);
    }

    @Override
    public boolean complete() {
      return content == null
          || (opened == 0 && !settings.mustThink() && content.start().complete());
    }
  }

  /** Within the reasoning. */
  private final class Reasoning implements State {
    private final int used;

    /** Number of closing tokens at the end of the text so far. */
    private final int closed;

    private final String tail;

    Reasoning(int used, int closed, String tail) {
      this.used = used;
      this.closed = closed;
      this.tail = tail;
    }

    @Override
    public long[] mask(int tokensLeft) {
      int rest = frame.closing().length - closed + shortest() + 1;
      boolean late = content != null && tokensLeft <= rest;
      return late || isClosing() ? only(frame.closing()[closed]) : any;
    }

    private boolean isClosing() {
      return used >= settings.budget();
    }

    @Override
    public State after(int token) {
      int[] closing = frame.closing();
      if (isClosing() && token != closing[closed]) {
        throw refused(token);
      }
      int matched = token == closing[closed] ? closed + 1 : token == closing[0] ? 1 : 0;
      if (matched == closing.length) {
        return content();
      }
      String text = tail + tokens.text().apply(token);
      if (!isClosing() && text.endsWith(frame.close())) {
        return frame.following().length == 0 || content == null ? content() : new Following(0);
      }
      String kept = text.substring(Math.max(0, text.length() - TAIL_CHARS));
      return new Reasoning(isClosing() ? used : used + 1, matched, kept);
    }

    @Override
    public boolean complete() {
      return content == null && !isClosing();
    }
  }

  /** Between the reasoning and the content. */
  private final class Following implements State {
    private final int written;

    Following(int written) {
      this.written = written;
    }

    @Override
    public long[] mask(int tokensLeft) {
      return only(frame.following()[written]);
    }

    @Override
    public State after(int token) {
      if (token != frame.following()[written]) {
        throw refused(token);
      }
      return written + 1 == frame.following().length ? content() : new Following(written + 1);
    }

    @Override
    public boolean complete() {
      return false;
    }
  }

  /** Behind the reasoning, without a rule. */
  private final class Free implements State {
    @Override
    public long[] mask(int tokensLeft) {
      return any;
    }

    @Override
    public State after(int token) {
      return this;
    }

    @Override
    public boolean complete() {
      return true;
    }
  }
}
