package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;

class ApiKeyTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String BODY = chat("Name three colours.", "\"max_tokens\":1");

  @Test
  void whereATenantHasAKey_onlyKeysLetIn() {
    try (TestServer server =
        TestServer.start(
            "s3llm.tenants.docs.weight=2",
            "s3llm.tenants.docs.api-keys[0]=docs-key",
            "s3llm.tenants.batch.api-keys[0]=batch-key")) {
      HttpResponse<String> without = server.post(CHAT, BODY);
      assertThat(without.statusCode()).isEqualTo(401);
      assertThat(json(without.body()).at("/error/code").asString()).isEqualTo("invalid_api_key");
      assertThat(server.get("/v1/models").statusCode()).isEqualTo(401);
      for (String wrong : new String[] {"Bearer other", "docs-key", "Bearer ", "Basic docs-key"}) {
        assertThat(server.post(CHAT, BODY, "authorization", wrong).statusCode()).isEqualTo(401);
      }
      for (String right : new String[] {"Bearer docs-key", "Bearer batch-key"}) {
        assertThat(server.post(CHAT, BODY, "authorization", right).statusCode()).isEqualTo(200);
      }
      assertThat(server.get("/actuator/health").statusCode()).isEqualTo(200);
    }
  }
}
