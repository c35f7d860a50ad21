package dev.s3llm.text.constraint;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Random;

/** Makes schemas of all keywords that are kept; a value always keeps them. */
final class RandomSchemas {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final List<String> FORMATS =
      List.of("date", "time", "date-time", "duration", "hostname", "ipv4", "ipv6", "uri", "uuid");
  private static final List<String> PATTERNS =
      List.of(
          "^[a-z]{2,5}$", "^(\\d{3}-)?\\d{4}$", "[A-Z]", "^\\S+@\\S+$", "^(a|bb|ccc)+$", "\"|\\\\");

  private final Random random;

  /** Whether the definition is made, which must not require itself. */
  private boolean defining;

  RandomSchemas(long seed) {
    random = new Random(seed);
  }

  ObjectNode next() {
    ObjectNode root = schema(3);
    defining = true;
    root.putObject("$defs").set("part", schema(1));
    return root;
  }

  private ObjectNode schema(int depth) {
    ObjectNode node = MAPPER.createObjectNode();
    switch (random.nextInt(depth > 0 ? 11 : 6)) {
      case 0 -> string(node);
      case 1 -> number(node);
      case 2 ->
          node.putArray("enum").add("red").add(7).addNull().add("\u00fc\n\"").addArray().add(1);
      case 3 -> node.put("type", "boolean");
      case 4 -> node.putArray("type").add("string").add("null").add("integer");
      case 5 -> node.putObject("const").put("k", 1.5).putArray("l").add(true);
      case 6 -> array(node, depth);
      case 7, 8 -> object(node, depth);
      case 9 -> alternatives(node, depth);
      default -> merged(node, depth);
    }
    return node;
  }

  private void string(ObjectNode node) {
    node.put("type", "string");
    switch (random.nextInt(5)) {
      case 0 -> node.put("minLength", random.nextInt(4)).put("maxLength", 4 + random.nextInt(30));
      case 1 -> node.put("pattern", PATTERNS.get(random.nextInt(PATTERNS.size())));
      case 2 -> node.put("format", FORMATS.get(random.nextInt(FORMATS.size())));
      case 3 -> node.put("minLength", 12);
      default -> {} // any string
    }
  }

  private void number(ObjectNode node) {
    boolean integer = random.nextBoolean();
    node.put("type", integer ? "integer" : "number");
    int low = random.nextInt(400) - 200;
    switch (random.nextInt(5)) {
      case 0 -> node.put("minimum", low).put("maximum", low + random.nextInt(300));
      case 1 -> node.put("exclusiveMinimum", low + 0.5).put("exclusiveMaximum", low + 2.25);
      case 2 -> {
        node.put("minimum", 3).put("maximum", 100_000); // the validator divides doubles
        if (integer) {
          node.put("multipleOf", 7);
        } else {
          node.put("multipleOf", 0.25);
        }
      }
      case 3 -> node.put("maximum", low);
      default -> {} // any number
    }
  }

  private void array(ObjectNode node, int depth) {
    node.put("type", "array");
    int least = random.nextInt(3);
    switch (random.nextInt(4)) {
      case 0 -> node.put("minItems", least).put("maxItems", least + random.nextInt(20));
      case 1 -> {
        ArrayNode prefix = node.putArray("prefixItems");
        prefix.add(schema(depth - 1)).add(schema(depth - 1));
        node.put("minItems", least);
        node.put("items", random.nextBoolean());
        return;
      }
      default -> {} // any number of items
    }
    node.set("items", schema(depth - 1));
  }

  private void object(ObjectNode node, int depth) {
    node.put("type", "object");
    ObjectNode properties = node.putObject("properties");
    ArrayNode required = node.putArray("required");
    int count = random.nextInt(5);
    for (int i = 0; i < count; i++) {
      String name = random.nextInt(5) == 0 ? "n\u00e4 \"" + i : "p" + i;
      boolean refers = random.nextInt(6) == 0;
      properties.set(name, refers ? reference() : schema(depth - 1));
      if (random.nextBoolean() && !(refers && defining)) {
        required.add(name);
      }
    }
    switch (random.nextInt(5)) {
      case 0 -> node.set("additionalProperties", schema(0));
      case 1 -> node.putObject("patternProperties").set("^x_", schema(0));
      case 2 -> node.put("maxProperties", required.size() + 1).put("additionalProperties", false);
      case 3 -> node.put("minProperties", Math.min(count, required.size() + 1));
      default -> node.put("additionalProperties", false);
    }
  }

  private static ObjectNode reference() {
    return MAPPER.createObjectNode().put("$ref", "#/$defs/part");
  }

  private void alternatives(ObjectNode node, int depth) {
    ArrayNode branches = node.putArray("anyOf");
    branches.add(schema(depth - 1)).add(schema(depth - 1)).add(schema(0));
  }

  /** Adds branches that exclude each other by a property, beside a common part. */
  private void merged(ObjectNode node, int depth) {
    node.put("type", "object").putArray("required").add("kind");
    ArrayNode all = node.putArray("allOf");
    all.addObject().putObject("properties").set("common", schema(depth - 1));
    ArrayNode branches = node.putArray("oneOf");
    for (String kind : List.of("a", "b")) {
      ObjectNode properties = branches.addObject().putObject("properties");
      properties.putObject("kind").put("const", kind);
      properties.set("of_" + kind, schema(depth - 1));
    }
  }
}
