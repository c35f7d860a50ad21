package dev.s3llm.examples.cli.replay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.CommandTest;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Document;

final class ReplayCommandTest extends CommandTest {
  private static final String ALL_ORDERS =
      "fcfs,fcfs-skip,dff,spf,attained,work,tail,volume,edf,slack";

  @TempDir private Path folder;
  private Path trace;

  @BeforeEach
  void writeTrace() throws IOException {
    StringBuilder rows = new StringBuilder("arrival_s,prompt_tokens,output_tokens\n");
    for (int i = 0; i < 20; i++) {
      rows.append(i * 0.01).append(',').append(10 + i).append(',').append(5 + 7 * i).append('\n');
    }
    trace = Files.writeString(folder.resolve("trace.csv"), rows);
  }

  @Test
  void canvases_takeFewerStepsThanTokens() throws IOException {
    Path tokens = folder.resolve("tokens.json");
    Path canvases = folder.resolve("canvases.json");

    assertThat(replay("--kv-gb", "4", "--json", tokens.toString())).isZero();
    assertThat(replay("--kv-gb", "4", "--canvas-passes", "3", "--json", canvases.toString()))
        .isZero();

    ObjectMapper mapper = new ObjectMapper();
    for (int policy = 0; policy < 4; policy++) {
      JsonNode slow = mapper.readTree(tokens.toFile()).path("runs").get(policy);
      JsonNode fast = mapper.readTree(canvases.toFile()).path("runs").get(policy);
      assertThat(fast.path("finished").asInt()).isEqualTo(20);
      assertThat(fast.path("makespan_s").asDouble() * 2)
          .isLessThan(slow.path("makespan_s").asDouble());
    }
  }

