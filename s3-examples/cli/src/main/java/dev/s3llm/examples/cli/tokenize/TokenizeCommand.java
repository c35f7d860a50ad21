package dev.s3llm.examples.cli.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.support.CaseFile;
import dev.s3llm.examples.cli.support.OutputFile;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.text.internal.tokenizer.TextTokenizer;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Encodes texts into the token ids of a model, and decodes them. */
@Command(
    name = "tokenize",
    mixinStandardHelpOptions = true,
    description = {
      "Encodes the texts of --cases with the tokenizer of MODEL, and decodes the tokens.",
      "The tokens that the tokenizer itself adds at start and end are left out."
    })
public final class TokenizeCommand implements Callable<Integer> {
  private static final String CASES = "--cases";
  private static final String JSON = "--json";

  @Parameters(paramLabel = "MODEL", description = "a model folder or GGUF file")
  private Path model;

  @Option(
      names = CASES,
      required = true,
      paramLabel = "FILE",
      description =
          "JSON lines with id, text and special: whether control tokens that the text spells are"
              + " recognised (default: false)")
  private Path cases;

  @Option(
      names = JSON,
      required = true,
      paramLabel = "FILE",
      description = "write the results here, as JSON lines with id, tokens and decoded, or error")
  private String json;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  TokenizeCommand() {}

  @Override
  public Integer call() {
    OutputFile output = Objects.requireNonNull(OutputFile.checked(JSON, json));
    if (!Files.exists(model)) {
      throw new UsageException("MODEL: " + model + " does not exist");
    }
    CaseFile.requireFile(CASES, cases);
    CaseFile all = run();
    output.write(all.lines());
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "%d rows: %d encoded, %d errors%n",
        all.results().size(), all.results().size() - all.errors(), all.errors());
    out.flush();
    return 0;
  }

  private CaseFile run() {
    try (TextTokenizer tokenizer = TextTokenizer.load(model)) {
      return CaseFile.answer(CASES, cases, (row, result) -> tokenize(tokenizer, row, result));
    } catch (ModelFormatException e) {
      throw new UsageException("MODEL: " + e.getMessage());
    }
  }

  private static void tokenize(TextTokenizer tokenizer, JsonNode row, ObjectNode result) {
    int[] tokens = encode(tokenizer, row);
    ArrayNode ids = result.putArray("tokens");
    for (int token : tokens) {
      ids.add(token);
    }
    result.put("decoded", tokenizer.decode(tokens));
  }

  private static int[] encode(TextTokenizer tokenizer, JsonNode row) {
    String text = CaseFile.text(row, "text");
    JsonNode special = row.path("special");
    if (!special.isMissingNode() && !special.isBoolean()) {
      throw new UsageException("special must be true or false, but is " + special);
    }
    return special.asBoolean() ? tokenizer.encode(text, false) : tokenizer.encodeText(text, false);
  }
}
