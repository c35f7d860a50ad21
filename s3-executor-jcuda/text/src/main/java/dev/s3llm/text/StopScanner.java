package dev.s3llm.text;

import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Passes text on up to the first stop string. The first is the one that is complete first, and of
 * several that end at the same character the longest, so that the outcome does not depend on how
 * the text was split. Holds back the longest end of the text that could still become a stop string.
 * A stop string may contain the text of special tokens, which is not passed on. Not thread-safe.
 */
final class StopScanner {
  private final List<String> stopStrings;
  private final StringBuilder held = new StringBuilder();

  /** Of each held character whether it is hidden: searched, but not passed on. */
  private final BitSet hidden = new BitSet();

  /** Whether a stop string that is complete now is found. */
  private boolean armed = true;

  private @Nullable String found;

  StopScanner(List<String> stopStrings) {
    this.stopStrings = stopStrings;
  }

  /**
   * Sets whether a stop string counts that becomes complete with the next piece of text. One that
   * was complete before is passed on as text.
   */
  void arm(boolean value) {
    armed = value;
  }

  /** Adds a piece of text and returns the text that is free now; none after a stop string. */
  String append(String piece) {
    return append(piece, false);
  }

  /**
   * Adds the text of a special token, which is searched for stop strings but not passed on, and
   * returns the text that is free now.
   */
  String appendHidden(String token) {
    boolean relevant = stopStrings.stream().anyMatch(stop -> stop.contains(token));
    return relevant ? append(token, true) : "";
  }

  private String append(String piece, boolean isHidden) {
    if (found != null) {
      return "";
    }
    for (int i = 0; i < piece.length() && found == null; i++) {
      hidden.set(held.length(), isHidden);
      held.append(piece.charAt(i));
      found = armed ? completed() : null;
    }
    int end = found == null ? held.length() - couldBecomeStop() : held.length() - found.length();
    return release(end);
  }

  /** Returns the text that was held back, at the end of the text. */
  String finish() {
    return release(found == null ? held.length() : 0);
  }

  /** Returns the stop string that was found. */
  Optional<String> found() {
    return Optional.ofNullable(found);
  }

  private String release(int end) {
    StringBuilder free = new StringBuilder(held.substring(0, end));
    for (int i = hidden.previousSetBit(end - 1); i >= 0; i = hidden.previousSetBit(i - 1)) {
      free.deleteCharAt(i);
    }
    BitSet rest = hidden.get(end, Math.max(end, hidden.length()));
    hidden.clear();
    hidden.or(rest);
    held.delete(0, found == null ? end : held.length());
    return free.toString();
  }

  private @Nullable String completed() {
    String longest = null;
    for (String stop : stopStrings) {
      if ((longest == null || stop.length() > longest.length())
          && heldEndsWith(stop, stop.length())) {
        longest = stop;
      }
    }
    return longest;
  }

  /** Returns the length of the longest end of the held text that begins a stop string. */
  private int couldBecomeStop() {
    int longest = 0;
    for (String stop : stopStrings) {
      for (int length = stop.length() - 1; length > longest; length--) {
        if (heldEndsWith(stop, length)) {
          longest = length;
        }
      }
    }
    return longest;
  }

  private boolean heldEndsWith(String stop, int length) {
    int start = held.length() - length;
    for (int i = length - 1; i >= 0; i--) {
      if (start < 0 || held.charAt(start + i) != stop.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