  @Test
  void canvasWithoutAPass_isRefused() {
    assertThat(replay("--kv-gb", "4", "--canvas-passes", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--canvas-passes 0: must be from 1");
  }

  @Test
  void json_hasEveryFieldOfEveryRun() throws IOException {
    Path json = folder.resolve("out.json");

    int code = replay("--kv-gb", "4", "--json", json.toString());

    assertThat(err.toString()).isEmpty();
    assertThat(code).isZero();
    assertThat(out.toString().lines()).hasSize(5);
    JsonNode runs = new ObjectMapper().readTree(json.toFile()).path("runs");
    assertThat(runs).hasSize(4);
    List<String> fields = new ArrayList<>();
    runs.get(1).fieldNames().forEachRemaining(fields::add);
    assertThat(fields)
        .containsExactly(
            "policy",
            "order",
            "requests",
            "finished",
            "rejected",
            "throughput_tok_s",
            "makespan_s",
            "kv_use",
            "preemptions",
            "recomputed_tokens",
            "swapped_tokens",
            "prefix",
            "prompt_tokens",
            "cached_tokens",
            "evicted_blocks",
            "ttft_mean_s",
            "ttft_p50_s",
            "ttft_p90_s",
            "ttft_p99_s",
            "total_mean_s",
            "total_p50_s",
            "total_p90_s",
            "total_p99_s",
            "queue_mean_s",
            "queue_p50_s",
            "queue_p90_s",
            "queue_p99_s",
            "slowdown_mean",
            "slowdown_p50",
            "slowdown_p90",
            "slowdown_p99",
            "tpot_p50_s",
            "tpot_p90_s",
            "tpot_p99_s",
            "goodput_rps",
            "plan_us_p50",
            "plan_us_p99");
    assertThat(runs.get(1).path("policy").textValue()).isEqualTo("s3");
    assertThat(runs.get(1).path("finished").intValue()).isEqualTo(20);
  }

  @Test
  void everyPolicy_runsInEveryOrder() throws IOException {
    JsonNode runs = json("--policy", "on-demand:0.05,forecast", "--order", ALL_ORDERS).path("runs");

    assertThat(runs).hasSize(2 * 10);
    assertThat(runs)
        .extracting(run -> run.path("policy").textValue())
        .containsOnly("on-demand:0.05", "forecast")
        .startsWith("on-demand:0.05", "on-demand:0.05");
    assertThat(runs.get(11).path("order").textValue()).isEqualTo("fcfs-skip");
    for (JsonNode run : runs) {
      assertThat(run.path("finished").intValue()).isEqualTo(20);
      assertThat(run.path("total_mean_s").doubleValue())
          .isGreaterThan(run.path("ttft_mean_s").doubleValue())
          .isLessThanOrEqualTo(run.path("total_p99_s").doubleValue());
      assertThat(run.path("slowdown_mean").doubleValue()).isGreaterThanOrEqualTo(1);
      assertThat(run.path("goodput_rps").doubleValue())
          .isCloseTo(20 / run.path("makespan_s").doubleValue(), within(1e-9));
    }
    assertThat(out.toString().lines()).hasSize(21);
    assertThat(out.toString()).contains("order", "total mean", "slowdown");
  }

  @Test
  void orders_workWithSweepAndPage() throws IOException {
    Path page = folder.resolve("page.html");

    JsonNode points =
        json("--policy", "s3", "--order", "fcfs,spf", "--sweep", "rate=1,9", "--html", "" + page)
            .path("points");

    assertThat(points.get(1).path("runs"))
        .extracting(run -> run.path("order").textValue())
        .isEqualTo(List.of("fcfs", "spf"));
    assertThat(Files.readString(page)).contains("[\"Queue order\",\"fcfs, spf\"]");
  }

  @Test
  void help_namesDefaults() {
    assertThat(run(List.of("replay", "--help"))).isZero();
    assertThat(out.toString())
        .contains("Default: fcfs", "Default: 2048", "Default: exact", "Default: recorded")
        .doesNotContain("Default: 0.0"); // --kv-gb is required
  }

  @Test
  void measuredAnswers_areATraceWithPredictions() throws IOException {
    Path plain = folder.resolve("answers.jsonl");
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 20; i++) {
      rows.append(
          "{\"id\":\"x\",\"prompt_tokens\":%d,\"output_tokens\":%d,".formatted(10 + i, 5 + 7 * i));
      rows.append(
          "\"prompt\":{\"mean\":%d,\"p50\":3,\"p90\":9},\"at\":[0]}\n".formatted(5 + 7 * i));
    }
    Files.writeString(plain, rows);
    Path zipped = folder.resolve("answers.jsonl.gz");
    try (OutputStream gzip = new GZIPOutputStream(Files.newOutputStream(zipped))) {
      gzip.write(rows.toString().getBytes(UTF_8));
    }

    JsonNode csv = firstRun("--arrivals", "at-once");
    for (Path file : List.of(plain, zipped)) {
      assertThat(firstRun("--trace", "" + file, "--arrivals", "at-once", "--predictor", "column"))
          .isEqualTo(csv);
    }
    assertThat(replay("--kv-gb", "4", "--trace", "" + zipped)).isEqualTo(2);
    assertThat(err.toString()).contains("answers.jsonl.gz has no arrivals; use at-once or poisson");
  }

  @Test
  void promptsThatBeginAlike_areComputedOnce() throws IOException {
    String file = "" + Files.writeString(folder.resolve("prefixes.jsonl"), conversations());

    JsonNode runs =
        json("--trace", file, "--policy", "forecast", "--prefix", "none,lru,expected,clairvoyant")
            .path("runs");

    assertThat(runs)
        .extracting(run -> run.path("prefix").textValue())
        .isEqualTo(List.of("none", "lru", "expected", "clairvoyant"));
    assertThat(runs.get(0).path("cached_tokens").longValue()).isZero();
    for (JsonNode run : runs) {
      assertThat(run.path("finished").intValue()).isEqualTo(20);
      assertThat(run.path("prompt_tokens").longValue()).isEqualTo(20 * 1000);
    }
    for (int i = 1; i < 4; i++) { // all but the first two find their first block of 512 tokens
      assertThat(runs.get(i).path("cached_tokens").longValue()).isEqualTo(18 * 512);
      assertThat(runs.get(i).path("ttft_mean_s").doubleValue())
          .isLessThan(runs.get(0).path("ttft_mean_s").doubleValue());
    }
  }

  /** Returns 20 requests that arrive a minute apart, of which every other begins alike. */
  private static String conversations() {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 20; i++) {
      rows.append(
          "{\"arrival_s\":%d,\"prompt_tokens\":1000,\"output_tokens\":5,".formatted(60 * i));
      rows.append("\"blocks\":[%d,%d]}\n".formatted(i % 2, 100 + i));
    }
    return rows.toString();
  }

