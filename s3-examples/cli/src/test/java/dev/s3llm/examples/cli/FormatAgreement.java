package dev.s3llm.examples.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.model.ActivationFormat;
import dev.s3llm.model.WeightFormat;
import dev.s3llm.model.testing.SharedModels;
import dev.s3llm.testkit.HandDrivenSequence;
import dev.s3llm.text.ChatTemplate;
import dev.s3llm.text.TextModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Measures what rounded weights and activations cost the real model: the mean negative
 * log-likelihood of the corpus of {@link RealModelCheck}, and how often the most probable token is
 * the one of the stored weights. Run its main with the tests' class path; arguments: names of
 * formats, such as {@code INT8}, or of weights and activations, {@code FP8/FP8}.
 */
public final class FormatAgreement {
  private static final int BLOCK_TOKENS = 16;

  private final List<int[]> texts;

  private FormatAgreement(List<int[]> texts) {
    this.texts = texts;
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Outcome(double[] nats, int[] best) {}

  /**
   * Prints a line for each format.
   *
   * @param args formats, of weights or of weights and activations, to compare with {@link
   *     WeightFormat#STORED}
   * @throws IOException if a file cannot be read
   */
  public static void main(String[] args) throws IOException {
    Path model = SharedModels.smolLm2().orElseThrow();
    List<int[]> texts = new ArrayList<>();
    try (TextModel text = TextModel.load(model, ChatTemplate.plain())) {
      for (String row : RealModelCheck.Corpus.of(model).cases(Integer.MAX_VALUE)) {
        texts.add(text.encode(new ObjectMapper().readTree(row).get("text").asText()));
      }
    }
    FormatAgreement agreement = new FormatAgreement(texts);
    Outcome stored = agreement.outcome(model, "STORED");
    print("STORED", stored, stored);
    for (String arg : args) {
      print(arg, agreement.outcome(model, arg), stored);
    }
  }

  private static void print(String format, Outcome own, Outcome stored) {
    int count = own.nats.length;
    double[] more =
        IntStream.range(0, count).mapToDouble(i -> own.nats[i] - stored.nats[i]).toArray();
    double mean = Arrays.stream(more).average().orElseThrow();
    double square = Arrays.stream(more).map(d -> (d - mean) * (d - mean)).sum();
    long same =
        IntStream.range(0, own.best.length).filter(i -> own.best[i] == stored.best[i]).count();
    System.out.printf(
        "%s: %d tokens, mean %.4f nats, perplexity %.4f, difference %+.4f +- %.4f, same best token"
            + " %.2f %%%n",
        format,
        count,
        Arrays.stream(own.nats).average().orElseThrow(),
        Math.exp(Arrays.stream(own.nats).average().orElseThrow()),
        mean,
        Math.sqrt(square / count / (count - 1.0)),
        100.0 * same / own.best.length);
  }

  private Outcome outcome(Path model, String format) {
    int most = texts.size();
    List<String> formats = List.of(format.split("/", -1));
    boolean both = formats.size() > 1;
    try (CpuExecutor executor =
        CpuExecutor.builder(model)
            .weights(WeightFormat.valueOf(formats.get(0)))
            .activations(both ? ActivationFormat.valueOf(formats.get(1)) : ActivationFormat.STORED)
            .kvBytes(1L << 30)
            .maxSequencesPerStep(most)
            .maxTokensPerStep(most)
            .build()) {
      double[] nats =
          texts.stream()
              .flatMapToDouble(text -> Arrays.stream(executor.scores(text)).map(log -> -log))
              .toArray();
      return new Outcome(nats, best(executor));
    }
  }

  /** Returns the most probable token after each token, position by position over all texts. */
  private int[] best(CpuExecutor executor) {
    List<HandDrivenSequence> sequences = new ArrayList<>();
    int block = 0;
    for (int[] text : texts) {
      int blocks = text.length / BLOCK_TOKENS + 1;
      int[] table = IntStream.range(block, block + blocks).toArray();
      sequences.add(
          new HandDrivenSequence(
              sequences.size(), new int[] {text[0]}, SamplingParameters.GREEDY, table));
      block += blocks;
    }
    IntStream.Builder best = IntStream.builder();
    int longest = texts.stream().mapToInt(text -> text.length).max().orElseThrow();
    for (int position = 0; position < longest - 1; position++) {
      List<HandDrivenSequence> running = new ArrayList<>();
      for (int i = 0; i < texts.size(); i++) {
        if (position < texts.get(i).length - 1) {
          running.add(sequences.get(i).chunk(1));
        }
      }
      StepBatch batch = new StepBatch(position, List.copyOf(running), List.of(), List.of());
      int[] tokens = executor.execute(batch).toCompletableFuture().join().tokens();
      for (int i = 0; i < running.size(); i++) {
        best.add(tokens[i]);
        HandDrivenSequence own = running.get(i);
        own.append(texts.get((int) own.sequenceId())[position + 1]);
      }
    }
    return best.build().toArray();
  }
}
