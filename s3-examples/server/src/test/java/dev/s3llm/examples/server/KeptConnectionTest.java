package dev.s3llm.examples.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.Socket;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A connection for one request after another, with pauses far shorter than the limit for them. */
class KeptConnectionTest {
  private static final String LENGTH = "content-length: ";

  @Test
  void connectionThatIsUsedAgain_livesAsLongAsItIsUsed() throws Exception {
    try (TestServer server = TestServer.start("s3llm.web.request-timeout=6s");
        Socket client = server.connect()) {
      BufferedReader lines = TestServer.reader(client);
      for (int i = 0; i < 8; i++) { // together longer than the limit of one request
        TestServer.write(client, "GET /v1/models/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assertThat(lines.readLine()).contains("404");
        skipRest(lines);
        TimeUnit.SECONDS.sleep(1);
      }
      assertThat(lines.read()).isEqualTo(-1); // no further request
    }
  }

  /** Skips the rest of a response whose first line was read. */
  private static void skipRest(BufferedReader lines) throws IOException {
    int bytes = 0;
    for (String line = lines.readLine(); !line.isEmpty(); line = lines.readLine()) {
      if (line.regionMatches(true, 0, LENGTH, 0, LENGTH.length())) {
        bytes = Integer.parseInt(line.substring(LENGTH.length()));
      }
    }
    assertThat(lines.skip(bytes)).isEqualTo(bytes); // as many characters: the body is ASCII
  }
}
