package dev.s3llm.text.internal.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.text.internal.grammar.SchemaDocument.Place;
import dev.s3llm.text.internal.grammar.Shape.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Makes the grammar of a JSON schema. Used once. */
public final class SchemaCompiler {
  /** Larger automata of strings are rules of their own, so that they are there once. */
  private static final int MOST_INLINED = 64;

  private static final int MOST_SCHEMAS = 20_000;

  private final Json json = new Json();
  private final SchemaDocument document;
  private final SchemaShapes shapes;
  private final ObjectCompiler objects;
  private final Map<Set<String>, Expr> known = new HashMap<>();

  private SchemaCompiler(SchemaDocument document) {
    this.document = document;
    this.shapes = new SchemaShapes(document);
    this.objects = new ObjectCompiler(this, shapes, json);
  }

  /**
   * Compiles a schema.
   *
   * @param schema a JSON schema, draft 2020-12
   * @throws SchemaRefusal if a part cannot be kept
   * @throws IllegalArgumentException if the text is no JSON
   */
  public static Program compile(String schema) {
    SchemaCompiler compiler = new SchemaCompiler(SchemaDocument.parse(schema));
    Expr root = compiler.value(List.of(compiler.document.root()));
    if (compiler.isNothing(List.of(compiler.document.root()))) {
      throw new SchemaRefusal("", "schema", "no value keeps it");
    }
    return ProgramCompiler.compile(new Rule("the value", root));
  }

  /** Returns the program of any JSON value. */
  public static Program anyValue() {
    return ProgramCompiler.compile(new Rule("the value", new Json().value.call()));
  }

  /** Returns whether no value keeps some schemas. */
  boolean isNothing(List<Place> goal) {
    return shapes.of(goal).isEmpty();
  }

  /** Returns the values that keep some schemas. */
  Expr value(List<Place> goal) {
    Set<String> key = SchemaShapes.key(goal);
    Expr found = known.get(key);
    if (found != null) {
      return found;
    }
    if (known.size() > MOST_SCHEMAS) {
      throw new SchemaRefusal("", "schema", "it has more than %d parts".formatted(MOST_SCHEMAS));
    }
    List<Shape> all = shapes.of(goal);
    if (all.stream().anyMatch(Shape::isAnything)) {
      return json.value.call();
    }
    if (all.stream().allMatch(SchemaCompiler::isScalar)) {
      Expr scalar = shapes(all, goal);
      known.put(key, scalar);
      return scalar;
    }
    Rule rule = new Rule(key.isEmpty() ? "value" : key.iterator().next());
    known.put(key, rule.call());
    rule.define(shapes(all, goal));
    return rule.call();
  }

  private static boolean isScalar(Shape shape) {
    return shape.values == null
        && !shape.kinds.contains(Kind.OBJECT)
        && !shape.kinds.contains(Kind.ARRAY);
  }

  private Expr shapes(List<Shape> all, List<Place> goal) {
    List<Expr> choices = new ArrayList<>();
    for (Shape shape : all) {
      List<JsonNode> values = shape.values;
      if (values != null) {
        values.forEach(value -> choices.add(json.literal(value)));
      } else {
        shape.kinds.forEach(kind -> choices.add(ofKind(kind, shape, goal)));
      }
    }
    return choices.size() == 1 ? choices.get(0) : new Expr.Alt(choices);
  }

  private Expr ofKind(Kind kind, Shape shape, List<Place> goal) {
    try {
      return switch (kind) {
        case NULL -> Json.NULL;
        case BOOLEAN -> Json.BOOLEAN;
        case NUMBER -> number(shape);
        case STRING -> string(shape);
        case ARRAY -> array(shape);
        case OBJECT -> shape.hasFreeObjects() ? json.object.call() : objects.compile(shape, goal);
      };
    } catch (SchemaRefusal e) {
      throw e;
    } catch (IllegalArgumentException e) {
      String path = goal.isEmpty() ? "" : goal.get(0).pointer();
      throw new SchemaRefusal(path, kindKeyword(kind), String.valueOf(e.getMessage()));
    }
  }

  private static String kindKeyword(Kind kind) {
    return kind == Kind.NUMBER ? "multipleOf" : kind == Kind.STRING ? "pattern" : "schema";
  }

  private Expr number(Shape shape) {
    if (!shape.hasRange()) {
      return shape.integer ? json.integer.call() : json.number.call();
    }
    return inlined("number", new Expr.Embed(Numerals.automaton(shape.range())), MOST_INLINED + 1);
  }

  private Expr string(Shape shape) {
    Dfa content = shape.content;
    if (content == null && shape.minLength == 0 && shape.maxLength == Expr.MANY) {
      return json.string.call();
    }
    if (content == null) {
      return shape.maxLength < shape.minLength
          ? Expr.NOTHING
          : json.string(shape.minLength, shape.maxLength);
    }
    Dfa kept = shape.strings();
    return inlined("string", Json.string(kept), kept.size());
  }

  private static Expr inlined(String name, Expr expr, int size) {
    return size <= MOST_INLINED ? expr : new Rule(name, expr).call();
  }

  private Expr array(Shape shape) {
    if (shape.arrays.isEmpty() && shape.minItems == 0 && shape.maxItems == Expr.MANY) {
      return json.array.call();
    }
    int prefix = Math.min(SchemaShapes.prefix(shape), shape.maxItems);
    for (int i = 0; i < prefix; i++) {
      if (isNothing(shapes.item(shape, i))) {
        return array(shape, i, Math.min(i, shape.maxItems));
      }
    }
    boolean more = !isNothing(shapes.item(shape, prefix));
    return array(shape, prefix, more ? shape.maxItems : prefix);
  }

  private Expr array(Shape shape, int prefix, int most) {
    int least = shape.minItems;
    if (most < least) {
      return Expr.NOTHING;
    }
    Expr rest = Expr.EMPTY;
    if (most > prefix) {
      Expr item = value(shapes.item(shape, prefix));
      int others = most == Expr.MANY ? Expr.MANY : most - prefix;
      rest = items(item, Math.max(0, least - prefix), others, prefix > 0);
    }
    for (int i = prefix - 1; i >= 0; i--) {
      Expr item = value(shapes.item(shape, i));
      Expr from = Expr.seq(i > 0 ? json.comma() : Expr.EMPTY, item, rest);
      rest = i < least ? from : Expr.optional(from);
    }
    return json.brackets(rest);
  }

  private Expr items(Expr item, int least, int most, boolean behindOthers) {
    Expr another = Expr.seq(json.comma(), item);
    if (behindOthers) {
      return new Expr.Repeat(another, least, most);
    }
    int others = most == Expr.MANY ? Expr.MANY : most - 1;
    Expr all = Expr.seq(item, new Expr.Repeat(another, Math.max(0, least - 1), others));
    return least == 0 ? Expr.optional(all) : all;
  }
}
