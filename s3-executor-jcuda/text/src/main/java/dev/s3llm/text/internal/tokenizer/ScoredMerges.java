package dev.s3llm.text.internal.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Derives the merges of a vocabulary of SentencePiece (kind BPE). It joins the two neighbours whose
 * joint piece has the highest score, so each way to divide a piece into two others is a merge, in
 * the order of the scores. Equal scores are ordered as the transformers library orders them.
 */
final class ScoredMerges {
  private final Map<String, Integer> ids = new HashMap<>();
  private final List<Merge> merges = new ArrayList<>();

  private record Merge(String left, String right, double score) {
    int leftLength() {
      return left.codePointCount(0, left.length());
    }

    int rightLength() {
      return right.codePointCount(0, right.length());
    }
  }

  /** Adds a piece that may be a side of a merge. */
  void addPiece(String piece, int id) {
    ids.put(piece, id);
  }

  /** Adds the merges that make a piece; all pieces were added before. */
  void addMergesOf(String piece, double score) {
    List<Merge> own = new ArrayList<>();
    for (int at = 1; at < piece.length(); at++) {
      String left = piece.substring(0, at);
      String right = piece.substring(at);
      boolean whole = !Character.isLowSurrogate(piece.charAt(at));
      if (whole && ids.containsKey(left) && ids.containsKey(right)) {
        own.add(new Merge(left, right, score));
      }
    }
    own.sort(
        Comparator.<Merge>comparingInt(merge -> ids.getOrDefault(merge.left, 0))
            .thenComparingInt(merge -> ids.getOrDefault(merge.right, 0)));
    merges.addAll(own);
  }

  /** Returns all merges, the first one first. */
  List<String[]> sorted() {
    merges.sort(
        Comparator.comparingDouble((Merge merge) -> -merge.score)
            .thenComparingInt(merge -> -merge.leftLength())
            .thenComparingInt(merge -> -merge.rightLength()));
    return merges.stream().map(merge -> new String[] {merge.left, merge.right}).toList();
  }
}
