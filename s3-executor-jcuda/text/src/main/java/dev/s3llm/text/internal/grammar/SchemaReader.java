package dev.s3llm.text.internal.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.text.internal.grammar.SchemaDocument.Place;
import dev.s3llm.text.internal.grammar.Shape.Kind;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Reads the keywords of a schema into a shape; those that cannot be kept are refused by name. */
final class SchemaReader {
  private static final Map<String, String> REFUSED =
      Map.of(
          "contains", "it cannot be kept; describe the items with items or prefixItems",
          "$dynamicRef", "it cannot be kept; use $ref",
          "$recursiveRef", "it cannot be kept; use $ref");

  /** Keywords that apply schemas to the value itself. */
  private static final Set<String> IN_PLACE =
      Set.of("$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "dependencies", "not");

  private SchemaReader() {}

  static SchemaRefusal refusal(Place place, String keyword, String why) {
    return new SchemaRefusal(place.pointer(), keyword, why);
  }

  /** Adds what a schema demands of the value itself; references and alternatives are left out. */
  static void read(Place place, Shape shape) {
    for (Map.Entry<String, JsonNode> field : place.node().properties()) {
      String keyword = field.getKey();
      String why = REFUSED.get(keyword);
      if (why != null) {
        throw refusal(place, keyword, why);
      }
      try {
        read(place, keyword, field.getValue(), shape);
      } catch (SchemaRefusal e) {
        throw e;
      } catch (IllegalArgumentException e) {
        throw refusal(place, keyword, String.valueOf(e.getMessage()));
      }
    }
  }

  private static void read(Place place, String keyword, JsonNode value, Shape shape) {
    switch (keyword) {
      case "type" -> readTypes(place, value, shape);
      case "enum" -> {
        require(place, keyword, value.isArray(), "must be a list");
        List<JsonNode> all = new ArrayList<>();
        value.forEach(all::add);
        keepValues(all, shape);
      }
      case "const" -> keepValues(List.of(value), shape);
      case SchemaRewriting.OTHER_THAN -> {
        if (SchemaRewriting.isMade(place)) {
          List<Expr> texts = new ArrayList<>();
          value.forEach(text -> texts.add(Expr.text(text.textValue())));
          shape.keepContent(Regexes.automaton(new Expr.Alt(texts)).not());
        }
      }
      case "minimum" -> shape.atLeast(number(place, keyword, value), false);
      case "exclusiveMinimum" -> shape.atLeast(number(place, keyword, value), true);
      case "maximum" -> shape.atMost(number(place, keyword, value), false);
      case "exclusiveMaximum" -> shape.atMost(number(place, keyword, value), true);
      case "multipleOf" -> readMultiple(place, number(place, keyword, value), shape);
      case "minLength", "maxLength", "pattern", "format" ->
          readString(place, keyword, value, shape);
      default -> readContainer(place, keyword, value, shape);
    }
  }

  private static void readTypes(Place place, JsonNode value, Shape shape) {
    Set<Kind> kinds = EnumSet.noneOf(Kind.class);
    boolean number = false;
    boolean integer = false;
    List<JsonNode> names = new ArrayList<>();
    if (value.isArray()) {
      value.forEach(names::add);
    } else {
      names.add(value);
    }
    for (JsonNode name : names) {
      switch (name.asText().toLowerCase(Locale.ROOT)) {
        case "integer" -> integer = true;
        case "number" -> number = true;
        case "null", "boolean", "string", "array", "object" ->
            kinds.add(Kind.valueOf(name.asText().toUpperCase(Locale.ROOT)));
        default -> throw refusal(place, "type", "'" + name.asText() + "' is no type of JSON");
      }
    }
    if (number || integer) {
      kinds.add(Kind.NUMBER);
    }
    shape.integer |= integer && !number;
    shape.kinds.retainAll(kinds);
  }

  private static void keepValues(List<JsonNode> values, Shape shape) {
    List<JsonNode> known = shape.values;
    shape.values =
        known == null
            ? values
            : known.stream().filter(v -> values.stream().anyMatch(o -> same(v, o))).toList();
  }

  /** Returns whether two values are equal; numbers are if their values are. */
  static boolean same(JsonNode a, JsonNode b) {
    if (a.isNumber() && b.isNumber()) {
      return a.decimalValue().compareTo(b.decimalValue()) == 0;
    }
    if (a.isArray() && b.isArray() && a.size() == b.size()) {
      for (int i = 0; i < a.size(); i++) {
        if (!same(a.get(i), b.get(i))) {
          return false;
        }
      }
      return true;
    }
    if (a.isObject() && b.isObject() && a.size() == b.size()) {
      return a.properties().stream()
          .allMatch(f -> b.has(f.getKey()) && same(f.getValue(), b.get(f.getKey())));
    }
    return a.equals(b);
  }

  private static void readMultiple(Place place, BigDecimal divisor, Shape shape) {
    require(place, "multipleOf", divisor.signum() > 0, "must be above 0");
    BigDecimal other = shape.multiple;
    if (other == null || divisor.remainder(other).signum() == 0) {
      shape.multiple = divisor;
    } else if (other.remainder(divisor).signum() != 0) {
      throw refusal(place, "multipleOf", "two divisors of one value cannot be kept");
    }
  }

  private static void readString(Place place, String keyword, JsonNode value, Shape shape) {
    switch (keyword) {
      case "minLength" -> shape.minLength = Math.max(shape.minLength, count(place, keyword, value));
      case "maxLength" -> shape.maxLength = Math.min(shape.maxLength, count(place, keyword, value));
      case "pattern" -> {
        require(place, keyword, value.isTextual(), "must be a text");
        shape.keepContent(Regexes.found(value.textValue()));
      }
      default -> {
        String format = value.asText();
        require(
            place,
            keyword,
            !Formats.isRefused(format),
            "the format '" + format + "' cannot be kept");
        String pattern = Formats.pattern(format);
        if (pattern != null) {
          shape.keepContent(Regexes.automaton(RegexParser.parse(pattern)));
        }
      }
    }
  }

  private static void readContainer(Place place, String keyword, JsonNode value, Shape shape) {
    switch (keyword) {
      case "items" -> {
        require(place, keyword, !value.isArray(), "a list of schemas is named prefixItems");
        addOnce(shape.arrays, place);
      }
      case "prefixItems" -> {
        require(place, keyword, value.isArray(), "must be a list of schemas");
        addOnce(shape.arrays, place);
      }
      case "minItems" -> shape.minItems = Math.max(shape.minItems, count(place, keyword, value));
      case "maxItems" -> shape.maxItems = Math.min(shape.maxItems, count(place, keyword, value));
      case "uniqueItems" -> {
        JsonNode most = place.node().path("maxItems");
        boolean few = most.isNumber() && most.asInt() <= 1;
        require(place, keyword, few || !value.asBoolean(), "it cannot be kept");
      }
      case "properties", "patternProperties", "additionalProperties" ->
          addOnce(shape.objects, place);
      case "required" -> value.forEach(name -> shape.required.add(name.asText()));
      case "minProperties" ->
          shape.minProperties = Math.max(shape.minProperties, count(place, keyword, value));
      case "maxProperties" ->
          shape.maxProperties = Math.min(shape.maxProperties, count(place, keyword, value));
      case "propertyNames" -> shape.propertyNames.add(place.child(keyword));
      case "unevaluatedProperties", "unevaluatedItems" ->
          readUnevaluated(place, keyword, value, shape);
      default -> {} // an annotation, or a keyword of another place
    }
  }

  private static void readUnevaluated(Place place, String keyword, JsonNode value, Shape shape) {
    boolean alone = IN_PLACE.stream().noneMatch(place.node()::has);
    boolean anything =
        (value.isBoolean() && value.booleanValue()) || (value.isObject() && value.isEmpty());
    require(place, keyword, alone || anything, "it cannot be kept beside other schemas");
    if (!anything) {
      addOnce(keyword.endsWith("Items") ? shape.arrays : shape.objects, place);
    }
  }

  private static void addOnce(List<Place> places, Place place) {
    if (places.stream().noneMatch(p -> p.pointer().equals(place.pointer()))) {
      places.add(place);
    }
  }

  private static BigDecimal number(Place place, String keyword, JsonNode value) {
    require(place, keyword, value.isNumber(), "must be a number");
    BigDecimal number = value.decimalValue();
    boolean sound =
        Math.abs((long) number.precision() - number.scale()) < 400 && number.scale() < 400;
    require(place, keyword, sound, "the number is too large or too small");
    return number;
  }

  private static int count(Place place, String keyword, JsonNode value) {
    boolean whole = value.isNumber() && value.decimalValue().stripTrailingZeros().scale() <= 0;
    require(place, keyword, whole && value.decimalValue().signum() >= 0, "must be a whole number");
    return value.decimalValue().min(BigDecimal.valueOf(Expr.MANY)).intValue();
  }

  static void require(Place place, String keyword, boolean holds, String otherwise) {
    if (!holds) {
      throw refusal(place, keyword, otherwise);
    }
  }
}
