package dev.s3llm.examples.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.examples.cli.ReferenceAnswers.Difference;
import dev.s3llm.model.testing.SharedModels;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Compares the real model with transformers: all reference answers token for token, with each first
 * difference and its margin, and the mean negative log-likelihood of the corpus. Run its main with
 * the tests' class path; arguments: further options of {@code generate}, such as {@code --device
 * cuda}, and {@code --kv int8} also of {@code score}. Exits with 1 if a difference is more than
 * rounding.
 */
public final class RealModelCheck {
  private static final double CPU_MARGIN = 0.01;
  private static final double GPU_MARGIN = 0.1;
  private static final double NLL_TOLERANCE = 0.0002;

  private RealModelCheck() {}

  /**
   * Runs the comparison.
   *
   * @param args further options of {@code generate}
   * @throws IOException if a file cannot be read
   */
  public static void main(String[] args) throws IOException {
    Path model = SharedModels.smolLm2().orElseThrow();
    Path folder = Files.createTempDirectory("s3-real-model");
    boolean gpu = List.of(args).stream().anyMatch(arg -> arg.startsWith("cuda"));
    boolean right = answers(model, folder.resolve("answers.jsonl"), gpu, args);
    right &= gpu || scores(model, folder, args);
    System.exit(right ? 0 : 1);
  }

  private static boolean answers(Path model, Path json, boolean gpu, String... options)
      throws IOException {
    Path reference = model.resolveSibling("reference.jsonl");
    List<String> args = new ArrayList<>(List.of("generate", "--model", model.toString()));
    args.addAll(List.of("--prompts", reference.toString(), "--greedy"));
    args.addAll(List.of("--max-new-tokens", "128", "--json", json.toString()));
    args.addAll(List.of(options));
    Main.commandLine().execute(args.toArray(String[]::new));
    List<JsonNode> answers = ReferenceAnswers.rows(json);
    List<Difference> differences = ReferenceAnswers.read(reference).differences(answers);
    System.out.printf(
        "%d answers, %d the same to the end%n",
        answers.size(), answers.size() - differences.size());
    differences.forEach(RealModelCheck::print);
    double margin = gpu ? GPU_MARGIN : CPU_MARGIN;
    return differences.stream().allMatch(first -> first.ofPrompt() || first.margin() < margin);
  }

  /**
   * Prints a difference. The reference was made with a tokenizer that does not set each digit apart
   * first, as the model's own does: where several blanks stand before a digit it has other tokens.
   */
  private static void print(Difference first) {
    if (first.ofPrompt()) {
      System.out.printf("%s: not compared, the prompt has other tokens%n", first.id());
    } else {
      System.out.printf(
          "%s: token %d differs, margin %.3f%n", first.id(), first.position(), first.margin());
    }
  }

  private static boolean scores(Path model, Path folder, String... options) throws IOException {
    Corpus corpus = Corpus.of(model);
    Path cases = Files.write(folder.resolve("cases.jsonl"), corpus.cases(Integer.MAX_VALUE));
    Path json = folder.resolve("scores.jsonl");
    List<String> args = new ArrayList<>(List.of("score", model.toString()));
    args.addAll(List.of("--cases", cases.toString(), "--json", json.toString()));
    int kv = List.of(options).indexOf("--kv");
    if (kv >= 0) {
      args.addAll(List.of(options).subList(kv, kv + 2));
    }
    Main.commandLine().execute(args.toArray(String[]::new));
    double nll = 0;
    double expected = 0;
    long tokens = 0;
    for (JsonNode row : ReferenceAnswers.rows(json)) {
      JsonNode known = corpus.expected(row.get("id").asText());
      if (row.get("tokens").equals(known.get("tokens"))) {
        nll += row.get("nll").asDouble();
        expected += known.get("nll").asDouble();
        tokens += row.get("tokens").asLong() - 1;
      } else {
        System.out.printf(
            "%s: not compared, %s tokens for %s%n",
            row.get("id").asText(), row.get("tokens"), known.get("tokens"));
      }
    }
    System.out.printf(
        "%d tokens compared: mean %.6f nats, transformers %.6f%n",
        tokens, nll / tokens, expected / tokens);
    return Math.abs(nll - expected) / tokens < NLL_TOLERANCE;
  }

  /**
   * The texts whose log-likelihood is known.
   *
   * @param json the known values
   * @param texts the texts by the ids of their rows
   */
  record Corpus(JsonNode json, Map<String, String> texts) {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final int ROWS = 64;

    /** Finds the texts as the file beside the model says. */
    static Corpus of(Path model) throws IOException {
      JsonNode json = MAPPER.readTree(Files.readString(model.resolveSibling("perplexity.json")));
      Path data = Objects.requireNonNull(model.getParent()).resolve("../../corpus/instruct.jsonl");
      List<JsonNode> rows = new ArrayList<>(ReferenceAnswers.rows(data.normalize()));
      rows.sort(Comparator.comparing(row -> hash("perplexity-1" + row.get("prompt").asText())));
      Map<String, String> texts = new HashMap<>();
      for (int i = 0; i < ROWS; i++) {
        JsonNode row = rows.get(i);
        texts.put(
            json.get("rows").get(i).get("id").asText(),
            row.get("prompt").asText() + "\n" + row.get("response").asText());
      }
      return new Corpus(json, texts);
    }

    private static String hash(String text) {
      try {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        return HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("every JDK has SHA-256", e);
      }
    }

    /** Returns rows for {@code score}, shortest texts first, at most a number of them. */
    List<String> cases(int limit) {
      return texts.entrySet().stream()
          .sorted(Comparator.comparingInt(entry -> entry.getValue().length()))
          .limit(limit)
          .map(
              entry ->
                  MAPPER
                      .createObjectNode()
                      .put("id", entry.getKey())
                      .put("text", entry.getValue())
                      .toString())
          .toList();
    }

    /** Returns the known values of a row. */
    JsonNode expected(String id) {
      for (JsonNode row : json.get("rows")) {
        if (row.get("id").asText().equals(id)) {
          return row;
        }
      }
      throw new IllegalArgumentException(id);
    }
  }
}
