package dev.s3llm.text.internal.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.s3llm.text.internal.grammar.SchemaDocument.Place;
import dev.s3llm.text.internal.grammar.Shape.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Brings what several schemas together demand of a value into alternatives of shapes. A value keeps
 * the schemas if and only if it keeps one of the shapes.
 */
final class SchemaShapes {
  private static final int MOST_SHAPES = 256;
  private static final int MOST_DEPTH = 32;
  private static final String ONE_OF = "oneOf";

  private final SchemaDocument document;
  private final Map<Set<String>, List<Shape>> known = new HashMap<>();
  private final Map<String, Dfa> patterns = new HashMap<>();
  private final SchemaDisjoint disjoint = new SchemaDisjoint(this);
  private final SchemaRewriting rewriting;

  /** The {@code oneOf} whose branches overlap: each then excludes the others. */
  private final Map<String, SchemaRefusal> overlapping = new HashMap<>();

  /**
   * Schemas that all apply to one value; at least one of the branches of each group applies too.
   */
  private record Group(Place place, String keyword) {}

  SchemaShapes(SchemaDocument document) {
    this.document = document;
    this.rewriting = new SchemaRewriting(document);
  }

  static Set<String> key(List<Place> goal) {
    Set<String> pointers = new TreeSet<>();
    goal.forEach(place -> pointers.add(place.pointer()));
    return pointers;
  }

  /** Returns the shapes of a value that must keep several schemas; none if no value can. */
  List<Shape> of(List<Place> goal) {
    Set<String> key = key(goal);
    List<Shape> shapes = known.get(key);
    while (shapes == null) {
      try {
        shapes = expanded(key, goal);
      } catch (SchemaRefusal e) {
        known.remove(key);
        if (!e.keyword().equals(ONE_OF) || overlapping.putIfAbsent(e.path(), e) != null) {
          throw e;
        }
      }
    }
    return shapes;
  }

  private List<Shape> expanded(Set<String> key, List<Place> goal) {
    List<Shape> shapes = new ArrayList<>();
    expand(new Shape(), new ArrayDeque<>(goal), new HashSet<>(), new ArrayDeque<>(), shapes);
    known.put(key, shapes);
    List<Shape> kept = shapes.stream().filter(this::settle).toList();
    known.put(key, kept);
    refuseOverlaps(kept, goal);
    return kept;
  }

  private void expand(
      Shape shape, Deque<Place> open, Set<String> seen, Deque<Group> groups, List<Shape> out) {
    while (!open.isEmpty()) {
      Place place = open.remove();
      if (!seen.add(place.pointer())) {
        continue;
      }
      if (place.node().isBoolean()) {
        if (!place.node().booleanValue()) {
          return;
        }
      } else if (place.node().isObject()) {
        SchemaReader.read(place, shape);
        addApplied(place, open, groups);
      } else {
        throw new SchemaRefusal(
            place.pointer(), "schema", "a schema must be an object, true or false");
      }
    }
    if (groups.isEmpty()) {
      out.add(shape);
      return;
    }
    Group group = groups.remove();
    JsonNode branches = group.place().node().path(group.keyword());
    for (int i = 0; i < branches.size(); i++) {
      Shape copy = new Shape(shape);
      Deque<Place> branch = new ArrayDeque<>(List.of(group.place().child(group.keyword(), i)));
      SchemaRefusal overlap = overlapping.get(SchemaRewriting.named(group.place().pointer()));
      if (group.keyword().equals(ONE_OF) && overlap != null) {
        exclude(group, i, branch, overlap);
      } else if (group.keyword().equals(ONE_OF)) {
        copy.chosen.put(group.place().pointer(), i);
      }
      expand(copy, branch, new HashSet<>(seen), new ArrayDeque<>(groups), out);
      if (out.size() > MOST_SHAPES) {
        throw SchemaReader.refusal(
            group.place(), group.keyword(), "there are too many combinations of branches");
      }
    }
  }

