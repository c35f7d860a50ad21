package dev.s3llm.text.constraint;

import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.TextResult;
import dev.s3llm.text.internal.tokenizer.TextTokenizer;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Has a real model answer under random schemas, through the engine, and counts the answers that end
 * in time and those that validate: {@code ModelAnswers MODEL SCHEMAS}. Each answer may have three
 * times the tokens of a short one.
 */
public final class ModelAnswers {
  private static final long KV_BYTES = 1L << 30;

  private final TextGenerator generator;
  private final List<byte[]> tokens;
  private final Map<FinishReason, Integer> ends = new EnumMap<>(FinishReason.class);
  private int valid;
  private int failures;

  private ModelAnswers(TextGenerator generator, List<byte[]> tokens) {
    this.generator = generator;
    this.tokens = tokens;
  }

  /** A request and its schema. */
  private record Asked(String schema, int limit, TextGeneration answer) {}

  /** Runs the program. */
  public static void main(String[] args) {
    Path model = Path.of(args[0]);
    TextModel text = TextModel.load(model);
    S3Engine engine =
        S3Engine.builder(CpuExecutor.builder(model).kvBytes(KV_BYTES).build())
            .maxLiveRequests(100_000)
            .build();
    try (TextTokenizer tokenizer = TextTokenizer.load(model);
        TextGenerator generator = TextGenerator.of(engine, text)) {
      List<byte[]> bytes = tokenizer.tokenBytes(text.vocabulary().size());
      new ModelAnswers(generator, bytes).run(Integer.parseInt(args[1]));
    }
  }

  private void run(int schemas) {
    IntStream.range(0, schemas).parallel().mapToObj(this::ask).toList().forEach(this::check);
    int stopped = ends.getOrDefault(FinishReason.STOP, 0);
    System.out.printf(
        "%d schemas: %s, %.1f %% in time; %d valid, %d not%n",
        schemas, ends, 100.0 * stopped / schemas, valid, failures);
  }

  private Asked ask(int seed) {
    String schema = new RandomSchemas(seed).next().toString();
    Grammar grammar = Constraints.jsonSchema(schema);
    TokenConstraint constraint = generator.model().constraint(grammar);
    int limit = 3 * Shortest.of(constraint, tokens);
    TextRequest request =
        TextRequest.builder()
            .prompt("A JSON value that keeps the schema " + schema + ":\n")
            .maxNewTokens(limit)
            .constraint(grammar)
            .configure(r -> r.sampling(SamplingParameters.ofTemperature(1, seed)))
            .build();
    return new Asked(schema, limit, generator.submit(request));
  }

  private void check(Asked asked) {
    TextResult result = asked.answer.result().join();
    ends.merge(result.finishReason(), 1, Integer::sum);
    if (result.finishReason() != FinishReason.STOP) {
      System.out.println(
          result.finishReason() + " after " + asked.limit + ": " + asked.schema + result.text());
      return;
    }
    SchemaValidatorsConfig config =
        SchemaValidatorsConfig.builder().formatAssertionsEnabled(true).build();
    JsonSchema validator =
        JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
            .getSchema(asked.schema, config);
    if (validator.validate(result.text(), InputFormat.JSON).isEmpty()) {
      valid++;
    } else {
      failures++;
      System.out.println("not valid: " + result.text() + " under " + asked.schema);
    }
  }
}
