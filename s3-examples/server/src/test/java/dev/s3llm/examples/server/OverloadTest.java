package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static dev.s3llm.examples.server.TestServer.events;
import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** More requests than the queue holds. */
class OverloadTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String LIMITED = "\"temperature\":0,\"max_tokens\":20";
  private static final String STREAM = chat("Name three colours.", LIMITED + ",\"stream\":true");
  private static final int QUEUE = 4;

  private static TestServer server;
  private static GatedExecutor executor;

  @BeforeAll
  static void start() {
    server =
        TestServer.start(List.of(GatedExecutor.Bringing.class), "s3llm.max-live-requests=" + QUEUE);
    executor = server.bean(GatedExecutor.class);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void requestBeyondTheQueue_isToldWhenToComeBack() throws Exception {
    executor.shut();
    List<CompletableFuture<HttpResponse<String>>> taken = new ArrayList<>();
    for (int i = 0; i < QUEUE; i++) {
      taken.add(server.postAsync(CHAT, STREAM));
    }
    await().atMost(TestServer.LIMIT).until(() -> server.snapshot().requests().live() == QUEUE);

    HttpResponse<String> refused = server.post(CHAT, STREAM);

    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(refused.headers().firstValueAsLong("retry-after").orElse(0)).isBetween(1L, 300L);
    JsonNode error = json(refused.body()).at("/error");
    assertThat(error.at("/type").asString()).isEqualTo("rate_limit_error");
    assertThat(error.at("/code").asString()).isEqualTo("queue_full");
    executor.open();
    for (CompletableFuture<HttpResponse<String>> one : taken) {
      assertThat(events(get(one).body())).last().isEqualTo("[DONE]");
    }
  }

  @Test
  void tenTimesTheQueue_andClientsThatVanish_leaveNothingBehind() throws Exception {
    List<CompletableFuture<HttpResponse<String>>> patient = new ArrayList<>();
    List<Socket> others = new ArrayList<>();
    long cancelled = server.snapshot().requests().ended().cancelled();
    executor.shut();
    for (int i = 0; i < QUEUE / 2; i++) { // some of both are accepted
      patient.add(server.postAsync(CHAT, STREAM));
      others.add(server.open(CHAT, STREAM));
    }
    await().atMost(TestServer.LIMIT).until(() -> server.snapshot().requests().live() == QUEUE);
    for (int i = 0; i < 10 * QUEUE; i++) {
      if (i % 2 == 0) {
        patient.add(server.postAsync(CHAT, STREAM));
      } else {
        others.add(server.open(CHAT, STREAM));
      }
    }
    vanish(others);
    await()
        .atMost(TestServer.LIMIT)
        .until(() -> server.snapshot().requests().ended().cancelled() >= cancelled + QUEUE / 2);
    executor.open();

    int served = 0;
    for (CompletableFuture<HttpResponse<String>> one : patient) {
      HttpResponse<String> response = get(one);
      assertThat(response.statusCode()).isIn(200, 429);
      if (response.statusCode() == 200) {
        assertThat(events(response.body())).last().isEqualTo("[DONE]");
        served++;
      } else {
        assertThat(response.headers().firstValue("retry-after")).isPresent();
      }
    }
    assertThat(served).isPositive();
    await()
        .atMost(TestServer.LIMIT)
        .untilAsserted(
            () -> {
              assertThat(server.snapshot().requests().live()).isZero();
              assertThat(server.snapshot().memory().reservedBlocks()).isZero();
            });
    assertThat(get(server.postAsync(CHAT, STREAM)).statusCode()).isEqualTo(200);
  }

  private static void vanish(List<Socket> clients) throws IOException {
    for (Socket client : clients) {
      client.setSoLinger(true, 0); // resets the connection
      client.close();
    }
  }

  private static HttpResponse<String> get(CompletableFuture<HttpResponse<String>> future)
      throws Exception {
    return future.get(TestServer.LIMIT.toSeconds(), TimeUnit.SECONDS);
  }
}
