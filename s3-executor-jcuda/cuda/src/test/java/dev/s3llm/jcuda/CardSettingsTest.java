package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import org.junit.jupiter.api.Test;

/** What {@code cards} refuses before any device is opened. */
class CardSettingsTest {
  private static JCudaExecutor.Builder builder(ModelConfig config) {
    return JCudaExecutor.builder(config, () -> new RandomTensors(config, 1));
  }

  private static JCudaExecutor.Builder builder() {
    return builder(ModelShapes.of("llama-13b"));
  }

  @Test
  void cards_mustDivideTheModel() {
    assertThatThrownBy(() -> builder().cards(0, 1, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("num_attention_heads is 40");
    assertThatThrownBy(() -> builder(RandomModels.gptOss()).cards(0, 1, 2, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("must be a multiple of 8, but is 36");
    assertThatCode(() -> builder().cards(3, 1)).doesNotThrowAnyException();
  }

  @Test
  void cards_areAtMostEight_eachOnce() {
    assertThatThrownBy(() -> builder().cards())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("from 1 to 8 devices, but names 0");
    assertThatThrownBy(() -> builder().cards(0, 1, 2, 3, 4, 5, 6, 7, 8, 9))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("but names 10");
    assertThatThrownBy(() -> builder().cards(1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("each device once, but is [1, 1]");
    assertThatThrownBy(() -> builder().cards(0, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cards must be at least 0, but is -1");
  }

  @Test
  void cardsAndStages_excludeEachOther() {
    assertThatThrownBy(() -> builder().devices(0, 1).cards(0, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("cards cannot be set beside devices, which is [0, 1]");
    assertThatThrownBy(() -> builder().cards(0, 1).devices(0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("devices cannot be set beside cards, which is [0, 1]");
    assertThatThrownBy(() -> builder().cards(0, 1).cards(0, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("cards");
  }
}
