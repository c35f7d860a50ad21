package dev.s3llm.text.internal.grammar;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The text of a JSON schema, and where its references lead. */
final class SchemaDocument {
  private static final int MOST_CHARS = 4 << 20;

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  /** Keywords with schemas by name. */
  private static final Set<String> NAMED =
      Set.of(
          "$defs",
          "definitions",
          "properties",
          "patternProperties",
          "dependentSchemas",
          "dependencies");

  /** Keywords with a schema or a list of schemas. */
  private static final Set<String> INNER =
      Set.of(
          "allOf",
          "anyOf",
          "oneOf",
          "not",
          "if",
          "then",
          "else",
          "items",
          "prefixItems",
          "additionalItems",
          "contains",
          "additionalProperties",
          "propertyNames",
          "unevaluatedItems",
          "unevaluatedProperties",
          "contentSchema");

  private final JsonNode root;

  /** The pointers of the schemas with an identifier or an anchor. */
  private final Map<String, String> names = new HashMap<>();

  /**
   * A schema and where it stands.
   *
   * @param pointer JSON pointer in the document
   * @param node the schema
   */
  record Place(String pointer, JsonNode node) {
    Place child(String name) {
      return new Place(pointer + "/" + escaped(name), node.path(name));
    }

    Place child(String list, int index) {
      return new Place(pointer + "/" + list + "/" + index, node.path(list).path(index));
    }

    private static String escaped(String name) {
      return name.replace("~", "~0").replace("/", "~1");
    }
  }

  private SchemaDocument(JsonNode root) {
    this.root = root;
    index(new Place("", root), "");
  }

  static SchemaDocument parse(String text) {
    if (text.length() > MOST_CHARS) {
      throw new IllegalArgumentException(
          "the JSON schema has %d characters, the limit is %d"
              .formatted(text.length(), MOST_CHARS));
    }
    try {
      return new SchemaDocument(MAPPER.readTree(text));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "the JSON schema is no JSON: " + e.getOriginalMessage(), e);
    }
  }

  Place root() {
    return new Place("", root);
  }

  private void index(Place place, String base) {
    String own = base;
    JsonNode id = place.node().path("$id");
    if (id.isTextual()) {
      own = resolved(base, id.textValue());
      names.putIfAbsent(own, place.pointer());
    }
    for (String keyword : new String[] {"$anchor", "$dynamicAnchor"}) {
      JsonNode anchor = place.node().path(keyword);
      if (anchor.isTextual()) {
        names.putIfAbsent(own + "#" + anchor.textValue(), place.pointer());
      }
    }
    for (Map.Entry<String, JsonNode> field : place.node().properties()) {
      indexInner(place, field.getKey(), field.getValue(), own);
    }
  }

  /** Indexes the schemas of a keyword; an identifier behind another keyword is none. */
  private void indexInner(Place place, String keyword, JsonNode value, String base) {
    if (NAMED.contains(keyword)) {
      value.fieldNames().forEachRemaining(name -> index(place.child(keyword).child(name), base));
    } else if (INNER.contains(keyword) && value.isArray()) {
      for (int i = 0; i < value.size(); i++) {
        index(place.child(keyword, i), base);
      }
    } else if (INNER.contains(keyword)) {
      index(place.child(keyword), base);
    }
  }

  private static String resolved(String base, String reference) {
    try {
      URI uri = base.isEmpty() ? URI.create(reference) : URI.create(base).resolve(reference);
      String text = uri.toString();
      return text.endsWith("#") ? text.substring(0, text.length() - 1) : text;
    } catch (IllegalArgumentException e) {
      return reference;
    }
  }

  /** Returns the schema that a reference names; null if it is not in the document. */
  @Nullable Place resolve(Place from, String reference) {
    String base = baseOf(from.pointer());
    int hash = reference.indexOf('#');
    String document = hash < 0 ? reference : reference.substring(0, hash);
    String fragment = hash < 0 ? "" : decoded(reference.substring(hash + 1));
    String absolute = document.isEmpty() ? base : resolved(base, document);
    String start = absolute.isEmpty() ? "" : names.getOrDefault(absolute, "?");
    if (!fragment.isEmpty() && !fragment.startsWith("/")) {
      String anchored = names.get(absolute + "#" + fragment);
      return anchored == null ? null : at(anchored);
    }
    return start.equals("?") ? null : at(start + fragment);
  }

  private static String decoded(String fragment) {
    try {
      return URLDecoder.decode(fragment.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return fragment;
    }
  }

  /** Returns the identifier of the innermost schema around a place that has one. */
  private String baseOf(String pointer) {
    String base = "";
    JsonNode node = root;
    for (String part : (pointer + "/").split("/", -1)) {
      if (node.path("$id").isTextual()) {
        base = resolved(base, node.path("$id").textValue());
      }
      if (!part.isEmpty()) {
        node = step(node, part);
      }
    }
    return base;
  }

  /** Returns the schema at a JSON pointer; null if there is none. */
  @Nullable Place at(String pointer) {
    JsonNode node = root;
    if (!pointer.isEmpty()) {
      for (String part : pointer.substring(1).split("/", -1)) {
        node = step(node, part);
      }
    }
    return node.isMissingNode() ? null : new Place(pointer, node);
  }

  private static JsonNode step(JsonNode node, String part) {
    String name = part.replace("~1", "/").replace("~0", "~");
    return node.isArray() && name.matches("\\d{1,9}")
        ? node.path(Integer.parseInt(name))
        : node.path(name);
  }
}
