package dev.s3llm.text.internal.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.text.internal.grammar.SchemaDocument.Place;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes the languages of objects. Named properties come in the order in which the schema names
 * them, others after them.
 */
final class ObjectCompiler {
  private static final int MOST_PATTERNS = 5;
  private static final int MOST_NODES = 100_000;

  private final SchemaCompiler values;
  private final SchemaShapes shapes;
  private final Json json;

  /** A property with a name, or others; then the name is empty and it may come several times. */
  private record Member(Expr pair, boolean required) {}

  ObjectCompiler(SchemaCompiler values, SchemaShapes shapes, Json json) {
    this.values = values;
    this.shapes = shapes;
    this.json = json;
  }

  Expr compile(Shape shape, List<Place> goal) {
    List<Member> members = new ArrayList<>();
    Set<String> names = names(shape);
    for (String name : names) {
      List<Place> property = shapes.property(shape, name);
      boolean possible = !values.isNothing(property) && shapes.acceptsName(shape, name);
      if (possible) {
        members.add(
            new Member(
                pair(Expr.text(Json.quoted(name)), values.value(property)),
                shape.required.contains(name)));
      } else if (shape.required.contains(name)) {
        return Expr.NOTHING;
      }
    }
    List<Expr> others = others(shape, names);
    int needed = (int) members.stream().filter(Member::required).count();
    int own = members.size() + (others.isEmpty() ? 0 : 1);
    if (own < shape.minProperties || needed > shape.maxProperties) {
      if (own < shape.minProperties && !others.isEmpty()) {
        String path = goal.isEmpty() ? "" : goal.get(0).pointer();
        throw new SchemaRefusal(
            path,
            "minProperties",
            "only named properties and one other can be counted, and these are " + own);
      }
      return Expr.NOTHING;
    }
    return json.braces(new Layout(members, others, shape).graph());
  }

  /** Returns the names of properties that the schemas declare, in order. */
  private static Set<String> names(Shape shape) {
    Set<String> names = new LinkedHashSet<>();
    for (Place object : shape.objects) {
      object.node().path("properties").fieldNames().forEachRemaining(names::add);
    }
    names.addAll(shape.required);
    return names;
  }

  private static Expr pair(Expr name, Expr value) {
    return Expr.seq(name, Json.COLON, value);
  }

  /** Returns the pairs of properties without names: for each set of patterns that names match. */
  private List<Expr> others(Shape shape, Set<String> names) {
    Map<String, Place> patterns = new LinkedHashMap<>();
    for (Place object : shape.objects) {
      for (Map.Entry<String, JsonNode> field :
          object.node().path("patternProperties").properties()) {
        patterns.put(field.getKey(), object);
      }
    }
    if (patterns.size() > MOST_PATTERNS) {
      throw SchemaReader.refusal(
          patterns.values().iterator().next(),
          "patternProperties",
          "more than %d patterns for one object cannot be kept".formatted(MOST_PATTERNS));
    }
    List<Expr> pairs = new ArrayList<>();
    List<String> all = new ArrayList<>(patterns.keySet());
    for (int chosen = 0; chosen < (1 << all.size()); chosen++) {
      Set<String> matched = new HashSet<>();
      for (int p = 0; p < all.size(); p++) {
        if (((chosen >> p) & 1) == 1) {
          matched.add(all.get(p));
        }
      }
      addOther(shape, names, patterns, matched, pairs);
    }
    return pairs;
  }

  private void addOther(
      Shape shape,
      Set<String> names,
      Map<String, Place> patterns,
      Set<String> matched,
      List<Expr> pairs) {
    List<Place> property = new ArrayList<>();
    for (Place object : shape.objects) {
      boolean described = false;
      for (String pattern : matched) {
        if (object.node().path("patternProperties").has(pattern)) {
          described = true;
          property.add(object.child("patternProperties").child(pattern));
        }
      }
      if (!described) {
        SchemaShapes.addOther(object, property);
      }
    }
    if (values.isNothing(property)) {
      return;
    }
    boolean anyName = names.isEmpty() && patterns.isEmpty() && shape.propertyNames.isEmpty();
    Dfa allowed = anyName ? null : allowedNames(shape, names, patterns, matched);
    if (allowed == null) {
      pairs.add(pair(json.string.call(), values.value(property)));
    } else if (!allowed.isEmpty()) {
      Expr name = new Rule("other names", Json.string(allowed)).call();
      pairs.add(pair(name, values.value(property)));
    }
  }

