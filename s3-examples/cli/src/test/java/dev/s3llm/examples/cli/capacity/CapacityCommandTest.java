package dev.s3llm.examples.cli.capacity;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.examples.cli.CommandTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class CapacityCommandTest extends CommandTest {
  @TempDir private Path folder;
  private Path trace;
  private List<String> memory = List.of("--kv-gb", "8");

  @BeforeEach
  void writeTrace() throws IOException {
    StringBuilder rows = new StringBuilder("arrival_s,prompt_tokens,output_tokens\n");
    for (int i = 0; i < 200; i++) {
      rows.append(i).append(',').append(100).append(',').append(50).append('\n');
    }
    trace = Files.writeString(folder.resolve("trace.csv"), rows);
  }

  @Test
  void moreMemory_holdsMoreLoad_withFewerGpus() throws IOException {
    JsonNode root = json("--rate", "1000", "--slo-ttft", "1", "--slo-tpot", "0.1");

    assertThat(root.path("slo_ttft_s").doubleValue()).isEqualTo(1);
    assertThat(root.path("slo_tpot_s").doubleValue()).isEqualTo(0.1);
    assertThat(root.path("share").doubleValue()).isEqualTo(0.99);
    JsonNode worstCase = root.path("policies").get(0);
    JsonNode onDemand = root.path("policies").get(1);
    List<String> fields = new ArrayList<>();
    worstCase.fieldNames().forEachRemaining(fields::add);
    assertThat(fields)
        .containsExactly(
            "policy",
            "order",
            "capacity_rps",
            "bounded",
            "gpus",
            "slo_met",
            "requests",
            "goodput_rps",
            "throughput_tok_s",
            "ttft_p99_s",
            "tpot_p99_s",
            "preemptions");
    double capacity = worstCase.path("capacity_rps").doubleValue();
    assertThat(onDemand.path("capacity_rps").doubleValue()).isGreaterThan(2 * capacity);
    assertThat(worstCase.path("slo_met").intValue()).isGreaterThanOrEqualTo(198);
    assertThat(worstCase.path("gpus").longValue()).isEqualTo((long) Math.ceil(1000 / capacity));
    assertThat(out.toString()).contains("99.0 %", "TTFT 1.0 s", "GPUs for 1000.0 req/s");
  }

  @Test
  void unreachableTargets_haveNoCapacity() throws IOException {
    JsonNode root = json("--slo-tpot", "0.000001");

    assertThat(root.path("slo_ttft_s").isNull()).isTrue();
    assertThat(root.path("rate_rps").isNull()).isTrue();
    assertThat(root.path("policies").get(0).path("capacity_rps").isNull()).isTrue();
    assertThat(out.toString()).contains("none");
  }

  @Test
  void looseTargets_areMarkedAsUnbounded() throws IOException {
    JsonNode root = json("--slo-ttft", "100000");

    assertThat(root.path("policies").get(1).path("bounded").booleanValue()).isFalse();
    assertThat(out.toString()).contains(">", "the trace is too short, or the targets too loose");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--share|0|--share 0.0: must be above 0 and at most 1",
        "--share|1.1|--share 1.1: must be above 0 and at most 1",
        "--rate|0|--rate 0.0: must be above 0 and at most 1e9",
        "--rate|NaN|--rate NaN: must be above 0 and at most 1e9",
        "--slo-ttft|-1|--slo-ttft -1.0: must be above 0",
        "--arrivals|at-once|--arrivals: all requests come at once",
        "--json|none/x.json|--json none/x.json: must be a file in a folder that exists",
        "--kv-gb|0|--kv-gb 0.0: must be above 0",
      })
  void badInput_isOneLineAndExitCodeTwo(String option, String value, String message) {
    assertThat(capacity("--slo-ttft", "1", option, value)).isEqualTo(2);
    assertThat(err.toString().lines()).singleElement().asString().contains(message);
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void targets_areRequired() {
    assertThat(capacity()).isEqualTo(2);
    assertThat(err.toString()).contains("capacity needs --slo-ttft, --slo-tpot or both");
  }

  @Test
  void smallerFormats_holdMoreLoadOnTheSameCard() throws IOException {
    double plain = capacityOfCard();
    double weights = capacityOfCard("--weights", "int4");
    double both = capacityOfCard("--weights", "int4", "--kv", "int8");
    assertThat(weights).isGreaterThan(1.5 * plain);
    assertThat(both).isGreaterThan(1.2 * weights);
  }

  private double capacityOfCard(String... options) throws IOException {
    List<String> args = new ArrayList<>(List.of("--slo-tpot", "0.1", "--slo-ttft", "1"));
    args.addAll(Arrays.asList(options));
    memory = List.of("--card-gb", "70");
    return json(args.toArray(String[]::new))
        .path("policies")
        .get(0)
        .path("capacity_rps")
        .asDouble();
  }

  @Test
  void severalCards_compareAllPlacements() throws IOException {
    memory = List.of("--card-gb", "70");
    JsonNode root = json("--cards", "4", "--slo-ttft", "1", "--slo-tpot", "0.1", "--rate", "1000");
    List<String> placements = new ArrayList<>();
    List<Double> rates = new ArrayList<>();
    for (JsonNode row : root.path("policies")) {
      if (row.path("policy").asText().equals("on-demand")) {
        placements.add(row.path("engines").asInt() + " on " + row.path("cards").asInt());
        rates.add(row.path("capacity_rps").doubleValue());
        assertThat(row.path("gpus").longValue())
            .isEqualTo(4 * (long) Math.ceil(1000 / row.path("capacity_rps").doubleValue()));
      }
    }
    assertThat(placements).containsExactly("1 on 4", "2 on 2", "4 on 1");
    assertThat(rates.get(0)).isGreaterThan(rates.get(2)); // each copy of the weights takes memory
    assertThat(root.path("loads")).hasSize(2 * 4);
    JsonNode first = root.path("loads").get(0);
    assertThat(first.path("better").asText()).isEqualTo("1 on 4"); // at a low load steps are short
    assertThat(first.path("rate_rps").doubleValue()).isPositive();
    assertThat(first.path("placements")).hasSize(3);
    assertThat(first.path("placements").get(0).path("met").booleanValue()).isTrue();
    assertThat(out.toString()).contains("engines", "2 on 2", "better");
  }

  @Test
  void weightsBeyondOneCard_leaveTheEngineOnBoth() throws IOException {
    memory = List.of("--card-gb", "40");
    JsonNode root = json("--cards", "2", "--slo-ttft", "1");
    assertThat(root.path("policies").get(0).path("capacity_rps").doubleValue()).isPositive();
    assertThat(root.path("policies").get(1).path("engines").intValue()).isEqualTo(2);
    assertThat(root.path("policies").get(1).path("capacity_rps").isNull()).isTrue();
    assertThat(root.has("loads")).isFalse();
  }

  @Test
  void givenNumberOfEngines_isTheOnlyPlacement() throws IOException {
    JsonNode root = json("--cards", "2", "--engines", "2", "--slo-ttft", "1");
    assertThat(root.path("policies")).hasSize(2); // one of each policy
    assertThat(root.path("policies").get(0).path("engines").intValue()).isEqualTo(2);
    assertThat(root.path("policies").get(0).path("cards").intValue()).isEqualTo(1);
  }

  @Test
  void cardsThatCannotBeShared_areNamed() {
    assertThat(capacity("--slo-ttft", "1", "--cards", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--cards 0: must be from 1 to 64");
    assertThat(capacity("--slo-ttft", "1", "--cards", "4", "--engines", "3")).isEqualTo(2);
    assertThat(err.toString()).contains("--engines 3: must divide --cards, 4");
    assertThat(capacity("--slo-ttft", "1", "--cards", "2")).isEqualTo(2);
    assertThat(err.toString())
        .contains("--kv-gb: the memory of an engine depends on its cards; use --card-gb");
    memory = List.of("--card-gb", "30");
    assertThat(capacity("--slo-ttft", "1", "--cards", "2")).isEqualTo(2);
    assertThat(err.toString()).contains("--card-gb 30.0 on 2 cards: the weights alone take 65.0");
  }

  @Test
  void memory_isGivenOnce_andHoldsTheWeights() {
    memory = List.of("--card-gb", "64");
    assertThat(capacity("--slo-ttft", "1")).isEqualTo(2);
    assertThat(err.toString()).contains("--card-gb 64.0: the weights alone take 65.0 GB");
    assertThat(capacity("--slo-ttft", "1", "--kv-gb", "8")).isEqualTo(2);
    assertThat(err.toString()).contains("--kv-gb and --card-gb exclude each other");
    memory = List.of();
    assertThat(capacity("--slo-ttft", "1")).isEqualTo(2);
    assertThat(err.toString()).contains("one of --kv-gb and --card-gb is needed");
  }

  private JsonNode json(String... options) throws IOException {
    Path file = folder.resolve("out.json");
    List<String> args = new ArrayList<>(List.of("--json", file.toString()));
    args.addAll(Arrays.asList(options));
    assertThat(capacity(args.toArray(String[]::new))).as(err.toString()).isZero();
    return new ObjectMapper().readTree(file.toFile());
  }

  /** Runs the command; a later option replaces an earlier one. */
  private int capacity(String... options) {
    List<String> args =
        new ArrayList<>(List.of("capacity", "--trace", trace.toString(), "--model", "llama-33b"));
    args.addAll(List.of("--gpu", "h200", "--policy", "worst-case,on-demand"));
    args.addAll(memory);
    return run(args, options);
  }
}
