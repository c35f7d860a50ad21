package dev.s3llm.examples.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A connection for one request after another. */
class KeptConnectionTest {
  private static final String CHAT = "POST /v1/chat/completions";
  private static final String GOOD =
      "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}";
  private static final int LARGE = 300_000; // above the limit of the server

  private static byte[] body(String kind) throws IOException {
    return switch (kind) {
      case "none" -> new byte[0];
      case "good" -> GOOD.getBytes(StandardCharsets.US_ASCII);
      case "broken" -> new byte[] {'{'};
      case "large" -> new byte[LARGE];
      default -> gzip(new byte[LARGE]);
    };
  }

  private static byte[] gzip(byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(content);
    }
    return bytes.toByteArray();
  }

  @ParameterizedTest
  @CsvSource({
    "POST /v1/chat/completions, '', good, 200",
    "POST /v1/chat/completions, '', broken, 400",
    "POST /v1/chat/completions, '', none, 400",
    "POST /v1/chat/completions, '', large, 413",
    "POST /v1/chat/completions, 'Content-Encoding: br', good, 415",
    "POST /v1/chat/completions, 'Content-Encoding: br', large, 413",
    "POST /v1/chat/completions, 'Content-Encoding: gzip', good, 400",
    "POST /v1/chat/completions, 'Content-Encoding: gzip', bomb, 413",
    "PUT /v1/chat/completions, '', large, 405",
    "POST /v1/models, '', large, 405",
    "GET /v1/models, '', large, 200",
    "POST /v1/nowhere, '', large, 404",
    "POST /nowhere, '', good, 404",
    "POST /nowhere, '', large, 404",
    "GET /health, '', large, 200",
    "POST /actuator/health, '', large, 405",
  })
  void responseBeforeTheBody_leavesAConnectionThatCanBeUsed(
      String line, String header, String body, String status) throws Exception {
    byte[] bytes = body(body);
    byte[] head = KeptConnection.head(line, header.isEmpty() ? "" : header + "\r\n", bytes.length);
    for (int pauseMillis : new int[] {0, 20}) {
      try (KeptConnection client = new KeptConnection(TestServer.shared())) {
        client.send(head);
        TimeUnit.MILLISECONDS.sleep(pauseMillis);
        client.send(bytes);
        assertThat(client.status()).isEqualTo(status);
        assertThat(client.closes()).isFalse();
        client.send(KeptConnection.head(CHAT, "", 1), body("broken"));
        assertThat(client.status()).isEqualTo("400");
      }
    }
  }

  /** The second request waits for the first one, and is then answered at once. */
  @Test
  void connectionWhoseQueuedRequestIsAnsweredAtOnce_isReadOn() throws Exception {
    byte[] slow = KeptConnection.head("GET /v1/models", "", 0);
    for (String quick : new String[] {"GET /health", "GET /nowhere", "GET /"}) {
      try (KeptConnection client = new KeptConnection(TestServer.shared())) {
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.writeBytes(slow);
        both.writeBytes(KeptConnection.head(quick, "", 0));
        client.send(both.toByteArray());
        assertThat(client.status()).isEqualTo("200");
        assertThat(client.status()).isIn("200", "404");
        client.send(KeptConnection.head(CHAT, "", 1), body("broken"));
        assertThat(client.status()).isEqualTo("400");
      }
    }
  }

  @Test
  void connectionThatIsUsedAgain_livesAsLongAsItIsUsed() throws Exception {
    try (TestServer server = TestServer.start("s3llm.web.idle-timeout=2s");
        KeptConnection client = new KeptConnection(server)) {
      for (int i = 0; i < 6; i++) { // together longer than the limit of one pause
        client.send(KeptConnection.head("GET /v1/models/x", "", 0));
        assertThat(client.status()).isEqualTo("404");
        TimeUnit.MILLISECONDS.sleep(400);
      }
      assertThat(client.isClosed()).isTrue(); // no further request
    }
  }
}
