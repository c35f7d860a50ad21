package dev.s3llm.text.internal.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.text.internal.grammar.SchemaDocument.Place;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What several schemas together demand of a value, without alternatives. Changed while the schemas
 * are read, and then no more.
 */
final class Shape {
  /** The kinds of values. */
  enum Kind {
    NULL,
    BOOLEAN,
    NUMBER,
    STRING,
    ARRAY,
    OBJECT;

    static Kind of(JsonNode value) {
      return switch (value.getNodeType()) {
        case NULL -> NULL;
        case BOOLEAN -> BOOLEAN;
        case NUMBER -> NUMBER;
        case STRING -> STRING;
        case ARRAY -> ARRAY;
        default -> OBJECT;
      };
    }
  }

  final Set<Kind> kinds;
  @Nullable List<JsonNode> values;

  boolean integer;
  @Nullable BigDecimal least;
  boolean aboveLeast;
  @Nullable BigDecimal most;
  boolean belowMost;
  @Nullable BigDecimal multiple;

  int minLength;
  int maxLength = Expr.MANY;

  /** What the content of strings must be, beside its length; null for anything. */
  @Nullable Dfa content;

  /** The schemas that say something of the items of arrays. */
  final List<Place> arrays;

  int minItems;
  int maxItems = Expr.MANY;

  /** The schemas that say something of the properties of objects. */
  final List<Place> objects;

  final Set<String> required;
  int minProperties;
  int maxProperties = Expr.MANY;
  final List<Place> propertyNames;

  /** The branch that was taken of each {@code oneOf}, by its pointer. */
  final Map<String, Integer> chosen;

  Shape() {
    kinds = EnumSet.allOf(Kind.class);
    arrays = new ArrayList<>();
    objects = new ArrayList<>();
    required = new LinkedHashSet<>();
    propertyNames = new ArrayList<>();
    chosen = new HashMap<>();
  }

  Shape(Shape other) {
    kinds = EnumSet.copyOf(other.kinds);
    values = other.values;
    integer = other.integer;
    least = other.least;
    aboveLeast = other.aboveLeast;
    most = other.most;
    belowMost = other.belowMost;
    multiple = other.multiple;
    minLength = other.minLength;
    maxLength = other.maxLength;
    content = other.content;
    arrays = new ArrayList<>(other.arrays);
    minItems = other.minItems;
    maxItems = other.maxItems;
    objects = new ArrayList<>(other.objects);
    required = new LinkedHashSet<>(other.required);
    minProperties = other.minProperties;
    maxProperties = other.maxProperties;
    propertyNames = new ArrayList<>(other.propertyNames);
    chosen = new HashMap<>(other.chosen);
  }

  Numerals.Range range() {
    return new Numerals.Range(least, aboveLeast, most, belowMost, integer, multiple);
  }

  boolean hasRange() {
    return least != null || most != null || multiple != null;
  }

  void atLeast(BigDecimal bound, boolean exclusive) {
    int order = least == null ? 1 : bound.compareTo(least);
    if (order > 0 || (order == 0 && exclusive)) {
      least = bound;
      aboveLeast = exclusive;
    }
  }

  void atMost(BigDecimal bound, boolean exclusive) {
    int order = most == null ? -1 : bound.compareTo(most);
    if (order < 0 || (order == 0 && exclusive)) {
      most = bound;
      belowMost = exclusive;
    }
  }

  void keepContent(Dfa other) {
    content = content == null ? other : content.and(other);
  }

  /** Returns the automaton of the content of strings. */
  Dfa strings() {
    Dfa kept = content;
    if (kept == null) {
      return Dfa.length(minLength, maxLength);
    }
    int least = minLength <= kept.shortest() ? 0 : minLength;
    int most = maxLength == Expr.MANY || maxLength >= kept.longest() ? Expr.MANY : maxLength;
    return least == 0 && most == Expr.MANY ? kept : Dfa.length(least, most).and(kept);
  }

  /** Returns whether any value is allowed. */
  boolean isAnything() {
    return kinds.size() == Kind.values().length
        && values == null
        && !integer
        && !hasRange()
        && minLength == 0
        && maxLength == Expr.MANY
        && content == null
        && arrays.isEmpty()
        && minItems == 0
        && maxItems == Expr.MANY
        && hasFreeObjects();
  }

  boolean hasFreeObjects() {
    return objects.isEmpty()
        && required.isEmpty()
        && propertyNames.isEmpty()
        && minProperties == 0
        && maxProperties == Expr.MANY;
  }
}
