package dev.s3llm.text.internal.grammar;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Collects what states lead to by calls and returns, without a byte. Used once. */
final class Closure {
  /** The largest number of ways to read the text so far. */
  private static final int MOST_WAYS = 4096;

  private final Program program;
  private final Costs costs;
  private final Set<Way> seen = new HashSet<>();
  private final List<Way> kept = new ArrayList<>();
  private boolean complete;
  private int cost = Costs.NEVER;

  private record Way(int state, @Nullable Frame frame) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Way way && way.state == state && Frame.same(way.frame, frame);
    }

    @Override
    public int hashCode() {
      return 31 * state + Objects.hashCode(frame);
    }
  }

  Closure(Program program, Costs costs) {
    this.program = program;
    this.costs = costs;
  }

  /** Adds a state with its stack. */
  Closure add(int state, @Nullable Frame frame) {
    int needs = Costs.sum(costs.toEnd(state), Frame.cost(frame));
    if (needs >= Costs.NEVER) {
      return this; // nothing that the vocabulary can spell ends from here
    }
    Way way = new Way(state, frame);
    if (!seen.add(way)) {
      return this;
    }
    if (seen.size() > MOST_WAYS) {
      throw new IllegalStateException(
          "the grammar is too ambiguous: there are more than %d ways to read the answer so far"
              .formatted(MOST_WAYS));
    }
    if (program.bytes[state].length > 0) {
      kept.add(way);
      cost = Math.min(cost, needs);
    }
    int[] calls = program.callEdges[state];
    for (int c = 0; c < calls.length; c += 2) {
      call(program.calls.get(calls[c]), calls[c + 1], frame);
    }
    return program.accepting.get(state) ? leave(frame) : this;
  }

  private void call(Program.Call call, int returns, @Nullable Frame frame) {
    int more = call.most() == Expr.MANY ? Expr.MANY : call.most() - 1;
    boolean last = more == 0 && program.isEnd(returns);
    Frame inner =
        last ? frame : new Frame(returns, call.rule(), call.least() - 1, more, frame, costs);
    add(program.starts[call.rule()], inner);
  }

  /** Adds what follows the end of a called rule, whose frame is on top. */
  Closure leave(@Nullable Frame frame) {
    if (frame == null) {
      complete = true;
      return this;
    }
    if (frame.least == 0) {
      add(frame.returns, frame.parent);
    }
    if (frame.most > 0) {
      int more = frame.most == Expr.MANY ? Expr.MANY : frame.most - 1;
      int least = Math.max(0, frame.least - 1);
      add(
          program.starts[frame.rule],
          new Frame(frame.returns, frame.rule, least, more, frame.parent, costs));
    }
    return this;
  }

  Config toConfig() {
    kept.sort(
        (a, b) ->
            a.state != b.state
                ? Integer.compare(a.state, b.state)
                : Integer.compare(Objects.hashCode(a.frame), Objects.hashCode(b.frame)));
    int[] states = kept.stream().mapToInt(Way::state).toArray();
    @Nullable Frame[] frames = new @Nullable Frame[states.length];
    for (int i = 0; i < frames.length; i++) {
      frames[i] = kept.get(i).frame;
    }
    return new Config(states, frames, complete, complete ? 0 : cost);
  }
}
