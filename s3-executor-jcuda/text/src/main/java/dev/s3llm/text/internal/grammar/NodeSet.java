package dev.s3llm.text.internal.grammar;

import java.util.Arrays;

/** A set of nodes of a trie, at which a rule may end inside a token. Immutable. */
final class NodeSet {
  final int[] nodes;

  /** The largest number of bytes below a node. */
  final int height;

  private final int hash;

  NodeSet(int[] nodes, Trie trie) {
    this.nodes = nodes;
    this.hash = Arrays.hashCode(nodes);
    int most = 0;
    int behind = 0;
    for (int node : nodes) {
      if (node >= behind) { // what is below a node that was measured is lower
        most = Math.max(most, trie.height(node));
        behind = trie.ends[node];
      }
    }
    this.height = most;
  }

  boolean isEmpty() {
    return nodes.length == 0;
  }

  @Override
  public boolean equals(Object other) {
    return this == other
        || (other instanceof NodeSet set && set.hash == hash && Arrays.equals(nodes, set.nodes));
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
