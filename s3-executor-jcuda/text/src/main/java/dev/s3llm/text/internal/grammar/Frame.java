package dev.s3llm.text.internal.grammar;

import org.jspecify.annotations.Nullable;

/**
 * An entry of a stack: where a called rule returns to, and how often it still repeats. Immutable.
 */
final class Frame {
  /** The state after the call. */
  final int returns;

  /** The called rule. */
  final int rule;

  /** Repetitions that must follow the current one. */
  final int least;

  /** Repetitions that may follow the current one; {@link Expr#MANY} for any number. */
  final int most;

  final @Nullable Frame parent;

  /** An upper bound of the least number of tokens from the end of the current repetition on. */
  final int cost;

  final int depth;
  private final int hash;

  Frame(int returns, int rule, int least, int most, @Nullable Frame parent, Costs costs) {
    this.returns = returns;
    this.rule = rule;
    this.least = least;
    this.most = most;
    this.parent = parent;
    int own = Costs.sum(costs.repeats(rule, least), costs.toEnd(returns));
    this.cost = Costs.sum(own, cost(parent));
    this.depth = parent == null ? 1 : parent.depth + 1;
    int mixed = 31 * (31 * (31 * (31 * returns + rule) + least) + most);
    this.hash = mixed * 0x9E3779B1 + (parent == null ? 0 : 31 * parent.hash);
  }

  static int cost(@Nullable Frame frame) {
    return frame == null ? 0 : frame.cost;
  }

  @SuppressWarnings("ReferenceEquality") // most stacks share their lower part
  static boolean same(@Nullable Frame a, @Nullable Frame b) {
    Frame left = a;
    Frame right = b;
    while (left != right) {
      if (left == null || right == null || !left.hasEqualTop(right)) {
        return false;
      }
      left = left.parent;
      right = right.parent;
    }
    return true;
  }

  private boolean hasEqualTop(Frame other) {
    return hash == other.hash
        && returns == other.returns
        && rule == other.rule
        && least == other.least
        && most == other.most;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Frame frame && same(this, frame);
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
