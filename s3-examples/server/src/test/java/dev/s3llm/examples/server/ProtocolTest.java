package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static dev.s3llm.examples.server.TestServer.events;
import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class ProtocolTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String COMPLETIONS = "/v1/completions";
  private static final String QUESTION = "Name three colours.";
  private static final String GREEDY = "\"temperature\":0";
  private static final String SHORT = GREEDY + ",\"max_tokens\":20";

  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.shared();
  }

  @Test
  void chat_answersWithTokensCountedAndThePredictionBesideThem() {
    JsonNode answer = answer(CHAT, chat(QUESTION, SHORT));

    assertThat(answer.at("/id").asString()).startsWith("chatcmpl-");
    assertThat(answer.at("/object").asString()).isEqualTo("chat.completion");
    assertThat(answer.at("/model").asString()).isEqualTo("s3-small");
    assertThat(answer.at("/choices/0/message/role").asString()).isEqualTo("assistant");
    assertThat(answer.at("/choices/0/message/content").asString()).isNotEmpty();
    assertThat(answer.at("/choices/0/finish_reason").asString()).isIn("stop", "length");
    JsonNode usage = answer.at("/usage");
    assertThat(usage.at("/total_tokens").asInt())
        .isEqualTo(usage.at("/prompt_tokens").asInt() + usage.at("/completion_tokens").asInt());
    JsonNode s3 = usage.at("/s3");
    assertThat(s3.at("/predicted_p50").asInt()).isBetween(1, s3.at("/predicted_p90").asInt());
    assertThat(s3.at("/reserved_tokens").asInt()).isPositive();
    assertThat(s3.at("/preemptions").asInt()).isZero();
    assertThat(s3.at("/queued_ms").asDouble()).isNotNegative();
    assertThat(s3.at("/ttft_ms").asDouble()).isGreaterThanOrEqualTo(s3.at("/queued_ms").asDouble());
  }

  @Test
  void promptThatWasComputedBefore_isCountedAsCached() {
    String longerThanABlock = QUESTION.repeat(20);
    String body = chat(longerThanABlock, GREEDY + ",\"max_tokens\":5");
    JsonNode first = answer(CHAT, body);
    JsonNode again = answer(CHAT, body);

    assertThat(again.at("/usage/prompt_tokens_details/cached_tokens").asInt())
        .isBetween(1, again.at("/usage/prompt_tokens").asInt() - 1);
    assertThat(again.at("/choices/0/message/content"))
        .isEqualTo(first.at("/choices/0/message/content"));
  }

  @Test
  void streamedChat_isTheSameAnswerInPieces() {
    JsonNode whole = answer(CHAT, chat(QUESTION, SHORT));
    HttpResponse<String> response =
        server.post(
            CHAT,
            chat(QUESTION, SHORT + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));

    assertThat(response.headers().firstValue("content-type"))
        .hasValueSatisfying(type -> assertThat(type).startsWith("text/event-stream"));
    List<String> events = events(response.body());
    assertThat(events.get(events.size() - 1)).isEqualTo("[DONE]");
    List<JsonNode> pieces =
        events.subList(0, events.size() - 1).stream().map(TestServer::json).toList();
    assertThat(pieces.get(0).at("/choices/0/delta/role").asString()).isEqualTo("assistant");
    StringBuilder text = new StringBuilder();
    for (JsonNode piece : pieces) {
      assertThat(piece.at("/object").asString()).isEqualTo("chat.completion.chunk");
      text.append(piece.at("/choices/0/delta/content").asString(""));
    }
    assertThat(text.toString()).isEqualTo(whole.at("/choices/0/message/content").asString());
    assertThat(pieces.get(pieces.size() - 2).at("/choices/0/finish_reason"))
        .isEqualTo(whole.at("/choices/0/finish_reason"));
    JsonNode last = pieces.get(pieces.size() - 1);
    assertThat(last.at("/choices")).isEmpty();
    assertThat(last.at("/usage/completion_tokens")).isEqualTo(whole.at("/usage/completion_tokens"));
  }

  @Test
  void stream_countsTokensOnlyIfAsked() {
    List<String> events =
        events(server.post(CHAT, chat(QUESTION, SHORT + ",\"stream\":true")).body());

    assertThat(events).hasSizeGreaterThan(2).noneMatch(event -> event.contains("\"usage\""));
  }

  @Test
  void completion_continuesAPromptForSixteenTokensByDefault() {
    JsonNode answer = answer(COMPLETIONS, "{\"prompt\":\"" + QUESTION + "\"," + GREEDY + "}");

    assertThat(answer.at("/id").asString()).startsWith("cmpl-");
    assertThat(answer.at("/object").asString()).isEqualTo("text_completion");
    assertThat(answer.at("/choices/0/text").asString()).isNotEmpty();
    assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("length");
    assertThat(answer.at("/usage/completion_tokens").asInt()).isEqualTo(16);
  }

  @Test
  void contentInParts_isTheirTextJoined() {
    String parts =
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Name three"
            + " \"},{\"type\":\"text\",\"text\":\"colours.\"}]}],"
            + SHORT
            + "}";

    assertThat(answer(CHAT, parts).at("/choices"))
        .isEqualTo(answer(CHAT, chat(QUESTION, SHORT)).at("/choices"));
  }

  @Test
  void sameSeed_drawsTheSameAnswer() {
    String seeded = chat(QUESTION, "\"seed\":7,\"max_tokens\":40");
    String other = chat(QUESTION, "\"seed\":8,\"max_tokens\":40");

    assertThat(answer(CHAT, seeded).at("/choices")).isEqualTo(answer(CHAT, seeded).at("/choices"));
    assertThat(answer(CHAT, seeded).at("/choices"))
        .isNotEqualTo(answer(CHAT, other).at("/choices"));
  }

  @Test
  void stopString_endsTheAnswerBeforeIt() {
    String whole = answer(CHAT, chat(QUESTION, SHORT)).at("/choices/0/message/content").asString();
    String stop = whole.substring(5, 8);

    JsonNode cut = answer(CHAT, chat(QUESTION, SHORT + ",\"stop\":\"" + stop + "\""));

    assertThat(cut.at("/choices/0/message/content").asString())
        .isEqualTo(whole.substring(0, whole.indexOf(stop)));
    assertThat(cut.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
  }

  @Test
  void newerNameOfTheLimit_winsOverTheOlder() {
    JsonNode answer =
        answer(CHAT, chat(QUESTION, GREEDY + ",\"max_tokens\":9,\"max_completion_tokens\":3"));

    assertThat(answer.at("/usage/completion_tokens").asInt()).isEqualTo(3);
    assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("length");
  }

  @Test
  void unknownFields_areIgnored() {
    assertThat(server.post(CHAT, chat(QUESTION, "\"max_tokens\":1,\"store\":true")).statusCode())
        .isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "temperature       | \"temperature\":3",
        "temperature       | \"temperature\":\"hot\"",
        "top_p             | \"top_p\":-0.1",
        "max_tokens        | \"max_tokens\":0",
        "max_tokens        | \"max_tokens\":1.5",
        "max_tokens        | \"max_tokens\":99999999999",
        "seed              | \"seed\":0.5",
        "stop[0]           | \"stop\":[1]",
        "stop              | \"stop\":\"\"",
        "stream            | \"stream\":\"yes\"",
        "stream_options    | \"stream_options\":3",
        "user              | \"user\":\"a\\nb\"",
        "n                 | \"n\":0",
        "n                 | \"n\":129",
        "tools[0].function.name | \"tools\":[{\"type\":\"function\"}]",
        "logprobs          | \"logprobs\":2",
        "top_logprobs      | \"logprobs\":true,\"top_logprobs\":21",
        "top_logprobs      | \"top_logprobs\":2",
        "min_p             | \"min_p\":1.5",
        "response_format   | \"response_format\":5",
        "presence_penalty  | \"presence_penalty\":3",
        "logit_bias        | \"logit_bias\":{\"5\":101}",
        "logit_bias        | \"logit_bias\":{\"x\":1}",
        "logit_bias        | \"logit_bias\":7",
        "model             | \"model\":5",
        "n                 | \"n\":99999999999",
        "top_logprobs      | \"top_logprobs\":99999999999",
        "temperature       | \"temperature\":HUGE",
        "top_p             | \"top_p\":1e400",
        "presence_penalty  | \"presence_penalty\":HUGE",
        "frequency_penalty | \"frequency_penalty\":-1e999",
        "max_tokens        | \"max_tokens\":HUGE",
        "seed              | \"seed\":HUGE",
      })
  void wrongField_isNamed(String field, String json) {
    HttpResponse<String> response =
        server.post(CHAT, chat(QUESTION, json.replace("HUGE", "9".repeat(400))));

    refusedFor(field, response);
    assertThat(json(response.body()).at("/error/message").asString()).contains(field);
  }

  @Test
  void errors_haveTheWordsOfTheApi() {
    assertThat(message("\"temperature\":3"))
        .isEqualTo(
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3"
                + " instead.");
    assertThat(message("\"n\":\"two\""))
        .isEqualTo("Invalid type for 'n': expected an integer, but got a string instead.");
    assertThat(json(server.post(CHAT, "{}").body()).at("/error/message").asString())
        .isEqualTo("Missing required parameter: 'messages'.");
  }

  private static String message(String field) {
    return json(server.post(CHAT, chat(QUESTION, field)).body()).at("/error/message").asString();
  }

  private static void refusedFor(String field, HttpResponse<String> response) {
    assertThat(response.statusCode()).isEqualTo(400);
    JsonNode error = json(response.body()).at("/error");
    assertThat(error.at("/param").asString()).isEqualTo(field);
    assertThat(error.at("/type").asString()).isEqualTo("invalid_request_error");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "messages            | {}",
        "messages            | {\"messages\":[]}",
        "messages[0]         | {\"messages\":[\"hello\"]}",
        "messages[0].role    | {\"messages\":[{\"role\":\"king\",\"content\":\"x\"}]}",
        "messages[0].content | {\"messages\":[{\"role\":\"user\"}]}",
        "messages[0].content |"
            + " {\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
      })
  void wrongMessage_isNamed(String field, String body) {
    HttpResponse<String> response = server.post(CHAT, body);

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(json(response.body()).at("/error/param").asString()).isEqualTo(field);
  }

  @Test
  void bodyThatIsNoJson_isRefused() {
    for (String body : List.of("{", "[]", "", "\"text\"")) {
      HttpResponse<String> response = server.post(CHAT, body);
      assertThat(response.statusCode()).as(body).isEqualTo(400);
      assertThat(json(response.body()).at("/error/type").asString())
          .isEqualTo("invalid_request_error");
    }
  }

  @Test
  void bodyThatIsTooLarge_isRefused() {
    HttpResponse<String> response = server.post(CHAT, chat("x".repeat(200_000), GREEDY));

    assertThat(response.statusCode()).isEqualTo(413);
    assertThat(json(response.body()).at("/error/code").asString()).isEqualTo("request_too_large");
  }

  @Test
  void requestThatCanNeverFit_isToldTheNumbers() {
    HttpResponse<String> response = server.post(CHAT, chat(QUESTION, "\"max_tokens\":1000000"));

    assertThat(response.statusCode()).isEqualTo(400);
    JsonNode error = json(response.body()).at("/error");
    assertThat(error.at("/code").asString()).isEqualTo("context_length_exceeded");
    assertThat(error.at("/param").asString()).isEqualTo("max_tokens");
    assertThat(error.at("/message").asString()).contains("1000");
  }

  @Test
  void fieldThatIsToBlame_isNamedWhereARequestCanNeverFit() {
    String longText = "colour ".repeat(10_000);
    refusedFor(
        "max_completion_tokens",
        server.post(CHAT, chat(QUESTION, "\"max_completion_tokens\":1000000")));
    refusedFor("messages", server.post(CHAT, chat(longText, GREEDY)));
    refusedFor("messages", server.post(CHAT, chat(longText, "\"max_tokens\":1")));
    refusedFor("prompt", server.post(COMPLETIONS, "{\"prompt\":\"" + longText + "\"}"));
  }

  @Test
  void wrongMethodAndUnknownPath_areErrorsOfTheProtocol() {
    HttpResponse<String> method = server.get(CHAT);
    assertThat(method.statusCode()).isEqualTo(405);
    assertThat(method.headers().firstValue("allow")).hasValue("POST");
    HttpResponse<String> path = server.post("/v1/embeddings", "{}");
    assertThat(path.statusCode()).isEqualTo(404);
    for (HttpResponse<String> response : List.of(method, path)) {
      JsonNode error = json(response.body()).at("/error");
      assertThat(error.at("/type").asString()).isEqualTo("invalid_request_error");
      assertThat(error.at("/message").asString()).isNotEmpty();
    }
    assertThat(server.post("/v1/models", "{}").statusCode()).isEqualTo(405);
    assertThat(json(server.get("/v2").body()).at("/error").isString()).isTrue(); // Spring's
  }

  @Test
  void transcriptions_areOffByDefault() {
    assertThat(server.post("/v1/audio/transcriptions", "{}").statusCode()).isEqualTo(404);
  }

  @Test
  void otherModel_isNotFound() {
    HttpResponse<String> response = server.post(CHAT, chat(QUESTION, "\"model\":\"gpt-4o\""));

    assertThat(response.statusCode()).isEqualTo(404);
    assertThat(json(response.body()).at("/error/code").asString()).isEqualTo("model_not_found");
    assertThat(server.get("/v1/models/gpt-4o").statusCode()).isEqualTo(404);
  }

  @Test
  void models_listsTheOne() {
    JsonNode list = json(server.get("/v1/models").body());

    assertThat(list.at("/object").asString()).isEqualTo("list");
    assertThat(list.at("/data/0/id").asString()).isEqualTo("s3-small");
    assertThat(json(server.get("/v1/models/s3-small").body())).isEqualTo(list.at("/data/0"));
  }

  @Test
  void metrics_haveTheNamesOfOpenTelemetryOfTheEngineAndOfVllm() {
    JsonNode answer = answer(CHAT, chat("What is a monad?", GREEDY));
    assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("stop");

    server.awaitMetrics(
        metrics ->
            metrics.contains(
                "gen_ai_server_request_duration_seconds_bucket{error_type=\"\",gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"s3llm\",gen_ai_request_model=\"s3-small\",gen_ai_response_model=\"s3-small\",le=\"0.01\"}",
                "gen_ai_server_time_to_first_token_seconds_count",
                "gen_ai_server_time_per_output_token_seconds_count",
                "s3_predictions_ratio_bucket",
                "s3_predictions_error_count",
                "s3_predictions_coverage_p90",
                "s3_kv_reserved",
                "s3_kv_allocated",
                "s3_preemptions_total{reason=\"displaced\"}",
                "s3_requests_refused_total{reason=\"queue_full\"}",
                "s3_latency_queue_seconds_bucket{le=\"+Inf\"}",
                "s3_latency_first_token_seconds_count",
                "vllm:num_requests_waiting{model_name=\"s3-small\"}",
                "vllm:kv_cache_usage_perc{model_name=\"s3-small\"}"));
  }

  @Test
  void health_saysWhetherTheEngineRuns() {
    JsonNode health = json(server.get("/actuator/health/readiness").body());

    assertThat(health.at("/status").asString()).isEqualTo("UP");
    assertThat(health.at("/components/s3/status").asString()).isEqualTo("UP");
    assertThat(server.get("/actuator/health/liveness").statusCode()).isEqualTo(200);
  }

  private static JsonNode answer(String path, String body) {
    HttpResponse<String> response = server.post(path, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return json(response.body());
  }
}
