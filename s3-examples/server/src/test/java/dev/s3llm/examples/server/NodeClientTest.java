package dev.s3llm.examples.server;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Clients from npm: OpenAI's own, and a load generator. */
class NodeClientTest {
  private static final int QUEUE = 64;

  private static TestServer server;

  @BeforeAll
  static void install() throws Exception {
    boolean npm = NodeClient.available("OpenAI's client and the load test");
    assumeTrue(npm, "npm is needed for clients from npm");
    NodeClient.install();
    server = TestServer.start("s3llm.max-live-requests=" + QUEUE);
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  @Test
  void clientOfOpenAi_isServed() throws Exception {
    NodeClient.run(environment(), "npm", "test");
  }

  @Test
  void load_isServedOrRefusedAndLeavesNothingBehind() throws Exception {
    NodeClient.run(environment(), "node", "load.js");
  }

  /** The model plays the agent's part, since the embedded one cannot. */
  @Test
  void agentsWithTwoTools_reachTheirAnswer() throws Exception {
    NodeClient.run(Map.of("S3_URL", TestServer.scripted().url()), "npm", "run", "test:agents");
  }

  private static Map<String, String> environment() {
    return Map.of(
        "S3_URL",
        server.url(),
        "S3_QUEUE",
        String.valueOf(QUEUE),
        "S3_STEADY",
        "32",
        "S3_TOKENS",
        "10");
  }
}
