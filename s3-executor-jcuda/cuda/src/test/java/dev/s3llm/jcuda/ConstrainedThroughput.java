package dev.s3llm.jcuda;

import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.S3Engine;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.text.constraint.Constraints;
import dev.s3llm.text.constraint.TokenVocabulary;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Measures what a grammar costs through the whole engine, with random weights: requests that write
 * rows of JSON objects, against the same requests without a grammar, in turns. Arguments: a shape
 * such as llama-13b, the number of requests, and the size of the vocabulary.
 */
final class ConstrainedThroughput {
  private static final int ROUNDS = 4;
  private static final int PROMPT = 128;
  private static final int OUTPUT = 384;
  private static final String ROWS =
      "(\\{\"id\": [0-9]{1,6}, \"name\": \"[a-zA-Z .]{0,24}\", \"tags\": \\[(\"[a-z]+\")?\\]\\}\\n)+";

  private ConstrainedThroughput() {}

  public static void main(String[] args) {
    ModelConfig config = ModelShapes.of(args[0]).withVocabularySize(Integer.parseInt(args[2]));
    int count = Integer.parseInt(args[1]);
    TokenConstraint rows = Constraints.regex(ROWS).compile(vocabulary(config.vocabularySize()));
    JCudaExecutor gpu =
        JCudaExecutor.builder(config, () -> new RandomTensors(config, 7))
            .maxTokensPerStep(2048)
            .maxSequencesPerStep(count)
            .build();
    try (S3Engine engine = S3Engine.builder(gpu).maxLiveRequests(2 * count).build()) {
      for (int round = 0; round < ROUNDS; round++) { // the first is a warm-up
        double free = tokensPerSecond(engine, count, null);
        double kept = tokensPerSecond(engine, count, rows);
        System.out.printf(
            "%s, %d requests of %d + %d tokens, %d token ids: %.0f tokens/s, with a grammar %.0f"
                + " (%.3f)%n",
            args[0], count, PROMPT, OUTPUT, config.vocabularySize(), free, kept, kept / free);
      }
    }
  }

  /** Returns tokens like those of a model: all bytes, then words and pieces of JSON. */
  private static TokenVocabulary vocabulary(int size) {
    List<byte[]> tokens = new ArrayList<>();
    tokens.add(new byte[0]);
    for (int value = 0; value < 256; value++) {
      tokens.add(new byte[] {(byte) value});
    }
    String letters = "etaoinshrdlucmfwypvbgkqjxz";
    String[] ends = {"", "", "", "", "\"", "\", \"", "\": ", ".", "\"]", "}\n", "0"};
    Random random = new Random(1);
    while (tokens.size() < size) {
      StringBuilder word = new StringBuilder(random.nextInt(3) == 0 ? "" : " ");
      for (int i = random.nextInt(9); i >= 0; i--) {
        word.append(letters.charAt(random.nextInt(letters.length())));
      }
      word.append(ends[random.nextInt(ends.length)]);
      tokens.add(word.toString().getBytes(StandardCharsets.UTF_8));
    }
    return TokenVocabulary.of(tokens);
  }

  private static double tokensPerSecond(
      S3Engine engine, int count, @Nullable TokenConstraint constraint) {
    Random random = new Random(3);
    List<CompletableFuture<GenerationResult>> results = new ArrayList<>();
    long begin = System.nanoTime();
    for (int i = 0; i < count; i++) {
      int[] prompt = random.ints(PROMPT, 1, 257).toArray();
      GenerationRequest.Builder request =
          GenerationRequest.builder(prompt)
              .maxNewTokens(OUTPUT)
              .sampling(SamplingParameters.ofTemperature(1, i));
      if (constraint != null) {
        request.tokenConstraint(constraint);
      }
      results.add(engine.submit(request.build()).result());
    }
    long tokens = results.stream().mapToLong(result -> result.join().outputTokens()).sum();
    return tokens / ((System.nanoTime() - begin) / 1e9);
  }
}
