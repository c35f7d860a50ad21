package dev.s3llm.examples.smallmodel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.text.internal.tokenizer.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/** The small model through the whole stack, compared with the results of transformers. */
class SmallModelReferenceTest {
  private static final Path EXPECTED =
      Path.of(
          "../../s3-executor-jcuda/model/src/test/resources/reference/small-model/expected.json");

  @Test
  void greedyTokens_equalTransformers() throws IOException {
    JsonNode expected = new ObjectMapper().readTree(Files.readString(EXPECTED));
    CpuExecutor executor = CpuExecutor.builder(SmallModel.unpack()).build();
    try (S3Engine engine = S3Engine.builder(executor).build()) {
      for (int i = 0; i < expected.get("prompts").size(); i++) {
        int[] greedy = ints(expected.get("greedy").get(i));
        GenerationRequest request =
            GenerationRequest.builder(ints(expected.get("prompts").get(i)))
                .maxNewTokens(greedy.length)
                .build();
        assertThat(engine.submit(request).result().join().tokens())
            .as("prompt %d", i)
            .isEqualTo(greedy);
      }
    }
  }

  @Test
  void encodingsAndDecodings_equalTransformers() throws IOException {
    JsonNode cases = new ObjectMapper().readTree(Files.readString(EXPECTED)).get("encodings");
    try (TextTokenizer tokenizer = TextTokenizer.load(SmallModel.unpack())) {
      for (JsonNode one : cases) {
        int[] ids = ints(one.get("ids"));
        String text = one.get("text").asText();
        assertThat(tokenizer.encode(text)).as(text).isEqualTo(ids);
        assertThat(tokenizer.decode(ids)).isEqualTo(one.get("decoded").asText());
      }
    }
  }

  private static int[] ints(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
  }
}
