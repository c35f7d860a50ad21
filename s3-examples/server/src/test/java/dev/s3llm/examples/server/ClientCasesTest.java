package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static dev.s3llm.examples.server.TestServer.events;
import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.s3llm.examples.server.autoconfigure.ServerProperties;
import dev.s3llm.examples.server.http.RequestIdFilter;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import tools.jackson.databind.JsonNode;

/** What clients of the protocol, browsers, proxies and operators expect beside the answers. */
class ClientCasesTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String COMPLETIONS = "/v1/completions";
  private static final String QUESTION = "Name three colours.";
  private static final String GREEDY = "\"temperature\":0";

  private static TestServer server;

  @BeforeAll
  static void start() {
    server =
        TestServer.start(
            "s3llm.model-name=org/small",
            "s3llm.web.max-request-size=100KB",
            "s3llm.web.max-output-tokens=40",
            "s3llm.web.access-log=true",
            "s3llm.web.cors-origins[0]=https://chat.example.com");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void conversationWithToolCalls_isAnswered() {
    String body =
        """
        {"max_tokens": 3, "messages": [
          {"role": "user", "content": "How warm is it in Rome?"},
          {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]},
          {"role": "tool", "tool_call_id": "c1", "content": "21"}]}
        """;
    assertThat(answer(CHAT, body).at("/choices/0/message/content").isString()).isTrue();
  }

  @Test
  void toolChoiceWithoutTools_isNamed() {
    for (String choice : List.of("\"required\"", "{\"type\":\"function\"}")) {
      HttpResponse<String> response =
          server.post(CHAT, chat(QUESTION, "\"tool_choice\":" + choice));
      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(json(response.body()).at("/error/param").asString()).isEqualTo("tool_choice");
    }
    answer(CHAT, chat(QUESTION, "\"max_tokens\":1,\"tool_choice\":\"auto\""));
  }

  @Test
  void topPOfZero_isGreedy() {
    String greedy = chat(QUESTION, GREEDY + ",\"max_tokens\":20");
    assertThat(answer(CHAT, chat(QUESTION, "\"top_p\":0,\"max_tokens\":20")).at("/choices"))
        .isEqualTo(answer(CHAT, greedy).at("/choices"));
  }

  @Test
  void leastLength_andIgnoredEnd_makeTheAnswerLonger() {
    String prompt = "\"prompt\":\"Once upon a time\"," + GREEDY;
    assertThat(tokens(COMPLETIONS, "{%s,\"min_tokens\":40,\"max_tokens\":40}".formatted(prompt)))
        .isEqualTo(40);
    assertThat(tokens(COMPLETIONS, "{%s,\"ignore_eos\":true,\"max_tokens\":40}".formatted(prompt)))
        .isEqualTo(40);
    HttpResponse<String> aboveTheRoom = server.post(CHAT, chat(QUESTION, "\"min_tokens\":41"));
    assertThat(json(aboveTheRoom.body()).at("/error/param").asString()).isEqualTo("min_tokens");
    HttpResponse<String> above =
        server.post(COMPLETIONS, "{%s,\"min_tokens\":9,\"max_tokens\":8}".formatted(prompt));
    assertThat(json(above.body()).at("/error/param").asString()).isEqualTo("min_tokens");
  }

  @Test
  void answerWithoutALimit_hasTheServersMost() {
    assertThat(tokens(CHAT, chat(QUESTION, GREEDY + ",\"ignore_eos\":true"))).isEqualTo(40);
    HttpResponse<String> above = server.post(CHAT, chat(QUESTION, "\"max_tokens\":41"));
    assertThat(above.statusCode()).isEqualTo(400);
    JsonNode error = json(above.body()).at("/error");
    assertThat(error.at("/param").asString()).isEqualTo("max_tokens");
    assertThat(error.at("/message").asString()).contains("41").contains("40");
  }

  @Test
  void wholeMessage_hasNoRefusal_andPiecesHaveNoCountsYet() {
    JsonNode message = answer(CHAT, chat(QUESTION, GREEDY)).at("/choices/0/message");
    assertThat(message.has("refusal")).isTrue();
    assertThat(message.get("refusal").isNull()).isTrue();
    String asked = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";
    List<String> events = events(server.post(CHAT, chat(QUESTION, GREEDY + asked)).body());
    List<JsonNode> pieces =
        events.subList(0, events.size() - 1).stream().map(TestServer::json).toList();
    assertThat(pieces.subList(0, pieces.size() - 1))
        .isNotEmpty()
        .allMatch(piece -> piece.has("usage") && piece.get("usage").isNull());
    assertThat(pieces.get(pieces.size() - 1).at("/usage/total_tokens").asInt()).isPositive();
  }

  @Test
  void modelWhoseNameHasASlash_isFound() {
    assertThat(json(server.get("/v1/models/org/small").body()).at("/id").asString())
        .isEqualTo("org/small");
    assertThat(server.get("/v1/models/org/other").statusCode()).isEqualTo(404);
    assertThat(server.post("/v1/models/org/small", "{}").statusCode()).isEqualTo(405);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/models", "/v1/models/org/small", "/live", "/", "/health"})
  void head_isAsGetWithoutABody(String path) throws IOException {
    try (Socket socket = server.connect()) {
      TestServer.write(
          socket, "HEAD " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      BufferedReader reader = TestServer.reader(socket);
      assertThat(reader.readLine()).isEqualTo("HTTP/1.1 200 OK");
      assertThat(reader.lines().dropWhile(line -> !line.isEmpty()).skip(1)).isEmpty();
    }
    assertThat(server.get(path).body()).isNotEmpty();
  }

  @Test
  void requestWithoutAHost_isRefused() throws IOException {
    for (String head :
        List.of("GET /health HTTP/1.1\r\n", "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n")) {
      try (Socket socket = server.connect()) {
        TestServer.write(socket, head + "\r\n");
        assertThat(TestServer.reader(socket).readLine()).isEqualTo("HTTP/1.1 400 Bad Request");
      }
    }
    try (Socket socket = server.connect()) {
      TestServer.write(socket, "GET /health HTTP/1.0\r\n\r\n");
      assertThat(TestServer.reader(socket).readLine()).contains("200 OK");
    }
  }

  @Test
  void gzipBody_isDecodedWithinTheLimit_andOtherEncodingsAreRefused() throws IOException {
    String body = chat(QUESTION, GREEDY + ",\"max_tokens\":5");
    HttpResponse<String> response = posted(gzip(body), "gzip");
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    assertThat(json(response.body()).at("/choices")).isEqualTo(answer(CHAT, body).at("/choices"));
    assertThat(posted(gzip(" ".repeat(1_000_000)), "gzip").statusCode()).isEqualTo(413);
    assertThat(posted(body.getBytes(StandardCharsets.UTF_8), "gzip").statusCode()).isEqualTo(400);
    assertThat(posted(gzip(body), "br").statusCode()).isEqualTo(415);
  }

  private static HttpResponse<String> posted(byte[] body, String encoding) {
    return server.postBytes(CHAT, body, "application/json", "content-encoding", encoding);
  }

  private static byte[] gzip(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  @Test
  void everyResponse_hasARequestId_theClientsWhereItSendsOne() {
    String id = "x-request-id";
    assertThat(server.get("/v1/models", id, "mine-7").headers().firstValue(id)).contains("mine-7");
    assertThat(server.get("/nowhere", id, "no spaces").headers().firstValue(id))
        .hasValueSatisfying(own -> assertThat(own).startsWith("req_"));
    assertThat(server.post(CHAT, "{").headers().firstValue(id)).isPresent();
  }

  @Test
  void accessLog_hasTheStatus_alsoOfErrors_andNoQuery() {
    Logger log = (Logger) LoggerFactory.getLogger(RequestIdFilter.class);
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    lines.start();
    log.addAppender(lines);
    try {
      server.get("/nowhere?key=secret", "x-request-id", "log-1");
      server.get("/v1/models", "x-request-id", "log-2");
      await().atMost(TestServer.LIMIT).until(() -> lines.list.size() == 2);
    } finally {
      log.detachAppender(lines);
    }
    assertThat(lines.list.get(0).getFormattedMessage())
        .matches(".* GET /nowhere 404 \\d+ ms log-1");
    assertThat(lines.list.get(1).getFormattedMessage())
        .matches(".* GET /v1/models 200 \\d+ ms log-2");
  }

  @Test
  void pageOfAnotherOrigin_isAllowedWhereTheOperatorNamesIt() throws IOException {
    String allowed = "Access-Control-Allow-Origin: https://chat.example.com";
    assertThat(preflight("https://chat.example.com")).startsWith("HTTP/1.1 200").contains(allowed);
    assertThat(preflight("https://evil.example.com")).startsWith("HTTP/1.1 403");
  }

  private static String preflight(String origin) throws IOException {
    try (Socket socket = server.connect()) {
      TestServer.write(
          socket,
          ("OPTIONS %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: %s\r\n"
                  + "Access-Control-Request-Method: POST\r\n"
                  + "Access-Control-Request-Headers: authorization,content-type\r\n\r\n")
              .formatted(CHAT, origin));
      return String.join("\n", TestServer.reader(socket).lines().toList());
    }
  }

  @Test
  void home_saysWhatRuns_andHealthAnswers() {
    assertThat(server.get("/").body()).contains("org/small").contains("toy").contains("live");
    assertThat(server.get("/health").statusCode()).isEqualTo(200);
    assertThat(server.get("/health").body()).isEqualTo("ok\n");
  }

  @Test
  void refusals_speakTheWordsOfTheProtocol() {
    for (String body :
        List.of(
            "{\"messages\": nonsense}",
            chat("colour ".repeat(10_000), GREEDY),
            chat(QUESTION, "\"min_tokens\":30,\"max_tokens\":20"))) {
      HttpResponse<String> response = server.post(CHAT, body);
      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(json(response.body()).at("/error/message").asString())
          .isNotEmpty()
          .doesNotContain("maxNewTokens", "minTokens", "jackson", "java", "request r");
    }
  }

  @Test
  void serverWithoutKeys_listensOnLoopbackOnly_unlessAnAddressIsSet() {
    assertThat(address()).isEqualTo("127.0.0.1");
    assertThat(address("s3llm.tenants.a.api-keys[0]", "k")).isEqualTo("any");
    assertThat(address("server.address", "0.0.0.0")).isEqualTo("any");
  }

  /** Returns the address that the application sets on the web server, or "any". */
  private static String address(String... property) {
    StandardEnvironment environment = new StandardEnvironment();
    if (property.length > 0) {
      environment
          .getPropertySources()
          .addFirst(new MapPropertySource("test", Map.of(property[0], property[1])));
    }
    ServerProperties properties =
        Binder.get(environment).bindOrCreate("s3llm", ServerProperties.class);
    NettyReactiveWebServerFactory factory = new NettyReactiveWebServerFactory();
    new HomeRoutes().s3ListeningAddress(environment, properties).customize(factory);
    return factory.getAddress() == null ? "any" : factory.getAddress().getHostAddress();
  }

  private static int tokens(String path, String body) {
    return answer(path, body).at("/usage/completion_tokens").asInt();
  }

  private static JsonNode answer(String path, String body) {
    HttpResponse<String> response = server.post(path, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return json(response.body());
  }
}
