package dev.s3llm.text.internal.grammar;

import dev.s3llm.text.internal.grammar.Program.Call;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** Compiles rules to a program. Used once. */
public final class ProgramCompiler {
  /** Repetitions up to this number become states; more are counted in the stack. */
  private static final int UNROLLED = 8;

  private static final int MOST_EMPTY_REPEATS = 1000;

  /** The largest number of states of one rule that is made deterministic. */
  private static final int MOST_DETERMINISTIC = 20_000;

  private final List<Rule> rules = new ArrayList<>();
  private final IdentityHashMap<Rule, Integer> numbers = new IdentityHashMap<>();
  private final IdentityHashMap<Expr, Rule> bodies = new IdentityHashMap<>();
  private final IdentityHashMap<Rule, Boolean> nullable = new IdentityHashMap<>();
  private final List<Call> calls = new ArrayList<>();
  private final Map<Call, Integer> callNumbers = new HashMap<>();

  private ProgramCompiler() {}

  /**
   * Compiles a grammar.
   *
   * @param root the rule of the whole text
   * @throws IllegalArgumentException if a rule begins with itself, or the grammar is too large
   */
  public static Program compile(Rule root) {
    return new ProgramCompiler().run(root);
  }

  private Program run(Rule root) {
    number(root);
    List<Dfa> automata = new ArrayList<>();
    int states = 0;
    for (int done = 0; done < rules.size(); done++) {
      Dfa automaton = automaton(rules.get(done));
      automata.add(automaton);
      states += automaton.size();
      if (states > Program.MOST_STATES) {
        break; // the builder says so
      }
    }
    int count = automata.size();
    String[] names = new String[rules.size()];
    boolean[] empties = new boolean[rules.size()];
    for (int r = 0; r < rules.size(); r++) {
      names[r] = rules.get(r).name();
      empties[r] = isNullable(rules.get(r));
    }
    Program.Builder builder = new Program.Builder(calls, names, empties);
    for (int r = 0; r < count; r++) {
      builder.add(r, automata.get(r));
    }
    Program program = builder.build();
    LeftRecursion.refuse(program);
    return program;
  }

  private int number(Rule rule) {
    Integer known = numbers.get(rule);
    if (known == null) {
      known = rules.size();
      numbers.put(rule, known);
      rules.add(rule);
    }
    return known;
  }

  private Dfa automaton(Rule rule) {
    Nfa nfa = new Nfa();
    nfa.accept(add(nfa, 0, rule.body()));
    Dfa automaton = nfa.toDfa(Math.min(MOST_DETERMINISTIC, 1000 + 4 * nfa.size()));
    return automaton == null ? nfa.withoutEmpties() : automaton;
  }

  /** Adds a language behind a state, and returns the state behind it. */
  private int add(Nfa nfa, int from, Expr expr) {
    if (nfa.size() > Program.MOST_STATES) {
      throw new IllegalArgumentException(
          "a rule needs more than %d states; use smaller bounds".formatted(Program.MOST_STATES));
    }
    if (expr instanceof Expr.Seq seq) {
      int state = from;
      for (Expr part : seq.parts()) {
        state = add(nfa, state, part);
      }
      return state;
    }
    if (expr instanceof Expr.Repeat repeat) {
      return addRepeat(nfa, from, repeat);
    }
    int to = nfa.newState();
    if (expr instanceof Expr.Alt alt) {
      alt.choices().forEach(choice -> nfa.empty(add(nfa, startOf(nfa, from), choice), to));
    } else if (expr instanceof Expr.Chars chars) {
      for (int r = 0; r < chars.set().count(); r++) {
        Utf8.add(nfa, from, chars.set().first(r), chars.set().last(r), to);
      }
    } else if (expr instanceof Expr.Text text) {
      addText(nfa, from, text.text(), to);
    } else if (expr instanceof Expr.Call call) {
      addCall(nfa, from, call.rule(), 1, 1, to);
    } else if (expr instanceof Expr.Embed embed) {
      addEmbedded(nfa, from, embed.automaton(), to);
    } else if (expr instanceof Expr.Graph graph) {
      addGraph(nfa, from, graph, to);
    }
    return to;
  }

  /** Returns a new state that is reached from another one without a symbol. */
  private static int startOf(Nfa nfa, int from) {
    int start = nfa.newState();
    nfa.empty(from, start);
    return start;
  }

  private static void addText(Nfa nfa, int from, String text, int to) {
    int state = from;
    for (int c : text.codePoints().toArray()) {
      int next = nfa.newState();
      Utf8.add(nfa, state, c, c, next);
      state = next;
    }
    nfa.empty(state, to);
  }

