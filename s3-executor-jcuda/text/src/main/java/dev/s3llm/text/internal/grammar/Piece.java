package dev.s3llm.text.internal.grammar;

/**
 * A part of masks that does not depend on the stack below one frame: the tokens, from some nodes of
 * the trie on, that a state allows before its frame is left, by what they leave to do in that
 * frame, and the nodes at which the frame may be left. Immutable.
 */
final class Piece {
  /** Numbers of tokens that the frame still needs after a token, ascending. */
  final int[] costs;

  /** For each cost: the tokens. */
  final Tokens[] tokens;

  final NodeSet exits;

  Piece(int[] costs, Tokens[] tokens, NodeSet exits) {
    this.costs = costs;
    this.tokens = tokens;
    this.exits = exits;
  }

  /** Returns the largest cost; -1 if there are no tokens. */
  int mostCost() {
    return costs.length == 0 ? -1 : costs[costs.length - 1];
  }

  void addTo(long[] mask, int mostCost) {
    for (int i = 0; i < costs.length && costs[i] <= mostCost; i++) {
      tokens[i].addTo(mask);
    }
  }

  long bytes() {
    long bytes = 128 + 4L * exits.nodes.length;
    for (Tokens part : tokens) {
      bytes += part.bytes();
    }
    return bytes;
  }
}
