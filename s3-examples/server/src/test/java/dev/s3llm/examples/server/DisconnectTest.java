package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.s3llm.observe.EngineSnapshot;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Clients that disconnect. No step ends while the gate is shut, so nothing is written then. */
class DisconnectTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String WHOLE = chat("What is a monad?", "\"temperature\":0");
  private static final String STREAM =
      chat("What is a monad?", "\"temperature\":0,\"stream\":true");

  private static TestServer server;
  private static GatedExecutor executor;

  @BeforeAll
  static void start() {
    server =
        TestServer.start(
            List.of(GatedExecutor.Bringing.class),
            "s3llm.planner=worst-case", // one runs, the others wait
            "s3llm.web.heartbeat=100ms",
            "s3llm.web.request-timeout=2s",
            "s3llm.prediction-budget=30s");
    executor = server.bean(GatedExecutor.class);
  }

  @AfterEach
  void nothingIsLeft() {
    executor.open();
    soon()
        .untilAsserted(
            () -> {
              EngineSnapshot now = server.snapshot();
              assertThat(now.requests().live()).isZero();
              assertThat(now.memory().reservedBlocks()).isZero();
              assertThat(now.memory().allocatedBlocks()).isZero();
            });
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void clientsThatGoWhileTheyWait_leaveTheQueueThoughNothingWasWritten() throws IOException {
    executor.shut();
    try (Socket running = server.open(CHAT, STREAM)) {
      soon().until(() -> server.snapshot().requests().running() == 1);
      Socket stream = server.open(CHAT, STREAM);
      Socket whole = server.open(CHAT, WHOLE);
      soon().until(() -> server.snapshot().requests().waiting() == 2);

      stream.close();
      whole.close();

      soon().until(() -> server.snapshot().requests().waiting() == 0);
      assertThat(server.snapshot().requests().running()).isEqualTo(1);
      executor.open();
      assertThat(
              TestServer.reader(running)
                  .lines()
                  .filter(line -> line.equals("data: [DONE]"))
                  .findFirst())
          .isPresent();
    }
  }

  @Test
  void clientsThatGoWhileTheyRun_endTheirGeneration() throws IOException {
    for (String body : List.of(STREAM, WHOLE)) {
      long cancelled = server.snapshot().requests().ended().cancelled();
      executor.shut();
      Socket client = server.open(CHAT, body);
      soon().until(() -> server.snapshot().requests().running() == 1);

      client.close();

      soon().until(() -> server.snapshot().requests().ended().cancelled() == cancelled + 1);
      assertThat(server.snapshot().requests().running()).isZero();
      executor.open();
    }
  }

  @Test
  void clientThatGoesInMidAnswer_endsItsGeneration() throws IOException {
    long cancelled = server.snapshot().requests().ended().cancelled();
    executor.shutAfter(8);
    Socket client = server.open(CHAT, STREAM);
    BufferedReader lines = TestServer.reader(client);
    String line = lines.readLine();
    while (!line.contains("\"content\":\"A")) {
      line = lines.readLine();
    }
    assertThat(server.snapshot().requests().running()).isEqualTo(1);

    client.close();

    soon().until(() -> server.snapshot().requests().ended().cancelled() == cancelled + 1);
  }

  @Test
  void streamThatHasNothingToSay_saysThatItIsThere() throws IOException {
    executor.shut();
    try (Socket client = server.open(CHAT, STREAM)) {
      BufferedReader lines = TestServer.reader(client);
      int heartbeats = 0;
      while (heartbeats < 3) {
        heartbeats += lines.readLine().equals(": keep-alive") ? 1 : 0;
      }
    }
  }

  @Test
  void bodyThatDoesNotArrive_isToldAndLosesItsConnectionQuietly() throws IOException {
    String head = "POST " + CHAT + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{";
    try (Complaints complaints = new Complaints();
        Socket client = server.connect()) {
      TestServer.write(client, head);

      List<String> lines = TestServer.reader(client).lines().toList();
      assertThat(lines).first().isEqualTo("HTTP/1.1 408 Request Timeout");
      assertThat(lines).last().asString().contains("request_timeout");
      assertThat(lines).anyMatch(line -> line.equalsIgnoreCase("connection: close"));
      assertThat(complaints.all()).isEmpty();
    }
  }

  @Test
  void connectionWithoutARequest_isClosed() throws IOException {
    try (Socket silent = server.connect();
        Socket stalled = server.connect()) {
      TestServer.write(stalled, "POST " + CHAT + " HTTP/1.1\r\nHost: local");

      assertThat(silent.getInputStream().read()).isEqualTo(-1);
      assertThat(stalled.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void headThatArrivesByteByByte_losesItsConnection() throws IOException {
    try (Socket client = server.connect()) {
      TestServer.write(client, "GET /v1/models HTTP/1.1\r\nX: ");
      soon()
          .pollInterval(Duration.ofMillis(200))
          .untilAsserted(
              () ->
                  assertThatThrownBy(() -> TestServer.write(client, "x"))
                      .isInstanceOf(SocketException.class));
    }
  }

  @Test
  void brokenRequests_leaveNothingInTheLog() throws IOException {
    String head =
        "POST " + CHAT + " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    try (Complaints complaints = new Complaints();
        Socket chunked = server.connect();
        Socket garbage = server.connect();
        Socket half = server.connect()) {
      TestServer.write(chunked, head + "zz\r\n");
      TestServer.write(garbage, "GET /\u0000 HTTP/1.1\r\n: x\r\n\r\n");
      TestServer.write(half, "POST /v1/ch");
      for (Socket client : List.of(chunked, garbage)) {
        List<String> lines = TestServer.reader(client).lines().toList();
        assertThat(lines).first().isEqualTo("HTTP/1.1 400 Bad Request");
        assertThat(lines).filteredOn(line -> line.startsWith("HTTP/")).hasSize(1);
      }
      assertThat(half.getInputStream().read()).isEqualTo(-1);
      server.get("/v1/models"); // gives the connection's thread time to log
      assertThat(complaints.all()).isEmpty();
    }
  }

  private static ConditionFactory soon() {
    return await().atMost(TestServer.LIMIT);
  }
}
