package dev.s3llm.text.internal.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.text.internal.grammar.SchemaDocument.Place;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes conditions, dependencies and negations as alternatives of schemas without them. The values
 * stay exactly the same; what cannot be written so is left to be refused.
 */
final class SchemaRewriting {
  /** A keyword of our own: a list of texts that a string must not be. */
  static final String OTHER_THAN = "~otherThan";

  /** A keyword of our own: the pointer of a schema of the document that applies, too. */
  static final String PLACE = "~place";

  /** Marks the places of schemas that were made here; no JSON pointer has it. */
  private static final String MADE = "~made";

  private static final int MOST_DEPTH = 16;
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final List<String> TYPES =
      List.of("null", "boolean", "number", "string", "array", "object");

  /** Keywords that say something of values, and whose negation is not written here. */
  private static final Set<String> NOT_NEGATED =
      Set.of(
          "pattern",
          "format",
          "multipleOf",
          "oneOf",
          "if",
          "contains",
          "items",
          "prefixItems",
          "additionalItems",
          "uniqueItems",
          "additionalProperties",
          "patternProperties",
          "propertyNames",
          "dependencies",
          "dependentRequired",
          "dependentSchemas",
          "unevaluatedProperties",
          "unevaluatedItems",
          "$dynamicRef",
          "$recursiveRef");

  private final SchemaDocument document;

  SchemaRewriting(SchemaDocument document) {
    this.document = document;
  }

  /** Returns the pointer that a message names for a place that was made here. */
  static String named(String pointer) {
    return pointer.replace(MADE, "");
  }

  /** Returns whether a schema was made here, so that it may have the keywords of our own. */
  static boolean isMade(Place place) {
    return place.pointer().contains(MADE);
  }

  private static Place made(Place place, String keyword, JsonNode node) {
    return new Place(place.pointer() + "/" + keyword + MADE, node);
  }

  /** Returns the schema of the values that do not keep a schema; null if it cannot be written. */
  @Nullable Place negated(Place place) {
    JsonNode negation = negation(place, place.node(), 0);
    return negation == null ? null : made(place, "not", negation);
  }

  /** Returns what {@code if}, {@code then} and {@code else} say; null if it cannot be written. */
  @Nullable Place condition(Place place) {
    JsonNode test = place.node().path("if");
    JsonNode otherwise = negation(place, test, 0);
    if (otherwise == null) {
      return null;
    }
    JsonNode met = all(at(place.child("if")), at(place.child("then")));
    JsonNode missed = all(otherwise, at(place.child("else")));
    return made(place, "if", any(List.of(met, missed)));
  }

  /** Returns a schema that applies the one at a place; any value keeps one that is not there. */
  private static JsonNode at(Place place) {
    boolean there = !place.node().isMissingNode();
    return there ? NODES.objectNode().put(PLACE, place.pointer()) : BooleanNode.TRUE;
  }

  /** Returns what properties demand of others: names that are required too, or a schema. */
  static Place dependencies(Place place, String keyword) {
    ArrayNode all = NODES.arrayNode();
    for (Map.Entry<String, JsonNode> field : place.node().path(keyword).properties()) {
      ObjectNode required = NODES.objectNode();
      ArrayNode names = required.putArray("required").add(field.getKey());
      JsonNode demanded = BooleanNode.TRUE;
      if (field.getValue().isArray()) {
        field.getValue().forEach(names::add);
      } else {
        demanded = at(place.child(keyword).child(field.getKey()));
      }
      all.add(any(List.of(without(field.getKey()), all(required, demanded))));
    }
    ObjectNode node = NODES.objectNode();
    if (!all.isEmpty()) {
      node.set("allOf", all);
    }
    return made(place, keyword, node);
  }

  private static ObjectNode without(String name) {
    ObjectNode node = NODES.objectNode();
    node.putObject("properties").put(name, false);
    return node;
  }

  private static JsonNode any(List<? extends JsonNode> branches) {
    return list("anyOf", branches);
  }

  private static JsonNode all(JsonNode... parts) {
    return list("allOf", List.of(parts));
  }

  private static JsonNode list(String keyword, List<? extends JsonNode> schemas) {
    ObjectNode node = NODES.objectNode();
    node.putArray(keyword).addAll(schemas);
    return node;
  }

  private static ObjectNode ofType(String type) {
    return NODES.objectNode().put("type", type);
  }

  private @Nullable JsonNode negation(Place place, JsonNode schema, int depth) {
    if (schema.isBoolean()) {
      return BooleanNode.valueOf(!schema.booleanValue());
    }
    if (!schema.isObject() || depth > MOST_DEPTH) {
      return null;
    }
    ArrayNode branches = NODES.arrayNode();
    for (Map.Entry<String, JsonNode> field : schema.properties()) {
      String keyword = field.getKey();
      if (keyword.equals("$ref")) {
        Place target = document.resolve(place, field.getValue().asText());
        JsonNode negation = target == null ? null : negation(target, target.node(), depth + 1);
        if (negation == null) {
          return null;
        }
        branches.add(negation);
      } else if (NOT_NEGATED.contains(keyword)
          || !add(place, keyword, field.getValue(), branches, depth + 1)) {
        return null;
      }
    }
    return branches.isEmpty() ? BooleanNode.FALSE : any(elements(branches));
  }

