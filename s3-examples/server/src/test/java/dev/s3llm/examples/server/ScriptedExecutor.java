package dev.s3llm.examples.server;

import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.text.TextModel;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.springframework.context.annotation.Bean;

/**
 * Plays answers of an agent that has two tools: first it asks for the weather, then it converts the
 * temperature, then it answers. A prompt that does not tell of the tools is answered with a
 * greeting, and one that says so with two calls at once or with JSON.
 */
final class ScriptedExecutor implements Executor {
  static final String FINAL = "It is 69.8 degrees in Rome.";
  private static final String WEATHER =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>";
  static final String WARMTH = "{\"city\": \"Rome\", \"celsius\": 21}";
  private static final String CONVERT =
      "<tool_call>\n{\"name\": \"convert\", \"arguments\": {\"celsius\": 21}}\n</tool_call>";

  private final TextModel model = TextModel.load(SmallModel.unpack());
  private final Map<Long, int[]> answers = new HashMap<>();

  /** The executor as a bean of the application. */
  static class Bringing {
    @Bean(destroyMethod = "")
    ScriptedExecutor scriptedExecutor() {
      return new ScriptedExecutor();
    }
  }

  /** Returns the answer to a prompt. */
  private static String answer(String prompt) {
    if (prompt.contains("as JSON")) {
      return WARMTH;
    }
    if (prompt.contains("69.8")) {
      return FINAL;
    }
    if (prompt.contains("21 C")) {
      return CONVERT;
    }
    if (prompt.contains("both at once")) {
      return WEATHER + "\n" + CONVERT;
    }
    return prompt.contains("\"weather\"") ? WEATHER : "Hello.";
  }

  @Override
  public ExecutorProfile profile() {
    return ExecutorProfile.builder()
        .kvBlocks(1024, 16, 1024)
        .maxContextTokens(4096)
        .maxTokensPerStep(2048)
        .maxSequencesPerStep(16)
        .vocabularySize(4096) // of the small model
        .masksTokens(true)
        .build();
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    int[] tokens = batch.sequences().stream().mapToInt(this::next).toArray();
    return CompletableFuture.completedFuture(StepResult.of(tokens));
  }

  private int next(SequenceStep step) {
    if (!step.samples()) {
      return StepResult.NO_TOKEN;
    }
    int[] answer =
        answers.computeIfAbsent(step.sequenceId(), id -> model.encode(answer(prompt(step)), false));
    int place = step.committedTokens();
    int token = place < answer.length ? answer[place] : model.stopTokens()[0];
    long[] allowed = step.allowedTokens();
    if (allowed != null && (allowed[token / 64] >>> token % 64 & 1) == 0) {
      throw new AssertionError("the script does not keep the constraint at token " + place);
    }
    return token;
  }

  private String prompt(SequenceStep step) {
    return model.decode(IntStream.range(0, step.promptTokens()).map(step::token).toArray());
  }

  @Override
  public void close() {
    model.close();
  }
}
