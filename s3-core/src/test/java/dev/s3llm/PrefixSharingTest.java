package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.memory.PrefixSharing;
import dev.s3llm.memory.PrefixSharing.Forgetting;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.testkit.HandDrivenEngine;
import dev.s3llm.testkit.HashExecutor;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Requests that begin alike share KV blocks, and their tokens do not show it. */
class PrefixSharingTest {
  private static final int VOCABULARY = 50;
  private static final int BLOCK = 4;
  private static final PrefixSharing RECENT = PrefixSharing.keeping(Forgetting.LEAST_RECENTLY_USED);

  private Counting executor;
  private HandDrivenEngine driven;
  private int requests;

  @AfterEach
  void close() {
    driven.close();
  }

  @Test
  void promptThatWasComputed_isNotComputedAgain_butForItsLastToken() {
    start(RECENT, 40, 64);
    assertThat(generate(prompt(32, 1), 5).cachedTokens()).isZero();
    executor.computed = 0;
    GenerationResult again = generate(prompt(32, 1), 5);
    assertThat(again.cachedTokens()).isEqualTo(28); // 7 of 8 blocks, the last with the last token
    assertThat(executor.computed).isEqualTo(4 + 4); // the rest of the prompt, and 4 of 5 answers
    assertThat(again.explanation().summary()).contains("28 prompt tokens were computed before");
    assertThat(prefixes().cachedTokens()).isEqualTo(28);
  }

  @Test
  void nextTurn_findsPromptAndAnswer() {
    start(RECENT, 40, 64);
    int[] first = prompt(16, 1);
    GenerationResult answer = generate(first, 9);
    int[] second = joined(joined(first, answer.tokens()), prompt(3, 2));
    assertThat(generate(second, 2).cachedTokens()).isEqualTo(24); // 16 + 9 less the last, in blocks
  }

  @Test
  void runningRequests_shareBlocks_whichCountOnce() {
    start(RECENT, 20, 64);
    int[] common = prompt(32, 1);
    submit(joined(common, prompt(2, 3)), 20);
    driven.pass();
    driven.pass();
    for (int i = 0; i < 4; i++) {
      submit(joined(common, prompt(2, 4 + i)), 20);
    }
    driven.pass();
    driven.pass();
    assertThat(snapshot().requests().running()).isEqualTo(2); // 8 shared, 6 each of its own
    assertThat(prefixes().sharedBlocks()).isEqualTo(8);
    assertThat(snapshot().memory().reservedBlocks()).isEqualTo(20);
    driven.run();
    assertThat(snapshot().memory().reservedBlocks()).isZero();
  }

  @Test
  void tenants_doNotShare_unlessTheyNameTheSameSalt() {
    start(RECENT, 60, 64);
    int[] prompt = prompt(16, 1);
    finish(request(prompt, 2).tenant("a"));
    assertThat(finish(request(prompt, 2).tenant("b")).cachedTokens()).isZero();
    assertThat(finish(request(prompt, 2).tenant("a")).cachedTokens()).isEqualTo(12);
    assertThat(finish(request(prompt, 2).tenant("a").cacheSalt("team")).cachedTokens()).isZero();
    assertThat(finish(request(prompt, 2).tenant("b").cacheSalt("team")).cachedTokens())
        .isEqualTo(12);
    assertThat(finish(request(prompt, 2).cacheSalt("tenant a")).cachedTokens()).isZero();
  }

  @Test
  void keptBlocks_areRoomForOthers_theLeastRecentlyUsedFirst() {
    start(RECENT, 24, 64);
    generate(prompt(32, 1), 1); // 8 blocks are kept
    generate(prompt(32, 2), 1);
    generate(prompt(32, 1), 1);
    assertThat(prefixes().keptBlocks()).isEqualTo(16);
    generate(prompt(44, 3), 1); // fills 11 blocks, of which 8 are free
    assertThat(prefixes().forgottenBlocks()).isEqualTo(3);
    assertThat(generate(prompt(32, 1), 1).cachedTokens()).isEqualTo(28);
    assertThat(generate(prompt(32, 2), 1).cachedTokens()).isLessThan(28);
  }

