package dev.s3llm.text.internal.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * The syntax tree of a regular expression by which a tokenizer splits texts, as far as {@link
 * RegexCost} needs it. The syntax is that of the native library (Oniguruma, Ruby's dialect).
 */
final class TokenizerRegex {
  /** No upper bound of a repetition. */
  static final int UNBOUNDED = -1;

  private static final int MAX_DEPTH = 64;

  /** Ruby's dialect reads a plus behind a counted repetition as one more repetition. */
  private static final Pattern COUNT = Pattern.compile("\\{(\\d{0,5})(?:(,)(\\d{0,5}))?}");

  private static final Pattern ESCAPE =
      Pattern.compile(
          "\\\\(?:[pP]\\{[^}]*}|x\\{[0-9a-fA-F ]+}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|0[0-7]{0,2}|[^\\n])",
          Pattern.DOTALL);

  private static final Pattern FLAGS = Pattern.compile("\\(\\?([imx]*)(?:-([imx]+))?([:)])");
  private static final Pattern NAME = Pattern.compile("\\(\\?<(\\w+)>");

  private final String regex;
  private int at;
  private int depth;
  private boolean ignoreCase;

  private TokenizerRegex(String regex) {
    this.regex = regex;
  }

  /** A part of an expression. */
  sealed interface Node permits One, Anchor, Sequence, Choice, Repeat, Look {}

  /**
   * One character of a class, or a literal one.
   *
   * @param source how the expression writes it
   * @param ignoreCase whether case is ignored
   */
  record One(String source, boolean ignoreCase) implements Node {}

  /**
   * A condition on the position that consumes nothing.
   *
   * @param source how the expression writes it
   */
  record Anchor(String source) implements Node {}

  /**
   * Parts one after the other.
   *
   * @param parts the parts
   */
  record Sequence(List<Node> parts) implements Node {}

  /**
   * Alternatives.
   *
   * @param parts tried in order
   */
  record Choice(List<Node> parts) implements Node {}

  /**
   * A repeated part.
   *
   * @param body what repeats
   * @param least the least count
   * @param most the largest count, or {@link #UNBOUNDED}
   */
  record Repeat(Node body, int least, int most) implements Node {}

  /**
   * A look ahead or behind.
   *
   * @param body what is looked for
   * @param source how the expression writes it
   */
  record Look(Node body, String source) implements Node {}

  /**
   * Parses an expression.
   *
   * @param regex the expression
   * @throws PatternSyntaxException if it is not valid, or has a construct that is not known here
   */
  static Node parse(String regex) {
    TokenizerRegex parser = new TokenizerRegex(regex);
    Node whole = parser.choice();
    parser.require(parser.at == regex.length(), "a closing parenthesis has no opening one");
    return whole;
  }

  private Node choice() {
    require(++depth <= MAX_DEPTH, "groups are nested too deeply");
    boolean outer = ignoreCase;
    List<Node> all = new ArrayList<>(List.of(sequence()));
    while (has('|')) {
      at++;
      all.add(sequence());
    }
    ignoreCase = outer;
    depth--;
    return all.size() == 1 ? all.get(0) : new Choice(List.copyOf(all));
  }

  private Node sequence() {
    List<Node> all = new ArrayList<>();
    while (at < regex.length() && !has('|') && !has(')')) {
      Node part = repeated(single());
      if (!(part instanceof Sequence none && none.parts().isEmpty())) {
        all.add(part);
      }
    }
    return all.size() == 1 ? all.get(0) : new Sequence(List.copyOf(all));
  }

  private Node single() {
    require("*+?".indexOf(regex.charAt(at)) < 0, "a quantifier has nothing to repeat");
    return switch (regex.charAt(at)) {
      case '(' -> group();
      case '[' -> new One(between(at, afterClass()), ignoreCase);
      case '\\' -> escape();
      case '^', '$' -> new Anchor(between(at, at + 1));
      default -> new One(between(at, at + Character.charCount(regex.codePointAt(at))), ignoreCase);
    };
  }

  private Node escape() {
    Matcher escape = matcher(ESCAPE);
    require(escape.lookingAt(), "an escape is not complete");
    String source = between(at, escape.end());
    require(!source.matches("\\\\[1-9kgKCcM]"), source + " is not known");
    boolean anchor = source.length() == 2 && "bBAzZG".indexOf(source.charAt(1)) >= 0;
    return anchor ? new Anchor(source) : new One(source, ignoreCase);
  }

  private Node group() {
    int start = at;
    for (String look : List.of("(?=", "(?!", "(?<=", "(?<!")) {
      if (regex.startsWith(look, at)) {
        at += look.length();
        Node body = closed();
        return new Look(body, regex.substring(start, at));
      }
    }
    if (regex.startsWith("(?#", at)) {
      int end = regex.indexOf(')', at);
      require(end > 0, "a comment is not closed");
      at = end + 1;
      return new Sequence(List.of());
    }
    return open();
  }

  private Node open() {
    Matcher flags = matcher(FLAGS);
    if (flags.lookingAt()) {
      at = flags.end();
      return flagged(flags);
    }
    Matcher name = matcher(NAME);
    if (regex.startsWith("(?>", at)) {
      at += 3;
    } else if (name.lookingAt()) {
      at = name.end();
    } else {
      require(!regex.startsWith("(?", at), "a group of this kind is not known");
      at++;
    }
    return closed();
  }

  private Node flagged(Matcher flags) {
    String off = flags.group(2) == null ? "" : flags.group(2);
    require(flags.group(1).indexOf('x') < 0, "extended syntax is not known");
    boolean outer = ignoreCase;
    ignoreCase = (ignoreCase || flags.group(1).indexOf('i') >= 0) && off.indexOf('i') < 0;
    if (flags.group(3).equals(")")) { // holds up to the end of the enclosing group
      List<Node> rest = new ArrayList<>(List.of(sequence()));
      while (has('|')) {
        at++;
        rest.add(sequence());
      }
      return rest.size() == 1 ? rest.get(0) : new Choice(List.copyOf(rest));
    }
    Node body = closed();
    ignoreCase = outer;
    return body;
  }

  private Node closed() {
    Node body = choice();
    require(has(')'), "a group is not closed");
    at++;
    return body;
  }

  private Node repeated(Node atom) {
    Node result = atom;
    while (at < regex.length()) {
      Matcher count = matcher(COUNT);
      boolean counted = has('{') && count.lookingAt() && count.end() - at > 2;
      if (counted) {
        at = count.end();
        result = counted(result, count);
        at += has('?') ? 1 : 0; // a reluctant one has as many ways
      } else if ("*+?".indexOf(regex.charAt(at)) >= 0) {
        char kind = regex.charAt(at++);
        result = new Repeat(result, kind == '+' ? 1 : 0, kind == '?' ? 1 : UNBOUNDED);
        at += has('+') || has('?') ? 1 : 0; // possessive or reluctant
      } else {
        break;
      }
    }
    return result;
  }

  private static Node counted(Node body, Matcher count) {
    int least = count.group(1).isEmpty() ? 0 : Integer.parseInt(count.group(1));
    if (count.group(2) == null) {
      return new Repeat(body, least, least);
    }
    boolean open = count.group(3).isEmpty();
    return new Repeat(body, least, open ? UNBOUNDED : Integer.parseInt(count.group(3)));
  }

  private int afterClass() {
    int end = at;
    int open = 0;
    do {
      require(end < regex.length(), "a class is not closed");
      switch (regex.charAt(end++)) {
        case '\\' -> end++;
        case '[' -> {
          open++;
          end += regex.startsWith("^", end) ? 1 : 0;
          end += regex.startsWith("]", end) ? 1 : 0; // literal at the start of a class
        }
        case ']' -> open--;
        default -> {}
      }
    } while (open > 0);
    require(end <= regex.length(), "a class is not closed");
    return end;
  }

  private String between(int start, int end) {
    at = end;
    return regex.substring(start, end);
  }

  private boolean has(char c) {
    return at < regex.length() && regex.charAt(at) == c;
  }

  private Matcher matcher(Pattern expected) {
    return expected.matcher(regex).region(at, regex.length());
  }

  private void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new PatternSyntaxException(otherwise, regex, at);
    }
  }
}
