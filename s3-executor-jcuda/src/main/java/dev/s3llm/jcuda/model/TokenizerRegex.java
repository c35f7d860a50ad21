package dev.s3llm.jcuda.model;

import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Says which regular expressions a tokenizer may split by. The native library ends the process when
 * a search backtracks too often, so an expression must not let a text make it do so: in each
 * alternative at most one thing repeats without bound, no group repeats, and nothing refers back.
 * Well-known expressions that break the rule are listed; a search by these takes one step back for
 * each character at most.
 */
final class TokenizerRegex {
  private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  private static final String WORDS = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
  private static final String REST =
      " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  /** Llama 3's and Qwen2's. */
  private static final Set<String> KNOWN =
      Set.of(
          String.join("|", CONTRACTIONS, WORDS, "\\p{N}{1,3}", REST),
          String.join("|", CONTRACTIONS, WORDS, "\\p{N}", REST));

  private static final int MAX_CHARS = 512;
  private static final Pattern ESCAPE =
      Pattern.compile("\\\\(?:[pP]\\{\\^?\\w+}|[sSdDwWrnt]|[^\\w])");
  private static final Pattern COUNT = Pattern.compile("\\{\\d{1,2}(?:,\\d{1,2})?}");
  private static final Pattern OPENING = Pattern.compile("\\((?:\\?(?:i?:|=|!))?(?!\\?)");

  private TokenizerRegex() {}

  static boolean isSafe(String regex) {
    return KNOWN.contains(regex) || (regex.length() <= MAX_CHARS && keepsTheRule(regex));
  }

  private static boolean keepsTheRule(String regex) {
    int unbounded = 0;
    int depth = 0;
    boolean group = false; // whether what stands before is one
    for (int i = 0; i < regex.length(); i++) {
      char c = regex.charAt(i);
      if ((c == '*' || c == '+' || c == '{') && group) {
        return false;
      }
      switch (c) {
        case '|' -> unbounded = depth == 0 ? 0 : unbounded;
        case '*', '+' -> unbounded++;
        case '(' -> depth++;
        case ')' -> depth--;
        default -> {}
      }
      group = c == ')';
      i = endOf(regex, i, c);
      if (i < 0 || unbounded > 1 || depth < 0) {
        return false;
      }
    }
    return depth == 0 && compiles(regex);
  }

  /** Where what begins here ends, for all that is longer than a character; -1 if not allowed. */
  private static int endOf(String regex, int start, char c) {
    @Nullable Pattern longer =
        switch (c) {
          case '\\' -> ESCAPE;
          case '{' -> COUNT;
          case '(' -> OPENING;
          default -> null;
        };
    if (longer != null) {
      Matcher matcher = longer.matcher(regex).region(start, regex.length());
      return matcher.lookingAt() ? matcher.end() - 1 : -1;
    }
    return c == '[' ? classEnd(regex, start) : start;
  }

  private static boolean compiles(String regex) {
    try {
      Pattern.compile(regex);
      return true;
    } catch (PatternSyntaxException e) {
      return false;
    }
  }

  private static int classEnd(String regex, int start) {
    int depth = 0;
    for (int i = start; i < regex.length(); i++) {
      char c = regex.charAt(i);
      if (c == '\\') {
        i++;
      } else if (c == '[') {
        depth++;
      } else if (c == ']' && --depth == 0) {
        return i;
      }
    }
    return -1;
  }
}
