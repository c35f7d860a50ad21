package dev.s3llm.text.constraint;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Finds short answers under a constraint. */
final class Shortest {
  private static final int ENOUGH = 2000;
  private static final int LONGEST = 32;

  private Shortest() {}

  /**
   * Returns the number of tokens of the shortest of a few answers that the smallest limits led to,
   * each in as few tokens as can spell it.
   */
  static int of(TokenConstraint constraint, List<byte[]> tokens) {
    int best = Integer.MAX_VALUE;
    int found = 0;
    for (int limit = 1; limit < ENOUGH && found < 3; limit++) {
      Optional<String> answer = new Draws(tokens, limit).draw(constraint, limit, Draws.Taste.ANY);
      if (answer.isPresent()) {
        found++;
        best = Math.min(best, fewest(tokens, answer.get().getBytes(StandardCharsets.UTF_8)));
      }
    }
    return best;
  }

  private static int fewest(List<byte[]> tokens, byte[] text) {
    int[] counts = new int[text.length + 1];
    Arrays.fill(counts, ENOUGH);
    counts[0] = 0;
    Set<String> known = new HashSet<>();
    tokens.forEach(token -> known.add(new String(token, StandardCharsets.ISO_8859_1)));
    String bytes = new String(text, StandardCharsets.ISO_8859_1);
    for (int at = 0; at < text.length; at++) {
      for (int end = at + 1; end <= Math.min(text.length, at + LONGEST); end++) {
        if (known.contains(bytes.substring(at, end))) {
          counts[end] = Math.min(counts[end], counts[at] + 1);
        }
      }
    }
    return counts[text.length];
  }
}