  private void addCall(Nfa nfa, int from, Rule rule, int least, int most, int to) {
    Call call = new Call(number(rule), least, most);
    Integer known = callNumbers.putIfAbsent(call, calls.size());
    if (known == null) {
      known = calls.size();
      calls.add(call);
    }
    nfa.edge(from, Program.CALLS + known, Program.CALLS + known, to);
  }

  private static void addEmbedded(Nfa nfa, int from, Dfa automaton, int to) {
    int[] states = new int[automaton.size()];
    for (int s = 0; s < states.length; s++) {
      states[s] = nfa.newState();
    }
    nfa.empty(from, states[0]);
    for (int s = 0; s < states.length; s++) {
      int[] own = automaton.edges(s);
      for (int i = 0; i < own.length; i += 3) {
        Utf8.add(nfa, states[s], own[i], own[i + 1], states[own[i + 2]]);
      }
      if (automaton.accepts(s)) {
        nfa.empty(states[s], to);
      }
    }
  }

  private void addGraph(Nfa nfa, int from, Expr.Graph graph, int to) {
    int[] states = new int[graph.nodes()];
    for (int n = 0; n < states.length; n++) {
      states[n] = nfa.newState();
    }
    nfa.empty(from, states[0]);
    for (Expr.Edge edge : graph.edges()) {
      nfa.empty(add(nfa, startOf(nfa, states[edge.from()]), edge.label()), states[edge.to()]);
    }
    graph.ends().forEach(end -> nfa.empty(states[end], to));
  }

  private int addRepeat(Nfa nfa, int from, Expr.Repeat repeat) {
    boolean empty = isNullable(repeat.part());
    int least = empty ? 0 : repeat.least();
    int most = repeat.most();
    boolean loops = most == Expr.MANY && least <= UNROLLED;
    if (!loops && most > UNROLLED && !empty) {
      int to = nfa.newState();
      if (least == 0) {
        nfa.empty(from, to);
      }
      addCall(nfa, from, bodyOf(repeat.part()), Math.max(1, least), most, to);
      return to;
    }
    if (!loops && most > MOST_EMPTY_REPEATS) {
      throw new IllegalArgumentException(
          "a part that may be empty is repeated %d times, but the limit is %d"
              .formatted(most, MOST_EMPTY_REPEATS));
    }
    return unroll(nfa, from, repeat.part(), least, loops ? least : most, loops);
  }

  private int unroll(Nfa nfa, int from, Expr part, int least, int most, boolean loops) {
    int state = startOf(nfa, from);
    for (int i = 0; i < least; i++) {
      state = add(nfa, state, part);
    }
    int to = nfa.newState();
    nfa.empty(state, to);
    for (int i = least; i < most; i++) {
      state = add(nfa, state, part);
      nfa.empty(state, to);
    }
    if (loops) {
      int loop = startOf(nfa, state);
      nfa.empty(add(nfa, loop, part), loop);
      nfa.empty(loop, to);
    }
    return to;
  }

  private Rule bodyOf(Expr part) {
    return part instanceof Expr.Call call
        ? call.rule()
        : bodies.computeIfAbsent(part, body -> new Rule("repeated part", body));
  }

  private boolean isNullable(Expr expr) {
    if (expr instanceof Expr.Seq seq) {
      return seq.parts().stream().allMatch(this::isNullable);
    } else if (expr instanceof Expr.Alt alt) {
      return alt.choices().stream().anyMatch(this::isNullable);
    } else if (expr instanceof Expr.Repeat repeat) {
      return repeat.least() == 0 || isNullable(repeat.part());
    } else if (expr instanceof Expr.Text text) {
      return text.text().isEmpty();
    } else if (expr instanceof Expr.Call call) {
      return isNullable(call.rule());
    } else if (expr instanceof Expr.Embed embed) {
      return !embed.automaton().isEmpty() && embed.automaton().accepts(0);
    } else if (expr instanceof Expr.Graph graph) {
      return isNullable(graph);
    }
    return false;
  }

  private boolean isNullable(Expr.Graph graph) {
    List<Integer> open = new ArrayList<>(List.of(0));
    for (int done = 0; done < open.size(); done++) {
      int node = open.get(done);
      if (graph.ends().contains(node)) {
        return true;
      }
      graph.edges().stream()
          .filter(edge -> edge.from() == node && !open.contains(edge.to()))
          .filter(edge -> isNullable(edge.label()))
          .forEach(edge -> open.add(edge.to()));
    }
    return false;
  }

  /** Returns whether a rule has the empty text; a rule that is being asked about has not. */
  private boolean isNullable(Rule rule) {
    Boolean known = nullable.get(rule);
    if (known == null) {
      nullable.put(rule, false);
      known = isNullable(rule.body());
      if (known) {
        nullable.put(rule, true);
      } else {
        nullable.remove(rule);
      }
    }
    return known;
  }
}
