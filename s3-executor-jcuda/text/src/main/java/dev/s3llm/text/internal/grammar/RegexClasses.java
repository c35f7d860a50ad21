package dev.s3llm.text.internal.grammar;

import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Sets of characters that regular expressions name. Where libraries differ, these are the sets that
 * all of them accept.
 */
final class RegexClasses {
  static final CodePoints DIGITS = CodePoints.of('0', '9');
  static final CodePoints WORD = CodePoints.union('a', 'z', 'A', 'Z', '0', '9', '_', '_');
  static final CodePoints PLAIN_SPACES = CodePoints.union(9, 13, ' ', ' ');
  static final CodePoints SPACES =
      PLAIN_SPACES
          .or(CodePoints.of("\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"))
          .or(CodePoints.of(0x2000, 0x200A));

  /** All but the ends of lines. */
  static final CodePoints DOT = CodePoints.of("\n\r\u0085\u2028\u2029").not();

  private RegexClasses() {}

  /** Returns the set of a Unicode property; null if it is not known. */
  static @Nullable CodePoints property(String name) {
    int equals = name.indexOf('=');
    String key = equals < 0 ? "" : name.substring(0, equals);
    String value = name.substring(equals + 1);
    String java =
        switch (key) {
          case "" -> value.equals("Any") ? "IsAssigned" : value;
          case "General_Category", "gc" -> value;
          case "Script", "sc", "Script_Extensions", "scx" -> "Is" + value;
          default -> "";
        };
    for (String form : new String[] {java, "Is" + java}) {
      try {
        Predicate<String> test = Pattern.compile("\\p{" + form + "}").asMatchPredicate();
        return CodePoints.matching(c -> test.test(Character.toString(c)));
      } catch (PatternSyntaxException notKnown) {
        // the other form may be
      }
    }
    return null;
  }
}
