package dev.s3llm.text.internal.tokenizer;

import static java.util.stream.Collectors.joining;

import dev.s3llm.text.internal.tokenizer.TokenizerRegex.Anchor;
import dev.s3llm.text.internal.tokenizer.TokenizerRegex.Choice;
import dev.s3llm.text.internal.tokenizer.TokenizerRegex.Look;
import dev.s3llm.text.internal.tokenizer.TokenizerRegex.Node;
import dev.s3llm.text.internal.tokenizer.TokenizerRegex.One;
import dev.s3llm.text.internal.tokenizer.TokenizerRegex.Repeat;
import dev.s3llm.text.internal.tokenizer.TokenizerRegex.Sequence;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.PatternSyntaxException;

/**
 * An upper bound of the steps of a search by an expression. The native library ends the process
 * when one attempt to match steps back ten million times, and many attempts may take hours before
 * that.
 *
 * <p>An attempt takes at most {@code ways * r^degree} steps, where r is the length of the longest
 * run of characters that one of {@code runs} matches. A repetition without an upper bound adds to
 * the degree if what follows can fail, since the search then steps back into the repetition. A
 * repetition of one of several alternatives does not add to it if a later alternative consumes the
 * same run in any case: then the run is searched once, not once for each of its characters. A
 * repeated group in which a text can be split in several ways, in front of what can fail, has no
 * bound.
 *
 * @param ways the factor
 * @param degree the exponent; 0 also where a run is searched once
 * @param passes how often an attempt steps over a run that is searched once, at most
 * @param runs the parts whose long runs take many steps
 */
record RegexCost(long ways, int degree, long passes, Set<One> runs) {
  private static final RegexCost NONE = new RegexCost(1, 0, 0, Set.of());
  private static final long MAX_WAYS = 1_000_000;
  private static final int MAX_DEGREE = 6;

  /**
   * Returns the bound of an expression.
   *
   * @param regex the expression
   * @throws PatternSyntaxException if there is no bound, or the expression is not understood; the
   *     description says why
   */
  static RegexCost of(String regex) {
    return new Analysis(regex).whole(TokenizerRegex.parse(regex));
  }

  /** One after the other: each way of one with each way of the other. */
  private RegexCost times(RegexCost other) {
    return new RegexCost(
        Math.min(ways * other.ways, MAX_WAYS + 1),
        degree + other.degree,
        passes + other.passes,
        union(runs, other.runs));
  }

  /** One or the other. */
  private RegexCost plus(RegexCost other) {
    return new RegexCost(
        Math.min(ways + other.ways, MAX_WAYS + 1),
        Math.max(degree, other.degree),
        passes + other.passes,
        union(runs, other.runs));
  }

  /** One, and then the other, which cannot fail. */
  private RegexCost before(RegexCost other) {
    return new RegexCost(
        Math.max(ways, other.ways),
        Math.max(degree, other.degree),
        passes + other.passes,
        union(runs, other.runs));
  }

  private static Set<One> union(Set<One> a, Set<One> b) {
    Set<One> all = new HashSet<>(a);
    all.addAll(b);
    return all;
  }

  private record Analysis(String regex) {

    RegexCost whole(Node node) {
      List<Node> choices = node instanceof Choice choice ? choice.parts() : List.of(node);
      RegexCost all = NONE;
      for (int i = 0; i < choices.size(); i++) {
        RegexCost cost = cost(choices.get(i), false);
        all = all.plus(uncovered(cost, choices.subList(i, choices.size())));
      }
      require(all.ways <= MAX_WAYS && all.degree <= MAX_DEGREE, "it can match in too many ways");
      return all;
    }

    /** Leaves out the runs that an alternative consumes whenever it is tried. */
    private static RegexCost uncovered(RegexCost cost, List<Node> choices) {
      if (cost.degree != 1) {
        return cost;
      }
      boolean covered =
          cost.runs.stream().allMatch(run -> choices.stream().anyMatch(c -> consumes(c, run)));
      return covered ? new RegexCost(cost.ways, 0, cost.ways, cost.runs) : cost;
    }

    private static boolean consumes(Node choice, One run) {
      List<Node> parts = choice instanceof Sequence all ? all.parts() : List.of(choice);
      for (int i = 0; i < parts.size(); i++) {
        if (repeats(parts.get(i), run)) {
          List<Node> rest = parts.subList(i + 1, parts.size());
          return rest.stream().noneMatch(Analysis::canFail)
              || (rest.size() == 1 && leavesOneBlank(rest.get(0), run));
        }
        if (canFail(parts.get(i))) {
          return false;
        }
      }
      return false;
    }

    private static boolean repeats(Node part, One run) {
      return part instanceof Repeat repeat
          && repeat.most() == TokenizerRegex.UNBOUNDED
          && repeat.least() <= 1
          && repeat.body().equals(run);
    }

    /** Returns whether all blanks but the last are consumed: the end of many expressions. */
    private static boolean leavesOneBlank(Node rest, One run) {
      return run.source().equals("\\s")
          && rest instanceof Look look
          && look.source().equals("(?!\\S)");
    }

