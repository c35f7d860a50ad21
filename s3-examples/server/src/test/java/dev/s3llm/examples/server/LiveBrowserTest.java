package dev.s3llm.examples.server;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The live page under load, in an installed Chromium that Playwright drives. */
class LiveBrowserTest {
  private static final String CHROMIUM =
      Optional.ofNullable(System.getenv("CHROMIUM")).orElse("/usr/bin/chromium");

  @Test
  void page_showsTheBatchToWhoeverLooksAndHowever() throws Exception {
    assumeTrue(NodeClient.available("the live page in a browser"), "npm is needed");
    boolean browser = Files.isExecutable(Path.of(CHROMIUM));
    if (!browser) {
      System.err.printf(
          "NOT RUN: the live page in a browser, because there is no %s; CHROMIUM may name one%n",
          CHROMIUM);
    }
    assumeTrue(browser, "an installed Chromium is needed");
    NodeClient.install();
    try (TestServer server =
        TestServer.start("s3llm.kv-memory=12MB", "s3llm.max-live-requests=64")) {
      NodeClient.run(
          Map.of("S3_URL", "http://127.0.0.1:" + server.port(), "CHROMIUM", CHROMIUM),
          "npm",
          "run",
          "test:page");
    }
  }
}
