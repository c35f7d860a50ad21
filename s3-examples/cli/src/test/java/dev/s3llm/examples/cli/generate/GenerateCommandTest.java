package dev.s3llm.examples.cli.generate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
import org.junit.jupiter.params.provider.ValueSource;

class GenerateCommandTest extends CommandTest {
  @TempDir Path folder;

  @Test
  void answers_areWrittenWithExactlyTheDocumentedFields() throws IOException {
    Path json = folder.resolve("answers.jsonl");
    int code = run("generate", "--max-new-tokens", "20", "--json", json.toString(), "What is 2+2?");
    assertThat(code).as(err.toString()).isZero();
    List<String> fields = new ArrayList<>();
    JsonNode answer = new ObjectMapper().readTree(Files.readString(json));
    answer.fieldNames().forEachRemaining(fields::add);
    assertThat(fields)
        .containsExactly(
            "id",
            "prompt",
            "text",
            "prompt_tokens",
            "output_tokens",
            "predicted_p50",
            "predicted_p90",
            "reserved_tokens",
            "tokens",
            "finish_reason",
            "preemptions",
            "queued_s",
            "ttft_s",
            "total_s",
            "explanation");
    assertThat(answer.get("output_tokens").asInt()).isBetween(1, 20);
    assertThat(out.toString()).contains(answer.get("text").asText());
  }

  @Test
  void leastLength_andIgnoredEnd_makeTheAnswerLonger() throws IOException {
    int plain = outputTokens("--max-new-tokens", "200");
    int least = plain + 15;
    String limit = String.valueOf(plain + 30);
    assertThat(plain).isLessThan(200);
    assertThat(outputTokens("--max-new-tokens", limit, "--min-tokens", String.valueOf(least)))
        .isGreaterThanOrEqualTo(least);
    assertThat(outputTokens("--max-new-tokens", limit, "--ignore-eos")).isEqualTo(plain + 30);
  }

  private int outputTokens(String... options) throws IOException {
    Path json = folder.resolve("length.jsonl");
    List<String> args = new ArrayList<>(List.of("generate", "--json", json.toString()));
    args.addAll(List.of(options));
    args.add("What is 2+2?");
    assertThat(run(args.toArray(new String[0]))).as(err.toString()).isZero();
    return new ObjectMapper().readTree(Files.readString(json)).get("output_tokens").asInt();
  }

  @Test
  void toyModel_isNamedAsOneOnTheErrorStream() {
    assertThat(run("generate", "--max-new-tokens", "2", "Hi")).isZero();
    assertThat(err.toString())
        .containsOnlyOnce("embedded toy model")
        .contains("--model FOLDER or --model FILE.gguf");
    assertThat(out.toString()).doesNotContain("toy");
    assertThat(run("generate", "--help")).isZero();
    assertThat(out.toString()).contains("toy");
  }

  @Test
  void chatTemplateOfTheModel_isAppliedUnlessRaw() throws IOException {
    Path model = SmallModel.unpack();
    Files.writeString(
        model.resolve("chat_template.jinja"),
        "Question: {{ messages[0].content }}{{ messages[0].content }}");
    Path json = folder.resolve("answers.jsonl");
    List<Integer> lengths = new ArrayList<>();
    for (String mode : List.of("--greedy", "--raw")) {
      int code =
          run(
              "generate",
              "--model",
              model.toString(),
              "--max-new-tokens",
              "4",
              mode,
              "--json",
              json.toString(),
              "What is 2+2?");
      assertThat(code).as(err.toString()).isZero();
      JsonNode answer = new ObjectMapper().readTree(Files.readString(json));
      assertThat(answer.get("tokens")).hasSize(answer.get("output_tokens").asInt());
      lengths.add(answer.get("prompt_tokens").asInt());
    }
    assertThat(lengths.get(0)).isGreaterThan(lengths.get(1) + lengths.get(1) / 2);
    assertThat(err.toString()).doesNotContain("toy");
  }

  @Test
  void templateThatRefusesThePrompt_isNamedWithTheWayOut() throws IOException {
    Path model = SmallModel.unpack();
    Files.writeString(
        model.resolve("chat_template.jinja"), "{{ raise_exception('only questions') }}");
    assertThat(run("generate", "--model", model.toString(), "Hi")).isEqualTo(2);
    assertThat(err.toString()).contains("prompt p0: ", "only questions", "--raw").hasLineCount(1);
  }

