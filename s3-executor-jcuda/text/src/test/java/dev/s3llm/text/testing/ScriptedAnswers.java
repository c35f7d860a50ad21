package dev.s3llm.text.testing;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.text.TextModel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * An executor with scripted answers in the tokens of a model. It decodes the prompt, as the chat
 * template framed it, and keeps the masks of token constraints: of the answers to a prompt, it
 * writes the first one that the mask allows. A prompt without an answer makes the step fail.
 */
public final class ScriptedAnswers implements Executor {
  private static final int LONGEST_TOKEN = 24;

  private final TextModel model;
  private final Function<String, List<String>> script;
  private final Duration step;
  private final CompletionStage<?> gate;

  /**
   * Creates the executor.
   *
   * @param model encodes the answers; of at most 4096 tokens
   * @param script the answers to a framed prompt, the likeliest first; throws if it has none
   * @param step duration of each step
   * @param gate completes before the first step ends
   */
  public ScriptedAnswers(
      TextModel model,
      Function<String, List<String>> script,
      Duration step,
      CompletionStage<?> gate) {
    this.model = model;
    this.script = script;
    this.step = step;
    this.gate = gate;
  }

  @Override
  public ExecutorProfile profile() {
    return ExecutorProfile.builder()
        .kvBlocks(400, 16, 1)
        .maxContextTokens(2048)
        .maxTokensPerStep(512)
        .maxSequencesPerStep(8)
        .vocabularySize(4096)
        .masksTokens(true)
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
    int[] prompt = tokens(step, 0, step.promptTokens());
    String question = model.decode(prompt);
    String written =
        model.decode(tokens(step, step.promptTokens(), step.startPosition() + step.tokenCount()));
    List<String> answers = script.apply(question);
    for (String answer : answers) {
      int token = answer.startsWith(written) ? next(step, answer.substring(written.length())) : -1;
      if (token >= 0) {
        return token;
      }
    }
    throw new IllegalStateException(
        "behind '%s', the step allows none of %s, the answers to: %s"
            .formatted(written, answers, question));
  }

  /** Returns the first token of a text that the step allows, or a stop token; -1 if none. */
  private int next(SequenceStep step, String rest) {
    if (rest.isEmpty()) {
      int stop = model.stopTokens()[0];
      return allows(step, stop) ? stop : -1;
    }
    int[] usual = model.encode(rest, false);
    if (allows(step, usual[0])) {
      return usual[0];
    }
    for (int end = Math.min(LONGEST_TOKEN, rest.length()); end > 0; end--) {
      int[] tokens = model.encode(rest.substring(0, end), false);
      if (tokens.length == 1 && allows(step, tokens[0])) {
        return tokens[0];
      }
    }
    return -1;
  }

  private static boolean allows(SequenceStep step, int token) {
    long[] mask = step.allowedTokens();
    return mask == null || (mask[token / 64] & (1L << (token % 64))) != 0;
  }

  private static int[] tokens(SequenceStep step, int from, int to) {
    return IntStream.range(from, to).map(step::token).toArray();
  }

  @Override
  public void close() {}
}
