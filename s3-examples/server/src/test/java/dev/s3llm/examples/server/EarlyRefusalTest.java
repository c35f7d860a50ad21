package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A limit for the time to the first token that no request keeps. */
class EarlyRefusalTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String GREEDY = "\"temperature\":0";

  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start("s3llm.first-token-within=1ns");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void firstTokenThatWouldBeTooLate_isRefusedBeforeAStreamBegins() {
    // The engine refuses no request before the first answers have shown how long steps take.
    await()
        .atMost(TestServer.LIMIT)
        .until(() -> server.post(CHAT, chat("What is a monad?", GREEDY)).statusCode() == 429);

    for (String more : List.of(GREEDY, GREEDY + ",\"stream\":true")) {
      HttpResponse<String> response = server.post(CHAT, chat("What is a monad?", more));
      assertThat(response.statusCode()).isEqualTo(429);
      assertThat(response.headers().firstValueAsLong("retry-after").orElse(0)).isPositive();
      assertThat(json(response.body()).at("/error/message").asString()).contains("first token");
    }
    server.awaitMetrics(
        metrics ->
            metrics
                .contains("gen_ai_server_request_duration_seconds_count{error_type=\"queue_full\"")
                .doesNotContain("error_type=\"failed\"", "error_type=\"internal_error\""));
  }
}