    private static boolean canFail(Node node) {
      if (node instanceof Repeat repeat) {
        return repeat.least() > 0 && canFail(repeat.body());
      }
      if (node instanceof Sequence sequence) {
        return sequence.parts().stream().anyMatch(Analysis::canFail);
      }
      return !(node instanceof Choice choice)
          || choice.parts().stream().allMatch(Analysis::canFail);
    }

    /**
     * Returns the bound of a part.
     *
     * @param reentered whether what follows the part can fail
     */
    private RegexCost cost(Node node, boolean reentered) {
      if (node instanceof One || node instanceof Anchor) {
        return NONE;
      }
      if (node instanceof Sequence sequence) {
        return sequence(sequence.parts(), reentered);
      }
      if (node instanceof Choice choice) {
        return choice.parts().stream()
            .map(part -> cost(part, reentered))
            .reduce(RegexCost::plus)
            .orElse(NONE);
      }
      return node instanceof Look look ? look(look) : repeat((Repeat) node, reentered);
    }

    private RegexCost sequence(List<Node> parts, boolean reentered) {
      RegexCost head = NONE;
      RegexCost tail = NONE;
      boolean fails = reentered;
      for (int i = parts.size() - 1; i >= 0; i--) {
        RegexCost part = cost(parts.get(i), fails);
        if (fails) {
          head = part.times(head);
        } else {
          tail = part.before(tail);
        }
        fails |= canFail(parts.get(i));
      }
      return head.before(tail);
    }

    /** A run that is only looked at is looked at again from the next position. */
    private RegexCost look(Look look) {
      RegexCost inner = cost(look.body(), false);
      Set<One> endless = new HashSet<>();
      endless(look.body(), endless);
      return endless.isEmpty() ? inner : inner.times(new RegexCost(1, 1, 0, endless));
    }

    private RegexCost repeat(Repeat repeat, boolean reentered) {
      Node body = repeat.body();
      boolean endless = repeat.most() == TokenizerRegex.UNBOUNDED;
      if (!reentered) {
        RegexCost inner = cost(body, false);
        long ways = atMost(inner.ways, endless ? 1 : repeat.most());
        return new RegexCost(ways, inner.degree, 0, inner.runs);
      }
      if (endless) {
        require(
            isFixed(body),
            "a repeated group can divide a text in many ways, and what follows can fail");
        return new RegexCost(1, 1, 0, Set.of(asOne(body)));
      }
      return isFixed(body)
          ? new RegexCost(length(repeat), 0, 0, Set.of())
          : power(cost(body, true), repeat.most(), repeat.least() < repeat.most());
    }

    /** Returns whether a part matches a text in one way at most, and always as many characters. */
    private static boolean isFixed(Node node) {
      if (node instanceof Repeat repeat) {
        return repeat.least() == repeat.most() && isFixed(repeat.body());
      }
      return node instanceof One
          || node instanceof Anchor
          || (node instanceof Sequence sequence
              && sequence.parts().stream().allMatch(Analysis::isFixed));
    }

    private static long length(Node node) {
      if (node instanceof Repeat repeat) {
        return Math.min(MAX_WAYS + 1, length(repeat.body()) * repeat.most() + 1);
      }
      return node instanceof Sequence sequence
          ? sequence.parts().stream().mapToLong(Analysis::length).sum()
          : 1;
    }

    private static RegexCost power(RegexCost body, int count, boolean optional) {
      RegexCost round = optional ? body.plus(NONE) : body;
      RegexCost all = NONE;
      for (int i = 0; i < count && all.ways <= MAX_WAYS && all.degree <= MAX_DEGREE; i++) {
        all = all.times(round);
      }
      return all;
    }

    private static long atMost(long ways, int count) {
      return Math.min(ways * Math.max(1, count), MAX_WAYS + 1);
    }

    /** Returns a class that has all characters of a part. */
    private static One asOne(Node body) {
      if (body instanceof One one) {
        return one;
      }
      Set<One> found = new LinkedHashSet<>();
      ones(body, found);
      boolean ignoreCase = found.stream().anyMatch(One::ignoreCase);
      return found.size() == 1
          ? found.iterator().next()
          : new One(found.stream().map(One::source).collect(joining("|", "(?:", ")")), ignoreCase);
    }

    private static void ones(Node node, Set<One> found) {
      if (node instanceof One one) {
        found.add(one);
      } else if (node instanceof Repeat repeat) {
        ones(repeat.body(), found);
      } else if (node instanceof Sequence sequence) {
        sequence.parts().forEach(part -> ones(part, found));
      } else if (node instanceof Choice choice) {
        choice.parts().forEach(part -> ones(part, found));
      }
    }

    private static void endless(Node node, Set<One> found) {
      if (node instanceof Repeat repeat) {
        if (repeat.most() == TokenizerRegex.UNBOUNDED) {
          found.add(asOne(repeat.body()));
        }
        endless(repeat.body(), found);
      } else if (node instanceof Sequence sequence) {
        sequence.parts().forEach(part -> endless(part, found));
      } else if (node instanceof Choice choice) {
        choice.parts().forEach(part -> endless(part, found));
      } else if (node instanceof Look look) {
        endless(look.body(), found);
      }
    }

    private void require(boolean holds, String otherwise) {
      if (!holds) {
        throw new PatternSyntaxException(otherwise, regex, -1);
      }
    }
  }
}
