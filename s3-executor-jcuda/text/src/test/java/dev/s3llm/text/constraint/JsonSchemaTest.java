package dev.s3llm.text.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.text.constraint.Draws.Taste;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers under a schema keep it, as an independent validator says. */
class JsonSchemaTest {
  private static final List<byte[]> TOKENS = Vocabularies.ofSize(1500);
  private static final TokenVocabulary VOCABULARY = TokenVocabulary.of(TOKENS);
  private static final int SCHEMAS = 40;

  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private static TokenConstraint compile(String schema) {
    return Constraints.jsonSchema(schema.replace('\'', '"')).compile(VOCABULARY);
  }

  private static JsonSchema validator(String schema) {
    SchemaValidatorsConfig config =
        SchemaValidatorsConfig.builder().formatAssertionsEnabled(true).build();
    return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
        .getSchema(schema.replace('\'', '"'), config);
  }

  private static JsonNode parsed(String answer) {
    try {
      return MAPPER.readTree(answer);
    } catch (JsonProcessingException e) {
      throw new AssertionError(answer, e);
    }
  }

  @Test
  void randomSchemas_haveAnswersThatValidate() {
    int finished = 0;
    int drawn = 0;
    for (int seed = 0; seed < SCHEMAS; seed++) {
      String schema = new RandomSchemas(seed).next().toString();
      TokenConstraint constraint = compile(schema);
      JsonSchema validator = validator(schema);
      Draws draws = new Draws(TOKENS, seed);
      for (Taste taste : Taste.values()) {
        drawn++;
        Optional<String> answer = draws.draw(constraint, 400, taste);
        if (answer.isPresent()) {
          finished++;
          assertThat(validator.validate(parsed(answer.get())))
              .as("seed %s, schema %s, answer %s", seed, schema, answer.get())
              .isEmpty();
        }
      }
    }
    assertThat(finished).isEqualTo(drawn);
  }

