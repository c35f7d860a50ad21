package dev.s3llm.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.s3llm.EngineBuilder;
import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.error.NeverFitsException;
import dev.s3llm.error.QueueFullException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.observe.FinishReason;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Texts of scripted answers, one byte a token. */
@Timeout(60)
class TextGenerationTest {
  private static final String ANSWER = "Grüße, 日本 👍🏽! END and more";

  @TempDir Path folder;
  private TextGenerator generator;
  private ScriptedExecutor executor;

  @BeforeEach
  void write() throws IOException {
    ByteModel.write(folder);
  }

  @AfterEach
  void close() {
    if (generator != null) {
      executor.open();
      generator.engine().closeNow();
      generator.close();
    }
  }

  private TextGenerator answering(boolean fails, int... tokens) {
    executor = new ScriptedExecutor(fails, tokens);
    return generator(S3Engine.builder(executor).maxLiveRequests(2));
  }

  private TextGenerator generator(EngineBuilder engine) {
    generator = TextGenerator.of(engine.build(), TextModel.load(folder));
    return generator;
  }

  /** Answers with the text and ends. */
  private TextGenerator answering(String text) {
    return answering(false, andEnd(text));
  }

  private static int[] andEnd(String text) {
    return IntStream.concat(IntStream.of(ByteModel.tokens(text)), IntStream.of(ByteModel.END))
        .toArray();
  }

  /** Repeats the text without end, but executes no step before its gate opens. */
  private TextGenerator endlessOnceOpen(String text) {
    TextGenerator endless = endless(text);
    executor.shut();
    return endless;
  }

  /** Repeats the text without end. */
  private TextGenerator endless(String text) {
    return answering(false, ByteModel.tokens(text));
  }

  private static TextRequest stoppingAt(String... stops) {
    return TextRequest.builder().prompt("Hi").maxNewTokens(900).stop(List.of(stops)).build();
  }

  @Test
  void stopStringWithinTheLeastLength_doesNotEndTheAnswer() {
    TextGenerator repeating = endless("one. ");
    for (int least : List.of(0, 3, 4, 5, 8, 9)) { // a byte a token: the full stops are 4, 9, 14
      TextRequest request =
          TextRequest.builder()
              .prompt("Hi")
              .stop(".")
              .maxNewTokens(20)
              .configure(tokens -> tokens.stopTokens().minTokens(least))
              .build();
      TextResult result = repeating.submit(request).result().join();
      String expected = least < 4 ? "one" : least < 9 ? "one. one" : "one. one. one";
      assertThat(result.text()).as("%d tokens", least).isEqualTo(expected);
      assertThat(result.stopString()).contains(".");
    }
  }

  @Test
  void charactersSplitOverTokens_comeWhole() throws Exception {
    TextGeneration generation = answering(ANSWER).submit(stoppingAt());
    TextReader reader = TextReader.of(generation);
    assertThat(reader.awaitEnd()).isEqualTo("complete");
    assertThat(reader.text()).isEqualTo(ANSWER);
    assertThat(reader.pieces)
        .noneMatch(String::isEmpty)
        .noneMatch(piece -> piece.contains("\uFFFD"));
    TextResult result = generation.result().join();
    assertThat(result.text()).isEqualTo(ANSWER);
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(result.stopString()).isEmpty();
    assertThat(result.generation().tokens()).endsWith(ByteModel.END);
  }

  @Test
  void stopString_endsTheAnswerBeforeItAndIsNamed() throws Exception {
    TextGeneration generation = answering(ANSWER).submit(stoppingAt("nowhere", "END"));
    TextReader reader = TextReader.of(generation);
    assertThat(reader.awaitEnd()).isEqualTo("complete");
    assertThat(reader.text()).isEqualTo("Grüße, 日本 👍🏽! ");
    TextResult result = generation.result().join();
    assertThat(result.text()).isEqualTo("Grüße, 日本 👍🏽! ");
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(result.stopString()).hasValue("END");
  }

