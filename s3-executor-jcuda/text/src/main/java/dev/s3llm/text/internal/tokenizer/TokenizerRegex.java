package dev.s3llm.text.internal.tokenizer;

import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Checks the regular expressions by which a tokenizer splits texts. The native library ends the
 * process when a search backtracks ten million times, and a search may take hours before that, so
 * an expression must not allow a text to cause this:
 *
 * <ul>
 *   <li>After an unbounded repetition every part can match nothing, so that the search never has to
 *       step back into the repetition.
 *   <li>From one position there are few ways to match: the sum over alternatives of the product
 *       over their parts, where {@code ?} counts 2 and {@code {m,n}} counts n - m + 1.
 *   <li>No group repeats, no quantifier follows another, there is no back reference.
 * </ul>
 *
 * <p>Well-known expressions that break the rule are listed; a search by these steps back twice for
 * each character at most.
 */
final class TokenizerRegex {
  private static final String CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d";
  private static final String ANY_CASE = "(?i:" + CONTRACTIONS + ")";
  private static final String WORDS = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
  private static final String SPACES = "\\s+(?!\\S)|\\s+";
  private static final String REST = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|" + SPACES;
  private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";

  /** GPT-2's, Llama 3's, Qwen2's and Mistral Nemo's. */
  private static final Set<String> KNOWN =
      Set.of(
          String.join("|", CONTRACTIONS, " ?\\p{L}+", " ?\\p{N}+", " ?[^\\s\\p{L}\\p{N}]+", SPACES),
          String.join("|", ANY_CASE, WORDS, "\\p{N}{1,3}", REST),
          String.join("|", ANY_CASE, WORDS, "\\p{N}", REST),
          String.join(
              "|",
              "[^\\r\\n\\p{L}\\p{N}]?" + UPPER + "*" + LOWER + "+",
              "[^\\r\\n\\p{L}\\p{N}]?" + UPPER + "+" + LOWER + "*",
              "\\p{N}",
              REST.replace("\\r\\n]*", "\\r\\n/]*")));

  private static final int MAX_CHARS = 512;

  /** Far below ten million: a search starts at each character of a text. */
  private static final int MAX_WAYS = 128;

  private static final Pattern ESCAPE =
      Pattern.compile("\\\\(?:[pP]\\{\\^?\\w+}|[sSdDwWrnt]|[^\\w])");

  /** Has no leading zeros, so that only a count that may match nothing begins with a zero. */
  private static final Pattern COUNT = Pattern.compile("\\{(0|[1-9]\\d?)(?:,(0|[1-9]\\d?))?}");

  private static final Pattern OPENING = Pattern.compile("\\((?:\\?(?:i?:|=|!))?(?!\\?)");

  private final String regex;
  private int at;

  private TokenizerRegex(String regex) {
    this.regex = regex;
  }

  static boolean isSafe(String regex) {
    return KNOWN.contains(regex) || (regex.length() <= MAX_CHARS && keepsTheRule(regex));
  }

  private static boolean keepsTheRule(String regex) {
    try {
      Pattern.compile(regex);
      TokenizerRegex parser = new TokenizerRegex(regex);
      Shape whole = parser.alternatives();
      return parser.at == regex.length() && whole.ways <= MAX_WAYS;
    } catch (PatternSyntaxException e) {
      return false;
    }
  }

  /**
   * The properties of a part that the rule needs.
   *
   * @param ways upper bound of the number of ways to match at one position
   * @param endless whether it has an unbounded repetition
   */
  private record Shape(long ways, boolean endless) {
    private static final Shape NOTHING = new Shape(1, false);

    Shape or(Shape other) {
      return new Shape(Math.min(ways + other.ways, MAX_WAYS + 1), endless || other.endless);
    }

    Shape then(Shape next) {
      return new Shape(Math.min(ways * next.ways, MAX_WAYS + 1), endless || next.endless);
    }
  }

  private Shape alternatives() {
    Shape all = sequence();
    while (has('|')) {
      at++;
      all = all.or(sequence());
    }
    return all;
  }

  private Shape sequence() {
    Shape all = Shape.NOTHING;
    while (at < regex.length() && !has('|') && !has(')')) {
      boolean group = has('(');
      Shape atom = group ? group() : single();
      int start = at;
      Shape part = quantified(atom, group);
      require(!all.endless || mayMatchNothing(start), "what follows a repetition can fail");
      all = all.then(part);
    }
    return all;
  }

  private Shape group() {
    boolean lookahead = regex.startsWith("(?=", at) || regex.startsWith("(?!", at);
    skip(OPENING);
    Shape inner = alternatives();
    require(has(')'), "a group is not closed");
    require(!lookahead || !inner.endless, "a look ahead has no end");
    at++;
    return inner;
  }

  private Shape single() {
    require(!hasQuantifier(), "a quantifier has nothing to repeat");
    switch (regex.charAt(at)) {
      case '\\' -> skip(ESCAPE);
      case '[' -> skipClass();
      default -> at++;
    }
    return Shape.NOTHING;
  }

  private Shape quantified(Shape atom, boolean group) {
    if (!hasQuantifier()) {
      return atom;
    }
    char quantifier = regex.charAt(at);
    require(!group || quantifier == '?', "a group repeats");
    if (quantifier == '{') {
      return atom.then(new Shape(choices(skip(COUNT)), false));
    }
    at++;
    return quantifier == '?' ? atom.or(Shape.NOTHING) : new Shape(1, true);
  }

  private static int choices(Matcher count) {
    int least = Integer.parseInt(count.group(1));
    return count.group(2) == null ? 1 : Integer.parseInt(count.group(2)) - least + 1;
  }

  /** Returns whether the quantifier at a position allows matching nothing. */
  private boolean mayMatchNothing(int quantifier) {
    return regex.startsWith("*", quantifier)
        || regex.startsWith("?", quantifier)
        || regex.startsWith("{0", quantifier);
  }

  private boolean has(char c) {
    return at < regex.length() && regex.charAt(at) == c;
  }

  private boolean hasQuantifier() {
    return at < regex.length() && "*+?{".indexOf(regex.charAt(at)) >= 0;
  }

  private Matcher skip(Pattern expected) {
    Matcher matcher = expected.matcher(regex).region(at, regex.length());
    require(matcher.lookingAt(), "this is not supported");
    at = matcher.end();
    return matcher;
  }

  private void skipClass() {
    boolean empty = regex.startsWith("[]", at) || regex.startsWith("[^]", at);
    require(!empty, "a class begins with what may end it");
    int depth = 0;
    do {
      require(at < regex.length(), "a class is not closed");
      switch (regex.charAt(at++)) {
        case '\\' -> at++;
        case '[' -> depth++;
        case ']' -> depth--;
        default -> {}
      }
    } while (depth > 0);
  }

  private void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new PatternSyntaxException(otherwise, regex, at);
    }
  }
}
