package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.memory.PrefixSharing;
import dev.s3llm.memory.PrefixSharing.Forgetting;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.testkit.HandDrivenEngine;
import dev.s3llm.testkit.HashExecutor;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Beginnings that are forgotten on the device come back from host memory. */
class StoredPrefixTest {
  private static final int VOCABULARY = 50;
  private static final int BLOCK = 4;
  private static final int BLOCKS = 12;
  private static final RecoveryCosts CHEAP_COPIES = new RecoveryCosts(10, 5);
  private static final PrefixSharing SHARING = PrefixSharing.keeping(Forgetting.EXPECTED_VALUE);

  private Copying executor;
  private HandDrivenEngine driven;
  private String tenant = "one";

  @AfterEach
  void close() {
    driven.close();
  }

  @Test
  void forgottenBeginning_isCopiedBack() {
    start(SHARING, 40, CHEAP_COPIES);
    generateTwice(1);
    generateTwice(2);
    assertThat(prefixes().storedBlocks()).isEqualTo(9); // all that was kept of the first
    assertThat(executor.out).isEqualTo(9);
    assertThat(generate(1).cachedTokens()).isEqualTo(28);
    assertThat(executor.in).isPositive();
  }

  @Test
  void promptThatWasSeenOnce_isNotStored() {
    start(SHARING, 40, CHEAP_COPIES);
    generate(1);
    generate(2);
    assertThat(prefixes().forgottenBlocks()).isPositive();
    assertThat(executor.out).isZero();
  }

  @Test
  void blockThatIsStoredAlready_isNotCopiedOutAgain() {
    start(SHARING, 40, CHEAP_COPIES);
    for (int i = 0; i < 3; i++) {
      generateTwice(1);
      generateTwice(2);
    }
    assertThat(prefixes().storedBlocks()).isEqualTo(18);
    assertThat(executor.out).isEqualTo(18);
  }

  @Test
  void failedStep_storesNothing() {
    start(SHARING, 40, CHEAP_COPIES);
    generateTwice(1);
    executor.failNext = true;
    tenant = "other"; // a failure drops what its own tenant has stored anyway
    submit(2);
    driven.run();
    tenant = "one";
    assertThat(prefixes().storedBlocks()).isZero();
    assertThat(generate(1).cachedTokens()).as("what the device kept").isLessThan(28);
  }

  @Test
  void copyThatTakesLongerThanComputing_isNotMade() {
    start(SHARING, 40, new RecoveryCosts(41, 5)); // 20.5 to copy a block back, 20 to compute it
    generateTwice(1);
    generateTwice(2);
    assertThat(prefixes().storedBlocks()).isZero();
    assertThat(snapshot().memory().hostCapacityBlocks()).isEqualTo(40);
  }

  @Test
  void roomIsLimited_theLongestUnusedGivesWay() {
    start(SHARING.hostShare(0.2), 40, CHEAP_COPIES);
    generateTwice(1);
    generateTwice(2);
    generateTwice(3);
    generateTwice(4);
    assertThat(prefixes().storedBlocks()).isEqualTo(8);
    assertThat(snapshot().memory().hostCapacityBlocks()).isEqualTo(32);
    assertThat(generate(1).cachedTokens()).isZero();
  }

  @Test
  void forgottenTenant_isNotFoundInHostMemory() {
    start(SHARING, 40, CHEAP_COPIES);
    generateTwice(1);
    generateTwice(2);
    driven.engine().forgetPrefixes("one");
    assertThat(generate(1).cachedTokens()).isZero();
  }

  @Test
  void olderBlocksThanAllowed_areNotFoundInHostMemory() {
    start(SHARING.maxAge(Duration.ofSeconds(10)), 40, CHEAP_COPIES);
    generateTwice(1);
    generateTwice(2);
    driven.advance(Duration.ofSeconds(10));
    assertThat(generate(1).cachedTokens()).isZero();
    assertThat(prefixes().storedBlocks()).isZero();
  }

  private void start(PrefixSharing sharing, int hostBlocks, RecoveryCosts costs) {
    ExecutorProfile profile =
        ExecutorProfile.builder()
            .kvBlocks(BLOCKS, BLOCK, 64)
            .hostBlocks(hostBlocks)
            .recoveryCosts(costs)
            .maxContextTokens(400)
            .maxTokensPerStep(64)
            .maxSequencesPerStep(8)
            .vocabularySize(VOCABULARY)
            .sharesPrefixes(true)
            .build();
    executor = new Copying(new HashExecutor(profile));
    driven =
        HandDrivenEngine.of(
            executor, b -> b.prefixSharing(sharing).planner(new WorstCasePlanner()));
  }

  private Generation submit(int kind) {
    driven.advance(Duration.ofSeconds(1));
    int[] prompt = IntStream.range(0, 32).map(i -> (i * 7 + kind * 11) % VOCABULARY).toArray();
    return driven
        .engine()
        .submit(
            GenerationRequest.builder(prompt)
                .maxNewTokens(8)
                .tenant(tenant)
                .sampling(SamplingParameters.ofTemperature(1, 7))
                .build());
  }

  /** Generates twice, because only what was seen again is stored. */
  private void generateTwice(int kind) {
    generate(kind);
    generate(kind);
  }

  /** Generates an answer to a prompt of 8 blocks, which fills 10 of 12, and checks its tokens. */
  private GenerationResult generate(int kind) {
    Generation generation = submit(kind);
    driven.run();
    GenerationRequest request = generation.request();
    GenerationResult result = generation.result().join();
    assertThat(result.tokens())
        .containsExactly(
            HashExecutor.expected(
                request.promptTokens(), request.sampling(), 8, new int[0], VOCABULARY));
    return result;
  }

  private EngineSnapshot snapshot() {
    return driven.engine().snapshot();
  }

  private EngineSnapshot.Prefixes prefixes() {
    return snapshot().memory().prefixes();
  }

  /** Counts the copies, and completes each step at its launch, or fails it. */
  private static final class Copying extends ForwardingExecutor {
    private final HashExecutor hash;
    private int out;
    private int in;
    private boolean failNext;

    Copying(HashExecutor hash) {
      super(hash);
      this.hash = hash;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      if (failNext) {
        failNext = false;
        return CompletableFuture.failedFuture(new IllegalStateException("planted"));
      }
      out += batch.swapOuts().size();
      in += batch.swapIns().size();
      CompletionStage<StepResult> stage = super.execute(batch);
      hash.complete();
      return stage;
    }
  }
}
