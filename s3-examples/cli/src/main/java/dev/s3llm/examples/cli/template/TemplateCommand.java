package dev.s3llm.examples.cli.template;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.support.CaseFile;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.OutputFile;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.text.ChatTemplate;
import dev.s3llm.text.ChatTemplateException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints the prompt that a chat template makes of a conversation. */
@Command(
    name = "template",
    mixinStandardHelpOptions = true,
    description = {
      "Prints the prompt that the chat template of MODEL makes of --messages,",
      "or renders --cases, each with its own template."
    })
public final class TemplateCommand implements Callable<Integer> {
  private static final String CASES = "--cases";
  private static final String MESSAGES = "--messages";
  private static final String JSON = "--json";

  @Parameters(paramLabel = "MODEL", arity = "0..1", description = "a model folder or GGUF file")
  private @Nullable Path model;

  @Option(
      names = MESSAGES,
      paramLabel = "FILE",
      description =
          "JSON: an array of messages, or an object with messages, tools, documents, variables and"
              + " add_generation_prompt")
  private @Nullable Path messages;

  @Option(
      names = CASES,
      paramLabel = "FILE",
      description =
          "JSON lines with id, template, messages, tools, documents, variables, bos_token,"
              + " eos_token and add_generation_prompt; template and messages are needed")
  private @Nullable Path cases;

  @Option(
      names = JSON,
      paramLabel = "FILE",
      description = "write the results of --cases here, as JSON lines with id and text or error")
  private @Nullable String json;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  TemplateCommand() {}

  @Override
  public Integer call() throws IOException {
    OutputFile output = OutputFile.checked(JSON, json);
    if (cases != null && output != null && model == null && messages == null) {
      runCases(cases, output);
    } else if (model != null && messages != null && cases == null && output == null) {
      render(model, messages);
    } else {
      throw new UsageException(
          "give either MODEL and %s, or %s and %s".formatted(MESSAGES, CASES, JSON));
    }
    return 0;
  }

  private void runCases(Path file, OutputFile output) {
    CaseFile all = CaseFile.answer(CASES, file, TemplateCommand::render);
    output.write(all.lines());
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "%d rows: %d rendered, %d errors%n",
        all.results().size(), all.results().size() - all.errors(), all.errors());
    out.flush();
  }

  private static void render(JsonNode row, ObjectNode result) {
    try {
      result.put("text", new TemplateInput(row).renderOwnTemplate());
    } catch (ChatTemplateException e) {
      throw new UsageException(String.valueOf(e.getMessage()));
    }
  }

  private void render(Path model, Path file) throws IOException {
    if (!Files.exists(model)) {
      throw new UsageException("MODEL: " + model + " does not exist");
    }
    CaseFile.requireFile(MESSAGES, file);
    JsonNode json = Json.parse(file.toString(), Files.readString(file));
    JsonNode object = json.isArray() ? Json.object().set("messages", json) : json;
    PrintWriter out = spec.commandLine().getOut();
    try {
      ChatTemplate template = ChatTemplate.load(model);
      out.print(template.render(new TemplateInput(object).conversation().build()));
    } catch (ModelFormatException | ChatTemplateException e) {
      throw new UsageException("MODEL: " + e.getMessage());
    }
    out.flush();
  }
}
