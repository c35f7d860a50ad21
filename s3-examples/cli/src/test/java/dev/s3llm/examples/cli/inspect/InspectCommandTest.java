package dev.s3llm.examples.cli.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.CommandTest;
import dev.s3llm.examples.model.SmallModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InspectCommandTest extends CommandTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @TempDir Path folder;

  private List<JsonNode> inspect(Path... paths) throws IOException {
    Path json = folder.resolveSibling(folder.getFileName() + ".jsonl");
    List<String> args = new ArrayList<>(List.of("inspect", "--json", json.toString()));
    for (Path path : paths) {
      args.add(path.toString());
    }
    assertThat(run(args)).as(err.toString()).isZero();
    List<JsonNode> rows = new ArrayList<>();
    for (String line : Files.readAllLines(json)) {
      rows.add(MAPPER.readTree(line));
    }
    Files.delete(json);
    assertThat(rows).hasSize(paths.length);
    return rows;
  }

  private JsonNode inspect() throws IOException {
    return inspect(folder).get(0);
  }

  private void copy(String... names) throws IOException {
    Path model = SmallModel.unpack();
    for (String name : names) {
      Files.copy(model.resolve(name), folder.resolve(name));
    }
  }

  private void edit(String name, String field, String value) throws IOException {
    Path file = folder.resolve(name);
    ObjectNode json = (ObjectNode) MAPPER.readTree(Files.readString(file));
    json.set(field, MAPPER.readTree(value));
    Files.writeString(file, json.toString());
  }

  @Test
  void model_isDescribedWithExactlyTheDocumentedFields() throws IOException {
    JsonNode row = inspect(SmallModel.unpack()).get(0);
    List<String> fields = new ArrayList<>();
    row.fieldNames().forEachRemaining(fields::add);
    assertThat(fields)
        .containsExactly(
            "path", "supported", "family", "parameters", "weight_format", "bytes", "reason");
    assertThat(row.get("supported").asBoolean()).as(row.toString()).isTrue();
    assertThat(row.get("family").asText()).isEqualTo("llama");
    assertThat(row.get("parameters").asLong()).isBetween(5_400_000L, 5_600_000L);
    assertThat(row.get("weight_format").asText()).isEqualTo("fp16");
    assertThat(row.get("bytes").asLong()).isEqualTo(2 * row.get("parameters").asLong());
    assertThat(row.get("reason").isNull()).isTrue();
    assertThat(out.toString()).contains(": runs, llama, 5.48 M parameters, fp16, 11.0 MB");
  }

  @Test
  void configurationAlone_isEnough() throws IOException {
    copy("config.json");
    edit("config.json", "torch_dtype", "\"bfloat16\"");
    for (JsonNode row : inspect(folder, folder.resolve("config.json"))) {
      assertThat(row.get("supported").asBoolean()).as(row.toString()).isTrue();
      assertThat(row.get("weight_format").asText()).isEqualTo("bf16");
      assertThat(row.get("bytes").isNull()).isTrue();
      assertThat(row.get("reason").isNull()).isTrue();
    }
  }

  @Test
  void modelWithoutTokenizer_runsWithTokensAlone() throws IOException {
    copy("config.json", "model.safetensors");
    JsonNode row = inspect();
    assertThat(row.get("supported").asBoolean()).isTrue();
    assertThat(row.get("reason").asText()).contains("token ids alone", "tokenizer.json");
  }

  @Test
  void tensorsThatDoNotFitTheConfiguration_areNamed() throws IOException {
    copy("config.json", "model.safetensors", "tokenizer.json");
    edit("config.json", "num_hidden_layers", "5");
    JsonNode fewer = inspect();
    edit("config.json", "num_hidden_layers", "7");
    JsonNode more = inspect();
    assertThat(fewer.get("supported").asBoolean()).isFalse();
    assertThat(fewer.get("reason").asText()).contains("does not read", "model.layers.5.");
    assertThat(more.get("reason").asText()).contains("has no tensor model.layers.6.");
    assertThat(more.get("bytes").asLong()).isPositive();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"quant_method\": \"gptq\", \"bits\": 8} | gptq-8bit",
        "{\"quant_method\": \"awq\", \"bits\": 4} | awq-4bit",
        "{\"quant_method\": \"bitsandbytes\", \"load_in_8bit\": true} | bitsandbytes-int8",
        "{\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true, \"bnb_4bit_quant_type\": \"nf4\"}"
            + " | bitsandbytes-nf4",
        "{\"quant_method\": \"fp8\"} | fp8",
        "{\"quant_method\": \"mxfp4\"} | mxfp4",
        "{\"quant_method\": \"compressed-tensors\", \"format\": \"pack-quantized\"}"
            + " | compressed-tensors-pack-quantized",
      })
  void quantisedWeights_areNamedByTheirMethod(String config, String format) throws IOException {
    copy("config.json");
    edit("config.json", "quantization_config", config);
    assertThat(inspect().get("weight_format").asText()).isEqualTo(format);
  }

  @Test
  void pathsOfNoModel_areRowsToo() throws IOException {
    Files.writeString(folder.resolve("notes.txt"), "no model");
    List<JsonNode> rows =
        inspect(folder.resolve("none"), folder.resolve("notes.txt"), folder.resolve("x.gguf"));
    assertThat(rows).extracting(row -> row.get("supported").asBoolean()).containsOnly(false);
    assertThat(rows)
        .extracting(row -> row.get("reason").asText())
        .satisfiesExactly(
            reason -> assertThat(reason).contains("none does not exist"),
            reason -> assertThat(reason).contains("is no folder and no .gguf file"),
            reason -> assertThat(reason).contains("x.gguf does not exist"));
  }

  @Test
  void missingFolderOfTheOutput_isAnErrorOfUsage() {
    assertThat(run("inspect", "--json", "/no/such/folder/x", folder.toString())).isEqualTo(2);
    assertThat(run("inspect")).isEqualTo(2);
  }
}
