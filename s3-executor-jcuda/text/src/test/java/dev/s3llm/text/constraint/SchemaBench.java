package dev.s3llm.text.constraint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Compiles the schemas of a folder of JSONSchemaBench's MaskBench (each file with a {@code schema}
 * and {@code tests}, its data set in its name), and reads the values of the tests. Run as a
 * program; the arguments are the folder, the number of tokens, and for how many seconds to take
 * further files, in an order that mixes the data sets. Times are those of the processor.
 */
final class SchemaBench {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();
  private static final int LONGEST = 24;
  private static final long SLOW_NANOS = 2_000_000_000L;

  private final List<byte[]> tokens;
  private final Map<String, Integer> ids = new HashMap<>();
  private final TokenVocabulary vocabulary;
  private final Map<String, Counts> sets = new TreeMap<>();
  private final Counts all = new Counts();
  private Counts set = all;
  private String rest = "";

  /** What was found in a data set. */
  private static final class Counts {
    final Map<String, Integer> refused = new TreeMap<>();
    final Times compiled = new Times();
    final Times masks = new Times();
    int schemas;
    int kept;
    int valid;
    int validRead;
    int ordered;
    int invalid;
    int invalidRead;
  }

  private SchemaBench(int size) {
    tokens = Vocabularies.ofSize(size);
    vocabulary = TokenVocabulary.of(tokens);
    for (int id = 0; id < tokens.size(); id++) {
      ids.putIfAbsent(new String(tokens.get(id), StandardCharsets.ISO_8859_1), id);
    }
  }

  public static void main(String[] arguments) throws IOException {
    SchemaBench bench = new SchemaBench(Integer.parseInt(arguments[1]));
    long end = System.nanoTime() + 1_000_000_000L * Integer.parseInt(arguments[2]);
    try (Stream<Path> files = Files.walk(Path.of(arguments[0]))) {
      List<Path> mixed =
          new ArrayList<>(files.filter(f -> f.toString().endsWith(".json")).toList());
      Collections.sort(mixed);
      Collections.shuffle(mixed, new Random(1));
      for (int i = 0; i < mixed.size() && System.nanoTime() < end; i++) {
        Path file = mixed.get(i);
        bench.check(file.getFileName().toString(), MAPPER.readTree(file.toFile()));
      }
    }
    bench.sets.forEach(SchemaBench::print);
    print("all", bench.all);
  }

  private static void print(String name, Counts counts) {
    System.out.printf(
        "%s: %d schemas, %d kept; valid values allowed %d of %d, %d more in the schema's order;"
            + " invalid ones %d of %d; compiled %s ms; masks %s us (50, 95, 99, 100 %%)%n",
        name,
        counts.schemas,
        counts.kept,
        counts.validRead,
        counts.valid,
        counts.ordered,
        counts.invalidRead,
        counts.invalid,
        counts.compiled.text(1e6),
        counts.masks.text(1e3));
    System.out.println(
        "  refused: "
            + counts.refused.entrySet().stream()
                .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
                .toList());
  }

  private void check(String file, JsonNode group) {
    String name =
        file.contains("---") ? file.replaceAll("---.*", "") : file.replaceAll("_\\d.*", "");
    set = sets.computeIfAbsent(name, unused -> new Counts());
    set.schemas++;
    all.schemas++;
    TokenConstraint constraint = compiled(file, group.path("schema").toString());
    if (constraint == null) {
      return;
    }
    set.kept++;
    all.kept++;
    for (JsonNode test : group.path("tests")) {
      read(file, constraint, group.path("schema"), test);
    }
  }

  private TokenConstraint compiled(String file, String schema) {
    long start = CPU.getCurrentThreadCpuTime();
    try {
      return Constraints.jsonSchema(schema).compile(vocabulary);
    } catch (UnsupportedSchemaException e) {
      refused(file, e.keyword(), e);
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      refused(file, e.getClass().getSimpleName(), e);
    } finally {
      long nanos = CPU.getCurrentThreadCpuTime() - start;
      set.compiled.add(nanos);
      all.compiled.add(nanos);
      if (nanos > SLOW_NANOS) {
        System.out.printf("SLOW %s: %d ms%n", file, nanos / 1_000_000);
      }
    }
    return null;
  }

