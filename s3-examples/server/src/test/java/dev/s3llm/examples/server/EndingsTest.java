package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static dev.s3llm.examples.server.TestServer.events;
import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.error.RequestRefusedException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.Bean;
import org.springframework.http.HttpStatus;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ResponseStatusException;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Requests that end without a whole answer: deadlines and shutdowns. */
class EndingsTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String WHOLE = chat("What is a monad?", "\"temperature\":0");
  private static final String STREAM =
      chat("What is a monad?", "\"temperature\":0,\"stream\":true");
  private static final List<Class<?>> GATED = List.of(GatedExecutor.Bringing.class);

  @Test
  void deadlineThatPasses_isAnErrorAndInAStreamTheLastEvent() throws Exception {
    try (TestServer server =
        TestServer.start(
            List.of(GatedExecutor.Bringing.class, Breaking.class), "s3llm.deadline=500ms")) {
      GatedExecutor executor = server.bean(GatedExecutor.class);
      executor.shut();
      CompletableFuture<HttpResponse<String>> whole = server.postAsync(CHAT, WHOLE);
      CompletableFuture<HttpResponse<String>> stream = server.postAsync(CHAT, STREAM);
      await()
          .atMost(TestServer.LIMIT)
          .until(() -> server.snapshot().requests().ended().timedOut() == 2);
      executor.open();

      assertThat(get(whole).statusCode()).isEqualTo(504);
      assertThat(get(whole).headers().firstValue("x-should-retry")).contains("false");
      assertThat(json(get(whole).body()).at("/error/type").asString()).isEqualTo("timeout_error");
      assertThat(get(stream).statusCode()).isEqualTo(200);
      String last = events(get(stream).body()).get(events(get(stream).body()).size() - 1);
      assertThat(json(last).at("/error/type").asString()).isEqualTo("timeout_error");
      requireLogOfAnErrorAfterTheHead(server);
    }
  }

  @Test
  void shutdown_letsAnswersFinishAndTakesNoMore() throws Exception {
    TestServer server = TestServer.start(GATED);
    GatedExecutor executor = server.bean(GatedExecutor.class);
    S3Engine engine = server.bean(S3Engine.class);
    executor.shut();
    CompletableFuture<HttpResponse<String>> stream = server.postAsync(CHAT, STREAM);
    await().atMost(TestServer.LIMIT).until(() -> server.snapshot().requests().running() == 1);

    CompletableFuture<Void> closing = CompletableFuture.runAsync(server::close);

    await().atMost(TestServer.LIMIT).until(() -> !accepts(server.port()));
    assertThat(closing).isNotDone();
    executor.open();
    assertThat(events(get(stream).body())).last().isEqualTo("[DONE]");
    closing.get(TestServer.LIMIT.toSeconds(), TimeUnit.SECONDS);
    assertThatThrownBy(() -> engine.submit(GenerationRequest.builder(1).build()))
        .isInstanceOfSatisfying(
            RequestRefusedException.class,
            e -> assertThat(e.reason()).isEqualTo(RequestRefusedException.Reason.ENGINE_CLOSED));
  }

  @Test
  void shutdown_endsAnswersThatTakeLongerThanItWaits() throws Exception {
    TestServer server =
        TestServer.start(
            GATED, "spring.lifecycle.timeout-per-shutdown-phase=1s", "s3llm.close-timeout=1s");
    GatedExecutor executor = server.bean(GatedExecutor.class);
    executor.shut();
    CompletableFuture<HttpResponse<String>> stream = server.postAsync(CHAT, STREAM);
    await().atMost(TestServer.LIMIT).until(() -> server.snapshot().requests().running() == 1);

    CompletableFuture.runAsync(server::close).get(TestServer.LIMIT.toSeconds(), TimeUnit.SECONDS);

    // It is cut off or ends with an error, and never looks whole.
    CompletableFuture<String> body =
        stream.handle((response, failure) -> failure == null ? response.body() : "");
    assertThat(body.get(1, TimeUnit.MINUTES)).doesNotContain("[DONE]");
    executor.close(); // the engine leaves it open, since its step did not end
  }

  /** A route of the application's own that fails after its first piece. */
  static class Breaking {
    @Bean
    RouterFunction<ServerResponse> breaking() {
      Flux<String> pieces =
          Flux.just("piece")
              .concatWith(Mono.error(new ResponseStatusException(HttpStatus.GONE, "planted")));
      return RouterFunctions.route()
          .POST("/v1/breaking", request -> ServerResponse.ok().body(pieces, String.class))
          .build();
    }
  }

  private static void requireLogOfAnErrorAfterTheHead(TestServer server) throws IOException {
    try (Complaints complaints = new Complaints();
        Socket client = server.open("/v1/breaking", "")) {
      client.getInputStream().readAllBytes();

      assertThat(complaints.all()).first().asString().contains("planted");
    }
  }

  private static boolean accepts(int port) throws Exception {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      return socket.isConnected();
    } catch (ConnectException e) {
      return false;
    }
  }

  private static HttpResponse<String> get(CompletableFuture<HttpResponse<String>> future)
      throws Exception {
    return future.get(TestServer.LIMIT.toSeconds(), TimeUnit.SECONDS);
  }
}