  @Test
  void requestThatBeginsLikeAPrefillUnderWay_waitsForIt() {
    start(RECENT, 200, 20);
    int[] common = prompt(200, 1);
    submit(joined(common, prompt(2, 2)), 3);
    driven.pass();
    for (int i = 0; i < 3; i++) {
      submit(joined(common, prompt(2, 3 + i)), 3);
    }
    driven.run();
    assertThat(executor.computed).isLessThan(202 + 3 * (2 + 4) + 4 * 3);
    assertThat(prefixes().cachedTokens()).isEqualTo(3 * 200);
  }

  @Test
  void otherRequests_passOneThatWaitsForAPrefill() {
    start(RECENT, 200, 60);
    int[] common = prompt(300, 1);
    submit(joined(common, prompt(2, 2)), 3);
    driven.pass();
    Generation waits = submit(joined(common, prompt(2, 3)), 3);
    Generation passes = submit(prompt(8, 4), 1);
    while (!passes.result().isDone()) {
      driven.pass();
    }
    assertThat(waits.result()).isNotDone();
    assertThat(snapshot().requests().waiting()).isEqualTo(1);
    driven.run();
  }

  @Test
  void failedStep_leavesNothingToFind() {
    start(RECENT, 60, 64);
    generate(prompt(32, 1), 1);
    executor.failNext = true;
    Generation failed = submit(joined(prompt(32, 1), prompt(8, 2)), 4);
    driven.run();
    assertThat(failed.result().join().failure()).isPresent();
    assertThat(prefixes().keptBlocks()).isZero();
    assertThat(generate(joined(prompt(32, 1), prompt(8, 2)), 4).cachedTokens()).isZero();
  }

  @Test
  void cancelledRequest_leavesWhatItComputed() {
    start(RECENT, 60, 8);
    Generation cancelled = submit(prompt(32, 1), 4);
    driven.pass();
    driven.pass(); // 8 tokens are computed, and 8 in flight
    cancelled.cancel();
    driven.run();
    assertThat(generate(prompt(32, 1), 4).cachedTokens()).isEqualTo(16);
  }

  @Test
  void forgottenTenant_isFoundNoMore() {
    start(RECENT, 60, 64);
    finish(request(prompt(16, 1), 1).tenant("a"));
    finish(request(prompt(16, 1), 1).cacheSalt("s"));
    driven.engine().forgetPrefixes("a");
    driven.pass();
    assertThat(prefixes().keptBlocks()).isEqualTo(4);
    assertThat(finish(request(prompt(16, 1), 1).tenant("a")).cachedTokens()).isZero();
    driven.engine().forgetPrefixesWithSalt("s");
    assertThat(finish(request(prompt(16, 1), 1).cacheSalt("s")).cachedTokens()).isZero();
  }

  @Test
  void keptBlocks_haveALongestAge() {
    start(RECENT.maxAge(Duration.ofSeconds(10)), 60, 64);
    generate(prompt(16, 1), 1);
    driven.advance(Duration.ofSeconds(6));
    assertThat(generate(prompt(16, 1), 1).cachedTokens()).isEqualTo(12);
    driven.advance(Duration.ofSeconds(6));
    assertThat(generate(prompt(16, 1), 1).cachedTokens()).isEqualTo(12);
    driven.advance(Duration.ofSeconds(11));
    assertThat(generate(prompt(16, 1), 1).cachedTokens()).isZero();
  }

  @Test
  void keptTokens_haveALimit() {
    start(RECENT.maxKeptTokens(20), 60, 64);
    generate(prompt(40, 1), 1);
    assertThat(prefixes().keptBlocks()).isEqualTo(5);
    assertThat(generate(prompt(40, 1), 1).cachedTokens()).isEqualTo(20);
  }

