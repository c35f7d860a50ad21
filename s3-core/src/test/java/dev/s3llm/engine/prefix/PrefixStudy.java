package dev.s3llm.engine.prefix;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an order of forgetting saves, without an engine: each request uses its blocks for no time,
 * and leaves them behind.
 */
final class PrefixStudy {
  private static final double NANOS_PER_SECOND = 1e9;

  private final ForgettingOrder order;
  private final int room;
  private final int blockTokens;
  private final Map<Long, Node> nodes = new HashMap<>();
  private int kept;
  private long evicted;

  /**
   * A request.
   *
   * @param seconds its arrival
   * @param promptTokens tokens of the prompt
   * @param outputTokens tokens of the answer
   * @param blocks ids of the blocks of the prompt; an id stands for all blocks up to it
   */
  record Request(double seconds, int promptTokens, int outputTokens, long[] blocks) {}

  /**
   * What was saved.
   *
   * @param savedBlocks blocks of the second half of the requests that were found
   * @param blocks blocks of the second half
   * @param evicted blocks forgotten, of all requests
   */
  record Saved(long savedBlocks, long blocks, long evicted) {
    double percent() {
      return 100.0 * savedBlocks / blocks;
    }
  }

  PrefixStudy(ForgettingOrder order, int room, int blockTokens) {
    this.order = order;
    this.room = room;
    this.blockTokens = blockTokens;
  }

  static Saved run(ForgettingOrder order, int room, int blockTokens, List<Request> requests) {
    PrefixStudy study = new PrefixStudy(order, room, blockTokens);
    long saved = 0;
    long blocks = 0;
    for (int i = 0; i < requests.size(); i++) {
      int found = study.serve(requests.get(i));
      if (i >= requests.size() / 2) {
        saved += found;
        blocks += requests.get(i).blocks().length;
      }
    }
    return new Saved(saved, blocks, study.evicted);
  }

  /** Serves a request; returns how many of its blocks were kept. */
  int serve(Request request) {
    long now = Math.round(request.seconds() * NANOS_PER_SECOND);
    Chain chain = new Chain(request, blockTokens);
    PrefixUse use = order.began(chain, now);
    List<Node> path = new ArrayList<>();
    int found = 0;
    Node parent = null;
    for (int i = 0; i < request.blocks().length; i++) {
      Node node = nodes.get(request.blocks()[i]);
      if (node == null) {
        node = new Node(request.blocks()[i], parent, (i + 1) * blockTokens);
        nodes.put(node.key(), node);
        kept++;
        if (parent != null) {
          if (parent.children++ == 0 && parent.ordered) {
            take(parent);
          }
        }
      } else {
        found++;
        if (node.ordered) {
          take(node);
        }
      }
      path.add(node);
      parent = node;
    }
    PrefixUse ended = order.ended(use, chain, now);
    path.forEach(node -> node.use = ended);
    if (parent != null && parent.children == 0) {
      put(parent, now);
    }
    while (kept > room) {
      forget(now);
    }
    return found;
  }

  private void forget(long now) {
    KeptLeaf next = order.next(now);
    if (!(next instanceof Node leaf) || leaf.children > 0) {
      throw new IllegalStateException("not a leaf: " + next);
    }
    take(leaf);
    nodes.remove(leaf.key());
    kept--;
    evicted++;
    if (leaf.parent != null && --leaf.parent.children == 0) {
      put(leaf.parent, now);
    }
  }

  private void put(Node node, long now) {
    order.add(node, now);
    node.ordered = true;
  }

  private void take(Node node) {
    order.remove(node);
    node.ordered = false;
  }

  private record Chain(Request request, int blockTokens) implements PrefixChain {
    @Override
    public int blocks() {
      return request.blocks().length;
    }

    @Override
    public long key(int index) {
      return request.blocks()[index];
    }

    @Override
    public int promptTokens() {
      return Math.max(request.promptTokens(), blocks() * blockTokens);
    }

    @Override
    public int outputTokens() {
      return request.outputTokens();
    }

    @Override
    public int tenant() {
      return 0;
    }
  }

  private static final class Node extends TestLeaf {
    private final @Nullable Node parent;
    private int children;
    private boolean ordered;

    Node(long key, @Nullable Node parent, int depthTokens) {
      super(key, depthTokens, PrefixUse.at(0));
      this.parent = parent;
    }
  }
}