  @Test
  void limitOfThreeTimesTheShortest_isEnough() {
    int finished = 0;
    int schemas = SCHEMAS / 2;
    for (int seed = 0; seed < schemas; seed++) {
      TokenConstraint constraint = compile(new RandomSchemas(seed).next().toString());
      int shortest = Shortest.of(constraint, TOKENS);
      Taste taste = Taste.values()[seed % 3];
      if (new Draws(TOKENS, seed).draw(constraint, 3 * shortest, taste).isPresent()) {
        finished++;
      }
      assertThat(constraint.shortest()).as("seed %s", seed).isLessThanOrEqualTo(shortest);
    }
    assertThat(finished).isGreaterThanOrEqualTo((95 * schemas + 99) / 100);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'not': {'pattern': 'a'}}                                   | ''                | not",
        "{'properties': {'a/b': {'if': {'items': {}}, 'then': {}}}}  | /properties/a~1b  | if",
        "{'type': 'array', 'uniqueItems': true}                      | ''                |"
            + " uniqueItems",
        "{'items': {'contains': {}}}                                 | /items            |"
            + " contains",
        "{'anyOf': [{}, {'$ref': 'http://other.example/x'}]}         | /anyOf/1          | $ref",
        "{'oneOf': [{'type': 'integer'}, {'type': 'number'}]}        | ''                | oneOf",
        "{'type': 'string', 'pattern': '(?=a)b'}                     | ''                | pattern",
        "{'type': 'string', 'format': 'regex'}                       | ''                | format",
        "{'type': 'text'}                                            | ''                | type",
        "{'items': [{}, {}]}                                         | ''                | items",
        "{'dependentSchemas': {'a': {'contains': {}}}}               | /dependentSchemas/a |"
            + " contains",
        "{'if': {'required': ['a']}, 'then': {'format': 'regex'}}    | /then             | format",
        "{'allOf': [{}], 'unevaluatedProperties': false}             | ''                |"
            + " unevaluatedProperties",
        "{'type': 'integer', 'multipleOf': 1000003}                  | ''                |"
            + " multipleOf",
      })
  void partThatCannotBeKept_isRefusedByPathAndKeyword(String schema, String path, String keyword) {
    assertThatExceptionOfType(UnsupportedSchemaException.class)
        .isThrownBy(() -> compile(schema))
        .satisfies(e -> assertThat(e.path()).isEqualTo(path))
        .satisfies(e -> assertThat(e.keyword()).isEqualTo(keyword))
        .withMessageContaining("'" + keyword + "'");
  }

  /** Each of these has values that are valid only for one reason. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'type': 'object', 'properties': {'a': {'type': 'null'}, 'b': {'type': 'null'}},"
            + " 'dependentRequired': {'a': ['b']}, 'additionalProperties': false}",
        "{'type': 'object', 'properties': {'a': {'type': 'null'}, 'b': {}},"
            + " 'dependencies': {'a': {'properties': {'b': {'type': 'integer'}}}}}",
        "{'not': {'type': ['string', 'object', 'array']}}",
        "{'type': 'string', 'maxLength': 3, 'not': {'enum': ['a', 'ab', 'abc']}}",
        "{'type': 'integer', 'not': {'minimum': 5, 'maximum': 90}}",
        "{'not': {'anyOf': [{'type': 'object'}, {'minLength': 3}, {'not': {'maxItems': 2}}]}}",
        "{'not': {'required': ['a'], 'properties': {'a': {'type': 'string'}}}}",
        "{'type': 'object', 'oneOf': [{'required': ['a']}, {'required': ['b']}],"
            + " 'properties': {'a': {'type': 'null'}, 'b': {'type': 'null'}}}",
        "{'properties': {'kind': {'enum': ['x', 'y']}, 'size': {'type': 'integer'}},"
            + " 'required': ['kind'], 'type': 'object', 'if': {'properties': {'kind': {'const':"
            + " 'x'}}}, 'then': {'required': ['size']}, 'else': {'properties': {'size': false}}}",
      })
  void rewrittenSchema_isKept(String schema) {
    TokenConstraint constraint = compile(schema);
    JsonSchema validator = validator(schema);
    for (int seed = 0; seed < 60; seed++) {
      String answer =
          new Draws(TOKENS, seed).draw(constraint, 80, Taste.values()[seed % 3]).orElseThrow();
      assertThat(validator.validate(parsed(answer))).as(answer).isEmpty();
    }
  }

  @Test
  void overlappingBranchesOfOneOf_allowWhatOneOfThemAllows() {
    TokenConstraint constraint =
        compile(
            "{'type': 'object', 'oneOf': [{'required': ['a']}, {'required': ['b']}],"
                + " 'properties': {'a': {'type': 'null'}, 'b': {'type': 'null'}}}");
    assertThat(Reads.keeps(constraint, TOKENS, "{\"a\":null}")).isTrue();
    assertThat(Reads.keeps(constraint, TOKENS, "{\"b\":null}")).isTrue();
    assertThat(Reads.keeps(constraint, TOKENS, "{\"a\":null,\"b\":null}")).isFalse();
    assertThat(Reads.keeps(constraint, TOKENS, "{}")).isFalse();
  }

  @Test
  void schemaWithoutValue_isRefused() {
    assertThatThrownBy(() -> compile("{'type': 'string', 'enum': [1]}"))
        .hasMessageContaining("no value");
    assertThatThrownBy(
            () ->
                compile(
                    "{'type': 'object', 'properties': {'a': {'$ref': '#'}}, 'required': ['a'],"
                        + " 'additionalProperties': false}"))
        .hasMessageContaining("no text");
    assertThatThrownBy(() -> compile("{")).hasMessageContaining("no JSON");
  }

  @Test
  void properties_comeInDeclaredOrder_requiredOnesAlways() {
    TokenConstraint constraint =
        compile(
            "{'type': 'object', 'properties': {'b': {'const': 1}, 'a': {'const': 2}, 'c': {'const':"
                + " 3}}, 'required': ['b', 'c'], 'additionalProperties': false}");
    assertThat(Reads.keeps(constraint, TOKENS, "{\"b\":1,\"c\":3}")).isTrue();
    assertThat(Reads.keeps(constraint, TOKENS, "{\"b\": 1, \"a\": 2, \"c\": 3}")).isTrue();
    assertThat(Reads.keeps(constraint, TOKENS, "{\n  \"b\": 1,\n  \"c\": 3\n}")).isTrue();
    assertThat(Reads.keeps(constraint, TOKENS, "{\"c\":3}")).isFalse();
    assertThat(Reads.keeps(constraint, TOKENS, "{\"a\":2,\"b\":1,\"c\":3}")).isFalse();
    assertThat(Reads.keeps(constraint, TOKENS, "{\"b\":1,\"c\":3,\"d\":4}")).isFalse();
    assertThat(Reads.keeps(constraint, TOKENS, "{\"b\":1,  \"c\":3}")).isFalse();
  }

  @Test
  void keywordsOfOtherTypes_doNotApply() {
    TokenConstraint constraint = compile("{'minLength': 3, 'minimum': 5, 'required': ['a']}");
    for (String value : List.of("null", "[]", "7", "\"abc\"", "{\"a\":1}", "true")) {
      assertThat(Reads.keeps(constraint, TOKENS, value)).as(value).isTrue();
    }
    for (String value : List.of("4", "\"ab\"", "{}")) {
      assertThat(Reads.keeps(constraint, TOKENS, value)).as(value).isFalse();
    }
  }

  @Test
  void recursion_isKept() {
    TokenConstraint tree =
        compile(
            "{'type': 'object', 'properties': {'next': {'anyOf': [{'$ref': '#'}, {'type':"
                + " 'null'}]}}, 'required': ['next'], 'additionalProperties': false}");
    assertThat(Reads.keeps(tree, TOKENS, "{\"next\": {\"next\": {\"next\": null}}}")).isTrue();
    assertThat(Reads.keeps(tree, TOKENS, "{\"next\": {\"next\": {}}}")).isFalse();
    assertThat(tree.longest()).isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void lengthsOfStrings_countCodePoints() {
    TokenConstraint constraint = compile("{'type': 'string', 'minLength': 2, 'maxLength': 3}");
    assertThat(Reads.keeps(constraint, TOKENS, "\"\ud83d\ude00\u00e9\"")).isTrue();
    assertThat(Reads.keeps(constraint, TOKENS, "\"\\ud83d\\ude00\\n\"")).isTrue();
    assertThat(Reads.keeps(constraint, TOKENS, "\"\ud83d\ude00\"")).isFalse();
    assertThat(Reads.keeps(constraint, TOKENS, "\"abcd\"")).isFalse();
  }

  @Test
  void emails_haveLocalPartAndDomain() {
    TokenConstraint constraint = compile("{'type': 'string', 'format': 'email'}");
    assertThat(Reads.keeps(constraint, TOKENS, "\"jo.doe+x@mail.example.org\"")).isTrue();
    assertThat(Reads.keeps(constraint, TOKENS, "\"jo..doe@example.org\"")).isFalse();
    assertThat(Reads.keeps(constraint, TOKENS, "\"jo@doe@example.org\"")).isFalse();
    assertThat(Reads.keeps(constraint, TOKENS, "\"example.org\"")).isFalse();
  }

  @Test
  void bounds_holdForAllAnswers() {
    TokenConstraint constraint =
        compile("{'type': 'array', 'items': {'enum': ['ab', 'c']}, 'minItems': 1, 'maxItems': 3}");
    assertThat(constraint.shortest()).isBetween(1, 3);
    assertThat(constraint.longest()).isBetween(20, 200);
  }
}
