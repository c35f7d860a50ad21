package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.s3llm.examples.server.live.LiveFeed;
import io.netty.channel.ChannelOption;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import org.springframework.context.annotation.Bean;
import tools.jackson.databind.JsonNode;

/** The live page's endpoints. */
@Timeout(120)
class LivePageTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String HOSTILE = "<script>alert(1)</script>\\u202e";

  private static TestServer gated;

  @BeforeAll
  static void start() {
    gated = TestServer.start(List.of(GatedExecutor.Bringing.class));
  }

  @AfterAll
  static void stop() {
    gated.close();
  }

  @Test
  void page_isOneFileThatNeedsNobodyElse() {
    HttpResponse<String> page = TestServer.shared().get("/live");
    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.headers().firstValue("content-type").orElseThrow()).startsWith("text/html");
    assertThat(page.headers().firstValue("content-security-policy").orElseThrow())
        .contains("default-src 'none'", "connect-src 'self'", "script-src 'sha256-")
        .doesNotContain("unsafe");
    assertThat(page.body()).doesNotContain("/*STYLE*/", "/*SCRIPT*/", "innerHTML", "src=");
    Matcher addresses = Pattern.compile("https?://[^'\"\\s]+").matcher(page.body());
    List<String> found = addresses.results().map(r -> r.group()).toList();
    assertThat(found).containsExactly("http://www.w3.org/2000/svg"); // a name, never loaded
  }

  @Test
  void state_saysWhoHoldsWhatAndWhoWaits() {
    TestServer server = gated;
    int known = json(server.get("/live/state").body()).at("/predictions/points").size();
    GatedExecutor gate = server.bean(GatedExecutor.class);
    gate.shut();
    List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      String more = "\"temperature\":0,\"user\":\"" + HOSTILE + "\"";
      String body = chat("What is a monad?", more); // whose greedy answer ends by itself
      answers.add(server.postAsync(CHAT, body));
    }
    // A picture may be older, and a request without a prediction is in neither list.
    await().atMost(TestServer.LIMIT).until(() -> listed(server) == 4);
    HttpResponse<String> response = server.get("/live/state");
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(response.headers().firstValue("cache-control")).hasValue("no-store");
    JsonNode state = json(response.body());
    JsonNode first = state.at("/running/0");
    assertThat(first.get("id").asString()).startsWith("chatcmpl-");
    assertThat(first.get("tenant").asString()).isEqualTo("<script>alert(1)</script>\u202e");
    assertThat(first.get("p90").asInt()).isGreaterThanOrEqualTo(first.get("p50").asInt());
    assertThat(first.get("reserved").asInt()).isPositive();
    assertThat(state.get("running").size() + state.get("waiting").size()).isEqualTo(4);
    assertThat(state.at("/waiting/0/reason").asString()).isNotEmpty();
    assertThat(state.at("/map/cells").size()).isEqualTo(state.get("capacityBlocks").asInt());
    assertThat(state.get("healthy").asBoolean()).isTrue();
    assertThat(response.body()).doesNotContain("monad"); // none of the prompt's text
    gate.open();
    assertThat(answers)
        .allSatisfy(
            answer ->
                assertThat(json(answer.join().body()).at("/choices/0/finish_reason").asString())
                    .as(answer.join().body())
                    .isEqualTo("stop"));
    await()
        .untilAsserted(
            () -> {
              JsonNode after = json(server.get("/live/state").body());
              assertThat(after.at("/predictions/points").size())
                  .as("%s", after)
                  .isEqualTo(known + 4);
              assertThat(after.at("/firstTokens/p50").asDouble()).isPositive();
              assertThat(after.get("running").size()).isZero();
            });
  }

  private static int listed(TestServer server) {
    JsonNode state = json(server.get("/live/state").body());
    return state.get("running").size() + state.get("waiting").size();
  }

  @Test
  void stream_givesPicturesWhileSomebodyLooksAndEndsWithTheServer() throws Exception {
    long stopped;
    try (TestServer server = TestServer.start("s3llm.live-page.max-viewers=2")) {
      LiveFeed feed = server.bean(LiveFeed.class);
      Socket first = stream(server);
      for (int i = 0; i < 3; i++) { // no viewer keeps the place of those that come after
        try (Socket viewer = stream(server)) {
          assertThat(TestServer.reader(viewer).readLine()).contains("200");
        }
        await().until(() -> feed.viewers() == 1);
      }
      Socket second = stream(server);
      List<Long> times = new ArrayList<>();
      BufferedReader reader = TestServer.reader(first);
      for (int i = 0; i < 3; i++) {
        times.add(picture(reader).get("millis").asLong());
      }
      assertThat(times).isSorted().doesNotHaveDuplicates();
      assertThat(feed.viewers()).isEqualTo(2);
      assertThat(server.get("/live/stream").statusCode()).isEqualTo(503);
      second.close();
      await().until(() -> feed.viewers() == 1);
      stopped = System.nanoTime();
    }
    // The server would wait 20 seconds for a stream that does not end.
    assertThat(Duration.ofNanos(System.nanoTime() - stopped)).isLessThan(Duration.ofSeconds(15));
  }

  @Test
  void loopThatHangs_isShownAsItWas() throws Exception {
    TestServer server = gated;
    try (Socket viewer = stream(server)) {
      BufferedReader reader = TestServer.reader(viewer);
      await().until(() -> picture(reader).get("inspectedMillis").asLong() > 0);
      GatedExecutor gate = server.bean(GatedExecutor.class);
      gate.hang();
      CompletableFuture<HttpResponse<String>> answer =
          server.postAsync(CHAT, chat("Name three colours.", "\"max_tokens\":3"));
      await().until(() -> age(picture(reader)) > 1_500); // pictures go on
      assertThat(json(server.get("/live/state").body()).get("map").isNull()).isFalse();
      gate.open();
      assertThat(answer.join().statusCode()).isEqualTo(200);
      await().until(() -> age(picture(reader)) < 500);
    }
  }

  private static long age(JsonNode picture) {
    return picture.get("millis").asLong() - picture.get("inspectedMillis").asLong();
  }

  /** Returns the next picture of a stream. */
  private static JsonNode picture(BufferedReader reader) throws IOException {
    String line = reader.readLine();
    while (!line.startsWith("data:")) {
      line = reader.readLine();
    }
    return json(line.substring("data:".length()));
  }

  /** Small send buffers of the operating system; counts ended connections. */
  static class SmallBuffers {
    private final AtomicInteger ended = new AtomicInteger();

    @Bean
    NettyServerCustomizer smallBuffers() {
      return server ->
          server
              .childOption(ChannelOption.SO_SNDBUF, 4_096)
              .doOnChannelInit(
                  (observer, channel, address) ->
                      channel.closeFuture().addListener(closed -> ended.incrementAndGet()));
    }
  }

  @Test
  void viewerThatDoesNotRead_losesItsPlace() throws Exception {
    try (TestServer server =
            TestServer.start(
                List.of(SmallBuffers.class),
                "s3llm.web.write-timeout=1s",
                "s3llm.web.request-timeout=10m"); // which would end the connection too
        Complaints complaints = new Complaints();
        Socket viewer = new Socket()) {
      viewer.setReceiveBufferSize(4_096);
      viewer.connect(new InetSocketAddress("127.0.0.1", server.port()));
      ask(viewer);
      AtomicInteger ended = server.bean(SmallBuffers.class).ended;
      await().atMost(TestServer.LIMIT).until(() -> ended.get() == 1);
      await().atMost(TestServer.LIMIT).until(() -> server.bean(LiveFeed.class).viewers() == 0);
      assertThat(complaints.all()).isEmpty();
    }
  }

  @Test
  void page_isOffWhereItIsNotWanted() {
    try (TestServer server = TestServer.start("s3llm.live-page.enabled=false")) {
      assertThat(server.get("/live").statusCode()).isEqualTo(404);
      assertThat(server.get("/live/state").statusCode()).isEqualTo(404);
    }
  }

  @Test
  void itsOwnKey_opensThePage() {
    try (TestServer server =
        TestServer.start(
            "s3llm.tenants.docs.api-keys[0]=docs-key", "s3llm.live-page.api-key=own-key")) {
      assertThat(server.get("/live").statusCode()).isEqualTo(200); // the page without its data
      for (String wrong : List.of("Bearer docs-key", "own-key", "Bearer ", "Bearer own-keys")) {
        assertThat(get(server, "/live/state", wrong)).as(wrong).isEqualTo(401);
        assertThat(get(server, "/live/stream", wrong)).as(wrong).isEqualTo(401);
      }
      assertThat(get(server, "/live/state", "Bearer own-key")).isEqualTo(200);
      assertThat(get(server, "/live/%73tate", "Bearer other")).isEqualTo(401);
    }
  }

  private static int get(TestServer server, String path, String authorization) {
    return server.get(path, "authorization", authorization).statusCode();
  }

  private static Socket stream(TestServer server) throws IOException {
    Socket socket = server.connect();
    ask(socket);
    return socket;
  }

  private static void ask(Socket socket) throws IOException {
    TestServer.write(socket, "GET /live/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
}
