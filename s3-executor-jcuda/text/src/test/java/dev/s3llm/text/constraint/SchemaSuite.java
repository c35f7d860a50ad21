package dev.s3llm.text.constraint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaException;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.text.constraint.Draws.Taste;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Turns the schemas of a folder of the official JSON Schema test suite (lists of groups with a
 * schema and tests) into answers, and checks them with an independent validator. Run as a program;
 * the argument is the folder, such as {@code tests/draft2020-12} of the suite. Texts of the tests
 * are read, too: a value that is not valid must not be allowed.
 */
final class SchemaSuite {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int ANSWERS = 12;

  private final List<byte[]> tokens = Vocabularies.ofSize(2000);
  private final TokenVocabulary vocabulary = TokenVocabulary.of(tokens);
  private final Map<String, Integer> refused = new TreeMap<>();
  private int schemas;
  private int unread;
  private int kept;
  private int answers;
  private int unfinished;
  private int invalid;
  private int wronglyAllowed;
  private int validRead;
  private int validTexts;

  private SchemaSuite() {}

  public static void main(String[] arguments) throws IOException {
    SchemaSuite suite = new SchemaSuite();
    try (Stream<Path> files = Files.walk(Path.of(arguments[0]))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList()) {
        for (JsonNode group : MAPPER.readTree(file.toFile())) {
          suite.check(file.getFileName().toString(), group);
        }
      }
    }
    System.out.printf(
        "%d schemas, %d kept, %d that the validator cannot read; %d answers, %d not finished, %d"
            + " not valid; of the suite's values %d that are not valid were allowed, %d of %d valid"
            + " ones are allowed as they are written%n",
        suite.schemas,
        suite.kept,
        suite.unread,
        suite.answers,
        suite.unfinished,
        suite.invalid,
        suite.wronglyAllowed,
        suite.validRead,
        suite.validTexts);
    System.out.println("refused: " + suite.refused);
  }

  private void check(String file, JsonNode group) {
    schemas++;
    String schema = group.path("schema").toString();
    String name = file + ": " + group.path("description").asText();
    TokenConstraint constraint;
    try {
      constraint = Constraints.jsonSchema(schema).compile(vocabulary);
    } catch (UnsupportedSchemaException e) {
      refused.merge(e.keyword(), 1, Integer::sum);
      return;
    } catch (IllegalArgumentException e) {
      refused.merge(String.valueOf(e.getMessage()), 1, Integer::sum);
      return;
    }
    kept++;
    try {
      draw(name, schema, constraint);
    } catch (JsonSchemaException e) {
      unread++; // the validator's expressions are those of the JDK
    }
    for (JsonNode test : group.path("tests")) {
      boolean allowed = Reads.keeps(constraint, tokens, test.path("data").toString());
      if (allowed && !test.path("valid").asBoolean()) {
        wronglyAllowed++;
        System.out.println("ALLOWED " + name + ": " + schema + ": " + test);
      } else if (test.path("valid").asBoolean()) {
        validTexts++;
        validRead += allowed ? 1 : 0;
      }
    }
  }

  private void draw(String name, String schema, TokenConstraint constraint) {
    JsonSchema validator =
        JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(schema);
    for (int i = 0; i < ANSWERS; i++) {
      Optional<String> answer =
          new Draws(tokens, i).draw(constraint, 200, Taste.values()[i % Taste.values().length]);
      answers++;
      if (answer.isEmpty()) {
        unfinished++;
      } else if (!isValid(validator, answer.get())) {
        invalid++;
        System.out.println("INVALID " + name + ": " + schema + ": " + answer.get());
      }
    }
  }

  private static boolean isValid(JsonSchema validator, String answer) {
    try {
      return validator.validate(MAPPER.readTree(answer)).isEmpty();
    } catch (IOException e) {
      return false;
    }
  }
}
