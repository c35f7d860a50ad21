package dev.s3llm.examples.server.call;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.s3llm.EngineBuilder;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.examples.server.observe.CallMeters;
import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.Endpoint;
import dev.s3llm.spring.metrics.GenerationMeters;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.TextResult;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** Calls on the threads that submit them. */
class SubmitterTest {
  private static final Duration LIMIT = Duration.ofMinutes(1);
  private static final TextRequest SHORT =
      TextRequest.builder().prompt("Once upon").maxNewTokens(1).build();
  private static final TextRequest BROKEN =
      TextRequest.builder()
          .prompt("Once upon")
          .configure(
              request -> {
                throw new StackOverflowError("planted");
              })
          .build();

  private static TextGenerator generator;

  @BeforeAll
  static void start() {
    generator = generator(engine -> engine);
  }

  private static TextGenerator generator(UnaryOperator<EngineBuilder> settings) {
    Path folder = SmallModel.unpack();
    EngineBuilder engine = S3Engine.builder(CpuExecutor.builder(folder).build());
    return TextGenerator.of(settings.apply(engine).build(), TextModel.load(folder));
  }

  @AfterAll
  static void stop() {
    generator.close();
  }

  /** Records the ends of calls. */
  private static final class Reported implements CallListener {
    private final List<String> all = new CopyOnWriteArrayList<>();

    @Override
    public void onEnd(Call call, TextResult result) {
      all.add(result.finishReason().name());
    }

    @Override
    public void onRefused(Call call, ApiException error) {
      all.add(error.kind());
    }
  }

  /** Throws at each report. */
  private static final class Throwing implements CallListener {
    @Override
    public void onEnd(Call call, TextResult result) {
      throw new AssertionError("planted");
    }

    @Override
    public void onRefused(Call call, ApiException error) {
      throw new IllegalStateException("planted");
    }
  }

  @Test
  void error_isToldToTheClientAndToTheListeners() {
    Reported reported = new Reported();
    try (Submitter submitter = new Submitter(generator, List.of(reported), 1, 1)) {
      assertThatThrownBy(() -> submit(submitter, BROKEN).block(LIMIT))
          .isInstanceOfSatisfying(
              ApiException.class, error -> assertThat(error.status()).isEqualTo(500));
      assertThat(submit(submitter, SHORT).block(LIMIT)).isNotNull(); // its thread goes on
      await()
          .untilAsserted(
              () -> assertThat(reported.all).containsExactly("internal_error", "LENGTH"));
    }
  }

  @Test
  void listenerThatThrows_harmsNeitherTheCallNorTheOthers() {
    Reported reported = new Reported();
    List<CallListener> listeners = List.of(new Throwing(), reported);
    try (Submitter submitter = new Submitter(generator, listeners, 1, 1)) {
      assertThatThrownBy(() -> submit(submitter, BROKEN).block(LIMIT))
          .isInstanceOf(ApiException.class);
      submit(submitter, SHORT).block(LIMIT);
      await()
          .untilAsserted(
              () -> assertThat(reported.all).containsExactly("internal_error", "LENGTH"));
    }
  }

  @Test
  void callThatIsCancelledBeforeItIsTaken_isReportedOfOnce() {
    Reported reported = new Reported();
    try (Submitter submitter = new Submitter(generator, List.of(reported), 1, 1)) {
      Call call = call();
      call.cancel();
      submitter.submit(call, List.of(Asked.chat(SHORT, 1))).subscribe();
      await().untilAsserted(() -> assertThat(reported.all).containsExactly("cancelled"));
    }
  }

  @Test
  void timesOfACall_beginWhenItWasReadAndNotWhenItWasTaken() {
    Duration encoding = Duration.ofMillis(300);
    TextRequest slow =
        TextRequest.builder()
            .prompt("Once upon")
            .maxNewTokens(1)
            .configure(request -> sleep(encoding))
            .build();
    MeterRegistry registry = new SimpleMeterRegistry();
    List<CallListener> listeners = List.of(new CallMeters(new GenerationMeters(registry)));
    try (Submitter submitter = new Submitter(generator, listeners, 1, 1)) {
      submit(submitter, slow).block(LIMIT);
      for (String name :
          List.of("gen_ai.server.request.duration", "gen_ai.server.time_to_first_token")) {
        await().until(() -> registry.find(name).timer() != null);
        assertThat(registry.get(name).timer().totalTime(TimeUnit.MILLISECONDS))
            .as(name)
            .isGreaterThan(encoding.toMillis());
      }
    }
  }

  @Test
  void placesThatBlockedCallbacksHold_spareTheEncodingToo() {
    CompletableFuture<Void> gate = new CompletableFuture<>();
    AtomicBoolean encoded = new AtomicBoolean();
    TextRequest watched =
        TextRequest.builder()
            .prompt("Once upon")
            .maxNewTokens(1)
            .configure(request -> encoded.set(true))
            .build();
    try (TextGenerator full =
            generator(engine -> engine.maxLiveRequests(1).callbackExecutor(gate::thenRunAsync));
        Submitter submitter = new Submitter(full, List.of(), 1, 1)) {
      submit(submitter, SHORT).block(LIMIT);
      await().atMost(LIMIT).until(() -> full.engine().snapshot().requests().live() == 0);
      assertThatThrownBy(() -> submit(submitter, watched).block(LIMIT))
          .isInstanceOfSatisfying(
              ApiException.class, error -> assertThat(error.kind()).isEqualTo("queue_full"));
      gate.complete(null);
    }
    assertThat(encoded).isFalse();
  }

  private static void sleep(Duration time) {
    try {
      TimeUnit.MILLISECONDS.sleep(time.toMillis());
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static Mono<?> submit(Submitter submitter, TextRequest request) {
    return submitter.submit(call(), List.of(Asked.chat(request, 1)));
  }

  private static Call call() {
    return new Call(Endpoint.COMPLETIONS, "max_tokens", "s3-small", Context.empty());
  }
}
