package dev.s3llm.examples.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.GenerationResult.TokenScores;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.text.TextModel;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The tokens of the texts of an answer, found by their bytes. */
class OutputScoresTest {
  private static final String REASONING = "Let me see: 20 \u00b0C \u2014 warm \ud83d\udc4d?";
  private static final String ANSWER = "It is w\u00e4rm \ud83d\udc4d\ud83c\udffd in Rome.";

  @Test
  void tokensOfEachText_areThoseThatSpellIt_howeverItIsCut() {
    try (TextModel model = TextModel.load(SmallModel.unpack())) {
      TokenTexts texts = new TokenTexts(model);
      int[] tokens = model.encode("<think>\n" + REASONING + "\n</think>\n\n" + ANSWER, false);
      List<TokenScores> all =
          IntStream.of(tokens).mapToObj(id -> new TokenScores(id, -1, List.of())).toList();
      for (int seed = 0; seed < 20; seed++) {
        Random random = new Random(seed);
        OutputScores scores =
            new OutputScores(
                i -> i < all.size() ? Optional.of(all.get(i)) : Optional.empty(), texts);
        assertThat(spelled(taken(scores, REASONING, random), texts)).isEqualTo(REASONING);
        assertThat(spelled(taken(scores, ANSWER, random), texts)).isEqualTo(ANSWER);
      }
    }
  }

  private static List<TokenScores> taken(OutputScores scores, String text, Random random) {
    List<TokenScores> taken = new ArrayList<>();
    int[] characters = text.codePoints().toArray();
    for (int at = 0; at < characters.length; ) {
      int length = Math.min(characters.length - at, 1 + random.nextInt(5));
      taken.addAll(scores.take(new String(characters, at, length)));
      at += length;
    }
    return taken;
  }

  private static String spelled(List<TokenScores> tokens, TokenTexts texts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    tokens.forEach(token -> bytes.writeBytes(texts.utf8(token.token())));
    return bytes.toString(StandardCharsets.UTF_8).strip();
  }
}