  /** Adds that a value keeps none of the branches but one. */
  private void exclude(Group group, int chosen, Deque<Place> branch, SchemaRefusal otherwise) {
    int count = group.place().node().path(ONE_OF).size();
    for (int i = 0; i < count; i++) {
      Place negated = i == chosen ? null : rewriting.negated(group.place().child(ONE_OF, i));
      if (i != chosen && negated == null) {
        throw otherwise;
      }
      addPresent(negated, branch);
    }
  }

  private void addApplied(Place place, Deque<Place> open, Deque<Group> groups) {
    JsonNode reference = place.node().path("$ref");
    if (!reference.isMissingNode()) {
      Place target = document.resolve(place, reference.asText());
      SchemaReader.require(
          place,
          "$ref",
          target != null,
          "'" + reference.asText() + "' is not in the schema; only own parts can be referred to");
      if (target != null) {
        open.add(target);
      }
    }
    addRewritten(place, open);
    for (String keyword : List.of("allOf", "anyOf", ONE_OF)) {
      JsonNode branches = place.node().path(keyword);
      if (branches.isMissingNode()) {
        continue;
      }
      SchemaReader.require(
          place, keyword, branches.isArray() && !branches.isEmpty(), "must be a list of schemas");
      if (keyword.equals("allOf")) {
        for (int i = 0; i < branches.size(); i++) {
          open.add(place.child(keyword, i));
        }
      } else {
        groups.add(new Group(place, keyword));
      }
    }
  }

  private void addRewritten(Place place, Deque<Place> open) {
    JsonNode pointer = place.node().path(SchemaRewriting.PLACE);
    if (pointer.isTextual() && SchemaRewriting.isMade(place)) {
      addPresent(document.at(pointer.textValue()), open);
    }
    for (String keyword : List.of("dependencies", "dependentRequired", "dependentSchemas")) {
      if (place.node().path(keyword).isObject()) {
        open.add(SchemaRewriting.dependencies(place, keyword));
      }
    }
    if (place.node().has("not")) {
      Place negated = rewriting.negated(place.child("not"));
      SchemaReader.require(
          place, "not", negated != null, "it cannot be kept; describe what is allowed");
      addPresent(negated, open);
    }
    boolean acts = place.node().has("then") || place.node().has("else");
    if (place.node().has("if") && acts) {
      Place condition = rewriting.condition(place);
      SchemaReader.require(
          place,
          "if",
          condition != null,
          "it cannot be kept; use anyOf with a branch for each case");
      addPresent(condition, open);
    }
  }

  private static void addPresent(@Nullable Place place, Deque<Place> open) {
    if (place != null) {
      open.add(place);
    }
  }

  /** Removes values that a shape does not allow; returns whether anything may be left. */
  private boolean settle(Shape shape) {
    List<JsonNode> values = shape.values;
    if (values != null) {
      shape.values = values.stream().filter(value -> accepts(shape, value)).toList();
      Set<Kind> kinds = new HashSet<>();
      shape.values.forEach(value -> kinds.add(Kind.of(value)));
      shape.kinds.retainAll(kinds);
    }
    return !shape.kinds.isEmpty();
  }

  private void refuseOverlaps(List<Shape> shapes, List<Place> goal) {
    for (int i = 0; i < shapes.size(); i++) {
      for (int j = i + 1; j < shapes.size(); j++) {
        Shape a = shapes.get(i);
        Shape b = shapes.get(j);
        for (Map.Entry<String, Integer> choice : a.chosen.entrySet()) {
          Integer other = b.chosen.get(choice.getKey());
          if (other != null && !other.equals(choice.getValue()) && !disjoint.test(a, b, 0)) {
            throw new SchemaRefusal(
                choice.getKey(),
                "oneOf",
                "a value may keep the branches %d and %d; make them exclude each other, or use anyOf"
                    .formatted(choice.getValue(), other));
          }
        }
      }
    }
    if (shapes.size() > MOST_SHAPES) {
      throw new AssertionError(goal);
    }
  }

  /** Returns whether a value keeps several schemas. */
  boolean accepts(List<Place> goal, JsonNode value) {
    return of(goal).stream().anyMatch(shape -> accepts(shape, value));
  }