  @Test
  void stopStringThatIsASpecialToken_ends() throws Exception {
    int[] script =
        IntStream.concat(
                IntStream.of(ByteModel.tokens("one")),
                IntStream.concat(
                    IntStream.of(ByteModel.SPECIAL.indexOf("<|im_end|>")),
                    IntStream.of(ByteModel.tokens("\ntwo"))))
            .toArray();
    for (String stop : List.of("<|im_end|>", "<|im_end|>\n", "e<|im_end|>")) {
      TextGeneration generation = answering(false, script).submit(stoppingAt(stop));
      TextReader reader = TextReader.of(generation);
      assertThat(reader.awaitEnd()).isEqualTo("complete");
      assertThat(reader.text()).isEqualTo(stop.startsWith("e") ? "on" : "one");
      assertThat(generation.result().join().finishReason()).isEqualTo(FinishReason.STOP);
      assertThat(generation.result().join().stopString()).hasValue(stop);
      close();
    }
  }

  @Test
  void stopString_takesEffectWithNobodyReading() {
    TextResult result = endless("one, two; ").submit(stoppingAt("; ")).result().join();
    assertThat(result.text()).isEqualTo("one, two");
    assertThat(result.stopString()).hasValue("; ");
    assertThat(result.generation().finishReason())
        .isIn(FinishReason.CANCELLED, FinishReason.LENGTH);
  }

  @Test
  void callbackExecutorWithoutThreads_losesNoText() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    executor = new ScriptedExecutor(false, andEnd(ANSWER));
    generator(
        S3Engine.builder(executor)
            .callbackExecutor(
                task -> {
                  if (calls.incrementAndGet() % 3 == 0) {
                    throw new OutOfMemoryError("planted: unable to create native thread");
                  }
                  task.run();
                }));
    TextGeneration generation = generator.submit(stoppingAt());
    TextReader reader = TextReader.of(generation);