  @Test
  void comparison_isSimulatedWithTheStepsThatWereRun() throws IOException {
    Path prompts = folder.resolve("prompts.jsonl");
    Files.write(prompts, SmallModel.promptsJsonl().lines().limit(6).toList());
    int code =
        run(
            "generate",
            "--compare",
            "--simulate",
            "--kv-budget",
            "3MiB",
            "--max-new-tokens",
            "16",
            "--prompts",
            prompts.toString());
    assertThat(code).as(err.toString()).isZero();
    String simulated = out.toString().substring(out.toString().indexOf("Simulated with"));
    assertThat(simulated).containsPattern("measured +simulated");
    assertThat(simulated).containsPattern("clairvoyant +\\d+\\.\\d\\d\\R");
    for (String planner : List.of("worst-case", "s3", "on-demand", "forecast")) {
      assertThat(simulated).containsPattern(planner + " +\\d+\\.\\d\\d +\\d+\\.\\d\\d");
    }

    assertThat(run("generate", "--simulate", "x")).isEqualTo(2);
    assertThat(err.toString()).contains("--simulate needs --compare");
  }

  @Test
  void simulationOfPredictors_isRefusedBeforeAnythingRuns() {
    assertThat(run("generate", "--compare", "--compare-predictors", "--simulate", "x"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("without --compare-predictors");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void planners_giveTheSameTokensWhenMemoryIsShort() throws IOException {
    Path prompts = folder.resolve("prompts.jsonl");
    Files.write(prompts, SmallModel.promptsJsonl().lines().limit(8).toList());
    int code =
        run(
            "generate",
            "--compare",
            "--kv-budget",
            "2MiB",
            "--max-new-tokens",
            "60",
            "--prompts",
            prompts.toString());
    assertThat(code).as(out.toString()).isZero();
    assertThat(out.toString()).contains("same tokens for all 8 prompts");
    String onDemand =
        out.toString().lines().filter(l -> l.startsWith("on-demand")).findFirst().get();
    int preemptions = Integer.parseInt(onDemand.substring(onDemand.lastIndexOf(' ') + 1));
    assertThat(preemptions).as("the budget must make them compete").isPositive();
  }

  @ParameterizedTest
  @CsvSource({
    "--kv-budget,12parsecs,--kv-budget",
    "--kv-budget,1,kvBytes",
    "--max-new-tokens,0,--max-new-tokens",
    "--max-new-tokens,5000,1024",
    "--max-new-tokens 3 --min-tokens,4,--min-tokens",
    "--min-tokens,-1,--min-tokens",
    "--temperature,NaN,temperature",
    "--top-p,1.5,topP",
    "--top-k,-1,topK",
    "--planner,psychic,--planner",
    "--order,lifo,--order",
    "--rate,-1,--rate",
    "--model,/no/such/folder,--model: /no/such/folder does not exist",
    "--greedy --temperature,1,contradict",
    "--prompts,/no/such/file,--prompts",
  })
  void badOption_isNamedAndExitsWith2(String option, String value, String named) {
    List<String> args = new ArrayList<>(List.of("generate"));
    args.addAll(List.of(option.split(" ")));
    args.add(value);
    if (!option.equals("--prompts")) {
      args.add("Hello");
    }
    assertThat(run(args.toArray(new String[0]))).as(err.toString()).isEqualTo(2);
    assertThat(err.toString()).contains(named);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "not json",
        "{\"id\":\"a\"}",
        "{\"id\":\"a\",\"prompt\":\"\"}",
        "{\"id\":7,\"prompt\":\"x\"}",
        "{\"id\":\"a\",\"prompt\":\"x\"}\n{\"id\":\"a\",\"prompt\":\"y\"}"
      })
  void badPromptFile_isRefusedBeforeAnythingRuns(String content) throws IOException {
    Path prompts = folder.resolve("bad.jsonl");
    Files.writeString(prompts, content);
    assertThat(run("generate", "--prompts", prompts.toString())).isEqualTo(2);
    assertThat(err.toString()).contains("bad.jsonl");
    assertThat(out.toString()).isEmpty();
  }
}
