package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static dev.s3llm.examples.server.TestServer.events;
import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.text.TextGenerator;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Several prompts, several answers, token ids, and the prompt in the answer. */
class CompletionsTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String COMPLETIONS = "/v1/completions";
  private static final String SHORT = "\"temperature\":0,\"max_tokens\":4";

  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.shared();
  }

  @Test
  void severalPrompts_haveAChoiceEach() {
    JsonNode both = completion("\"prompt\":[\"Once upon\",\"Name three\"]," + SHORT);
    JsonNode first = completion("\"prompt\":\"Once upon\"," + SHORT);
    JsonNode second = completion("\"prompt\":\"Name three\"," + SHORT);

    assertThat(both.at("/choices")).hasSize(2);
    assertThat(both.at("/choices/1/index").asInt()).isEqualTo(1);
    assertThat(both.at("/choices/0/text")).isEqualTo(first.at("/choices/0/text"));
    assertThat(both.at("/choices/1/text")).isEqualTo(second.at("/choices/0/text"));
    assertThat(both.at("/usage/completion_tokens").asInt()).isEqualTo(8);
    assertThat(both.at("/usage/prompt_tokens").asInt())
        .isEqualTo(
            first.at("/usage/prompt_tokens").asInt() + second.at("/usage/prompt_tokens").asInt());
  }

  @Test
  void tokenIds_areAPromptToo() {
    String once = tokens("Once upon");
    JsonNode text = completion("\"prompt\":\"Once upon\"," + SHORT).at("/choices");

    assertThat(completion("\"prompt\":" + once + "," + SHORT).at("/choices")).isEqualTo(text);
    JsonNode both =
        completion("\"prompt\":[%s,%s],%s".formatted(tokens("Name three"), once, SHORT));
    assertThat(both.at("/choices/1/text")).isEqualTo(text.at("/0/text"));
  }

  private static String tokens(String prompt) {
    return Arrays.toString(server.bean(TextGenerator.class).model().encode(prompt));
  }

  @Test
  void streamOfSeveralAnswers_hasTheirIndexes() {
    String asked = "\"prompt\":[\"Once upon\",\"Name three\"],\"n\":2,\"seed\":3,\"max_tokens\":4";
    JsonNode whole = completion(asked).at("/choices");
    String streamed = asked + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";
    List<String> events = events(server.post(COMPLETIONS, "{" + streamed + "}").body());

    assertThat(events).last().isEqualTo("[DONE]");
    assertThat(whole).hasSize(4);
    List<JsonNode> pieces =
        events.stream().limit(events.size() - 1L).map(TestServer::json).toList();
    for (int i = 0; i < 4; i++) {
      assertThat(textOf(pieces, i)).isEqualTo(whole.at("/" + i + "/text").asString());
    }
    assertThat(pieces.get(pieces.size() - 1).at("/usage/completion_tokens").asInt()).isEqualTo(16);
  }

  private static String textOf(List<JsonNode> pieces, int index) {
    StringBuilder text = new StringBuilder();
    int endings = 0;
    for (JsonNode piece : pieces) {
      JsonNode choice = piece.at("/choices/0");
      if (choice.path("index").asInt(-1) == index) {
        text.append(choice.at("/text").asString());
        endings += choice.at("/finish_reason").isString() ? 1 : 0;
      }
    }
    assertThat(endings).isEqualTo(1);
    return text.toString();
  }

  @Test
  void severalAnswersOfAChat_areDrawnApart_andTheSeedRepeatsThem() {
    String body = chat("Name three colours.", "\"n\":3,\"seed\":5,\"max_tokens\":12");
    JsonNode answer = answer(CHAT, body);

    List<String> texts = new ArrayList<>();
    answer.at("/choices").forEach(c -> texts.add(c.at("/message/content").asString()));
    assertThat(texts).hasSize(3).doesNotHaveDuplicates();
    assertThat(answer(CHAT, body).at("/choices")).isEqualTo(answer.at("/choices"));
    JsonNode one = answer(CHAT, chat("Name three colours.", "\"seed\":5,\"max_tokens\":12"));
    assertThat(one.at("/choices/0")).isEqualTo(answer.at("/choices/0"));
    assertThat(answer.at("/usage/prompt_tokens")).isEqualTo(one.at("/usage/prompt_tokens"));
  }

  @Test
  void bestOf_sendsTheLikeliest_andCountsAll() {
    String asked = "\"prompt\":[\"Once upon\",\"Name three\"],\"seed\":3,\"max_tokens\":4,";
    JsonNode all = completion(asked + "\"n\":4,\"logprobs\":0");
    JsonNode best = completion(asked + "\"n\":2,\"best_of\":4");

    List<String> texts = new ArrayList<>();
    best.at("/choices").forEach(choice -> texts.add(choice.at("/text").asString()));
    List<String> likeliest = new ArrayList<>(likeliest(all, 0));
    likeliest.addAll(likeliest(all, 4));
    assertThat(texts).isEqualTo(likeliest);
    assertThat(best.at("/choices/0/logprobs").isNull()).isTrue();
    assertThat(best.at("/usage/completion_tokens")).isEqualTo(all.at("/usage/completion_tokens"));
  }

  /** Returns the two likeliest of four texts. */
  private static List<String> likeliest(JsonNode answer, int from) {
    return IntStream.range(from, from + 4)
        .mapToObj(i -> answer.at("/choices/" + i))
        .sorted(Comparator.comparingDouble(CompletionsTest::mean).reversed())
        .limit(2)
        .map(choice -> choice.at("/text").asString())
        .toList();
  }

  private static double mean(JsonNode choice) {
    return StreamSupport.stream(choice.at("/logprobs/token_logprobs").spliterator(), false)
        .mapToDouble(JsonNode::asDouble)
        .average()
        .orElseThrow();
  }

  @Test
  void echo_putsThePromptBeforeTheAnswer() {
    String plain = completion("\"prompt\":\"Once upon\"," + SHORT).at("/choices/0/text").asString();
    String asked = "\"echo\":true,\"prompt\":\"Once upon\"," + SHORT;

    assertThat(completion(asked).at("/choices/0/text").asString()).isEqualTo("Once upon" + plain);
    List<String> events =
        events(server.post(COMPLETIONS, "{\"stream\":true," + asked + "}").body());
    assertThat(json(events.get(0)).at("/choices/0/text").asString()).isEqualTo("Once upon");
  }

  @Test
  void limitOfZero_generatesNothing_andCountsThePrompt() {
    String none = "\"prompt\":\"Once upon\",\"max_tokens\":0";
    JsonNode answer = completion(none);

    assertThat(answer.at("/choices/0/text").asString()).isEmpty();
    assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("length");
    assertThat(answer.at("/usage/completion_tokens").asInt()).isZero();
    assertThat(answer.at("/usage/prompt_tokens"))
        .isEqualTo(completion("\"prompt\":\"Once upon\"," + SHORT).at("/usage/prompt_tokens"));
    assertThat(completion(none + ",\"echo\":true").at("/choices/0/text").asString())
        .isEqualTo("Once upon");
    assertThat(events(server.post(COMPLETIONS, "{\"stream\":true," + none + "}").body()))
        .hasSize(2)
        .last()
        .isEqualTo("[DONE]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "prompt      | {}",
        "prompt      | {\"prompt\":[]}",
        "prompt      | {\"prompt\":\"\"}",
        "prompt[1]   | {\"prompt\":[\"x\",\"\"]}",
        "prompt[1]   | {\"prompt\":[\"x\",{}]}",
        "prompt[1]   | {\"prompt\":[5,\"x\"]}",
        "prompt[0]   | {\"prompt\":[-1]}",
        "prompt[0]   | {\"prompt\":[[]]}",
        "prompt      | {\"prompt\":[2000000000]}",
        "n           | {\"prompt\":[\"x\",\"y\"],\"n\":65}",
        "max_tokens  | {\"prompt\":\"x\",\"max_tokens\":-1}",
        "best_of     | {\"prompt\":\"x\",\"best_of\":1.5}",
        "best_of     | {\"prompt\":\"x\",\"n\":3,\"best_of\":2}",
        "best_of     | {\"prompt\":\"x\",\"best_of\":2,\"stream\":true}",
        "best_of     | {\"prompt\":[\"x\",\"y\"],\"best_of\":65}",
        "logprobs    | {\"prompt\":\"x\",\"logprobs\":21}",
        "echo        | {\"prompt\":\"x\",\"logprobs\":1,\"echo\":true}",
      })
  void wrongField_isNamed(String field, String body) {
    HttpResponse<String> response = server.post(COMPLETIONS, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    assertThat(json(response.body()).at("/error/param").asString()).isEqualTo(field);
  }

  private static JsonNode completion(String fields) {
    return answer(COMPLETIONS, "{" + fields + "}");
  }

  private static JsonNode answer(String path, String body) {
    HttpResponse<String> response = server.post(path, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return json(response.body());
  }
}
