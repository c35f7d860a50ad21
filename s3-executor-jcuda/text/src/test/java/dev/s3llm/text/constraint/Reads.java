package dev.s3llm.text.constraint;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Reads texts under a constraint. */
final class Reads {
  private Reads() {}

  /** Returns whether a text keeps a constraint: both with long tokens and byte by byte. */
  static boolean keeps(TokenConstraint constraint, List<byte[]> tokens, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    boolean byBytes = keeps(constraint, tokens, bytes, 1);
    boolean byTokens = keeps(constraint, tokens, bytes, Integer.MAX_VALUE);
    if (byBytes != byTokens) {
      throw new AssertionError("'" + text + "' is read differently in other tokens");
    }
    return byBytes;
  }

  private static boolean keeps(
      TokenConstraint constraint, List<byte[]> tokens, byte[] text, int longest) {
    TokenConstraint.State state = constraint.start();
    for (int at = 0; at < text.length; ) {
      int token = longest(tokens, text, at, longest);
      if ((state.mask(Integer.MAX_VALUE)[token >>> 6] >>> token & 1) == 0) {
        return false;
      }
      state = state.after(token);
      at += tokens.get(token).length;
    }
    return state.complete();
  }

  private static int longest(List<byte[]> tokens, byte[] text, int at, int most) {
    int best = -1;
    for (int t = 0; t < tokens.size(); t++) {
      byte[] token = tokens.get(t);
      boolean matches =
          token.length > 0
              && token.length <= Math.min(most, text.length - at)
              && Arrays.equals(token, 0, token.length, text, at, at + token.length);
      if (matches && (best < 0 || token.length > tokens.get(best).length)) {
        best = t;
      }
    }
    return best;
  }
}
