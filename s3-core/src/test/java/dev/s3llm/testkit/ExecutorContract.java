package dev.s3llm.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The tests that every {@link Executor} must pass, whether it commits one token in a step, several,
 * or decodes on a canvas. A subclass creates the executor under test. The executor needs at least
 * 60 blocks, a context of 40 tokens, and steps of 2 sequences and 30 tokens; the test of swapping
 * also needs 8 host blocks, and passes without a check if there are none.
 */
public abstract class ExecutorContract {
  /** Greedy, from all tokens, with a penalty, and from a nucleus. */
  private static final List<SamplingParameters> MASKED =
      List.of(
          SamplingParameters.GREEDY,
          SamplingParameters.ofTemperature(1, 7),
          new SamplingParameters(1, 0, 1, 1.5, 7),
          new SamplingParameters(0.7, 20, 0.9, 1.5, 7));

  private static final SamplingParameters SAMPLED = new SamplingParameters(0.9, 0, 0.95, 1.1, 7);
  private static final int PROMPT = 13;
  private static final int OUTPUT = 12;
  private static final int LONG_PROMPT = 36;
  private static final int SHORT_OUTPUT = 4;
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

  /**
   * Returns the opaque input of the contract's requests, with at most 13 slots; null by default,
   * for an executor of tokens.
   */
  protected SequenceStep.Input input() {
    return null;
  }

  /**
   * Returns the token ids of the contract's requests, 13 of them; those at the positions of the
   * input do not count. By default they differ from each other as far as the vocabulary allows.
   *
   * @param vocabularySize number of token ids
   */
  protected int[] prompt(int vocabularySize) {
    return IntStream.range(0, PROMPT).map(i -> i * 37 % vocabularySize).toArray();
  }

  /**
   * Returns the ids of the tokens that end an answer of the executor under test; none by default.
   * An executor need not go on after one of them.
   */
  protected int[] stopTokens() {
    return new int[0];
  }

  /** A step commits tokens only for sequences that sample, and none for inner chunks. */
  @Test
  public void results_followTheBatch() throws Exception {
    HandDrivenSequence whole = sequence(1, 0).chunk(PROMPT);
    HandDrivenSequence part = sequence(2, 1).chunk(PROMPT - 8);
    StepResult result = run(batch(part, whole));

    assertThat(result.sequences()).isEqualTo(2);
    assertThat(result.failures()).isEmpty();
    if (input() == null) { // an input is not cut into chunks
      assertThat(result.count(0)).isZero();
      assertThat(result.slots(0)).isZero();
    }
    assertThat(result.count(1) > 0 || result.slots(1) > PROMPT).isTrue();
  }

  /** Tokens are in the vocabulary, and slots within those of the prompt and the output limit. */
  @Test
  public void reports_stayWithinTheLimits() throws Exception {
    HandDrivenSequence sequence = sequence(1, 0);
    while (!ended(sequence)) {
      StepResult result = run(sequence.chunk(PROMPT).alone());
      assertThat(result.slots(0)).isBetween(0, PROMPT + OUTPUT);
      assertThat(result.stepsLeft(0)).isNotNegative();
      for (int token : result.committed(0)) {
        assertThat(token).isBetween(0, profile.vocabularySize() - 1);
      }
      sequence.apply(result, 0);
      if (sequence.onCanvas()) {
        assertThat(sequence.slots() - PROMPT).isBetween(1, profile.maxTokensPerStep());
      }
    }
  }

  /** A sequence that starts over, after any of its steps, continues with equal tokens. */
  @Test
  public void tokens_areTheSameAfterStartingOver() throws Exception {
    int[] undisturbed = generate(sequence(1, 0), PROMPT);
    for (int steps = 1; steps < 6; steps++) {
      HandDrivenSequence sequence = sequence(10 + steps, 1);
      for (int n = 0; n < steps && !ended(sequence); n++) {
        sequence.apply(run(sequence.chunk(PROMPT).alone()), 0);
      }
      executor.released(sequence.sequenceId());
      sequence.startOver();
      assertThat(generate(sequence, PROMPT)).as("after %d steps", steps).isEqualTo(undisturbed);
    }
  }

  /** Forbidden tokens are never drawn, each time alike, and change nothing for others. */
  @Test
  public void forbiddenTokens_areNotDrawn() throws Exception {
    assumeTrue(profile.masksTokens(), "the executor does not mask tokens");
    for (SamplingParameters sampling : MASKED) {
      int[] free = first(sampling);
      int[] forbidden = new int[0];
      for (int n = 0; n < 8; n++) {
        int[] drawn = first(sampling, forbidden);
        assertThat(first(sampling, forbidden)).isEqualTo(drawn);
        assertThat(drawn[1]).as("of the neighbour").isEqualTo(free[1]);
        assertThat(forbidden).doesNotContain(drawn[0]);
        forbidden =
            IntStream.concat(IntStream.of(forbidden), IntStream.of(drawn[0])).sorted().toArray();
      }
    }
  }

  /** Returns the first token of a sequence with forbidden tokens, and of one without, together. */
  private int[] first(SamplingParameters sampling, int... forbidden) throws Exception {
    int[] prompt = prompt(profile.vocabularySize());
    HandDrivenSequence masked =
        prepared(new HandDrivenSequence(1, prompt, sampling, blocks(0))).forbid(forbidden);
    HandDrivenSequence other = prepared(new HandDrivenSequence(2, prompt, sampling, blocks(1)));
    StepResult result = run(batch(masked.chunk(PROMPT), other.chunk(PROMPT)));
    return new int[] {result.committed(0)[0], result.committed(1)[0]};
  }

