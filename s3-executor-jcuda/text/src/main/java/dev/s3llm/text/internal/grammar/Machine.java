package dev.s3llm.text.internal.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A program over a vocabulary. Thread-safe.
 *
 * <p>Masks are put together from pieces. The tokens that a state with its stack allows are those
 * that stay within the top frame, and those that leave it: the latter depend on the state that the
 * frame returns to and on the nodes of the trie at which they leave, and so on down the stack. Each
 * piece depends on one state alone, so it is made once, whatever is below: stacks of any depth
 * share them. (XGrammar, arXiv 2411.15100, also separates what the stack does not change; there
 * each token that leaves the top frame is checked again for each stack.)
 *
 * <p>Configurations and pieces are kept until all are forgotten ({@link #forget}), and are then
 * made again as they are needed. Answers that are under way keep their own configurations.
 */
final class Machine {
  /** The most bytes that one grammar keeps, and one that was dropped. */
  private static final long MOST_BYTES = 32L << 20;

  private static final long MOST_DROPPED_BYTES = 2L << 20;

  /** Bytes of a state of a program, with its edges and costs, more or less. */
  private static final long STATE_BYTES = 120;

  private static final Config DEAD =
      new Config(new int[0], new @Nullable Frame[0], false, Costs.NEVER);

  private final Program program;
  private final Trie trie;
  private final Costs costs;
  private final Config start;
  private final NodeSet root;
  private final Growth growth;
  private final Map<Config, Config> configs = new ConcurrentHashMap<>();
  private final Map<PieceKey, Piece> pieces = new ConcurrentHashMap<>();
  private final AtomicLong bytes = new AtomicLong();
  private volatile boolean dropped;

  /** The state of a piece, or the frame that it begins with (then the state is -1). */
  private record PieceKey(NodeSet from, int state, int returns, int rule, int least, int most) {}

  /** A piece of a mask, and the tokens that the stack below its frame needs. */
  record Layer(Piece piece, int cost) {}

  /** Learns how many bytes a machine keeps in addition. */
  interface Growth {
    /**
     * Counts bytes.
     *
     * @param machine the machine
     * @param more bytes that it keeps in addition; negative if it has forgotten some
     */
    void grew(Machine machine, long more);
  }

  /**
   * Creates a machine that keeps nothing yet.
   *
   * @param growth learns what the machine keeps; called on any thread
   */
  Machine(Program program, Trie trie, Growth growth) {
    this.program = program;
    this.trie = trie;
    this.growth = growth;
    costs = new Costs(program, trie);
    root = new NodeSet(new int[] {0}, trie);
    start = new Closure(program, costs).add(program.starts[0], null).toConfig();
    growth.grew(this, programBytes());
  }

  Config start() {
    return start;
  }

  Trie trie() {
    return trie;
  }

  Program program() {
    return program;
  }

  /** Returns the number of words of a mask. */
  int words() {
    return (trie.vocabulary() + 63) >>> 6;
  }

  /** Returns the configuration after one more byte; one without states if it may not come. */
  Config next(Config config, int value) {
    int byteClass = program.classes[value] & 0xFF;
    Config known = config.known(byteClass);
    if (known == null) {
      known = intern(step(config, value));
      config.remember(byteClass, known, program.classCount);
    }
    return known;
  }

  private Config step(Config config, int value) {
    Closure closure = new Closure(program, costs);
    for (int i = 0; i < config.states.length; i++) {
      int[] own = program.bytes[config.states[i]];
      for (int e = 0; e < own.length; e += 3) {
        if (own[e] <= value && value <= own[e + 1]) {
          closure.add(own[e + 2], config.frames[i]);
        }
      }
    }
    return closure.toConfig();
  }

  private Config intern(Config config) {
    if (config.isEnd() && !config.complete) {
      return DEAD;
    }
    Config known = configs.putIfAbsent(config, config);
    if (known == null) {
      add(config.bytes(program.classCount));
    }
    return known == null ? config : known;
  }

  /** Returns the pieces of the mask of a configuration. */
  List<Layer> layers(Config config) {
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < config.states.length; i++) {
      Frame frame = config.frames[i];
      Piece piece = piece(new PieceKey(root, config.states[i], 0, 0, 0, 0));
      layers.add(new Layer(piece, Frame.cost(frame)));
      while (frame != null && !piece.exits.isEmpty()) {
        piece = piece(keyOf(piece.exits, frame));
        frame = frame.parent;
        layers.add(new Layer(piece, Frame.cost(frame)));
      }
    }
    return layers;
  }

  /** Returns the key of what follows a frame; no token has more repetitions than bytes. */
  private static PieceKey keyOf(NodeSet from, Frame frame) {
    int most = Math.min(frame.most, from.height + 1);
    return new PieceKey(from, -1, frame.returns, frame.rule, frame.least, most);
  }

  private Piece piece(PieceKey key) {
    Piece known = pieces.get(key);
    if (known == null) {
      known = new PieceBuilder(this).build(key.from, startOf(key));
      Piece first = pieces.putIfAbsent(key, known);
      if (first != null) {
        return first;
      }
      add(known.bytes());
    }
    return known;
  }

  private Config startOf(PieceKey key) {
    if (key.state >= 0) {
      int[] states = {key.state};
      return intern(new Config(states, new @Nullable Frame[1], false, costs.toEnd(key.state)));
    }
    Frame frame = new Frame(key.returns, key.rule, key.least, key.most, null, costs);
    return intern(new Closure(program, costs).leave(frame).toConfig());
  }

  private void add(long more) {
    long all = bytes.addAndGet(more);
    if (!dropped) {
      growth.grew(this, more);
    }
    if (all > (dropped ? MOST_DROPPED_BYTES : MOST_BYTES)) {
      forget();
    }
  }

  /** Forgets configurations and pieces. */
  void forget() {
    long before = bytes.getAndSet(0);
    for (Config config : configs.keySet()) {
      config.forget(); // else those that an answer keeps would hold all others
    }
    start.forget();
    configs.clear();
    pieces.clear();
    if (!dropped && before > 0) {
      growth.grew(this, -before);
    }
  }

  /** Makes the machine keep little from now on; it is no longer counted. */
  void drop() {
    forget();
    dropped = true;
    growth.grew(this, -programBytes());
  }

  private long programBytes() {
    return STATE_BYTES * program.size();
  }
}
