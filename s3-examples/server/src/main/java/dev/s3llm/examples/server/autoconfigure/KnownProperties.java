package dev.s3llm.examples.server.autoconfigure;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The names of all properties that begin with {@code s3llm.}, from the metadata of the modules. */
final class KnownProperties {
  private static final String PREFIX = "s3llm.";
  private static final String METADATA = "META-INF/spring-configuration-metadata.json";

  /** The properties of tenants, whose names are in the middle. */
  private static final Pattern OF_TENANT =
      Pattern.compile("s3llm\\.tenants(\\.|\\[).*\\.(apikeys(\\[\\d+])?|weight)");

  /** The names as they are written, by their form without signs and capitals. */
  private final Map<String, String> names;

  private KnownProperties(Map<String, String> names) {
    this.names = names;
  }

  static KnownProperties load(@Nullable ClassLoader loader) {
    ClassLoader classes = loader == null ? KnownProperties.class.getClassLoader() : loader;
    Map<String, String> names = new TreeMap<>();
    for (String ofTenant : new String[] {"api-keys", "weight"}) {
      String name = PREFIX + "tenants.NAME." + ofTenant;
      names.put(uniform(name), name);
    }
    try {
      for (URL resource : Collections.list(classes.getResources(METADATA))) {
        try (InputStream in = resource.openStream()) {
          add(JsonMapper.shared().readTree(in), names);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + METADATA, e);
    }
    return new KnownProperties(names);
  }

  private static void add(JsonNode metadata, Map<String, String> names) {
    for (JsonNode property : metadata.path("properties")) {
      String name = property.path("name").asString("");
      if (name.startsWith(PREFIX)) {
        names.put(uniform(name), name);
      }
    }
  }

  /** Returns whether a property is known, or does not begin with {@code s3llm.}. */
  boolean contains(String name) {
    String uniform = uniform(name);
    return !uniform.startsWith(PREFIX)
        || names.containsKey(uniform.replaceFirst("(\\[\\d+])+$", ""))
        || OF_TENANT.matcher(uniform).matches();
  }

  /** Returns the known name with the least distance from a name. */
  String nearest(String name) {
    String uniform = uniform(name);
    String nearest = PREFIX + "model";
    int least = Integer.MAX_VALUE;
    for (Map.Entry<String, String> known : names.entrySet()) {
      int distance = distance(uniform, known.getKey());
      if (distance < least) {
        least = distance;
        nearest = known.getValue();
      }
    }
    return nearest;
  }

  /** Returns a name without the differences that Spring Boot's relaxed names may have. */
  private static String uniform(String name) {
    return name.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
  }

  /** Returns the number of single-character edits from a text to another (Levenshtein). */
  private static int distance(String from, String to) {
    int[] row = new int[to.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        int above = row[j];
        int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replaced, Math.min(above, row[j - 1]) + 1);
        diagonal = above;
      }
    }
    return row[to.length()];
  }
}
