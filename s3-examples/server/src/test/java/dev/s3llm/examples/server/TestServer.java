package dev.s3llm.examples.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.s3llm.S3Engine;
import dev.s3llm.observe.EngineSnapshot;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.assertj.core.api.AbstractStringAssert;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.http.client.ReactorResourceFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The application on a loopback port, with the embedded model on the CPU. */
final class TestServer implements AutoCloseable {
  static final Duration LIMIT = Duration.ofMinutes(1);
  private static final JsonMapper JSON = JsonMapper.shared();

  private final ConfigurableApplicationContext context;
  private final int port;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private TestServer(ConfigurableApplicationContext context) {
    this.context = context;
    this.port = context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
  }

  /**
   * Starts a server with these properties, such as {@code s3llm.planner=s3}.
   *
   * @param beans classes that are beans or have some; without an annotation, since the
   *     application's component scan would add them to every server of these tests
   */
  static TestServer start(List<Class<?>> beans, String... properties) {
    return start(
        ServerApplication.application().sources(beans.toArray(Class<?>[]::new)), properties);
  }

  /** Starts an application with these properties. */
  static TestServer start(SpringApplicationBuilder application, String... properties) {
    List<String> arguments = new ArrayList<>();
    for (String property : properties) {
      arguments.add("--" + property);
    }
    arguments.addAll(
        List.of(
            "--server.port=0",
            "--server.address=127.0.0.1",
            "--s3llm.device=host",
            "--spring.main.banner-mode=off",
            "--spring.main.register-shutdown-hook=false"));
    return new TestServer(
        application.sources(OwnThreads.class).run(arguments.toArray(String[]::new)));
  }

  /** Gives a server threads of its own: one that is closed ends the threads that all share. */
  static class OwnThreads {
    @Bean
    ReactorResourceFactory reactorResources() {
      ReactorResourceFactory factory = new ReactorResourceFactory();
      factory.setUseGlobalResources(false);
      return factory;
    }
  }

  static TestServer start(String... properties) {
    return start(List.of(), properties);
  }

  /** Returns the server that several test classes of a JVM use; it must not be closed. */
  static TestServer shared() {
    return Shared.SERVER;
  }

  /** Started when it is first needed. */
  private static final class Shared {
    static final TestServer SERVER =
        start("s3llm.metrics.vllm-names=true", "s3llm.web.max-request-size=100KB");
  }

  /** Returns the server whose model plays an agent; it must not be closed either. */
  static TestServer scripted() {
    return Scripted.SERVER;
  }

  /** Started when it is first needed. */
  private static final class Scripted {
    static final TestServer SERVER = start(List.of(ScriptedExecutor.Bringing.class));
  }

  int port() {
    return port;
  }

  /** Returns the address without a path. */
  String url() {
    return "http://127.0.0.1:" + port;
  }

  <T> T bean(Class<T> type) {
    return context.getBean(type);
  }

  /** Returns a property of the application's environment. */
  @Nullable String property(String name) {
    return context.getEnvironment().getProperty(name);
  }

  EngineSnapshot snapshot() {
    return bean(S3Engine.class).snapshot();
  }

  HttpResponse<String> get(String path, String... headers) {
    return send(with(request(path).GET(), headers).build());
  }

  /** Waits until the text of the metrics passes a check. */
  void awaitMetrics(Consumer<AbstractStringAssert<?>> check) {
    await()
        .atMost(LIMIT)
        .untilAsserted(() -> check.accept(assertThat(get("/actuator/prometheus").body())));
  }

  HttpResponse<String> post(String path, String body, String... headers) {
    return send(posting(path, body, headers));
  }

  HttpResponse<String> postBytes(String path, byte[] body, String contentType, String... headers) {
    HttpRequest.Builder request =
        request(path).setHeader("content-type", contentType).POST(BodyPublishers.ofByteArray(body));
    return send(with(request, headers).build());
  }

  CompletableFuture<HttpResponse<String>> postAsync(String path, String body) {
    return http.sendAsync(posting(path, body), BodyHandlers.ofString());
  }

  HttpRequest posting(String path, String body, String... headers) {
    return with(request(path).POST(BodyPublishers.ofString(body)), headers).build();
  }

  private static HttpRequest.Builder with(HttpRequest.Builder builder, String... headers) {
    for (int i = 0; i < headers.length; i += 2) {
      builder.header(headers[i], headers[i + 1]);
    }
    return builder;
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(url() + path))
        .timeout(LIMIT)
        .header("content-type", "application/json");
  }

  private HttpResponse<String> send(HttpRequest request) {
    try {
      return http.send(request, BodyHandlers.ofString());
    } catch (IOException e) {
      throw new AssertionError("no answer", e);
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }

  /** Opens a connection, which the caller closes. */
  Socket connect() throws IOException {
    Socket socket = new Socket("127.0.0.1", port);
    socket.setSoTimeout(Math.toIntExact(LIMIT.toMillis()));
    return socket;
  }

  static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
  }

  static BufferedReader reader(Socket socket) throws IOException {
    return new BufferedReader(
        new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
  }

  /** Sends a request over a connection of its own, which the caller closes. */
  Socket open(String path, String body) throws IOException {
    Socket socket = connect();
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    String head =
        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            .formatted(path, bytes.length);
    write(socket, head);
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
    return socket;
  }

  static JsonNode json(String text) {
    return JSON.readTree(text);
  }

  /** Returns the body of a chat request. */
  static String chat(String question, String more) {
    return "{\"messages\":[{\"role\":\"user\",\"content\":%s}]%s}"
        .formatted(JSON.writeValueAsString(question), more.isEmpty() ? "" : "," + more);
  }

  /** Returns the data of a stream's events. */
  static List<String> events(String body) {
    return body.lines()
        .filter(line -> line.startsWith("data: "))
        .map(line -> line.substring("data: ".length()))
        .toList();
  }

  @Override
  public void close() {
    context.close();
  }
}
