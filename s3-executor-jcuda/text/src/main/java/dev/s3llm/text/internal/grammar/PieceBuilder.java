package dev.s3llm.text.internal.grammar;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** Makes a piece by following the tokens through the automaton. Used once. */
final class PieceBuilder {
  private final Machine machine;
  private final Trie trie;
  private final Map<Integer, Ints> found = new TreeMap<>();
  private final Ints exits = new Ints();
  private Ints last = new Ints();
  private int lastCost = -1;

  PieceBuilder(Machine machine) {
    this.machine = machine;
    this.trie = machine.trie();
  }

  Piece build(NodeSet from, Config start) {
    Config[] path = new Config[trie.longest() + 1];
    for (int node : from.nodes) {
      walk(node, start, path);
    }
    int[] costs = found.keySet().stream().mapToInt(Integer::intValue).toArray();
    Tokens[] tokens =
        found.values().stream()
            .map(list -> Tokens.of(list, machine.words()))
            .toArray(Tokens[]::new);
    int[] nodes = Arrays.stream(exits.toArray()).sorted().distinct().toArray();
    return new Piece(costs, tokens, new NodeSet(nodes, trie));
  }

  private void walk(int top, Config start, Config[] path) {
    if (start.complete) {
      exits.add(top);
    }
    path[trie.depths[top]] = start;
    int end = trie.ends[top];
    for (int node = top + 1; node < end; ) {
      int depth = trie.depths[node];
      Config next = machine.next(path[depth - 1], trie.labels[node] & 0xFF);
      if (trie.tokens[node] >= 0 && (next.complete || !next.isEnd())) {
        add(next.cost, trie.tokens[node]);
      }
      if (next.complete && trie.hasChildren(node)) {
        exits.add(node);
      }
      if (next.isEnd()) {
        node = trie.ends[node];
      } else {
        path[depth] = next;
        node++;
      }
    }
  }

  private void add(int cost, int token) {
    if (cost != lastCost) {
      lastCost = cost;
      last = found.computeIfAbsent(cost, unused -> new Ints());
    }
    for (int twin = token; twin >= 0; twin = trie.twins[twin]) {
      last.add(twin);
    }
  }
}
