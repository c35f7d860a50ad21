package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreCacheTest {
  private static final Scores SCORES = new Scores(new float[] {1}, new float[] {2});

  @TempDir Path folder;

  @Test
  void entries_areBoundedInNumberAndTheLeastRecentGoes() {
    try (LengthModel model = model("a")) {
      ScoreCache cache = new ScoreCache(2, 1000);
      cache.put("a", model, SCORES);
      cache.put("b", model, SCORES);
      assertThat(cache.get("a", model)).isSameAs(SCORES);
      cache.put("c", model, SCORES);
      assertThat(cache.get("a", model)).isNotNull();
      assertThat(cache.get("b", model)).isNull();
    }
  }

  @Test
  void entries_areBoundedInCharacters() {
    try (LengthModel model = model("a")) {
      ScoreCache cache = new ScoreCache(100, 10);
      cache.put("12345", model, SCORES);
      cache.put("67890", model, SCORES);
      cache.put("67890", model, SCORES); // counts once
      assertThat(cache.get("12345", model)).isNotNull();
      cache.put("x", model, SCORES);
      assertThat(cache.get("67890", model)).isNull();
      cache.put("more than ten characters", model, SCORES);
      assertThat(cache.get("x", model)).isNotNull();
    }
  }

  @Test
  void scores_areThoseOfTheirModelOnly() {
    try (LengthModel model = model("a");
        LengthModel other = model("b")) {
      ScoreCache cache = new ScoreCache(2, 1000);
      cache.put("a", model, SCORES);
      assertThat(cache.get("a", other)).isNull();
      cache.clear();
      assertThat(cache.get("a", model)).isNull();
    }
  }

  private LengthModel model(String name) {
    return LengthModel.load(new TinyModel().write(folder.resolve(name)), 1);
  }
}