  private void refused(String file, String why, Throwable e) {
    set.refused.merge(why, 1, Integer::sum);
    all.refused.merge(why, 1, Integer::sum);
    System.out.println("REFUSED " + file + ": " + why + ": " + e.getMessage());
  }

  private void read(String file, TokenConstraint constraint, JsonNode schema, JsonNode test) {
    boolean valid = test.path("valid").asBoolean();
    boolean allowed;
    boolean ordered;
    try {
      allowed = keeps(constraint, test.path("data").toString());
      JsonNode inOrder = ordered(schema, schema, test.path("data"));
      ordered = valid && !allowed && keeps(constraint, inOrder.toString());
    } catch (RuntimeException | StackOverflowError e) {
      System.out.println("FAILED " + file + ": " + e);
      return;
    }
    for (Counts counts : new Counts[] {set, all}) {
      counts.valid += valid ? 1 : 0;
      counts.validRead += valid && allowed ? 1 : 0;
      counts.ordered += ordered ? 1 : 0;
      counts.invalid += valid ? 0 : 1;
      counts.invalidRead += !valid && allowed ? 1 : 0;
    }
    if (allowed != valid && !ordered) {
      System.out.printf(
          "%s %s: %s%n", allowed ? "ALLOWED" : "NOT ALLOWED", file, allowed ? test : rest);
    }
  }

  /** Returns a value with its named properties in the order of the schema. */
  private static JsonNode ordered(JsonNode root, JsonNode schema, JsonNode value) {
    String reference = schema.path("$ref").asText();
    if (reference.startsWith("#/")) {
      return ordered(root, root.at(reference.substring(1)), value);
    }
    if (value.isArray()) {
      ArrayNode items = MAPPER.createArrayNode();
      value.forEach(item -> items.add(ordered(root, schema.path("items"), item)));
      return items;
    }
    if (!value.isObject()) {
      return value;
    }
    JsonNode named = schema.path("properties");
    ObjectNode sorted = MAPPER.createObjectNode();
    for (Map.Entry<String, JsonNode> property : named.properties()) {
      if (value.has(property.getKey())) {
        JsonNode own = value.path(property.getKey());
        sorted.set(property.getKey(), ordered(root, property.getValue(), own));
      }
    }
    for (Map.Entry<String, JsonNode> field : value.properties()) {
      if (!named.has(field.getKey())) {
        JsonNode other = schema.path("additionalProperties");
        sorted.set(field.getKey(), ordered(root, other, field.getValue()));
      }
    }
    return sorted;
  }

  /** Returns whether a text keeps a constraint, in the longest tokens; measures each mask. */
  private boolean keeps(TokenConstraint constraint, String text) {
    String bytes = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    TokenConstraint.State state = constraint.start();
    for (int at = 0; at < bytes.length(); ) {
      int end = Math.min(bytes.length(), at + LONGEST);
      while (!ids.containsKey(bytes.substring(at, end))) {
        end--;
      }
      int token = ids.get(bytes.substring(at, end));
      long start = CPU.getCurrentThreadCpuTime();
      boolean allows = (state.mask(Integer.MAX_VALUE)[token >>> 6] >>> token & 1) == 1;
      state = allows ? state.after(token) : state;
      long nanos = CPU.getCurrentThreadCpuTime() - start;
      set.masks.add(nanos);
      all.masks.add(nanos);
      if (!allows) {
        rest = bytes.substring(Math.max(0, at - 40), at) + " <> " + bytes.substring(at, end);
        return false;
      }
      at = end;
    }
    return state.complete();
  }

  /** Times in nanoseconds. */
  private static final class Times {
    private long[] nanos = new long[1024];
    private int count;

    void add(long value) {
      if (count == nanos.length) {
        nanos = Arrays.copyOf(nanos, 2 * count);
      }
      nanos[count++] = value;
    }

    String text(double unit) {
      if (count == 0) {
        return "none";
      }
      long[] sorted = Arrays.copyOf(nanos, count);
      Arrays.sort(sorted);
      return "%.1f / %.1f / %.1f / %.1f"
          .formatted(
              sorted[count / 2] / unit,
              sorted[(int) (count * 0.95)] / unit,
              sorted[(int) (count * 0.99)] / unit,
              sorted[count - 1] / unit);
    }
  }
}
