package dev.s3llm.langchain4j;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.text.TextModel;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * An executor with scripted answers to the prompts of LangChain4j's tests. It decodes the prompt,
 * as the chat template framed it, and answers in the small model's tokens. A prompt without an
 * answer in the script makes the step fail.
 */
final class ScriptedExecutor implements Executor {
  /** Texts that a prompt must contain, all of them, and the answer; the first match counts. */
  private static final Map<List<String>, String> SCRIPT = new LinkedHashMap<>();

  static {
    SCRIPT.put(
        List.of("[user] What is the capital of Germany? How much is 2 + 2?"),
        "The capital of Germany is Berlin, and 2 + 2 is 4.");
    SCRIPT.put(
        List.of("[user] What is the capital of Germany?"), "The capital of Germany is Berlin.");
    SCRIPT.put(
        List.of(
            "[system] Translate messages from user into German", "[user] Translate: 'I love you'"),
        "Ich liebe dich.");
    SCRIPT.put(
        List.of(
            "[user] Hi, my favorite color is green",
            "[assistant] Hi, nice to meet you",
            "[user] What is my favorite color?"),
        "Your favorite color is green.");
    SCRIPT.put(List.of("[user] Say 'Hello World'"), "Hello World, and all who live in it.");
    SCRIPT.put(List.of("[user] Tell me a long story"), "There was a cat. ".repeat(40));
    SCRIPT.put(List.of("[user] hello"), "Hello! What can I do for you?");
    SCRIPT.put(List.of("[user] hi"), "Hi. ".repeat(25));
  }

  private final TextModel model;
  private final Duration step;
  private final CompletionStage<?> gate;

  /**
   * Creates the executor.
   *
   * @param step duration of each step
   * @param gate completes before the first step ends
   */
  ScriptedExecutor(TextModel model, Duration step, CompletionStage<?> gate) {
    this.model = model;
    this.step = step;
    this.gate = gate;
  }

  @Override
  public ExecutorProfile profile() {
    return ExecutorProfile.builder()
        .kvBlocks(400, 16, 1)
        .maxContextTokens(1024)
        .maxTokensPerStep(512)
        .maxSequencesPerStep(8)
        .vocabularySize(4096)
        .growth(KvGrowth.PER_BLOCK)
        .build();
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    Supplier<StepResult> result =
        () -> StepResult.of(batch.sequences().stream().mapToInt(this::next).toArray());
    return gate.thenApplyAsync(
        opened -> result.get(),
        CompletableFuture.delayedExecutor(step.toNanos(), TimeUnit.NANOSECONDS));
  }

  private int next(SequenceStep step) {
    if (!step.samples()) {
      return StepResult.NO_TOKEN;
    }
    int[] prompt = IntStream.range(0, step.promptTokens()).map(step::token).toArray();
    int[] answer = model.encode(answer(model.decode(prompt)), false);
    int at = step.startPosition() + step.tokenCount() - step.promptTokens();
    return at < answer.length ? answer[at] : model.stopTokens()[0];
  }

  private static String answer(String prompt) {
    return SCRIPT.entrySet().stream()
        .filter(entry -> entry.getKey().stream().allMatch(prompt::contains))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no answer to: " + prompt));
  }

  @Override
  public void close() {}
}