  /** Returns whether a value keeps a shape. */
  boolean accepts(Shape shape, JsonNode value) {
    Kind kind = Kind.of(value);
    List<JsonNode> values = shape.values;
    if (!shape.kinds.contains(kind)
        || (values != null && values.stream().noneMatch(v -> SchemaReader.same(v, value)))) {
      return false;
    }
    return switch (kind) {
      case NUMBER -> shape.range().accepts(value.decimalValue());
      case STRING -> acceptsText(shape, value.textValue());
      case ARRAY -> acceptsArray(shape, value);
      case OBJECT -> acceptsObject(shape, value);
      default -> true;
    };
  }

  private static boolean acceptsText(Shape shape, String text) {
    int length = text.codePointCount(0, text.length());
    Dfa content = shape.content;
    return length >= shape.minLength
        && length <= shape.maxLength
        && (content == null || content.accepts(text));
  }

  private boolean acceptsArray(Shape shape, JsonNode value) {
    boolean sound = value.size() >= shape.minItems && value.size() <= shape.maxItems;
    for (int i = 0; sound && i < value.size(); i++) {
      sound = accepts(item(shape, i), value.get(i));
    }
    return sound;
  }

  private boolean acceptsObject(Shape shape, JsonNode value) {
    boolean sound =
        value.size() >= shape.minProperties
            && value.size() <= shape.maxProperties
            && shape.required.stream().allMatch(value::has);
    for (Map.Entry<String, JsonNode> field : value.properties()) {
      sound =
          sound
              && accepts(property(shape, field.getKey()), field.getValue())
              && acceptsName(shape, field.getKey());
    }
    return sound;
  }

  /** Returns whether a property may have a name. */
  boolean acceptsName(Shape shape, String name) {
    JsonNode text = TextNode.valueOf(name);
    return shape.propertyNames.stream().allMatch(place -> accepts(List.of(place), text));
  }

  /** Returns the number of items that have schemas of their own. */
  static int prefix(Shape shape) {
    return shape.arrays.stream().mapToInt(a -> a.node().path("prefixItems").size()).max().orElse(0);
  }

  /** Returns the schemas of an item. */
  List<Place> item(Shape shape, int index) {
    List<Place> goal = new ArrayList<>();
    for (Place array : shape.arrays) {
      if (index < array.node().path("prefixItems").size()) {
        goal.add(array.child("prefixItems", index));
      } else if (array.node().has("items")) {
        goal.add(array.child("items"));
      } else if (array.node().has("unevaluatedItems")) {
        goal.add(array.child("unevaluatedItems"));
      }
    }
    return goal;
  }

  /** Returns the schemas of a property. */
  List<Place> property(Shape shape, String name) {
    List<Place> goal = new ArrayList<>();
    for (Place object : shape.objects) {
      boolean named = object.node().path("properties").has(name);
      if (named) {
        goal.add(object.child("properties").child(name));
      }
      for (Map.Entry<String, JsonNode> field :
          object.node().path("patternProperties").properties()) {
        if (pattern(object, field.getKey()).accepts(name)) {
          named = true;
          goal.add(object.child("patternProperties").child(field.getKey()));
        }
      }
      if (!named) {
        addOther(object, goal);
      }
    }
    return goal;
  }

  /** Adds the schema of properties that no name and no pattern describes. */
  static void addOther(Place object, List<Place> goal) {
    if (object.node().has("additionalProperties")) {
      goal.add(object.child("additionalProperties"));
    } else if (object.node().has("unevaluatedProperties")) {
      goal.add(object.child("unevaluatedProperties"));
    }
  }

  /** Returns the automaton of a pattern of property names. */
  Dfa pattern(Place object, String pattern) {
    return patterns.computeIfAbsent(
        pattern,
        p -> {
          try {
            return Regexes.found(p);
          } catch (IllegalArgumentException e) {
            throw SchemaReader.refusal(object, "patternProperties", String.valueOf(e.getMessage()));
          }
        });
  }

  boolean isDisjoint(List<Place> a, List<Place> b, int depth) {
    return depth < MOST_DEPTH
        && of(a).stream()
            .allMatch(left -> of(b).stream().allMatch(right -> disjoint.test(left, right, depth)));
  }
}
