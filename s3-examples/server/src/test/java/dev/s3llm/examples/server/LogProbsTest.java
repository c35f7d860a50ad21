package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static dev.s3llm.examples.server.TestServer.events;
import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import java.io.ByteArrayOutputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Log probabilities of chosen and likeliest tokens, in both forms, streamed and not. */
class LogProbsTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String COMPLETIONS = "/v1/completions";
  private static final String QUESTION = "Name three colours.";
  private static final String GREEDY = "\"temperature\":0,\"max_tokens\":12";
  private static final String STREAM = ",\"stream\":true";

  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.shared();
  }

  @Test
  void chat_hasEachTokenWithItsBytesAndTheLikeliest() {
    String body = chat(QUESTION, GREEDY + ",\"logprobs\":true,\"top_logprobs\":3");
    JsonNode choice = answer(CHAT, body).at("/choices/0");
    JsonNode tokens = choice.at("/logprobs/content");

    assertThat(tokens).hasSize(12);
    assertThat(text(tokens)).isEqualTo(choice.at("/message/content").asString());
    for (JsonNode token : tokens) {
      JsonNode top = token.at("/top_logprobs");
      assertThat(top).hasSize(3);
      assertThat(top.at("/0/token")).isEqualTo(token.at("/token"));
      assertThat(top.at("/0/logprob")).isEqualTo(token.at("/logprob"));
      assertThat(top.at("/0/bytes")).isEqualTo(token.at("/bytes"));
      double sum = 0;
      double previous = 0;
      for (JsonNode one : top) {
        double value = one.at("/logprob").asDouble();
        assertThat(value).isLessThanOrEqualTo(previous);
        previous = value;
        sum += Math.exp(value);
      }
      assertThat(sum).isLessThanOrEqualTo(1 + 1e-6);
    }
  }

  @Test
  void streamOfAChat_hasTheSameTokens() {
    String asked = GREEDY + ",\"logprobs\":true,\"top_logprobs\":2";
    JsonNode whole = answer(CHAT, chat(QUESTION, asked)).at("/choices/0/logprobs/content");
    List<JsonNode> streamed = new ArrayList<>();
    for (JsonNode choice : choices(CHAT, chat(QUESTION, asked + STREAM))) {
      choice.at("/logprobs/content").forEach(streamed::add);
    }
    assertThat(streamed).containsExactlyElementsOf(whole);
  }

  @Test
  void completion_hasTokensAndTheirPlaces_streamedToo() {
    String asked = "{\"prompt\":\"Once upon\",\"logprobs\":2," + GREEDY;
    JsonNode choice = answer(COMPLETIONS, asked + "}").at("/choices/0");
    String text = choice.at("/text").asString();
    JsonNode all = choice.at("/logprobs");

    assertThat(all.at("/tokens")).hasSize(12);
    for (int i = 0; i < 12; i++) {
      String token = all.at("/tokens/" + i).asString();
      assertThat(text.substring(all.at("/text_offset/" + i).asInt())).startsWith(token);
      assertThat(all.at("/top_logprobs/" + i).get(token)).isEqualTo(all.at("/token_logprobs/" + i));
      assertThat(all.at("/top_logprobs/" + i).size()).isBetween(1, 2);
    }
    List<JsonNode> streamed = choices(COMPLETIONS, asked + STREAM + "}");
    for (String field : List.of("tokens", "token_logprobs", "top_logprobs", "text_offset")) {
      List<JsonNode> values = new ArrayList<>();
      streamed.forEach(piece -> piece.at("/logprobs/" + field).forEach(values::add));
      assertThat(values).as(field).containsExactlyElementsOf(all.at("/" + field));
    }
  }

  @Test
  void tokensWithPartsOfACharacter_haveItsBytes() {
    int first = tokenOf((byte) 0xC3);
    String forced = "\"logit_bias\":{\"%d\":100},\"logprobs\":true,".formatted(first);
    JsonNode token =
        answer(CHAT, chat(QUESTION, forced + "\"temperature\":0,\"max_tokens\":1"))
            .at("/choices/0/logprobs/content/0");

    assertThat(token.at("/token").asString()).isEqualTo("\uFFFD");
    assertThat(token.at("/bytes")).hasSize(1);
    assertThat(token.at("/bytes/0").asInt()).isEqualTo(0xC3);
    assertThat(token.at("/top_logprobs")).isEmpty();
  }

  private static int tokenOf(byte only) {
    TextModel model = server.bean(TextGenerator.class).model();
    return IntStream.range(0, 512)
        .filter(id -> Arrays.equals(model.tokenBytes(id), new byte[] {only}))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void answerWithoutTheField_hasNone() {
    assertThat(answer(CHAT, chat(QUESTION, GREEDY)).at("/choices/0/logprobs").isNull()).isTrue();
  }

  private static String text(JsonNode tokens) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    tokens.forEach(token -> token.at("/bytes").forEach(one -> bytes.write(one.asInt())));
    return bytes.toString(StandardCharsets.UTF_8);
  }

  private static List<JsonNode> choices(String path, String body) {
    List<String> events = events(server.post(path, body).body());
    return events.subList(0, events.size() - 1).stream()
        .map(event -> json(event).at("/choices/0"))
        .toList();
  }

  private static JsonNode answer(String path, String body) {
    HttpResponse<String> response = server.post(path, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return json(response.body());
  }
}
