package dev.s3llm.text.internal.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds added tokens in a text of which parts are foreign: what users wrote, in a frame that the
 * application wrote. Immutable.
 */
final class ForeignText {
  /** Longest first by first character, as the library prefers the longest at a position. */
  private final Map<Character, List<AddedToken>> byFirst = new HashMap<>();

  ForeignText(List<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      byFirst.computeIfAbsent(token.content().charAt(0), c -> new ArrayList<>()).add(token);
    }
    byFirst
        .values()
        .forEach(list -> list.sort(Comparator.comparingInt(t -> -t.content().length())));
  }

  /**
   * An occurrence.
   *
   * @param token the token
   * @param start its first index in the text
   */
  record Match(AddedToken token, int start) {
    int end() {
      return start + token.content().length();
    }
  }

  /** Returns whether a token is spelled at least partly in foreign text. */
  boolean isSpelledIn(String text, int[] starts, int[] ends) {
    int range = 0;
    for (int at = 0; at < text.length() && range < starts.length; at++) {
      while (range < starts.length && ends[range] <= at) {
        range++;
      }
      for (AddedToken token : startingWith(text.charAt(at))) {
        boolean near = range < starts.length && at + token.content().length() > starts[range];
        if (near && ends[range] > starts[range] && text.startsWith(token.content(), at)) {
          return true;
        }
      }
    }
    return false;
  }

  /** Returns the tokens outside foreign text, in order. */
  List<Match> own(String text, int[] starts, int[] ends) {
    List<Match> found = new ArrayList<>();
    int from = 0;
    for (int range = 0; range <= starts.length; range++) {
      int to = range < starts.length ? starts[range] : text.length();
      find(text, from, to, found);
      from = range < starts.length ? ends[range] : text.length();
    }
    return found;
  }

  private void find(String text, int from, int to, List<Match> found) {
    int at = from;
    while (at < to) {
      AddedToken token = longest(text, at, to);
      if (token == null) {
        at++;
        continue;
      }
      Match match = new Match(token, at);
      if (!token.singleWord() || standsAlone(text, match)) {
        found.add(match);
      }
      at = match.end();
    }
  }

  private @Nullable AddedToken longest(String text, int at, int to) {
    for (AddedToken token : startingWith(text.charAt(at))) {
      if (at + token.content().length() <= to && text.startsWith(token.content(), at)) {
        return token;
      }
    }
    return null;
  }

  private List<AddedToken> startingWith(char first) {
    return byFirst.getOrDefault(first, List.of());
  }

  private static boolean standsAlone(String text, Match match) {
    boolean before = match.start() > 0 && Words.isWord(text.codePointBefore(match.start()));
    boolean after = match.end() < text.length() && Words.isWord(text.codePointAt(match.end()));
    return !before && !after;
  }
}
