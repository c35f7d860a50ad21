package dev.s3llm.text.internal.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.text.internal.grammar.Shape.Kind;
import java.math.BigDecimal;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Shows that no value keeps two shapes. A negative answer may be wrong, a positive one is not. */
final class SchemaDisjoint {
  private final SchemaShapes shapes;

  SchemaDisjoint(SchemaShapes shapes) {
    this.shapes = shapes;
  }

  boolean test(Shape a, Shape b, int depth) {
    Set<Kind> common = EnumSet.copyOf(a.kinds);
    common.retainAll(b.kinds);
    if (common.isEmpty() || excludes(a.values, b) || excludes(b.values, a)) {
      return true;
    }
    return common.stream().allMatch(kind -> test(kind, a, b, depth));
  }

  private boolean excludes(@Nullable List<JsonNode> values, Shape other) {
    return values != null && values.stream().noneMatch(value -> shapes.accepts(other, value));
  }

  private boolean test(Kind kind, Shape a, Shape b, int depth) {
    return switch (kind) {
      case NUMBER ->
          isBelow(a.most, b.least, a.belowMost || b.aboveLeast)
              || isBelow(b.most, a.least, b.belowMost || a.aboveLeast);
      case STRING -> a.strings().and(b.strings()).isEmpty();
      case ARRAY -> a.maxItems < b.minItems || b.maxItems < a.minItems;
      case OBJECT ->
          a.maxProperties < b.minProperties
              || b.maxProperties < a.minProperties
              || testObjects(a, b, depth);
      default -> false;
    };
  }

  private static boolean isBelow(
      @Nullable BigDecimal most, @Nullable BigDecimal least, boolean exclusive) {
    int order = most == null || least == null ? 1 : most.compareTo(least);
    return order < 0 || (order == 0 && exclusive);
  }

  /** Returns whether a property that one shape requires excludes the other shape. */
  private boolean testObjects(Shape a, Shape b, int depth) {
    Set<String> names = new LinkedHashSet<>(a.required);
    names.addAll(b.required);
    return names.stream()
        .anyMatch(
            name ->
                !shapes.acceptsName(a, name)
                    || !shapes.acceptsName(b, name)
                    || shapes.isDisjoint(
                        shapes.property(a, name), shapes.property(b, name), depth + 1));
  }
}
