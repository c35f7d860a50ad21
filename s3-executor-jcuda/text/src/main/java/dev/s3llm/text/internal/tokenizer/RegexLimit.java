package dev.s3llm.text.internal.tokenizer;

import dev.s3llm.model.ModelFormatException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Refuses the texts with which a search by an expression would take too long, or end the process in
 * the native library. Immutable.
 */
final class RegexLimit {
  /** The system property with which expressions are used unchecked. */
  static final String UNCHECKED = "s3llm.tokenizer.uncheckedExpressions";

  /** A tenth of what ends the process. */
  private static final double MAX_ATTEMPT_STEPS = 1e6;

  /** What a single pass over a run may take: a little below what ends the process. */
  private static final double MAX_RUN_STEPS = 8e6;

  /** Some ten seconds. */
  private static final double MAX_STEPS = 2e9;

  private static final Pattern SCRIPT = Pattern.compile("\\\\([pP])\\{(\\^?)(\\w{3,})}");
  private static final int MAX_SHOWN = 200;

  private final String where;
  private final String regex;
  private final RegexCost cost;

  /** Patterns of the runs; null where the whole text counts as a run. */
  private final @Nullable List<Pattern> runs;

  private RegexLimit(String where, String regex, RegexCost cost, @Nullable List<Pattern> runs) {
    this.where = where;
    this.regex = regex;
    this.cost = cost;
    this.runs = runs;
  }

  /**
   * Creates the limit of an expression.
   *
   * @param file the source, for messages
   * @param where the part of the tokenizer, for messages
   * @param regex the expression
   * @param asIs whether it searches the text as it is, not changed by an earlier part
   * @throws ModelFormatException if the expression has no bound
   */
  static RegexLimit of(String file, String where, String regex, boolean asIs) {
    try {
      RegexCost cost = RegexCost.of(regex);
      return new RegexLimit(where, regex, cost, asIs ? patterns(cost) : null);
    } catch (PatternSyntaxException e) {
      throw new ModelFormatException(
          ("%s: the expression %s of %s cannot be shown to be safe: %s. With some texts, a search by"
                  + " such an expression takes hours, or ends the process. Rewrite the expression so"
                  + " that it has the same matches, or start Java with -D%s=true to use it"
                  + " unchecked, if all texts are trusted")
              .formatted(file, shown(regex), where, e.getDescription(), UNCHECKED),
          e);
    }
  }

  private static @Nullable List<Pattern> patterns(RegexCost cost) {
    try {
      return cost.runs().stream()
          .map(
              run ->
                  Pattern.compile(
                      "(?:" + inJava(run.source()) + ")++",
                      Pattern.UNICODE_CHARACTER_CLASS
                          | Pattern.DOTALL
                          | (run.ignoreCase() ? Pattern.CASE_INSENSITIVE : 0)))
          .toList();
    } catch (PatternSyntaxException e) {
      return null;
    }
  }

  /** Scripts have other names in Java. */
  private static String inJava(String source) {
    Matcher script = SCRIPT.matcher(source);
    return script.replaceAll("\\\\$1{$2Is$3}").replace("{^Is", "{^");
  }

  /**
   * Checks a text.
   *
   * @param text what is to be encoded
   * @throws IllegalArgumentException if a search in the text may take too long
   */
  void check(String text) {
    if (fits(text.length(), text.length())) {
      return;
    }
    int run = runs == null ? text.length() : longestRun(text, runs);
    if (!fits(text.length(), run)) {
      throw new IllegalArgumentException(
          ("the text has %d characters and a run of %d characters, for which a search by the"
                  + " expression %s of %s takes too long; divide the run or shorten the text")
              .formatted(text.length(), run, shown(regex), where));
    }
  }

  /** Returns whether the steps are a multiple of the length of the text. */
  boolean isLinear() {
    return cost.degree() == 0 && cost.runs().isEmpty();
  }

  private boolean fits(double length, double run) {
    double steps = cost.ways() * Math.pow(run, cost.degree());
    boolean attempt =
        (cost.degree() == 0 || steps <= MAX_ATTEMPT_STEPS) && cost.passes() * run <= MAX_RUN_STEPS;
    return attempt && steps * length <= MAX_STEPS;
  }

  private static int longestRun(String text, List<Pattern> runs) {
    int longest = 0;
    for (Pattern run : runs) {
      Matcher matcher = run.matcher(text);
      while (matcher.find()) {
        longest = Math.max(longest, matcher.end() - matcher.start());
      }
    }
    return longest;
  }

  private static String shown(String regex) {
    return regex.length() <= MAX_SHOWN ? regex : regex.substring(0, MAX_SHOWN) + "...";
  }
}
