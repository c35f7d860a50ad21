package dev.s3llm.text.internal.grammar;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.text.internal.grammar.Machine.Layer;
import java.util.List;

/** A grammar as a constraint of the tokens of one vocabulary. Thread-safe. */
final class CompiledGrammar implements TokenConstraint {
  /** From this depth of the stack on, nothing more is opened; JSON libraries allow some more. */
  private static final int MOST_DEPTH = 500;

  private final Machine machine;
  private final MaskCache masks;
  private final Bounds bounds;

  CompiledGrammar(Machine machine, MaskCache masks) {
    this.machine = machine;
    this.masks = masks;
    this.bounds = new Bounds(machine.program());
  }

  Machine machine() {
    return machine;
  }

  @Override
  public State start() {
    return new Place(machine.start());
  }

  @Override
  public int shortest() {
    int longest = Math.max(1, machine.trie().longest());
    return (bounds.shortest() + longest - 1) / longest;
  }

  @Override
  public int longest() {
    return bounds.longest();
  }

  /** Returns a number of tokens that is enough for some answer. */
  int enough() {
    return machine.start().cost;
  }

  private long[] mask(Config config, int tokensLeft) {
    List<Layer> layers = machine.layers(config);
    int most = 0;
    int depth = 0;
    for (Layer layer : layers) {
      most = Math.max(most, Costs.sum(layer.piece().mostCost(), layer.cost()));
    }
    for (Frame frame : config.frames) {
      depth = Math.max(depth, frame == null ? 0 : frame.depth);
    }
    int left = depth > MOST_DEPTH ? Math.min(tokensLeft, config.cost) : tokensLeft;
    if (left > most || left < config.cost) {
      return full(layers); // nothing is too long, or everything is
    }
    long[] mask = new long[machine.words()];
    for (Layer layer : layers) {
      layer.piece().addTo(mask, left - 1 - layer.cost());
    }
    return mask;
  }

  private long[] full(List<Layer> layers) {
    List<Piece> pieces = layers.stream().map(Layer::piece).distinct().toList();
    long[] known = masks.get(pieces);
    if (known != null) {
      return known;
    }
    long[] mask = new long[machine.words()];
    pieces.forEach(piece -> piece.addTo(mask, Costs.NEVER - 1));
    return masks.put(pieces, mask);
  }

  /** A place in the grammar. */
  private final class Place implements State {
    private final Config config;

    Place(Config config) {
      this.config = config;
    }

    @Override
    public long[] mask(int tokensLeft) {
      return CompiledGrammar.this.mask(config, tokensLeft);
    }

    @Override
    public State after(int token) {
      Config next = config;
      byte[] text = machine.trie().text(token);
      for (byte value : text) {
        next = machine.next(next, value & 0xFF);
      }
      if (text.length == 0 || (next.isEnd() && !next.complete)) {
        throw new IllegalArgumentException("the token %d may not come here".formatted(token));
      }
      return new Place(next);
    }

    @Override
    public boolean complete() {
      return config.complete;
    }
  }
}
