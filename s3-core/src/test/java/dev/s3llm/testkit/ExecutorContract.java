package dev.s3llm.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
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
import java.util.Map;
import java.util.TreeMap;
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

  /** Two tokens between which biases decide. */
  private static final int A = 3;

  private static final int B = 5;
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

  /** Of a mask that leaves some tokens, only these are drawn, and others are not changed. */
  @Test
  public void maskedTokens_areNeverDrawn() throws Exception {
    assumeTrue(profile.masksTokens(), "the executor does not mask tokens");
    int size = profile.vocabularySize();
    for (SamplingParameters sampling : MASKED) {
      int[] free = first(sampling);
      for (int step = 1; step < 6; step++) {
        int every = step;
        long[] mask = mask(IntStream.range(0, size).filter(t -> t % every == 0));
        int[] drawn = allowed(sampling, mask);
        assertThat(allowed(sampling, mask)).isEqualTo(drawn);
        assertThat(drawn[1]).as("of the neighbour").isEqualTo(free[1]);
        assertThat(drawn[0] % every).as("token %d of every %d", drawn[0], every).isZero();
        assertThat(drawn[0]).isEqualTo(step == 1 ? free[0] : drawn[0]);
      }
      for (int token : new int[] {0, 1, free[0], size - 1}) {
        assertThat(allowed(sampling, mask(IntStream.of(token)))[0]).isEqualTo(token);
      }
    }
  }

  /** Every token of an answer keeps the mask of its step. */
  @Test
  public void masks_holdForEachTokenOfAnAnswer() throws Exception {
    assumeTrue(profile.masksTokens() && input() == null, "the executor does not mask tokens");
    int size = profile.vocabularySize();
    HandDrivenSequence sequence = sequence(1, 0);
    while (sequence.output().length < OUTPUT) {
      int part = sequence.output().length % 3;
      long[] mask = mask(IntStream.range(0, size).filter(t -> t % 3 == part));
      int before = sequence.output().length;
      sequence.apply(run(sequence.allow(mask).chunk(PROMPT).alone()), 0);
      assertThat(sequence.output().length).isEqualTo(before + 1);
      assertThat(sequence.output()[before] % 3).isEqualTo(part);
    }
  }

  private int[] allowed(SamplingParameters sampling, long... mask) throws Exception {
    int[] prompt = prompt(profile.vocabularySize());
    HandDrivenSequence masked =
        prepared(new HandDrivenSequence(1, prompt, sampling, blocks(0))).allow(mask);
    HandDrivenSequence other = prepared(new HandDrivenSequence(2, prompt, sampling, blocks(1)));
    StepResult result = run(batch(masked.chunk(PROMPT), other.chunk(PROMPT)));
    return new int[] {result.committed(0)[0], result.committed(1)[0]};
  }

  private long[] mask(IntStream tokens) {
    long[] mask = new long[(profile.vocabularySize() + 63) / 64];
    tokens.forEach(t -> mask[t / 64] |= 1L << t % 64);
    return mask;
  }

  /** Log probabilities have the agreed order, are those of a distribution, and change no token. */
  @Test
  public void logProbabilities_describeTheDistribution() throws Exception {
    assumeTrue(profile.reportsLogProbabilities(), "the executor reports no log probabilities");
    int most = Math.min(5, profile.vocabularySize());
    int[] plain = generate(sequence(1, 0), PROMPT);
    HandDrivenSequence sequence = sequence(2, 1).logProbabilities(most);
    while (!ended(sequence)) {
      StepResult result = run(sequence.chunk(PROMPT).alone());
      sequence.apply(result, 0);
      int[] committed = result.committed(0);
      assertThat(result.logProbabilities().values()).hasSize(committed.length * (1 + most));
      assertThat(result.logProbabilities().tokens()).hasSize(committed.length * (1 + most));
      for (int i = 0; i < committed.length; i++) {
        checkDistribution(result.logProbabilities(), i * (1 + most), most, committed[i]);
      }
    }
    assertThat(output(sequence)).isEqualTo(plain);
  }

  private void checkDistribution(
      StepResult.LogProbabilities reported, int first, int most, int token) {
    float[] values = Arrays.copyOfRange(reported.values(), first, first + 1 + most);
    int[] tokens = Arrays.copyOfRange(reported.tokens(), first, first + 1 + most);
    assertThat(tokens[0]).isEqualTo(token);
    assertThat(IntStream.of(tokens).skip(1).distinct().count()).isEqualTo(most);
    double sum = 0;
    for (int i = 1; i <= most; i++) {
      assertThat(values[i]).isLessThanOrEqualTo(i == 1 ? 1e-4f : values[i - 1]);
      assertThat(tokens[i]).isBetween(0, profile.vocabularySize() - 1);
      sum += Math.exp(values[i]);
      if (tokens[i] == token) {
        assertThat(values[0]).isEqualTo(values[i]);
      }
    }
    assertThat(sum).isBetween(Double.MIN_VALUE, 1 + 1e-3);
    assertThat(values[0]).isLessThanOrEqualTo(values[1]);
    if (IntStream.of(tokens).skip(1).noneMatch(t -> t == token)) {
      assertThat(values[0]).isLessThanOrEqualTo(values[most]);
    }
  }

  /** Log probabilities come for those that request them, alike alone and in company. */
  @Test
  public void logProbabilities_areTheSameInCompany() throws Exception {
    assumeTrue(profile.reportsLogProbabilities(), "the executor reports no log probabilities");
    int most = Math.min(4, profile.vocabularySize());
    StepResult.LogProbabilities alone =
        run(sequence(1, 0).logProbabilities(most).chunk(PROMPT).alone()).logProbabilities();
    for (int others = -1; others < 2; others++) {
      HandDrivenSequence other = prepared(brief(2, 1)).logProbabilities(others).chunk(PROMPT);
      HandDrivenSequence reader = sequence(3, 2).logProbabilities(most).chunk(PROMPT);
      StepResult.LogProbabilities both = run(batch(other, reader)).logProbabilities();
      assertThat(both.values()).hasSize(1 + most + 1 + others);
      float[] values = Arrays.copyOfRange(both.values(), 1 + others, both.values().length);
      int[] tokens = Arrays.copyOfRange(both.tokens(), 1 + others, both.tokens().length);
      assertThat(tokens[0]).isEqualTo(alone.tokens()[0]);
      assertThat(values).containsExactly(alone.values(), within(1e-3f));
    }
    assertThat(run(sequence(4, 0).chunk(PROMPT).alone()).logProbabilities().values()).isEmpty();
    if (input() == null) { // an input is not cut into chunks
      StepResult part = run(sequence(5, 1).logProbabilities(most).chunk(PROMPT - 8).alone());
      assertThat(part.logProbabilities().values()).isEmpty();
    }
  }

  /**
   * Log probabilities are the model's: masks, biases and sampling parameters do not change them.
   */
  @Test
  public void logProbabilities_areThoseBeforeSampling() throws Exception {
    assumeTrue(
        profile.reportsLogProbabilities() && profile.masksTokens(),
        "the executor reports no log probabilities, or does not mask tokens");
    float[] expected = alternatives(new SamplingParameters(1, 0, 1, 1, 7), null);
    SamplingParameters cold = new SamplingParameters(0.5, 3, 0.5, 1.5, 7);
    int best = greedy(Map.of());
    assertThat(alternatives(cold, null)).containsExactly(expected, within(1e-3f));
    assertThat(alternatives(cold.withLogitBias(Map.of(best, -50.0)), null))
        .containsExactly(expected, within(1e-3f));
    assertThat(alternatives(cold, mask(IntStream.of(best == 0 ? 1 : 0))))
        .containsExactly(expected, within(1e-3f));
  }

  private float[] alternatives(SamplingParameters sampling, long[] mask) throws Exception {
    HandDrivenSequence sequence = sequence(1, 0).sampling(sampling).logProbabilities(2).allow(mask);
    float[] values = run(sequence.chunk(PROMPT).alone()).logProbabilities().values();
    executor.released(1);
    return Arrays.copyOfRange(values, 1, values.length);
  }

  /** A bias makes a token certain or impossible. */
  @Test
  public void logitBias_makesTokensCertainOrImpossible() throws Exception {
    assumeDrawsByParameters();
    int best = greedy(Map.of());
    assertThat(greedy(Map.of(best, -100.0))).isNotEqualTo(best);
    for (int token : new int[] {0, 1, best, profile.vocabularySize() - 1}) {
      assertThat(greedy(Map.of(token, 100.0))).isEqualTo(token);
      SamplingParameters sampled =
          SamplingParameters.ofTemperature(1, 7).withLogitBias(Map.of(token, 100.0));
      assertThat(first(sampled)[0]).isEqualTo(token);
    }
  }

  /** With a minP of 1 only the most probable token is left. */
  @Test
  public void minP_ofOne_isGreedy() throws Exception {
    assumeDrawsByParameters();
    int best = first(new SamplingParameters(0, 0, 1, 1, 7))[0];
    assertThat(first(SamplingParameters.ofTemperature(1.5, 7).withMinP(1))[0]).isEqualTo(best);
    assertThat(first(SamplingParameters.ofTemperature(1.5, 7).withMinP(0)))
        .isEqualTo(first(SamplingParameters.ofTemperature(1.5, 7)));
  }

  /**
   * The penalties take their value from the logit of a token that occurred in the output: between
   * two tokens, each shifts the bias at which the other one is drawn.
   */
  @Test
  public void penalties_shiftTheLogitsOfTokensOfTheOutput() throws Exception {
    assumeDrawsByParameters();
    double even = evenBias();
    assertThat(second(even - 1, 0, 0)).isEqualTo(A);
    assertThat(second(even - 1, 2, 0)).isEqualTo(B);
    assertThat(second(even - 1, 0, 2)).isEqualTo(B);
    assertThat(second(even + 1, 0, 0)).isEqualTo(B);
    assertThat(second(even + 1, -2, 0)).isEqualTo(A);
    assertThat(second(even + 1, 0, -2)).isEqualTo(A);
    assertThat(second(even - 3, 1, 1)).isEqualTo(A);
    assertThat(second(even - 3, 2, 2)).isEqualTo(B);
  }

  /** A token of the prompt is not one of the output. */
  @Test
  public void penalties_leaveTokensOfThePromptAlone() throws Exception {
    assumeDrawsByParameters();
    SamplingParameters free = new SamplingParameters(0, 0, 1, 1, 7);
    assertThat(first(free.withPenalties(2, 2))).isEqualTo(first(free));
  }

  /** Returns the bias of the second token's alternative at which both are equally probable. */
  private double evenBias() throws Exception {
    double low = 20;
    double high = 100;
    assertThat(second(low, 0, 0)).isEqualTo(A);
    assertThat(second(high, 0, 0)).isEqualTo(B);
    while (high - low > 0.25) {
      double middle = (low + high) / 2;
      if (second(middle, 0, 0) == A) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return (low + high) / 2;
  }

  /** Returns the token that follows {@link #A}, where it and {@link #B} are the probable ones. */
  private int second(double bias, double presence, double frequency) throws Exception {
    SamplingParameters greedy = new SamplingParameters(0, 0, 1, 1, 7);
    HandDrivenSequence sequence = sequence(1, 0).sampling(greedy.withLogitBias(Map.of(A, 100.0)));
    sequence.apply(run(sequence.chunk(PROMPT).alone()), 0);
    assertThat(sequence.output()).containsExactly(A);
    sequence.sampling(
        greedy.withLogitBias(Map.of(A, 60.0, B, bias)).withPenalties(presence, frequency));
    int second = run(sequence.chunk(1).alone()).committed(0)[0];
    executor.released(1);
    return second;
  }

  private int greedy(Map<Integer, Double> biases) throws Exception {
    return first(new SamplingParameters(0, 0, 1, 1, 7).withLogitBias(biases))[0];
  }

  private void assumeDrawsByParameters() {
    assumeTrue(
        profile.masksTokens() && input() == null, "the executor does not draw from all tokens");
  }

  /** Features come for those that request them, in the order of the batch, and change no token. */
  @Test
  public void features_comeOnRequest_andChangeNoToken() throws Exception {
    int width = profile.featureWidth();
    assumeTrue(width > 0 && input() == null, "the executor returns no features");
    HandDrivenSequence plain = sequence(1, 0).chunk(PROMPT);
    StepResult without = run(batch(plain, prepared(brief(2, 1)).chunk(PROMPT)));
    assertThat(without.features()).isEmpty();

    HandDrivenSequence reader = sequence(3, 2).features(true).chunk(PROMPT);
    HandDrivenSequence other = prepared(brief(4, 3)).features(true).chunk(PROMPT);
    StepResult both = run(batch(other, reader));
    StepResult one = run(batch(prepared(brief(6, 1)).chunk(PROMPT), reader));
    assertThat(both.features()).hasSize(2 * width);
    assertThat(one.features()).hasSize(width);
    assertThat(Arrays.copyOfRange(both.features(), width, 2 * width)).isEqualTo(one.features());
    assertThat(both.features()).doesNotContain(Float.NaN);
    assertThat(both.committed(0)).isEqualTo(without.committed(1));
    assertThat(both.committed(1)).isEqualTo(without.committed(0));
  }

  /** Features depend on the tokens alone: not on chunks, blocks, or a start from the beginning. */
  @Test
  public void features_dependOnTheTokensAlone() throws Exception {
    assumeTrue(profile.featureWidth() > 0 && input() == null, "the executor returns no features");
    Map<Integer, float[]> expected = features(sequence(1, 0), PROMPT, false);
    Map<Integer, float[]> again = features(sequence(2, 1), 4, true);
    assertThat(expected.values().stream().map(Arrays::toString).distinct())
        .hasSameSizeAs(expected.values());
    again.keySet().retainAll(expected.keySet());
    assertThat(again).isNotEmpty();
    again.forEach(
        (known, features) ->
            assertThat(features)
                .as("after %d tokens", known)
                .containsExactly(expected.get(known), within(1e-3f)));
  }

  /** Returns the features of an answer by the tokens that they know. */
  private Map<Integer, float[]> features(HandDrivenSequence sequence, int chunk, boolean startOver)
      throws Exception {
    Map<Integer, float[]> features = new TreeMap<>();
    sequence.features(true);
    while (!ended(sequence) && !sequence.onCanvas()) {
      int known = sequence.output().length;
      StepResult result = run(sequence.chunk(chunk).alone());
      assertThat(result.features()).hasSize(sequence.samples() ? profile.featureWidth() : 0);
      if (sequence.samples()) {
        features.put(known, result.features());
      }
      boolean sampled = sequence.samples();
      sequence.apply(result, 0);
      if (startOver && sampled) {
        executor.released(sequence.sequenceId());
        sequence.startOver();
      }
    }
    return features;
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

  private HandDrivenSequence brief(long id, int place) {
    return new HandDrivenSequence(id, other(), SAMPLED, blocks(place));
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