  private static List<JsonNode> elements(JsonNode list) {
    List<JsonNode> all = new ArrayList<>();
    list.forEach(all::add);
    return all;
  }

  /** Adds the values that do not keep a keyword; returns false if they cannot be written. */
  private boolean add(Place place, String keyword, JsonNode value, ArrayNode branches, int depth) {
    switch (keyword) {
      case "not" -> branches.add(value);
      case "allOf" -> {
        return addNegations(place, value, branches, depth);
      }
      case "anyOf" -> {
        ArrayNode none = NODES.arrayNode();
        boolean written = addNegations(place, value, none, depth);
        branches.add(list("allOf", elements(none)));
        return written;
      }
      case "type" -> {
        return addOtherTypes(value, branches);
      }
      case "const" -> {
        return addOtherValues(List.of(value), branches);
      }
      case "enum" -> {
        return addOtherValues(elements(value), branches);
      }
      case "required" ->
          value.forEach(name -> branches.add(without(name.asText()).put("type", "object")));
      case "properties" -> {
        return addOtherProperties(place, value, branches, depth);
      }
      default -> {
        return addOutOfBounds(keyword, value, branches);
      }
    }
    return true;
  }

  private boolean addNegations(Place place, JsonNode schemas, ArrayNode to, int depth) {
    for (JsonNode schema : schemas) {
      JsonNode negation = negation(place, schema, depth);
      if (negation == null) {
        return false;
      }
      to.add(negation);
    }
    return true;
  }

  private boolean addOtherProperties(
      Place place, JsonNode properties, ArrayNode branches, int depth) {
    for (Map.Entry<String, JsonNode> field : properties.properties()) {
      JsonNode negation = negation(place, field.getValue(), depth);
      if (negation == null) {
        return false;
      }
      ObjectNode node = ofType("object");
      node.putArray("required").add(field.getKey());
      node.putObject("properties").set(field.getKey(), negation);
      branches.add(node);
    }
    return true;
  }

  private static boolean addOtherTypes(JsonNode value, ArrayNode branches) {
    List<String> names =
        (value.isArray() ? elements(value) : List.of(value))
            .stream().map(JsonNode::asText).toList();
    if (names.contains("integer") && !names.contains("number")) {
      return false;
    }
    ObjectNode others = NODES.objectNode();
    ArrayNode types = others.putArray("type");
    TYPES.stream().filter(type -> !names.contains(type)).forEach(types::add);
    branches.add(types.isEmpty() ? BooleanNode.FALSE : others);
    return true;
  }

  /** Adds the values other than some texts, or null. */
  private static boolean addOtherValues(List<JsonNode> values, ArrayNode branches) {
    if (!values.stream().allMatch(value -> value.isTextual() || value.isNull())) {
      return false;
    }
    boolean texts = values.stream().anyMatch(JsonNode::isTextual);
    boolean none = values.stream().anyMatch(JsonNode::isNull);
    ObjectNode others = NODES.objectNode();
    ArrayNode types = others.putArray("type");
    TYPES.stream()
        .filter(type -> !(texts && type.equals("string")) && !(none && type.equals("null")))
        .forEach(types::add);
    branches.add(others);
    if (texts) {
      ObjectNode strings = ofType("string");
      strings.putArray(OTHER_THAN).addAll(values.stream().filter(JsonNode::isTextual).toList());
      branches.add(strings);
    }
    return true;
  }

  private static boolean addOutOfBounds(String keyword, JsonNode value, ArrayNode branches) {
    String type =
        switch (keyword) {
          case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum" -> "number";
          case "minLength", "maxLength" -> "string";
          case "minItems", "maxItems" -> "array";
          case "minProperties", "maxProperties" -> "object";
          default -> "";
        };
    if (type.isEmpty()) {
      return true; // a keyword that says nothing of values
    }
    if (!value.isNumber()) {
      return false;
    }
    BigDecimal bound = value.decimalValue();
    boolean least = keyword.startsWith("min");
    if (type.equals("number")) {
      String opposite =
          switch (keyword) {
            case "minimum" -> "exclusiveMaximum";
            case "maximum" -> "exclusiveMinimum";
            case "exclusiveMinimum" -> "maximum";
            default -> "minimum";
          };
      branches.add(ofType(type).put(opposite, bound));
    } else if (!least || bound.signum() > 0) {
      String opposite = (least ? "max" : "min") + keyword.substring(3);
      branches.add(ofType(type).put(opposite, bound.add(BigDecimal.valueOf(least ? -1 : 1))));
    }
    return true;
  }
}
