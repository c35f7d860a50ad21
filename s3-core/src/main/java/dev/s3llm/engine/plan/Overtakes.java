package dev.s3llm.engine.plan;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How many later arrivals may still overtake each waiting sequence: a map from the sequence's id to
 * its slack. Ids grow in order of arrival. The admission of a sequence lowers the slack of all that
 * arrived before it. A sequence without slack is overdue.
 *
 * <p>A treap (Seidel and Aragon, "Randomized Search Trees", 1996) ordered by id. Each node has the
 * least slack of its subtree, and a change of slack that its subtrees have not applied yet. So an
 * admission changes the slack of any number of sequences in O(log n), and the first overdue one is
 * found in O(log n). The heap order is a hash of the id, so the shape depends on the ids alone.
 *
 * <p>Immutable: each change returns a new map, which shares most nodes with the old one. A plan
 * tries its admissions on a copy of its own at no cost.
 */
final class Overtakes {
  /** The map without sequences. */
  static final Overtakes NONE = new Overtakes(null);

  private final @Nullable Node root;

  private Overtakes(@Nullable Node root) {
    this.root = root;
  }

  /**
   * Returns this map with a further sequence.
   *
   * @param id the id of the sequence; not in this map
   * @param slack how many later arrivals may overtake it
   */
  Overtakes with(long id, long slack) {
    Split at = split(root, id);
    return new Overtakes(merge(merge(at.before, new Node(id, slack, null, null)), at.rest));
  }

  /** Returns this map without a sequence, which leaves the queue without an admission. */
  Overtakes without(long id) {
    Split at = split(root, id);
    return new Overtakes(merge(at.before, split(at.rest, id + 1).rest));
  }

  /** Returns this map after an admission: without the sequence, which overtakes all before it. */
  Overtakes admitted(long id) {
    Split at = split(root, id);
    return new Overtakes(merge(plus(at.before, -1), split(at.rest, id + 1).rest));
  }

  /**
   * Returns how many later arrivals may still overtake a sequence; 0 or less if it is overdue.
   *
   * @throws IllegalStateException if the sequence is not in this map
   */
  long slack(long id) {
    long change = 0;
    for (Node node = root; node != null; node = id < node.id ? node.left : node.right) {
      if (node.id == id) {
        return node.slack + change;
      }
      change += node.change;
    }
    throw new IllegalStateException("sequence " + id + " does not wait");
  }

  /** Returns whether a sequence is overdue. */
  boolean anyOverdue() {
    return overdue(root, 0);
  }

  /**
   * Returns the id of the overdue sequence that arrived first.
   *
   * @throws IllegalStateException if none is overdue
   */
  long firstOverdue() {
    Node node = root;
    long change = 0;
    while (node != null && overdue(node, change)) {
      long below = change + node.change;
      if (overdue(node.left, below)) {
        node = node.left;
      } else if (node.slack + change <= 0) {
        return node.id;
      } else {
        node = node.right;
      }
      change = below;
    }
    throw new IllegalStateException("no sequence is overdue");
  }

  /** Returns the ids of all overdue sequences, in order of arrival. */
  List<Long> overdue() {
    List<Long> ids = new ArrayList<>(0);
    addOverdue(root, 0, ids);
    return ids;
  }

  private static void addOverdue(@Nullable Node node, long change, List<Long> ids) {
    if (node != null && overdue(node, change)) {
      addOverdue(node.left, change + node.change, ids);
      if (node.slack + change <= 0) {
        ids.add(node.id);
      }
      addOverdue(node.right, change + node.change, ids);
    }
  }

  private static boolean overdue(@Nullable Node node, long change) {
    return node != null && node.least + change <= 0;
  }

  private static Split split(@Nullable Node node, long id) {
    if (node == null) {
      return Split.EMPTY;
    }
    Node left = plus(node.left, node.change);
    Node right = plus(node.right, node.change);
    if (node.id < id) {
      Split at = split(right, id);
      return new Split(new Node(node.id, node.slack, left, at.before), at.rest);
    }
    Split at = split(left, id);
    return new Split(at.before, new Node(node.id, node.slack, at.rest, right));
  }

  /** Returns the nodes of both trees; all ids of the first are less than those of the second. */
  private static @Nullable Node merge(@Nullable Node first, @Nullable Node second) {
    if (first == null || second == null) {
      return first == null ? second : first;
    }
    if (first.height() > second.height()) {
      Node right = plus(first.right, first.change);
      Node left = plus(first.left, first.change);
      return new Node(first.id, first.slack, left, merge(right, second));
    }
    Node left = plus(second.left, second.change);
    Node right = plus(second.right, second.change);
    return new Node(second.id, second.slack, merge(first, left), right);
  }

  private static @Nullable Node plus(@Nullable Node node, long change) {
    return node == null || change == 0
        ? node
        : new Node(
            node.id,
            node.slack + change,
            node.least + change,
            node.change + change,
            node.left,
            node.right);
  }

  /** The sequences that arrived before some sequence, and the rest. */
  private record Split(@Nullable Node before, @Nullable Node rest) {
    static final Split EMPTY = new Split(null, null);
  }

  /**
   * A sequence, and the sequences below it.
   *
   * @param slack its slack, without the changes of the nodes above it
   * @param least the least slack of its subtree, without the changes of the nodes above it
   * @param change the change that its subtrees have not applied
   */
  private record Node(
      long id, long slack, long least, long change, @Nullable Node left, @Nullable Node right) {

    /** Creates a node whose subtrees have applied all changes. */
    Node(long id, long slack, @Nullable Node left, @Nullable Node right) {
      this(id, slack, Math.min(slack, Math.min(least(left), least(right))), 0, left, right);
    }

    private static long least(@Nullable Node node) {
      return node == null ? Long.MAX_VALUE : node.least;
    }

    /** Returns the place in the heap order; a bijection of the id, so no two are equal. */
    long height() {
      long hash = (id ^ (id >>> 30)) * 0xbf58476d1ce4e5b9L;
      hash = (hash ^ (hash >>> 27)) * 0x94d049bb133111ebL;
      return hash ^ (hash >>> 31);
    }
  }
}