  private Dfa allowedNames(
      Shape shape, Set<String> names, Map<String, Place> patterns, Set<String> matched) {
    List<Expr> texts = new ArrayList<>();
    names.forEach(name -> texts.add(Expr.text(name)));
    Dfa allowed = Regexes.automaton(new Expr.Alt(texts)).not();
    for (Map.Entry<String, Place> pattern : patterns.entrySet()) {
      Dfa own = shapes.pattern(pattern.getValue(), pattern.getKey());
      allowed = allowed.and(matched.contains(pattern.getKey()) ? own : own.not());
    }
    for (Place place : shape.propertyNames) {
      allowed = allowed.and(texts(place));
    }
    return allowed;
  }

  /** Returns the automaton of the texts that keep a schema. */
  private Dfa texts(Place place) {
    Nfa union = new Nfa();
    for (Shape shape : shapes.of(List.of(place))) {
      if (!shape.kinds.contains(Shape.Kind.STRING)) {
        continue;
      }
      List<JsonNode> values = shape.values;
      List<Expr> texts = new ArrayList<>();
      if (values != null) {
        values.stream()
            .filter(JsonNode::isTextual)
            .forEach(v -> texts.add(Expr.text(v.textValue())));
      }
      Dfa one = values == null ? shape.strings() : Regexes.automaton(new Expr.Alt(texts));
      Regexes.embed(union, one);
    }
    return union.toDfa();
  }

  /** The ways through the members of an object, counting them as far as the limits need it. */
  private final class Layout {
    private final List<Member> members;
    private final List<Expr> others;
    private final int least;
    private final int most;
    private final int counted;
    private final List<Expr.Edge> edges = new ArrayList<>();
    private final Map<Long, Integer> nodes = new LinkedHashMap<>();
    private final Set<Integer> ends = new HashSet<>();

    Layout(List<Member> members, List<Expr> others, Shape shape) {
      this.members = members;
      this.others = others;
      long needed = members.stream().filter(Member::required).count();
      this.least = shape.minProperties <= needed ? 0 : shape.minProperties;
      this.most =
          others.isEmpty() && shape.maxProperties >= members.size()
              ? Expr.MANY
              : shape.maxProperties;
      this.counted = Math.max(1, most == Expr.MANY ? least : most);
    }

    Expr graph() {
      node(0, 0);
      List<Long> open = new ArrayList<>(nodes.keySet());
      for (int done = 0; done < open.size(); done++) {
        long key = open.get(done);
        int before = nodes.size();
        visit((int) (key >>> 32), (int) key);
        if (nodes.size() > before) {
          open = new ArrayList<>(nodes.keySet());
        }
        if (nodes.size() > MOST_NODES) {
          throw new IllegalArgumentException("the object has too many properties to count");
        }
      }
      return new Expr.Graph(nodes.size(), edges, ends);
    }

    private int node(int member, int count) {
      return nodes.computeIfAbsent(((long) member << 32) | count, unused -> nodes.size());
    }

    private void visit(int member, int count) {
      int from = node(member, count);
      int more = Math.min(counted, count + 1);
      Expr comma = count == 0 ? Expr.EMPTY : json.comma();
      boolean full = most != Expr.MANY && count >= most;
      if (member < members.size()) {
        Member next = members.get(member);
        if (!full) {
          edges.add(new Expr.Edge(from, Expr.seq(comma, next.pair()), node(member + 1, more)));
        }
        if (!next.required()) {
          edges.add(new Expr.Edge(from, Expr.EMPTY, node(member + 1, count)));
        }
        return;
      }
      if (count >= least) {
        ends.add(from);
      }
      boolean first = member == members.size();
      if (!full && !others.isEmpty() && (!first || more >= least)) {
        // further ones may repeat a name, so the first alone counts for the least number
        int to = first || most != Expr.MANY ? node(members.size() + 1, more) : from;
        edges.add(new Expr.Edge(from, Expr.seq(comma, new Expr.Alt(others)), to));
      }
    }
  }
}