  /** An executor keeps nothing of a sequence that it was told about, and takes unknown ids. */
  @Test
  public void release_isHarmlessForUnknownSequences() throws Exception {
    executor.released(99);
    HandDrivenSequence sequence = sequence(1, 0);
    generate(sequence, PROMPT);
    executor.released(1);
    executor.released(1);
    assertThat(generate(sequence(1, 0), PROMPT)).isEqualTo(sequence.output());
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
    HandDrivenSequence second = prepared(new HandDrivenSequence(2, other(), SAMPLED, blocks(2)));
    while (!ended(first)) {
      boolean both = !ended(second);
      first.chunk(PROMPT);
      if (both) {
        StepResult result = run(batch(second.chunk(3), first));
        second.apply(result, 0);
        first.apply(result, 1);
      } else {
        first.apply(run(first.alone()), 0);
      }
    }
    assertThat(output(first)).isEqualTo(alone);
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
    boolean swapped = false;
    while (!ended(sequence)) {
      if (!swapped && !sequence.onCanvas() && sequence.output().length >= OUTPUT / 2) {
        int context = PROMPT + sequence.output().length;
        swap(sequence, (context + profile.blockTokens() - 1) / profile.blockTokens());
        swapped = true;
      }
      sequence.apply(run(sequence.chunk(PROMPT).alone()), 0);
    }
    assertThat(output(sequence)).isEqualTo(undisturbed); // a canvas is never swapped
  }

  /**
   * A sequence that begins with blocks of another one gets the tokens that it gets alone, at every
   * cut and beside the other one.
   */
  @Test
  public void tokens_areTheSameAfterASharedBeginning() throws Exception {
    assumeTrue(profile.sharesPrefixes(), "the executor shares no prefixes");
    int[] alone = longOutput(longSequence(1, blocks(0)));
    for (int shared = 1; shared * profile.blockTokens() < LONG_PROMPT; shared++) {
      HandDrivenSequence first = longSequence(2, blocks(1));
      first.apply(run(first.chunk(PROMPT).alone()), 0);
      first.apply(run(first.chunk(LONG_PROMPT - PROMPT).alone()), 0);
      int[] table = blocks(2);
      System.arraycopy(blocks(1), 0, table, 0, shared);
      HandDrivenSequence second = longSequence(3, table).startingAt(shared * profile.blockTokens());
      StepResult both = run(batch(first.chunk(1), second.chunk(PROMPT)));
      first.apply(both, 0);
      second.apply(both, 1);
      assertThat(longOutput(second)).as("after %d shared blocks", shared).isEqualTo(alone);
      assertThat(longOutput(first)).as("of the other one").isEqualTo(alone);
      executor.released(2);
      executor.released(3);
    }
  }

  private HandDrivenSequence longSequence(long id, int... table) {
    int size = profile.vocabularySize();
    int[] prompt = IntStream.range(0, LONG_PROMPT).map(i -> (i * 41 + 3) % size).toArray();
    return new HandDrivenSequence(id, prompt, SAMPLED, table).limit(SHORT_OUTPUT);
  }

  private int[] longOutput(HandDrivenSequence sequence) throws Exception {
    while (sequence.output().length < SHORT_OUTPUT) {
      sequence.apply(run(sequence.chunk(PROMPT).alone()), 0);
    }
    return Arrays.copyOf(sequence.output(), SHORT_OUTPUT);
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
    int[] prompt = input() == null ? new int[PROMPT] : other();
    HandDrivenSequence intruder =
        prepared(new HandDrivenSequence(9, prompt, SAMPLED, blocks(1))).chunk(PROMPT);
    run(new StepBatch(0, List.of(intruder), out, List.of()));
    sequence.moveTo(blocks(2));
    run(new StepBatch(1, List.of(), List.of(), in));
  }

  private int[] generate(HandDrivenSequence sequence, int chunk) throws Exception {
    while (!ended(sequence)) {
      sequence.apply(run(sequence.chunk(chunk).alone()), 0);
    }
    executor.released(sequence.sequenceId());
    return output(sequence);
  }

  private boolean ended(HandDrivenSequence sequence) {
    return sequence.output().length >= OUTPUT || ends(sequence.output()) >= 0;
  }

  /** Returns the output up to its limit or its first stop token, as the engine delivers it. */
  private int[] output(HandDrivenSequence sequence) {
    int[] output = sequence.output();
    int end = ends(output);
    return Arrays.copyOf(output, Math.min(OUTPUT, end < 0 ? output.length : end + 1));
  }

  private int ends(int[] output) {
    for (int i = 0; i < output.length; i++) {
      int token = output[i];
      if (IntStream.of(stopTokens()).anyMatch(stop -> stop == token)) {
        return i;
      }
    }
    return -1;
  }

  private StepResult run(StepBatch batch) throws Exception {
    return executor.execute(batch).toCompletableFuture().get(HANGS_AFTER_SECONDS, TimeUnit.SECONDS);
  }

  private HandDrivenSequence sequence(long id, int place) {
    int[] prompt = prompt(profile.vocabularySize());
    return prepared(new HandDrivenSequence(id, prompt, SAMPLED, blocks(place)));
  }

  private HandDrivenSequence prepared(HandDrivenSequence sequence) {
    sequence.limit(OUTPUT);
    if (profile.growth() == ExecutorProfile.KvGrowth.FIXED_CANVAS) {
      sequence.fixed();
    }
    return input() == null ? sequence : sequence.with(input());
  }

  /** Returns a short prompt, or one that holds the input. */
  private int[] other() {
    return input() == null ? new int[] {1, 0, 1} : prompt(profile.vocabularySize());
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
