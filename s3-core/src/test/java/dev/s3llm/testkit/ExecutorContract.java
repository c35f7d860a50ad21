package dev.s3llm.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The tests that every {@link Executor} must pass. A subclass creates the executor under test. The
 * executor needs at least 60 blocks, a context of 40 tokens, and steps of 2 sequences and 20
 * tokens; the test of swapping also needs 8 host blocks, and passes without a check if there are
 * none.
 */
public abstract class ExecutorContract {
  private static final SamplingParameters SAMPLED = new SamplingParameters(0.9, 0, 0.95, 1.1, 7);
  private static final int PROMPT = 13;
  private static final int OUTPUT = 12;
  private static final long HANGS_AFTER_SECONDS = 120;

  private Executor executor;
  private ExecutorProfile profile;

  /** Creates the contract. */
  protected ExecutorContract() {}

  /** Returns a new executor; the contract closes it. */
  protected abstract Executor create();

  /** Creates the executor under test. */
  @BeforeEach
  public final void open() {
    executor = create();
    profile = executor.profile();
  }

  /** Closes the executor under test. */
  @AfterEach
  public final void close() {
    executor.close();
  }

  /** The profile never changes. */
  @Test
  public void profile_neverChanges() throws Exception {
    run(sequence(1, 0).chunk(PROMPT).alone());
    assertThat(executor.profile()).isEqualTo(profile);
  }

  /** A step returns one token for each sequence that samples, and none for inner chunks. */
  @Test
  public void results_followTheBatch() throws Exception {
    HandDrivenSequence whole = sequence(1, 0).chunk(PROMPT);
    HandDrivenSequence part = sequence(2, 1).chunk(PROMPT - 8);
    StepResult result = run(batch(part, whole));

    assertThat(result.tokens()).hasSize(2);
    assertThat(result.failures()).isEmpty();
    assertThat(result.tokens()[0]).isEqualTo(StepResult.NO_TOKEN);
    assertThat(result.tokens()[1]).isBetween(0, profile.vocabularySize() - 1);
  }

  /** Tokens depend neither on the blocks that hold the KV nor on earlier runs. */
  @Test
  public void tokens_areTheSameInOtherBlocks() throws Exception {
    assertThat(generate(sequence(1, 3), PROMPT)).isEqualTo(generate(sequence(2, 0), PROMPT));
  }

  /** Tokens do not depend on the other sequences of the batch. */
  @Test
  public void tokens_areTheSameInCompany() throws Exception {
    int[] alone = generate(sequence(1, 0), PROMPT);
    HandDrivenSequence first = sequence(1, 1);
    HandDrivenSequence second = new HandDrivenSequence(2, new int[] {1, 0, 1}, SAMPLED, blocks(2));
    for (int n = 0; n < OUTPUT; n++) {
      StepResult result = run(batch(second.chunk(3), first.chunk(PROMPT)));
      second.append(result.tokens()[0]);
      first.append(result.tokens()[1]);
    }
    assertThat(first.output()).isEqualTo(alone);
  }

  /** Tokens do not depend on the chunks of the prompt. */
  @Test
  public void tokens_areTheSameHoweverThePromptIsCut() throws Exception {
    int[] whole = generate(sequence(1, 0), PROMPT);
    for (int chunk = 1; chunk < PROMPT; chunk++) {
      assertThat(generate(sequence(2, 1), chunk)).as("chunk %d", chunk).isEqualTo(whole);
    }
  }

  /** A sequence that is copied out, and copied in to other blocks, continues with equal tokens. */
  @Test
  public void tokens_areTheSameAfterASwap() throws Exception {
    int[] undisturbed = generate(sequence(1, 0), PROMPT);
    if (profile.hostBlockCount() == 0) {
      return; // the executor has no swap space
    }
    HandDrivenSequence sequence = sequence(2, 1);
    for (int n = 0; n < OUTPUT; n++) {
      if (n == OUTPUT / 2) {
        swap(sequence, (PROMPT + n + profile.blockTokens() - 1) / profile.blockTokens());
      }
      sequence.append(run(sequence.chunk(PROMPT).alone()).tokens()[0]);
    }
    assertThat(sequence.output()).isEqualTo(undisturbed);
  }

  /** A second close has no effect, and a step after it fails and does not hang. */
  @Test
  public void close_isIdempotentAndStepsAfterItFail() {
    executor.close();
    executor.close();
    assertThatThrownBy(() -> run(sequence(1, 0).chunk(PROMPT).alone()))
        .isNotInstanceOf(java.util.concurrent.TimeoutException.class);
  }

  /** Copies the sequence out while another one writes its blocks, then in to other blocks. */
  private void swap(HandDrivenSequence sequence, int count) throws Exception {
    List<StepBatch.BlockCopy> out = new ArrayList<>();
    List<StepBatch.BlockCopy> in = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      out.add(new StepBatch.BlockCopy(sequence.sequenceId(), blocks(1)[i], i));
      in.add(new StepBatch.BlockCopy(sequence.sequenceId(), blocks(2)[i], i));
    }
    HandDrivenSequence intruder =
        new HandDrivenSequence(9, new int[PROMPT], SAMPLED, blocks(1)).chunk(PROMPT);
    run(new StepBatch(0, List.of(intruder), out, List.of()));
    sequence.moveTo(blocks(2));
    run(new StepBatch(1, List.of(), List.of(), in));
  }

  private int[] generate(HandDrivenSequence sequence, int chunk) throws Exception {
    while (sequence.output().length < OUTPUT) {
      int token = run(sequence.chunk(chunk).alone()).tokens()[0];
      if (token != StepResult.NO_TOKEN) {
        sequence.append(token);
      }
    }
    return sequence.output();
  }

  private StepResult run(StepBatch batch) throws Exception {
    return executor.execute(batch).toCompletableFuture().get(HANGS_AFTER_SECONDS, TimeUnit.SECONDS);
  }

  private HandDrivenSequence sequence(long id, int place) {
    int[] prompt = IntStream.range(0, PROMPT).map(i -> i * 37 % profile.vocabularySize()).toArray();
    return new HandDrivenSequence(id, prompt, SAMPLED, blocks(place));
  }

  /** Returns one of four disjoint block tables. */
  private int[] blocks(int place) {
    int count = Math.min(profile.blockCount() / 4, 40 / profile.blockTokens() + 1);
    return IntStream.range(place * count, (place + 1) * count).toArray();
  }

  private static StepBatch batch(HandDrivenSequence... sequences) {
    return new StepBatch(0, List.of(sequences), List.of(), List.of());
  }
}
