package dev.s3llm.text.internal.grammar;

import java.util.BitSet;

/** Finds rules that begin with themselves, which a pushdown automaton would call for ever. */
final class LeftRecursion {
  private final Program program;
  private final BitSet open = new BitSet();
  private final BitSet done = new BitSet();

  private LeftRecursion(Program program) {
    this.program = program;
  }

  /**
   * Refuses a program with such rules.
   *
   * @throws IllegalArgumentException naming a rule
   */
  static void refuse(Program program) {
    LeftRecursion search = new LeftRecursion(program);
    for (int rule = 0; rule < program.starts.length; rule++) {
      search.visit(rule);
    }
  }

  private void visit(int rule) {
    if (done.get(rule)) {
      return;
    }
    if (open.get(rule)) {
      throw new IllegalArgumentException(
          "the rule '%s' begins with itself; put a text or another rule first"
              .formatted(program.names[rule]));
    }
    open.set(rule);
    Ints states = new Ints();
    states.add(program.starts[rule]);
    BitSet seen = new BitSet();
    for (int i = 0; i < states.size(); i++) {
      int[] calls = program.callEdges[states.get(i)];
      for (int c = 0; c < calls.length; c += 2) {
        Program.Call call = program.calls.get(calls[c]);
        visit(call.rule());
        if (program.isNullable(call) && !seen.get(calls[c + 1])) {
          seen.set(calls[c + 1]);
          states.add(calls[c + 1]);
        }
      }
    }
    open.clear(rule);
    done.set(rule);
  }
}
