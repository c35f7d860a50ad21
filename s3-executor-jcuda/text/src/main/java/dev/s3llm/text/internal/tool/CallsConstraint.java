package dev.s3llm.text.internal.tool;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A rule made of fixed tokens and other rules, one behind another, with branches and repetitions:
 * the frame of calls around their arguments. A state follows all ways that fit the tokens so far.
 * Thread-safe.
 */
final class CallsConstraint implements TokenConstraint {
  private final Node first;
  private final int words;

  /**
   * Creates a rule.
   *
   * @param first where it begins
   * @param vocabularySize number of tokens
   */
  CallsConstraint(Node first, int vocabularySize) {
    this.first = first;
    this.words = (vocabularySize + 63) / 64;
  }

  /** A part of the rule: fixed tokens, or another rule; and what may come behind it. */
  static final class Node {
    private final int[] fixed;
    private final @Nullable TokenConstraint rule;
    private final List<Node> next = new ArrayList<>();

    /** Whether the answer may end behind this part. */
    private boolean last;

    private Node(int[] fixed, @Nullable TokenConstraint rule) {
      this.fixed = fixed;
      this.rule = rule;
    }

    /** Creates a part of fixed tokens, none or more. */
    static Node of(int... fixed) {
      return new Node(fixed, null);
    }

    /** Creates a part that keeps a rule. */
    static Node of(TokenConstraint rule) {
      return new Node(new int[0], rule);
    }

    /** Adds a part that may come behind this one, and returns it. */
    @SuppressWarnings("CanIgnoreReturnValueSuggester") // both uses are common
    Node then(Node node) {
      next.add(node);
      return node;
    }

    /** Allows the end behind this part. */
    void end() {
      last = true;
    }

    private int own() {
      return rule == null ? fixed.length : rule.shortest();
    }

    /** Returns the least number of tokens behind this part. */
    private int rest(int depth) {
      if (last) {
        return 0;
      }
      int least = 1 << 20;
      for (Node node : depth > 16 ? List.<Node>of() : next) {
        least = Math.min(least, node.own() + node.rest(depth + 1));
      }
      return least;
    }
  }

  /** A place in a part: the number of fixed tokens that came, or the state of the rule. */
  private record Place(Node node, int written, @Nullable State state) {
    int needed() {
      int own = state == null ? node.fixed.length - written : state.complete() ? 0 : 1;
      return own + node.rest(0);
    }
  }

  @Override
  public State start() {
    List<Place> places = new ArrayList<>();
    enter(first, places);
    return new Ways(places);
  }

  @Override
  public int shortest() {
    return first.own() + first.rest(0);
  }

  @Override
  public int longest() {
    return Integer.MAX_VALUE;
  }

  private static void enter(Node node, List<Place> places) {
    if (node.rule != null) {
      addState(new Place(node, 0, node.rule.start()), places);
    } else if (node.fixed.length == 0) {
      leave(node, places);
    } else {
      places.add(new Place(node, 0, null));
    }
  }

  private static void addState(Place place, List<Place> places) {
    places.add(place);
    if (Objects.requireNonNull(place.state).complete()) {
      leave(place.node, places);
    }
  }

  private static void leave(Node node, List<Place> places) {
    if (node.last) {
      places.add(new Place(node, node.fixed.length, null));
    }
    node.next.forEach(next -> enter(next, places));
  }

  private final class Ways implements State {
    private final List<Place> places;

    Ways(List<Place> places) {
      this.places = List.copyOf(places);
    }

    @Override
    public long[] mask(int tokensLeft) {
      long[] mask = new long[words];
      int least = places.stream().mapToInt(Place::needed).min().orElse(0);
      for (Place place : places) {
        if (place.needed() <= Math.max(least, tokensLeft)) {
          add(place, tokensLeft, mask);
        }
      }
      return mask;
    }

    private void add(Place place, int tokensLeft, long[] mask) {
      State state = place.state;
      if (state != null) {
        int room = tokensLeft - place.node.rest(0);
        if (room < 1 && state.complete()) {
          return; // the rule must end here, so that what comes behind it has room
        }
        long[] inner = state.mask(Math.max(1, room));
        for (int i = 0; i < Math.min(mask.length, inner.length); i++) {
          mask[i] |= inner[i];
        }
      } else if (place.written < place.node.fixed.length) {
        int token = place.node.fixed[place.written];
        mask[token / 64] |= 1L << (token % 64);
      }
    }

    @Override
    public State after(int token) {
      List<Place> reached = new ArrayList<>();
      for (Place place : places) {
        advance(place, token, reached);
      }
      if (reached.isEmpty()) {
        throw new IllegalArgumentException("token " + token + " may not come here");
      }
      return new Ways(reached);
    }

    private void advance(Place place, int token, List<Place> reached) {
      State state = place.state;
      if (state != null) {
        State next = next(state, token);
        if (next != null) {
          addState(new Place(place.node, 0, next), reached);
        }
      } else if (place.written < place.node.fixed.length
          && place.node.fixed[place.written] == token) {
        if (place.written + 1 == place.node.fixed.length) {
          leave(place.node, reached);
        } else {
          reached.add(new Place(place.node, place.written + 1, null));
        }
      }
    }

    private static @Nullable State next(State state, int token) {
      try {
        return state.after(token);
      } catch (IllegalArgumentException e) {
        return null; // the token belongs to another way
      }
    }

    @Override
    public boolean complete() {
      return places.stream()
          .anyMatch(
              place ->
                  place.node.last
                      && (place.state == null
                          ? place.written == place.node.fixed.length
                          : place.state.complete()));
    }
  }
}
