package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RandomTensorsTest {
  private static final ModelConfig CONFIG = ModelShapes.of("llama-1b");

  @Test
  void slices_areTheWholesPieces() {
    try (RandomTensors tensors = new RandomTensors(CONFIG, 1)) {
      Tensor tensor = tensors.tensor("model.layers.0.mlp.up_proj.weight", 8192, 2048);
      float[] whole = tensor.floats();
      for (int first : new int[] {0, 1_048_000, 5_000_001}) {
        for (int i = 0; i < 1000; i++) {
          float value = HalfFloats.fromHalf(tensor.slice(first, 1000).getShort(2 * i));
          assertThat(value).isEqualTo(whole[first + i]);
        }
      }
    }
  }

  @Test
  void matrices_keepTheSizeOfWhatTheyMultiply() {
    try (RandomTensors tensors = new RandomTensors(CONFIG, 1)) {
      float[] matrix = tensors.tensor("model.layers.0.mlp.up_proj.weight", 100, 2048).floats();
      double squares = 0;
      for (float value : matrix) {
        squares += value * value;
      }
      assertThat(squares / matrix.length * 2048).isBetween(0.98, 1.02);
    }
  }

  @Test
  void seeds_giveOtherWeights() {
    try (RandomTensors one = new RandomTensors(CONFIG, 1);
        RandomTensors same = new RandomTensors(CONFIG, 1);
        RandomTensors other = new RandomTensors(CONFIG, 2)) {
      float[] values = one.tensor("model.norm.weight", 2048).floats();
      assertThat(same.tensor("model.norm.weight", 2048).floats()).isEqualTo(values);
      assertThat(other.tensor("model.norm.weight", 2048).floats()).isNotEqualTo(values);
    }
  }

  @Test
  void biases_areWhereGptJHasThem() {
    ModelConfig config = ModelShapes.of("gpt-j-6b");
    try (RandomTensors tensors = new RandomTensors(config, 1)) {
      ModelTensors.Layer layer = ModelTensors.of(config, tensors).layers().get(0);
      assertThat(layer.feedForward().experts().get(0).up().bias()).isNotNull();
      assertThat(layer.attention().query().bias()).isNull();
    }
  }
}
