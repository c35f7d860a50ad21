package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class SpeechEndpointTest {
  private static final String URL = "/v1/audio/transcriptions";
  private static final Path RECORDINGS =
      Path.of("../speech/src/test/resources/dev/s3llm/examples/speech");

  private static TestServer server;
  private static byte[] yes;

  @BeforeAll
  static void start() throws IOException {
    server =
        TestServer.start(
            "s3llm.speech.enabled=true",
            "s3llm.speech.max-file-size=400KB",
            "s3llm.speech.longest=10s",
            "s3llm.tenants.docs.api-keys[0]=docs-key");
    yes = Files.readAllBytes(RECORDINGS.resolve("short.wav"));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static HttpResponse<String> post(Form form) {
    return server.postBytes(
        URL, form.bytes(), Form.CONTENT_TYPE, "authorization", "Bearer docs-key");
  }

  private static Form yes() {
    return new Form().file("file", "yes.wav", yes);
  }

  @Test
  void recording_isAnsweredWithItsText() {
    HttpResponse<String> response = post(yes().field("model", "s3-speech"));

    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    JsonNode answer = json(response.body());
    assertThat(answer.at("/text").asString()).isEqualTo("YES");
    assertThat(answer.at("/usage/seconds").asInt()).isEqualTo(1);
    assertThat(answer.at("/usage/s3/canvas").asInt()).isEqualTo(8);
    assertThat(answer.at("/usage/s3/passes").asInt()).isBetween(1, 3);
    assertThat(answer.has("segments")).isFalse();
  }

  @Test
  void textFormat_isTheTextAlone() {
    HttpResponse<String> response = post(yes().field("response_format", "text"));

    assertThat(response.body()).isEqualTo("YES\n");
    assertThat(response.headers().firstValue("content-type"))
        .hasValueSatisfying(type -> assertThat(type).startsWith("text/plain"));
  }

  @Test
  void verboseFormat_hasDurationAndLanguage() {
    Form form =
        yes()
            .field("response_format", "verbose_json")
            .field("language", "en")
            .field("prompt", "Commands:")
            .field("temperature", "0");

    JsonNode answer = json(post(form).body());

    assertThat(answer.at("/task").asString()).isEqualTo("transcribe");
    assertThat(answer.at("/language").asString()).isEqualTo("en");
    assertThat(answer.at("/duration").asDouble()).isEqualTo(0.9);
    assertThat(answer.at("/segments").isArray()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "response_format,srt,response_format",
    "temperature,hot,temperature",
    "temperature,2,temperature",
    "stream,true,stream",
    "timestamp_granularities[],word,timestamp_granularities[]",
  })
  void wrongField_isNamed(String field, String value, String named) {
    refusedFor(named, post(yes().field(field, value)));
  }

  private static void refusedFor(String field, HttpResponse<String> response) {
    assertThat(response.statusCode()).isEqualTo(400);
    JsonNode error = json(response.body()).at("/error");
    assertThat(error.at("/param").asString()).isEqualTo(field);
    assertThat(error.at("/type").asString()).isEqualTo("invalid_request_error");
  }

  @Test
  void fileThatIsNoWav_isRefusedWithWhatToDo() {
    HttpResponse<String> response =
        post(new Form().file("file", "a.mp3", "ID3 something".getBytes(StandardCharsets.US_ASCII)));

    refusedFor("file", response);
    assertThat(json(response.body()).at("/error/message").asString())
        .startsWith("a.mp3: is no WAV file")
        .contains("convert it");
  }

  @Test
  void damagedRecording_isRefusedAndTheNextOneIsAnswered() {
    refusedFor("file", post(new Form().file("file", "x.wav", Arrays.copyOf(yes, 5000))));
    refusedFor("file", post(new Form().file("file", "x.wav", new byte[0])));
    refusedFor("file", post(new Form().field("file", "text")));
    refusedFor("file", post(new Form().field("model", "s3-speech")));

    assertThat(json(post(yes()).body()).at("/text").asString()).isEqualTo("YES");
  }

  @Test
  void bodyThatIsNoForm_isRefused() {
    HttpResponse<String> other =
        server.post(URL, "{\"file\":\"x\"}", "authorization", "Bearer docs-key");
    HttpResponse<String> damaged =
        server.postBytes(URL, yes, Form.CONTENT_TYPE, "authorization", "Bearer docs-key");

    for (HttpResponse<String> response : List.of(other, damaged)) {
      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(json(response.body()).at("/error/type").asString())
          .isEqualTo("invalid_request_error");
    }
  }

  @Test
  void uploadThatIsTooLarge_isRefused() {
    HttpResponse<String> response = post(new Form().file("file", "x.wav", new byte[500_000]));

    assertThat(response.statusCode()).isEqualTo(413);
    assertThat(json(response.body()).at("/error/code").asString()).isEqualTo("request_too_large");
  }

  @Test
  void otherModel_isNotFound() {
    assertThat(post(yes().field("model", "whisper-1")).statusCode()).isEqualTo(404);
  }

  @Test
  void keysAndMethods_areCheckedAsElsewhere() {
    assertThat(server.postBytes(URL, yes().bytes(), Form.CONTENT_TYPE).statusCode()).isEqualTo(401);
    assertThat(server.get(URL, "authorization", "Bearer docs-key").statusCode()).isEqualTo(405);
  }

  @Test
  void speech_hasAHealthOfItsOwn() {
    assertThat(server.get("/actuator/health").body()).contains("s3Speech");
  }
}