  @Test
  void withoutRoomForPrefixes_blocksAreEvicted() throws IOException {
    String file = "" + Files.writeString(folder.resolve("prefixes.jsonl"), conversations());

    JsonNode run =
        json("--trace", file, "--policy", "s3", "--prefix", "lru", "--prefix-tokens", "0")
            .path("runs")
            .get(0);

    assertThat(run.path("cached_tokens").longValue()).isZero();
    assertThat(run.path("evicted_blocks").longValue()).isGreaterThanOrEqualTo(20 * (1000 / 16));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--prefix often | --prefix often: must be none, lru, expected or clairvoyant",
        "--prefix-tokens 5 | --prefix-tokens: needs --prefix lru, expected or clairvoyant",
        "--prefix lru --prefix-tokens -1 | --prefix-tokens -1: must be at least 0",
        "--prefix lru --canvas-passes 2 | --prefix: cannot be combined with --canvas-passes",
      })
  void prefixOptionsWithoutSense_areRefused(String options, String message) {
    List<String> all = new ArrayList<>(List.of("--kv-gb", "4"));
    all.addAll(List.of(options.split(" ")));
    assertThat(replay(all.toArray(String[]::new))).isEqualTo(2);
    assertThat(err.toString()).contains(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"arrival_s\":-1,\"prompt_tokens\":5,\"output_tokens\":5} | line 1: arrival_s is -1, must be",
        "{\"arrival_s\":0,\"prompt_tokens\":5,\"output_tokens\":5,\"blocks\":[]} | must be an array of 1 ids",
        "{\"arrival_s\":0,\"prompt_tokens\":5,\"output_tokens\":5,\"blocks\":[1.5]} | blocks has 1.5",
        "{\"arrival_s\":0,\"prompt_tokens\":513,\"output_tokens\":5,\"blocks\":[1]} | an array of 2 ids",
      })
  void rowsOfATraceWithMistakes_areRefused(String row, String message) throws IOException {
    Path file = Files.writeString(folder.resolve("a.jsonl"), row + "\n");
    assertThat(replay("--kv-gb", "4", "--trace", "" + file)).isEqualTo(2);
    assertThat(err.toString()).contains(message);
  }

  @Test
  void recordedPredictions_areReplayedWhileAnswersGrow() throws IOException {
    Path file = folder.resolve("recorded.jsonl");
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 20; i++) {
      int length = 40 + 7 * i; // the prompt says 10; after 16 tokens what is left is known
      rows.append(
          "{\"prompt_tokens\":10,\"output_tokens\":%d,\"prompt\":{\"mean\":10,\"p50\":9,\"p90\":18},"
              .formatted(length));
      rows.append(
          "\"at\":[0,16],\"mean\":[10,%1$d],\"p50\":[9,%1$d],\"p90\":[18,%1$d]}\n"
              .formatted(length - 16));
    }
    Files.writeString(file, rows);

    JsonNode run =
        firstRun("--trace", "" + file, "--arrivals", "at-once", "--predictor", "recorded");
    assertThat(run.path("finished").intValue()).isEqualTo(20);
    JsonNode srpt =
        firstRun(
            "--trace",
            "" + file,
            "--arrivals",
            "at-once",
            "--predictor",
            "recorded",
            "--order",
            "srpt:2");
    assertThat(srpt.path("order").textValue()).isEqualTo("srpt:2");
    assertThat(srpt.path("finished").intValue()).isEqualTo(20);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "|the file has no rows",
        "[|line 1 is not valid JSON",
        "{}|line 1: prompt_tokens is missing, must be a whole number from 1 to 16777216",
        "{\"prompt_tokens\":1,\"output_tokens\":0}|line 1: output_tokens is 0, must be",
        "{\"prompt_tokens\":1,\"output_tokens\":1,\"prompt\":{\"mean\":\"x\"}}|line 1: prompt.mean is",
        "{\"prompt_tokens\":1,\"output_tokens\":1,\"prompt\":{\"mean\":1,\"p50\":1,\"p90\":2},\"at\":[8]}|line 1: mean is missing, must be a number from 0",
      })
  void badMeasuredAnswers_areNamed(String row, String message) throws IOException {
    Path file = Files.writeString(folder.resolve("a.jsonl"), row == null ? "" : row + "\n");

    assertThat(replay("--kv-gb", "4", "--trace", "" + file, "--arrivals", "at-once")).isEqualTo(2);
    assertThat(err.toString()).contains("--trace " + file).contains(message);
  }

  @Test
  void profiles_comeFromFiles() throws IOException {
    Path model =
        Files.writeString(
            folder.resolve("m.json"),
            "{\"name\": \"m\", \"parameters\": 1e9, \"kvBytesPerToken\": 1000}");
    Path gpu =
        Files.writeString(
            folder.resolve("g.json"),
            "{\"name\": \"g\", \"bytesPerSecond\": 1e12, \"flops\": 1e14,"
                + " \"overheadNanos\": 1000, \"swapBytesPerSecond\": 1e10}");

    int code = replay("--kv-gb", "0.01", "--model", model.toString(), "--gpu", gpu.toString());

    assertThat(err.toString()).isEmpty();
    assertThat(code).isZero();
    String[] two = {"--kv-gb", "1", "--model", model.toString(), "--cards", "2"};
    assertThat(replay(two)).isEqualTo(2);
    assertThat(err.toString())
        .contains("--cards: several for an engine need the fields layers and hiddenSize in");
  }

  /** The exchange takes as long as a step on one card, or hardly anything. */
  @ParameterizedTest
  @CsvSource({"1, 0.9, 1.1", "0.001, 0.4, 0.6"})
  void twoCards_shareTheWork_andExchange(double exchange, double least, double most)
      throws IOException {
    Files.writeString(
        folder.resolve("m.json"),
        "{\"name\": \"m\", \"parameters\": 1e9, \"kvBytesPerToken\": 1000, \"layers\": 50,"
            + " \"hiddenSize\": 10}");
    Files.writeString(
        folder.resolve("g.json"),
        "{\"name\": \"g\", \"bytesPerSecond\": 1e12, \"flops\": 1e15, \"overheadNanos\": 0,"
            + " \"swapBytesPerSecond\": 1e10, \"exchangeBytesPerSecond\": 1e15, \"exchangeNanos\": "
            + Math.round(exchange * 10_000)
            + "}");
    double one = makespan("--cards", "1");
    double two = makespan("--cards", "2");
    assertThat(two / one).isBetween(least, most);
    assertThat(makespan("--cards", "2", "--engines", "2")).isLessThan(one);
  }

  private double makespan(String... options) throws IOException {
    Path json = folder.resolve("out.json");
    List<String> args =
        new ArrayList<>(
            List.of(
                "--kv-gb",
                "1",
                "--arrivals",
                "at-once",
                "--model",
                folder.resolve("m.json").toString(),
                "--gpu",
                folder.resolve("g.json").toString(),
                "--json",
                json.toString()));
    args.addAll(Arrays.asList(options));
    assertThat(replay(args.toArray(String[]::new))).as(err.toString()).isZero();
    JsonNode run = new ObjectMapper().readTree(json.toFile()).path("runs").get(3);
    assertThat(run.path("finished").asInt()).isEqualTo(20);
    return run.path("makespan_s").doubleValue();
  }

  @Test
  void page_showsOneEngine() {
    assertThat(replay("--kv-gb", "4", "--cards", "2", "--engines", "2", "--html", "x.html"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("--html x.html: shows one engine; not together with");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--kv-gb|0|--kv-gb 0.0: must be above 0 and at most 100000",
        "--kv-gb|NaN|--kv-gb NaN: must be above 0",
        "--kv-gb|0.001|--kv-gb 0.001: kvBytes must hold from 1 to",
        "--kv-gb|many|'--kv-gb': 'many' is not a double",
        "--model|gpt-5|--model gpt-5: must be one of [gpt-j-6b, llama-13b, llama-33b, llama-70b]",
        "--gpu|none.json|--gpu none.json: cannot be read",
        "--policy|s3,best|--policy best: must be one of",
        "--order|fcfs,lifo|--order lifo: must be one of fcfs, fcfs-skip, dff, spf, srpt, attained,",
        "--policy|on-demand:1|--policy on-demand:1: watermark must be from 0 to below 1",
        "--policy|on-demand:x|--policy on-demand:x: watermark must be",
        "--predictor|column|--predictor column: needs the column predicted_tokens",
        "--arrivals|poisson:-1|--arrivals poisson:-1: must be recorded, at-once or poisson:RATE",
        "--max-length|0|--max-length 0: must be from 1 to",
        "--max-tokens-per-step|100|--max-running 512: must be at most --max-tokens-per-step, 100",
        "--max-overtakes|0|--max-overtakes 0: must be at least 1",
        "--trace|none.csv|--trace none.csv: no such file",
        "--json|none/out.json|--json none/out.json: must be a file in a folder that exists",
        "--html|none/out.html|--html none/out.html: must be a file in a folder that exists",
        "--speedup|0|--speedup 0.0: must be from 1e-9 to 1e9",
        "--speedup|NaN|--speedup NaN: must be from 1e-9 to 1e9",
        "--slo-ttft|0|--slo-ttft 0.0: must be above 0",
        "--slo-tpot|-1|--slo-tpot -1.0: must be above 0",
        "--slo-tpot|soon|'--slo-tpot': 'soon' is not a double",
        "--error|bias|--error bias: bias must be above -1",
        "--error|bias:-1|--error bias:-1: bias must be above -1",
        "--error|noise:-0.1|--error noise:-0.1: noise must be from 0 to 10",
        "--error|noise:x|--error noise:x: noise must be from 0 to 10",
        "--error|swap:1.5|--error swap:1.5: swap must be from 0 to 1",
        "--error|drop:1|--error drop:1: must be bias:X, noise:S or swap:P",
        "--sweep|rate|--sweep rate: must be rate=a,b,c, kv-gb=a,b,c or epsilon=a,b,c",
        "--sweep|blocks=1|--sweep blocks=1: must be rate=a,b,c, kv-gb=a,b,c or epsilon=a,b,c",
        "--sweep|rate=1,,2|--sweep rate=1,,2: '' must be a number above 0 and at most 1000000000",
        "--sweep|rate=0|--sweep rate=0: '0' must be a number above 0",
        "--sweep|kv-gb=0.001|--sweep kv-gb 0.001: kvBytes must hold from 1 to",
        "--load|0|--load 0: '0' must be a number above 0 and at most 1000",
        "--load|x,1|--load x,1: 'x' must be a number above 0",
        "--seeds|0|--seeds 0: must be from 1 to 1000",
        "--requests|0|--requests must be at least 1, but is 0",
        "--by|colour|'--by'",
        "--chart|none/out.svg|--chart none/out.svg: must be a file in a folder that exists",
        "--order|srpt:-1|--order srpt:-1: ageingPerTurn must be 0 or more and finite",
        "--predictor|recorded|--predictor recorded: needs prompt, at, mean, p50 and p90 in every row",
        "--order|spf:0|--order spf:0: maxOvertakes must be at least 1",
        "--order|spf:1.5|--order spf:1.5: the bound on overtaking must be a whole number",
        "--order|spf:x|--order spf:x: the bound on overtaking must be a whole number",
        "--predictor|best|--predictor best: must be one of exact, column, calibrated, recorded, empirical",
        "--sweep|epsilon=1|--sweep epsilon=1: '1' must be a number above 0 and below 1",
        "--sweep|epsilon=0.1|--sweep epsilon: needs --policy forecast, which alone has it",
      })
  void badInput_isOneLineAndExitCodeTwo(String option, String value, String message) {
    int code = replay("--kv-gb", "4", option, value);

    assertThat(code).isEqualTo(2);
    assertThat(err.toString().lines()).singleElement().asString().contains(message);
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void targets_addGoodput() throws IOException {
    JsonNode loose = json("--slo-ttft", "100", "--slo-tpot", "100").path("runs").get(0);
    JsonNode tight = json("--slo-ttft", "0.000001").path("runs").get(0);

    assertThat(loose.path("slo_met").intValue()).isEqualTo(20);
    assertThat(loose.path("goodput_rps").doubleValue())
        .isCloseTo(20 / loose.path("makespan_s").doubleValue(), within(1e-9));
    assertThat(tight.path("slo_met").intValue()).isZero();
    assertThat(tight.path("goodput_rps").doubleValue()).isZero();
    assertThat(out.toString()).contains("slo met", "100.0%", "0.0%");
  }

  @Test
  void sweptRate_scalesTheArrivals() throws IOException {
    JsonNode root = json("--sweep", "rate=1,100", "--policy", "on-demand");

    assertThat(root.path("sweep").textValue()).isEqualTo("rate");
    JsonNode points = root.path("points");
    assertThat(points).hasSize(2);
    assertThat(points.get(1).path("value").doubleValue()).isEqualTo(100);
    assertThat(makespan(points.get(0))).isBetween(19.0, 22.0); // 19 gaps of one second
    assertThat(points.get(1).path("runs").get(0)).isEqualTo(firstRun("--policy", "on-demand"));
    assertThat(out.toString().lines().filter(line -> line.contains("on-demand"))).hasSize(3);
  }

  @Test
  void sweptMemory_isThatOfThePoint() throws IOException {
    JsonNode points = json("--sweep", "kv-gb=4,8", "--policy", "s3").path("points");

    assertThat(points.get(1).path("runs").get(0))
        .isEqualTo(firstRun("--kv-gb", "8", "--policy", "s3"));
  }

  @Test
  void sweptEpsilon_reachesTheForecast() throws IOException {
    JsonNode points =
        json("--sweep", "epsilon=0.01,0.5", "--policy", "on-demand,forecast").path("points");

    assertThat(points.get(0).path("runs").get(1))
        .isEqualTo(json("--policy", "on-demand,forecast").path("runs").get(1));
    assertThat(points.get(1).path("runs")).hasSize(2);
  }

  @Test
  void loads_areSharesOfTheCapacity_withEverySeed() throws IOException {
    JsonNode atOnce = firstRun("--arrivals", "at-once", "--policy", "s3");
    String[] options = {"--policy", "s3", "--order", "fcfs,spf:7", "--seeds", "3"};

    JsonNode points = json(with(options, "--load", "0.5,2")).path("points");

    assertThat(points).extracting(p -> p.path("value").doubleValue()).containsExactly(0.5, 2.0);
    JsonNode runs = points.get(1).path("runs");
    assertThat(runs)
        .extracting(run -> run.path("seed").intValue() + run.path("order").textValue())
        .containsExactly("1fcfs", "1spf:7", "2fcfs", "2spf:7", "3fcfs", "3spf:7");
    double capacity = 20 / atOnce.path("makespan_s").doubleValue();
    for (JsonNode run : runs) {
      assertThat(run.path("load").doubleValue()).isEqualTo(2);
      assertThat(run.path("capacity_rps").doubleValue()).isCloseTo(capacity, within(1e-9));
    }
    String rate = "poisson:" + 2 * runs.get(0).path("capacity_rps").doubleValue();
    JsonNode same = firstRun("--policy", "s3", "--seed", "2", "--arrivals", rate);
    assertThat(runs.get(2).path("ttft_mean_s")).isEqualTo(same.path("ttft_mean_s"));
    assertThat(runs.get(2).path("total_p99_s")).isEqualTo(same.path("total_p99_s"));
  }

  @Test
  void summary_comparesOrdersSeedBySeed() {
    String[] tight = {"--policy", "s3", "--kv-gb", "0.9", "--max-length", "400"};

    replay(with(tight, "--order", "dff,fcfs", "--load", "2", "--seeds", "3"));

    assertThat(out.toString())
        .contains("| load | policy | order | first token, mean | first token, p50 |")
        .contains("Times better than fcfs (below 1 is worse):")
        .doesNotContain("better than dff");
    assertThat(out.toString().lines().filter(line -> line.startsWith("| 2 | s3 | dff |")))
        .hasSize(2)
        .last()
        .asString()
        .matches("\\| 2 \\| s3 \\| dff \\| [0-9.]+ \\([0-9.]+ to [0-9.]+\\) \\|.*");
  }

  @Test
  void seedsWithoutALoad_changeTheArrivals() throws IOException {
    JsonNode runs = json("--policy", "s3", "--arrivals", "poisson:50", "--seeds", "2").path("runs");

    assertThat(runs).extracting(run -> run.path("seed").intValue()).containsExactly(1, 2);
    assertThat(runs.get(0).path("makespan_s")).isNotEqualTo(runs.get(1).path("makespan_s"));
  }

  @Test
  void load_setsTheArrivalsAlone() {
    assertThat(replay("--kv-gb", "4", "--load", "1", "--arrivals", "at-once")).isEqualTo(2);
    assertThat(replay("--kv-gb", "4", "--load", "1", "--sweep", "rate=1")).isEqualTo(2);
    assertThat(replay("--kv-gb", "4", "--load", "1", "--html", "" + folder.resolve("a.html")))
        .isEqualTo(2);
    assertThat(err.toString())
        .contains("--load: sets the arrivals; remove --arrivals and --speedup")
        .contains("--load 1: not together with --sweep")
        .contains("shows one trace; use --arrivals in place of --load and --seeds");
  }

  @Test
  void groups_partTheRequests() throws IOException {
    Path tenants = folder.resolve("tenants.csv");
    StringBuilder rows = new StringBuilder("arrival_s,prompt_tokens,output_tokens,tenant\n");
    for (int i = 0; i < 20; i++) {
      rows.append("0,10,").append(10 + 2 * i).append(i % 4 == 0 ? ",a\n" : ",b\n");
    }
    Files.writeString(tenants, rows);

    JsonNode run = firstRun("--trace", "" + tenants, "--policy", "s3", "--by", "length,tenant");

    assertThat(run.path("by_length"))
        .extracting(group -> group.path("group").textValue() + group.path("requests"))
        .containsExactly("1-164", "17-328", "33-648");
    assertThat(run.path("by_tenant"))
        .extracting(group -> group.path("group").textValue() + group.path("finished"))
        .containsExactly("b15", "a5");
    double mean =
        (15 * run.path("by_tenant").get(0).path("total_mean_s").doubleValue()
                + 5 * run.path("by_tenant").get(1).path("total_mean_s").doubleValue())
            / 20;
    assertThat(run.path("total_mean_s").doubleValue()).isCloseTo(mean, within(1e-9));
    assertThat(out.toString()).contains("length", "17-32", "tenant");
  }

  @Test
  void chart_hasAPointForEachOrder_andALineForEachParameter() throws Exception {
    Path svg = folder.resolve("frontier.svg");

    replay(
        "--kv-gb",
        "4",
        "--policy",
        "s3",
        "--load",
        "1,2",
        "--seeds",
        "2",
        "--chart",
        "" + svg,
        "--order",
        "fcfs,spf:1,spf:10");

    Document chart = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(svg.toFile());
    assertThat(chart.getElementsByTagName("circle").getLength()).isEqualTo(6);
    assertThat(chart.getElementsByTagName("polyline").getLength()).isEqualTo(4);
    assertThat(Files.readString(svg)).contains("s3 load 2", ">spf:10<", "p99 of total latency");
  }

  @Test
  void requests_areTheFirstOfTheTrace() throws IOException {
    assertThat(firstRun("--requests", "7").path("requests").intValue()).isEqualTo(7);
  }

  @Test
  void ratesOfRequestsThatComeAtOnce_areRefused() {
    assertThat(replay("--kv-gb", "4", "--arrivals", "at-once", "--sweep", "rate=1")).isEqualTo(2);
    assertThat(err.toString()).contains("--sweep rate: all requests arrive at once");
  }

  @Test
  void speedup_dividesTheGaps() throws IOException {
    assertThat(firstRun("--policy", "s3", "--speedup", "0.5"))
        .isEqualTo(
            json("--policy", "s3", "--sweep", "rate=50").path("points").get(0).path("runs").get(0));
  }

  @Test
  void error_spoilsTheTruthForExact_andNeedsPredictions() throws IOException {
    String[] tight = {"--policy", "s3", "--kv-gb", "0.9", "--max-length", "400"};
    JsonNode exact = firstRun(tight);
    JsonNode same = firstRun(with(tight, "--error", "noise:0"));
    JsonNode low = firstRun(with(tight, "--error", "bias:-0.9"));
    JsonNode column = firstRun(with(tight, "--error", "bias:-0.9", "--predictor", "column"));

    assertThat(same).isEqualTo(exact);
    assertThat(low).isEqualTo(column).isNotEqualTo(exact);
    assertThat(replay("--kv-gb", "4", "--predictor", "empirical", "--error", "swap:1"))
        .isEqualTo(2);
    assertThat(err.toString())
        .contains("--error swap:1: --predictor empirical reads no predictions");
  }

  @Test
  void memoryBelowMaxLength_isAWarning() {
    assertThat(replay("--kv-gb", "1")).isZero();
    assertThat(err.toString()).contains("--max-length 2048 exceeds what --kv-gb 1.0 holds");
  }

  @Test
  void sweptMemoryBelowMaxLength_isAWarningForThatValue() {
    assertThat(replay("--kv-gb", "4", "--sweep", "kv-gb=1,8")).isZero();
    assertThat(err.toString().lines())
        .singleElement()
        .asString()
        .contains("what --kv-gb 1.0 holds");
  }

  @Test
  void badTrace_isOneLineAndExitCodeTwo() throws IOException {
    Files.writeString(trace, "arrival_s,prompt_tokens,output_tokens\n0,0,1\n");

    assertThat(replay("--kv-gb", "4")).isEqualTo(2);
    assertThat(err.toString()).contains("line 2: column prompt_tokens is \"0\"");
  }

  private JsonNode json(String... options) throws IOException {
    Path file = folder.resolve("out.json");
    List<String> args = new ArrayList<>(List.of("--kv-gb", "4", "--json", file.toString()));
    args.addAll(Arrays.asList(options));
    assertThat(replay(args.toArray(String[]::new))).as(err.toString()).isZero();
    JsonNode root = new ObjectMapper().readTree(file.toFile());
    root.findParents("plan_us_p50")
        .forEach(run -> ((ObjectNode) run).remove(List.of("plan_us_p50", "plan_us_p99")));
    return root;
  }

  /** Runs the command and returns the first run of its JSON. */
  private JsonNode firstRun(String... options) throws IOException {
    return json(options).path("runs").get(0);
  }

  private static String[] with(String[] options, String... more) {
    return Stream.concat(Arrays.stream(options), Arrays.stream(more)).toArray(String[]::new);
  }

  private static double makespan(JsonNode point) {
    return point.path("runs").get(0).path("makespan_s").doubleValue();
  }

  /** Runs the command; a later option replaces an earlier one. */
  private int replay(String... options) {
    return run(
        List.of("replay", "--trace", trace.toString(), "--model", "llama-33b", "--gpu", "h200"),
        options);
  }
}
