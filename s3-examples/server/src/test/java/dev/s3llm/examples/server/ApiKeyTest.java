package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.schedule.SequenceView;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class ApiKeyTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String BODY = chat("Name three colours.", "\"max_tokens\":1");

  /** Records the tenants of the queue. */
  static class Watching implements SchedulingPolicy {
    private final SchedulingPolicy order = SchedulingPolicies.firstComeFirstServed();
    final List<String> tenants = new CopyOnWriteArrayList<>();

    @Override
    public String name() {
      return order.name();
    }

    @Override
    public long rank(SequenceView sequence, int admissionBlocks) {
      tenants.add(sequence.tenant());
      return order.rank(sequence, admissionBlocks);
    }

    @Override
    public boolean skipsUnfit() {
      return order.skipsUnfit();
    }

    @Override
    public int maxOvertakes() {
      return order.maxOvertakes();
    }
  }

  @Test
  void userOfARequest_isItsTenantWhereNobodyHasAKey() {
    try (TestServer server = TestServer.start(List.of(Watching.class))) {
      String body = chat("Name three colours.", "\"max_tokens\":1,\"user\":\"ann\"");
      assertThat(server.post(CHAT, body).statusCode()).isEqualTo(200);
      assertThat(server.post(CHAT, BODY).statusCode()).isEqualTo(200);
      assertThat(server.bean(Watching.class).tenants).containsSubsequence("ann", "");
    }
  }

  @Test
  void whereATenantHasAKey_onlyKeysLetIn() throws IOException {
    try (TestServer server =
        TestServer.start(
            List.of(Watching.class),
            "s3llm.tenants.docs.weight=2",
            "s3llm.tenants.docs.api-keys[0]=docs-key",
            "s3llm.tenants.batch.api-keys[0]=batch-key")) {
      HttpResponse<String> without = server.post(CHAT, BODY);
      assertThat(without.statusCode()).isEqualTo(401);
      assertThat(json(without.body()).at("/error/code").asString()).isEqualTo("invalid_api_key");
      assertThat(without.headers().firstValue("www-authenticate")).hasValue("Bearer");
      assertThat(server.get("/v1/models").statusCode()).isEqualTo(401);
      for (String wrong : new String[] {"Bearer other", "docs-key", "Bearer ", "Basic docs-key"}) {
        assertThat(server.post(CHAT, BODY, "authorization", wrong).statusCode()).isEqualTo(401);
      }
      for (String right : new String[] {"Bearer docs-key", "bearer batch-key"}) {
        assertThat(server.post(CHAT, BODY, "authorization", right).statusCode()).isEqualTo(200);
      }
      String pretending = chat("x", "\"max_tokens\":1,\"user\":\"batch\"");
      server.post(CHAT, pretending, "authorization", "Bearer docs-key");
      assertThat(server.bean(Watching.class).tenants)
          .containsOnly("docs", "batch")
          .endsWith("docs");
      assertThat(server.get("/actuator/health").statusCode()).isEqualTo(200);
      requireKeyHoweverAPathIsSpelt(server);
      requireNoLivePage(server);
      requireUsableConnections(server);
    }
  }

  private static void requireKeyHoweverAPathIsSpelt(TestServer server) {
    for (String path :
        List.of(
            "/%76%31/chat/completions",
            "/v1;a=b/chat/completions", "/v1/chat;a=b/completions", "/v1/%63hat/completions")) {
      assertThat(server.post(path, BODY).statusCode()).as(path).isEqualTo(401);
      assertThat(server.post(path, BODY, "authorization", "Bearer docs-key").statusCode())
          .as(path)
          .isEqualTo(200);
    }
  }

  private static void requireNoLivePage(TestServer server) {
    for (String path : List.of("/live", "/live/state", "/live/stream")) {
      assertThat(server.get(path, "authorization", "Bearer docs-key").statusCode())
          .as(path)
          .isEqualTo(404);
    }
  }

  /** The client of a refused request sends its next one on the same connection. */
  private static void requireUsableConnections(TestServer server) throws IOException {
    for (int length : new int[] {0, BODY.length(), 300_000}) {
      try (KeptConnection client = new KeptConnection(server)) {
        client.send(KeptConnection.head("POST " + CHAT, "", length), new byte[length]);
        assertThat(client.status()).isEqualTo("401");
        client.send(
            KeptConnection.head("POST " + CHAT, "Authorization: Bearer docs-key\r\n", 1),
            new byte[] {'{'});
        assertThat(client.status()).isEqualTo("400");
      }
    }
  }

  @Test
  void whereTheApplicationHasAPathOfItsOwn_keysAreAskedForToo() {
    try (TestServer server =
        TestServer.start(
            "spring.webflux.base-path=/llm", "s3llm.tenants.docs.api-keys[0]=docs-key")) {
      String path = "/llm" + CHAT;
      assertThat(server.post(path, BODY).statusCode()).isEqualTo(401);
      assertThat(server.post(path, BODY, "authorization", "Bearer docs-key").statusCode())
          .isEqualTo(200);
    }
  }
}