  @Test
  void withoutSharing_nothingIsKept() {
    start(PrefixSharing.none(), 60, 64);
    generate(prompt(32, 1), 5);
    assertThat(generate(prompt(32, 1), 5).cachedTokens()).isZero();
    assertThat(prefixes()).isEqualTo(EngineSnapshot.Prefixes.NONE);
  }

  @Test
  void preemptedRequest_findsItsOwnBeginningAgain() {
    start(RECENT, 24, 64, 0);
    Generation one = submit(prompt(40, 1), 40);
    Generation two = submit(prompt(40, 2), 40);
    driven.run();
    assertThat(snapshot().work().preemptions()).isPositive();
    for (Generation generation : new Generation[] {one, two}) {
      assertThat(generation.result().join().outputTokens()).isEqualTo(40);
      checkTokens(generation);
    }
    int all = 2 * (40 + 39);
    assertThat(executor.computed).isLessThan(all + (int) snapshot().work().recomputedTokens());
  }

  // ---- the engine and its requests

  private void start(PrefixSharing sharing, int blocks, int stepTokens) {
    start(sharing, blocks, stepTokens, 1);
  }

  private void start(PrefixSharing sharing, int blocks, int stepTokens, int worstCase) {
    ExecutorProfile profile =
        ExecutorProfile.builder()
            .kvBlocks(blocks, BLOCK, 64)
            .maxContextTokens(400)
            .maxTokensPerStep(stepTokens)
            .maxSequencesPerStep(8)
            .vocabularySize(VOCABULARY)
            .sharesPrefixes(true)
            .build();
    executor = new Counting(new HashExecutor(profile));
    driven =
        HandDrivenEngine.of(
            executor,
            b ->
                worstCase == 1
                    ? b.prefixSharing(sharing).planner(new WorstCasePlanner())
                    : b.prefixSharing(sharing).planner(new OnDemandPlanner(0)));
  }

  private GenerationRequest.Builder request(int[] prompt, int maxNew) {
    return GenerationRequest.builder(prompt)
        .id("r" + requests++)
        .maxNewTokens(maxNew)
        .sampling(SamplingParameters.ofTemperature(1, 7));
  }

  private Generation submit(int[] prompt, int maxNew) {
    return driven.engine().submit(request(prompt, maxNew).build());
  }

  private GenerationResult generate(int[] prompt, int maxNew) {
    return finish(request(prompt, maxNew));
  }

  private GenerationResult finish(GenerationRequest.Builder request) {
    Generation generation = driven.engine().submit(request.build());
    driven.run();
    checkTokens(generation);
    return generation.result().join();
  }

  private static void checkTokens(Generation generation) {
    GenerationRequest request = generation.request();
    assertThat(generation.result().join().tokens())
        .containsExactly(
            HashExecutor.expected(
                request.promptTokens(),
                request.sampling(),
                request.maxNewTokens(),
                new int[0],
                VOCABULARY));
  }

  private EngineSnapshot snapshot() {
    return driven.engine().snapshot();
  }

  private EngineSnapshot.Prefixes prefixes() {
    return snapshot().memory().prefixes();
  }

  private static int[] prompt(int length, int kind) {
    return IntStream.range(0, length).map(i -> (i * 7 + kind * 11) % VOCABULARY).toArray();
  }

  private static int[] joined(int[] one, int[] two) {
    int[] both = Arrays.copyOf(one, one.length + two.length);
    System.arraycopy(two, 0, both, one.length, two.length);
    return both;
  }

  /** Counts the positions that are computed, completes each step at its launch, or fails it. */
  private static final class Counting extends ForwardingExecutor {
    private final HashExecutor hash;
    private int computed;
    private boolean failNext;

    Counting(HashExecutor hash) {
      super(hash);
      this.hash = hash;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      computed += batch.sequences().stream().mapToInt(SequenceStep::tokenCount).sum();
      if (failNext) {
        failNext = false;
        hash.runPartly(batch, 0, 0);
        return CompletableFuture.failedFuture(new IllegalStateException("planted"));
      }
      CompletionStage<StepResult> stage = super.execute(batch);
      hash.complete();
      return stage;
    }
  }
}
