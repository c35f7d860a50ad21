package dev.s3llm.examples.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
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

  /** A connection of the test. */
  private static final class Connection implements AutoCloseable {
    private final Socket socket;
    private final InputStream in;
    private boolean closes;

    Connection(TestServer server) throws IOException {
      socket = server.connect();
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(20_000); // far below the limits of an idle connection
      in = new BufferedInputStream(socket.getInputStream());
    }

    static byte[] head(String line, String headers, int length) {
      String head = "%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n";
      return head.formatted(line, headers, length).getBytes(StandardCharsets.US_ASCII);
    }

    void send(byte[]... parts) throws IOException {
      for (byte[] part : parts) {
        socket.getOutputStream().write(part);
      }
    }

    /** Reads a response to its end, and returns its status. */
    String status() throws IOException {
      String status = line().split(" ")[1];
      int length = 0;
      boolean chunked = false;
      for (String line = line(); !line.isEmpty(); line = line()) {
        if (line.startsWith("content-length: ")) {
          length = Integer.parseInt(line.substring("content-length: ".length()));
        }
        chunked |= line.equals("transfer-encoding: chunked");
        closes |= line.equals("connection: close");
      }
      for (int size = chunked ? -1 : 0; size != 0; ) {
        size = Integer.parseInt(line(), 16);
        in.skipNBytes(size + 2L); // and the end of the line
      }
      in.skipNBytes(length);
      return status;
    }

    private String line() throws IOException {
      StringBuilder line = new StringBuilder();
      for (int one = in.read(); one != '\n'; one = in.read()) {
        if (one < 0) {
          throw new EOFException("the server has closed the connection");
        }
        line.append((char) one);
      }
      return line.toString().strip().toLowerCase(Locale.ROOT);
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

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
    checkReuse(TestServer.shared(), line, header, body, status);
  }

  private static void checkReuse(
      TestServer server, String line, String header, String body, String status) throws Exception {
    byte[] bytes = body(body);
    byte[] head = Connection.head(line, header.isEmpty() ? "" : header + "\r\n", bytes.length);
    for (int pauseMillis : new int[] {0, 20}) {
      try (Connection client = new Connection(server)) {
        client.send(head);
        TimeUnit.MILLISECONDS.sleep(pauseMillis);
        client.send(bytes);
        assertThat(client.status()).isEqualTo(status);
        assertThat(client.closes).isFalse();
        client.send(Connection.head(CHAT, "", 1), body("broken"));
        assertThat(client.status()).isEqualTo("400");
      }
    }
  }

  @Test
  void refusalWithoutAKey_leavesAConnectionThatCanBeUsed() throws Exception {
    try (TestServer server =
        TestServer.start("s3llm.tenants.docs.api-keys[0]=k", "s3llm.web.max-request-size=100KB")) {
      for (String body : new String[] {"none", "good", "large"}) {
        byte[] bytes = body(body);
        try (Connection client = new Connection(server)) {
          client.send(Connection.head(CHAT, "", bytes.length), bytes);
          assertThat(client.status()).isEqualTo("401");
          client.send(Connection.head(CHAT, "Authorization: Bearer k\r\n", 1), body("broken"));
          assertThat(client.status()).isEqualTo("400");
        }
      }
    }
  }

  /** The second request waits for the first one, and is then answered at once. */
  @Test
  void connectionWhoseQueuedRequestIsAnsweredAtOnce_isReadOn() throws Exception {
    byte[] slow = Connection.head("GET /v1/models", "", 0);
    for (String quick : new String[] {"GET /health", "GET /nowhere", "GET /"}) {
      try (Connection client = new Connection(TestServer.shared())) {
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.writeBytes(slow);
        both.writeBytes(Connection.head(quick, "", 0));
        client.send(both.toByteArray());
        assertThat(client.status()).isEqualTo("200");
        assertThat(client.status()).isIn("200", "404");
        client.send(Connection.head(CHAT, "", 1), body("broken"));
        assertThat(client.status()).isEqualTo("400");
      }
    }
  }

  @Test
  void connectionThatIsUsedAgain_livesAsLongAsItIsUsed() throws Exception {
    try (TestServer server = TestServer.start("s3llm.web.idle-timeout=2s");
        Connection client = new Connection(server)) {
      for (int i = 0; i < 6; i++) { // together longer than the limit of one pause
        client.send(Connection.head("GET /v1/models/x", "", 0));
        assertThat(client.status()).isEqualTo("404");
        TimeUnit.MILLISECONDS.sleep(400);
      }
      assertThat(client.in.read()).isEqualTo(-1); // no further request
    }
  }
}