    assertThat(reader.awaitEnd()).isEqualTo("complete");
    assertThat(reader.text()).isEqualTo(ANSWER);
    assertThat(generation.result().get(60, TimeUnit.SECONDS).text()).isEqualTo(ANSWER);
  }

  @Test
  void textThatOnlyBeganAStopString_comesAtTheEnd() throws Exception {
    TextGeneration generation = answering("the EN").submit(stoppingAt("END"));
    TextReader reader = TextReader.of(generation);
    assertThat(reader.awaitEnd()).isEqualTo("complete");
    assertThat(reader.text()).isEqualTo("the EN");
    assertThat(generation.result().join().stopString()).isEmpty();
  }

  @Test
  void lateSubscriber_getsAllTextAtItsOwnPace() throws Exception {
    TextGeneration generation = answering("abc").submit(stoppingAt());
    generation.result().join();
    TextReader reader = TextReader.of(generation, 0);
    Thread.sleep(50);
    assertThat(reader.pieces).isEmpty();
    assertThat(reader.ended()).isFalse();
    reader.subscription.request(2);
    while (reader.pieces.size() < 2) {
      Thread.onSpinWait();
    }
    Thread.sleep(50);
    assertThat(reader.pieces).containsExactly("a", "b");
    reader.subscription.request(1);
    assertThat(reader.awaitEnd()).isEqualTo("complete");
    assertThat(reader.text()).isEqualTo("abc");
  }

  @Test
  void demandBelowOne_isAnErrorOfTheSubscriber() throws Exception {
    TextReader reader = TextReader.of(answering("abc").submit(stoppingAt()), -1);
    assertThat(reader.awaitEnd()).contains("n is -1");
  }

  @Test
  void secondSubscriber_isRefused() throws Exception {
    TextGeneration generation = answering("abc").submit(stoppingAt());
    TextReader first = TextReader.of(generation);
    assertThat(TextReader.of(generation).awaitEnd()).contains("subscriber already");
    assertThat(first.awaitEnd()).isEqualTo("complete");
    assertThat(first.text()).isEqualTo("abc");
  }

  @Test
  void subscriberThatBlocks_holdsUpNeitherStopStringNorResult() {
    TextGeneration generation = endless("one; ").submit(stoppingAt("; "));
    CountDownLatch release = new CountDownLatch(1);
    generation.text().subscribe(new Blocking(release));
    assertThat(generation.result().orTimeout(30, TimeUnit.SECONDS).join().text()).isEqualTo("one");
    release.countDown();
  }

  @Test
  void cancel_leavesTheTextSoFar() {
    TextGeneration generation = endlessOnceOpen("word ").submit(stoppingAt());
    TextReader.of(generation);
    generation.cancel();
    executor.open();
    TextResult result = generation.result().join();
    assertThat(result.finishReason()).isEqualTo(FinishReason.CANCELLED);
    assertThat("word ".repeat(300)).startsWith(result.text());
  }

  @Test
  void cancelledSubscription_endsTheGeneration() {
    TextGeneration generation = endlessOnceOpen("word ").submit(stoppingAt());
    TextReader.of(generation, 1).subscription.cancel();
    executor.open();
    assertThat(generation.result().join().finishReason()).isEqualTo(FinishReason.CANCELLED);
  }

  @Test
  void failure_comesAfterTheTextAndWithItsResult() throws Exception {
    TextGeneration generation =
        answering(true, ByteModel.tokens("so far EN")).submit(stoppingAt("END"));
    TextReader reader = TextReader.of(generation);
    assertThat(reader.awaitEnd()).contains("the script is over");
    assertThat(reader.text()).isEqualTo("so far EN");
    TextResult result = generation.result().join();
    assertThat(result.finishReason()).isEqualTo(FinishReason.FAILED);
    assertThat(result.text()).isEqualTo("so far EN");
    assertThat(result.generation().failure()).isPresent();
  }

  @Test
  void refusals_passThrough() {
    TextGenerator endless = endlessOnceOpen("word ");
    TextRequest tooLong =
        TextRequest.builder().prompt("Hi").maxNewTokens(ScriptedExecutor.CONTEXT).build();
    assertThatThrownBy(() -> endless.submit(tooLong)).isInstanceOf(NeverFitsException.class);
    TextRequest named =
        TextRequest.builder().prompt("Hi").maxNewTokens(900).configure(r -> r.id("one")).build();
    endless.submit(named);
    assertThatThrownBy(() -> endless.submit(named))
        .isInstanceOfSatisfying(
            RequestRefusedException.class,
            e -> assertThat(e.reason()).isEqualTo(RequestRefusedException.Reason.INVALID_REQUEST));
    endless.submit(stoppingAt());
    assertThatThrownBy(() -> endless.submit(stoppingAt())).isInstanceOf(QueueFullException.class);
  }

  @Test
  void submitAfterClose_isRefusedAsTheEngineDoes() {
    TextGenerator closed = answering("abc");
    closed.close();
    TextRequest named =
        TextRequest.builder().prompt("Hi").configure(request -> request.id("late")).build();
    assertThatThrownBy(() -> closed.submit(named))
        .isInstanceOfSatisfying(
            RequestRefusedException.class,
            e -> {
              assertThat(e.reason()).isEqualTo(RequestRefusedException.Reason.ENGINE_CLOSED);
              assertThat(e.requestId()).isEqualTo("late");
            });
    assertThatThrownBy(
            () -> closed.engine().submit(GenerationRequest.builder(5).id("late").build()))
        .hasMessage("request late refused: the engine is closed");
    assertThatThrownBy(() -> closed.submit(named))
        .hasMessage("request late refused: the engine is closed");
  }

  @Test
  void subscriberThatThrows_isLoggedOnceWithTheRequestsId() {
    PrintStream before = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      TextRequest named =
          TextRequest.builder()
              .prompt("Hi")
              .maxNewTokens(900)
              .configure(request -> request.id("the-named-one"))
              .build();
      TextGeneration generation = endless("word ").submit(named);
      generation.text().subscribe(new Throwing());
      assertThat(generation.result().orTimeout(30, TimeUnit.SECONDS).join().finishReason())
          .isEqualTo(FinishReason.CANCELLED);
      Awaitility.await().untilAsserted(() -> assertThat(log.toString()).contains("planted"));
    } finally {
      System.setErr(before);
    }
    assertThat(log.toString(StandardCharsets.UTF_8).lines())
        .filteredOn(line -> line.contains("the-named-one"))
        .singleElement(InstanceOfAssertFactories.STRING)
        .contains("WARN", "subscriber");
  }

  @Test
  void close_waitsForTextThatIsNotDecodedYet() throws Exception {
    executor = new ScriptedExecutor(false, andEnd(ANSWER));
    CountDownLatch callbacks = new CountDownLatch(1);
    ExecutorService busy = Executors.newSingleThreadExecutor();
    busy.execute(() -> Uninterruptibles.awaitUninterruptibly(callbacks));
    generator(S3Engine.builder(executor).callbackExecutor(busy));
    List<TextGeneration> generations =
        Stream.generate(() -> generator.submit(stoppingAt())).limit(8).toList();
    Thread closing = new Thread(generator::close);
    closing.start();
    executor.closed.await();
    closing.join(200); // the engine is closed: the model must not be
    callbacks.countDown();
    for (TextGeneration generation : generations) {
      assertThat(generation.result().get(30, TimeUnit.SECONDS).text()).isEqualTo(ANSWER);
    }
    closing.join();
    assertThatThrownBy(() -> generator.model().encode("Hi")).hasMessageContaining("closed");
    busy.shutdown();
  }

  @Test
  void closeOnTheLoopsThread_returnsAtOnceAndLosesNoText() throws Exception {
    executor = new ScriptedExecutor(false, ByteModel.tokens("word "));
    executor.shut();
    generator(S3Engine.builder(executor).callbackExecutor(Runnable::run));
    TextGeneration first =
        generator.submit(TextRequest.builder().prompt("Hi").maxNewTokens(1).build());
    TextGeneration second = generator.submit(stoppingAt());
    CompletableFuture<Duration> closing = first.result().thenApply(result -> timeToClose());
    executor.open();

    assertThat(closing.get(30, TimeUnit.SECONDS)).isLessThan(Duration.ofSeconds(5));
    assertThat(second.result().get(30, TimeUnit.SECONDS).text()).isEqualTo("word ".repeat(180));
    Awaitility.await()
        .untilAsserted(
            () ->
                assertThatThrownBy(() -> generator.model().encode("Hi"))
                    .hasMessageContaining("closed"));
  }

  @Test
  void secondClose_leavesTheModelToTheFirst() throws Exception {
    TextGeneration generation = endlessOnceOpen("word ").submit(stoppingAt());
    Thread closing = new Thread(generator::close);
    closing.start();
    Awaitility.await().until(() -> !generator.engine().health().healthy());
    assertThat(timeToClose()).isLessThan(Duration.ofSeconds(5));
    executor.open();
    assertThat(generation.result().get(30, TimeUnit.SECONDS).text()).isEqualTo("word ".repeat(180));
    closing.join();
  }

  private Duration timeToClose() {
    long start = System.nanoTime();
    generator.close();
    return Duration.ofNanos(System.nanoTime() - start);
  }

  @Test
  void engineThatCloses_endsTextAndResult() throws Exception {
    TextGeneration generation = endless("word ").submit(stoppingAt());
    TextReader reader = TextReader.of(generation);
    generator.engine().closeNow();
    generator.close();
    assertThat(reader.awaitEnd()).isNotNull();
    assertThat(generation.result().orTimeout(30, TimeUnit.SECONDS).join().finishReason())
        .isIn(FinishReason.CANCELLED, FinishReason.LENGTH);
  }

  /** Throws at its first piece. */
  private static final class Throwing implements Flow.Subscriber<String> {
    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(String piece) {
      throw new IllegalStateException("planted");
    }

    @Override
    public void onError(Throwable error) {}

    @Override
    public void onComplete() {}
  }

  /** Blocks at its first piece until it is released. */
  private record Blocking(CountDownLatch release) implements Flow.Subscriber<String> {
    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(String piece) {
      try {
        release.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public void onError(Throwable error) {}

    @Override
    public void onComplete() {}
  }
}
