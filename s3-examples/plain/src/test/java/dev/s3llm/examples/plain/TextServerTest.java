package dev.s3llm.examples.plain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.s3llm.EngineBuilder;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.Executor;
import dev.s3llm.observe.EngineMetric;
import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The service over HTTP, with the JDK's client and with curl. */
class TextServerTest {
  private static final Path FOLDER = SmallModel.unpack();
  private static final String QUESTION = "What is a monad?";
  private static final int SPARE = TextServer.SPARE_THREADS;
  private static final int POOL = 64;

  private final HttpClient client = HttpClient.newHttpClient();
  private TextGenerator generator;
  private TextServer server;

  @AfterEach
  void close() {
    if (server != null) {
      generator.engine().closeNow();
      server.close();
    }
  }

  @Test
  void text_isAnsweredAsTheGeneratorAnswersIt() throws Exception {
    start(engine -> engine);
    HttpResponse<String> response = post("text/plain", QUESTION);

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body())
        .isNotBlank()
        .isEqualTo(
            generator
                .submit(TextRequest.builder().messages(ChatMessage.user(QUESTION)).build())
                .result()
                .join()
                .text());
  }

  @Test
  void answer_isStreamedPieceByPiece() throws Exception {
    start(engine -> engine, new FaultyExecutors.Slow(host(), 20));
    HttpResponse<InputStream> response =
        client.send(request("text/plain", QUESTION), HttpResponse.BodyHandlers.ofInputStream());
    int first = response.body().read();

    assertThat(first).isPositive();
    assertThat(generator.engine().snapshot().requests().live()).isEqualTo(1);
    assertThat(response.headers().firstValue("Transfer-Encoding")).hasValue("chunked");
    response.body().close();
  }

  @Test
  void json_setsLimitAndStopStrings() throws Exception {
    start(engine -> engine);
    String whole = json("{\"prompt\": \"%s\", \"max_tokens\": 20}".formatted(QUESTION)).body();
    String stop = whole.substring(8, 10);
    String cut =
        json("{\"prompt\": \"%s\", \"max_tokens\": 20, \"stop\": [\"%s\"]}"
                .formatted(QUESTION, stop))
            .body();

    assertThat(cut).isEqualTo(whole.substring(0, whole.indexOf(stop)));
    assertThat(generator.engine().snapshot().work().outputTokens()).isLessThanOrEqualTo(40);
  }

  @Test
  void json_setsTheLeastLength_andIgnoresTheModelsEnd() throws Exception {
    start(engine -> engine);
    String ended = json("{\"prompt\": \"%s\"}".formatted(QUESTION)).body();
    long tokens = outputTokens();
    String longer =
        json("{\"prompt\": \"%s\", \"min_tokens\": %d, \"max_tokens\": %d}"
                .formatted(QUESTION, tokens + 20, tokens + 20))
            .body();
    assertThat(outputTokens()).isEqualTo(tokens + tokens + 20);
    assertThat(longer).startsWith(ended);
    json(
        "{\"prompt\": \"%s\", \"ignore_eos\": true, \"max_tokens\": %d}"
            .formatted(QUESTION, tokens + 30));
    assertThat(outputTokens()).isEqualTo(3 * tokens + 50);
  }

  private long outputTokens() {
    return generator.engine().snapshot().work().outputTokens();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "null",
        "{}",
        "{\"prompt\": null}",
        "{\"prompt\": \"x\", \"max_tokens\": 0}",
        "{\"prompt\": \"x\", \"max_tokens\": 100000}",
        "{\"prompt\": \"x\", \"min_tokens\": -1}",
        "{\"prompt\": \"x\", \"min_tokens\": 5, \"max_tokens\": 4}",
        "{\"prompt\": \"x\", \"stop\": [\"\"]}",
        "{\"prompt\": \"x\", \"stop\": [null]}",
        "{\"prompt\": \"x\", \"unknown\": 1}"
      })
  void nonsense_isABadRequest(String body) throws Exception {
    start(engine -> engine);
    HttpResponse<String> response = json(body);

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(response.body()).isNotBlank();
  }

  @Test
  void fullQueue_is429WithRetryAfter() throws Exception {
    start(engine -> engine.maxLiveRequests(1), new FaultyExecutors.Slow(host(), 20));
    CompletableFuture<HttpResponse<String>> first =
        client.sendAsync(request("text/plain", QUESTION), HttpResponse.BodyHandlers.ofString());
    await().until(() -> generator.engine().snapshot().requests().live() == 1);
    HttpResponse<String> response = post("text/plain", QUESTION);

    assertThat(response.statusCode()).isEqualTo(429);
    assertThat(response.headers().firstValue("Retry-After")).hasValue("1");
    assertThat(response.body()).contains("maxLiveRequests");
    assertThat(first.join().statusCode()).isEqualTo(200);
  }

  @Test
  void deadlineBeforeTheFirstToken_is504() throws Exception {
    start(engine -> engine, new FaultyExecutors.Slow(host(), 50));

    assertThat(json("{\"prompt\": \"x\", \"deadline_ms\": 1}").statusCode()).isEqualTo(504);
  }

  @Test
  void deadlineMeanwhile_breaksTheConnectionOff() throws Exception {
    CompletableFuture<Void> gate = new CompletableFuture<>();
    AtomicLong nanos = new AtomicLong(); // stands still, so that the first piece comes in time
    start(
        engine -> engine.clock(nanos::get),
        new FaultyExecutors.Stalling(host(), new AtomicInteger(10), gate));
    String body = "{\"prompt\": \"%s\", \"deadline_ms\": 100}".formatted(QUESTION);
    HttpResponse<InputStream> response =
        client.send(request("application/json", body), HttpResponse.BodyHandlers.ofInputStream());
    assertThat(response.body().read()).isPositive();
    nanos.set(TimeUnit.SECONDS.toNanos(1));

    assertThatThrownBy(() -> response.body().readAllBytes()).isInstanceOf(IOException.class);
    gate.complete(null);
  }

  @Test
  void failedStep_is503() throws Exception {
    start(engine -> engine, new FaultyExecutors.Failing(host()));
    HttpResponse<String> response = post("text/plain", QUESTION);

    assertThat(response.statusCode()).isEqualTo(503);
    assertThat(response.headers().firstValue("Retry-After")).isPresent();
  }

  @Test
  void clientThatHangsUp_cancelsItsGeneration() throws Exception {
    start(engine -> engine, new FaultyExecutors.Slow(host(), 20));
    HttpResponse<InputStream> response =
        client.send(request("text/plain", QUESTION), HttpResponse.BodyHandlers.ofInputStream());
    assertThat(response.body().read()).isPositive();
    response.body().close();

    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> generator.engine().snapshot().requests().ended().cancelled() == 1);
  }

  @Test
  void healthAndMetrics_showTheEnginesState() throws Exception {
    start(engine -> engine);
    post("text/plain", QUESTION);

    assertThat(get("/health").statusCode()).isEqualTo(200);
    String metrics = get("/metrics").body();
    for (EngineMetric metric : EngineMetric.values()) {
      assertThat(metrics).contains("\n# TYPE " + metric.metricName().replace('.', '_'));
    }
    assertThat(metrics).contains("\ns3_requests_submitted_total 1\n");
    generator.engine().close();
    assertThat(get("/health").statusCode()).isEqualTo(503);
    assertThat(post("text/plain", QUESTION).statusCode()).isEqualTo(503);
  }

  @Test
  void otherPathsAndMethods_areRefused() throws Exception {
    start(engine -> engine);

    assertThat(get("/generate").statusCode()).isEqualTo(405);
    assertThat(get("/generated").statusCode()).isEqualTo(404);
    assertThat(get("/").statusCode()).isEqualTo(404);
    assertThat(post("text/plain", "x".repeat((1 << 20) + 1)).statusCode()).isEqualTo(413);
  }

  @Test
  void closing_letsTheAnswerUnderWayFinish() throws Exception {
    start(engine -> engine, new FaultyExecutors.Slow(host(), 10));
    CompletableFuture<HttpResponse<String>> answer =
        client.sendAsync(request("text/plain", QUESTION), HttpResponse.BodyHandlers.ofString());
    await().until(() -> generator.engine().snapshot().requests().running() == 1);
    server.close();

    assertThat(answer.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    assertThat(answer.join().body()).isNotBlank();
    assertThatThrownBy(() -> get("/health")).isInstanceOf(IOException.class);
  }

  @Test
  void moreRequestsThanThreads_areRefusedAndHealthIsStillAnswered() throws Exception {
    start(engine -> engine.maxLiveRequests(1), host(), RequestThreads.pool(1 + 2 * SPARE));
    List<Socket> stalled = new ArrayList<>();
    try {
      for (int i = 0; i < 1 + SPARE; i++) { // each holds a thread, which waits for the body
        stalled.add(stalled());
      }
      await().until(() -> post("text/plain", QUESTION).statusCode() == 503);
      assertThat(post("text/plain", QUESTION).headers().firstValue("Retry-After")).hasValue("1");
      assertThat(get("/health").statusCode()).isEqualTo(200);
      assertThat(get("/metrics").statusCode()).isEqualTo(200);
    } finally {
      for (Socket socket : stalled) {
        socket.close();
      }
    }
    await().until(() -> post("text/plain", QUESTION).statusCode() == 200);
  }

  @Test
  void engineWithoutALimit_isServedByBoundedThreads() throws Exception {
    start(engine -> engine.maxLiveRequests(Integer.MAX_VALUE));

    assertThat(post("text/plain", QUESTION).statusCode()).isEqualTo(200);
    assertThat(TextServer.mostThreads(generator)).isEqualTo(TextServer.MOST_GENERATING + 2 * SPARE);
  }

  private Socket stalled() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
    String head = "POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{";
    socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  @Test
  void curl_getsTheSameAnswer() throws Exception {
    start(engine -> engine);
    Process curl;
    try {
      curl =
          new ProcessBuilder(
                  "curl",
                  "-sSN",
                  "--noproxy",
                  "*",
                  "--data-binary",
                  QUESTION,
                  uri("/generate").toString())
              .redirectErrorStream(true)
              .start();
    } catch (IOException e) {
      System.out.println("NOT RUN: there is no curl on this machine: " + e.getMessage());
      return;
    }
    String answer = new String(curl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(curl.waitFor()).as(answer).isZero();
    assertThat(answer).isEqualTo(post("text/plain", QUESTION).body());
  }

  private static CpuExecutor host() {
    return CpuExecutor.builder(FOLDER).kvBytes(32L << 20).build();
  }

  private void start(UnaryOperator<EngineBuilder> settings) {
    start(settings, host());
  }

  private void start(UnaryOperator<EngineBuilder> settings, Executor executor) {
    start(settings, executor, RequestThreads.create(POOL));
  }

  private void start(
      UnaryOperator<EngineBuilder> settings, Executor executor, ExecutorService threads) {
    S3Engine engine = settings.apply(S3Engine.builder(executor)).build();
    generator = TextGenerator.of(engine, TextModel.load(FOLDER));
    try {
      server =
          TextServer.start(
              generator, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), threads);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private HttpResponse<String> json(String body) throws IOException, InterruptedException {
    return post("application/json", body);
  }

  private HttpResponse<String> post(String type, String body)
      throws IOException, InterruptedException {
    return client.send(request(type, body), HttpResponse.BodyHandlers.ofString());
  }

  private HttpRequest request(String type, String body) {
    return HttpRequest.newBuilder(uri("/generate"))
        .header("Content-Type", type)
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(uri(path)).build(), HttpResponse.BodyHandlers.ofString());
  }

  private URI uri(String path) {
    String host = InetAddress.getLoopbackAddress().getHostAddress();
    return URI.create("http://" + host + ":" + server.port() + path);
  }
}
