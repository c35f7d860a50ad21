package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelTensors.Expert;
import dev.s3llm.model.ModelTensors.Linear;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The parts of a model make the model, for every family. */
class ModelShardTest {
  private static final Path FAMILIES = Path.of("src/test/resources/families");

  /** A model and its parts. */
  private record Cut(ModelTensors whole, List<ModelShard> shards, List<ModelTensors> parts) {
    static Cut of(ModelConfig config, int count) {
      ModelTensors whole = ModelTensors.of(config, new RandomTensors(config, 7));
      List<ModelShard> shards = ModelShard.of(config, count);
      return new Cut(whole, shards, shards.stream().map(shard -> shard.tensors(whole)).toList());
    }

    private <T> List<T> all(Function<ModelTensors, T> what) {
      return parts.stream().map(what).toList();
    }
  }

  static Stream<ModelConfig> families() throws IOException {
    try (Stream<Path> folders = Files.list(FAMILIES)) {
      return folders.sorted().map(ModelConfig::read).toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("families")
  void twoParts_areTheModel(ModelConfig config) {
    assertWhole(Cut.of(config, 2));
  }

  /** Two heads of keys and values are in two parts each; GPT-J has four. */
  @ParameterizedTest
  @MethodSource("families")
  void moreParts_repeatKeyHeads(ModelConfig config) {
    Cut cut = Cut.of(config, 4);
    assertWhole(cut);
    assertThat(cut.shards)
        .extracting(ModelShard::firstKvHead)
        .isEqualTo(config.kvHeads() == 2 ? List.of(0, 0, 1, 1) : List.of(0, 1, 2, 3));
    assertThat(cut.shards).extracting(ModelShard::firstHead).containsExactly(0, 1, 2, 3);
  }

  private static void assertWhole(Cut cut) {
    ModelConfig config = cut.shards.get(0).model();
    assertThat(joined(cut.all(ModelTensors::embedding)))
        .containsExactly(cut.whole.embedding().floats());
    assertRows(cut.whole.output(), cut.all(ModelTensors::output));
    if (config.tiedOutput()) {
      assertThat(cut.parts)
          .allSatisfy(part -> assertThat(part.output().matrix()).isSameAs(part.embedding()));
    }
    assertThat(cut.parts)
        .allSatisfy(part -> assertThat(part.finalNorm()).isSameAs(cut.whole.finalNorm()));
    for (int i = 0; i < config.layerCount(); i++) {
      int layer = i;
      assertAttention(cut, config, layer);
      ModelTensors.Experts experts = cut.whole.layers().get(i).feedForward();
      assertThat(cut.parts)
          .allSatisfy(
              part ->
                  assertThat(part.layers().get(layer).feedForward().router())
                      .isSameAs(experts.router()));
      for (int e = 0; e < experts.experts().size(); e++) {
        int expert = e;
        assertExpert(
            experts.experts().get(e),
            cut.all(part -> part.layers().get(layer).feedForward().experts().get(expert)));
      }
    }
  }

  private static void assertAttention(Cut cut, ModelConfig config, int layer) {
    ModelTensors.Attention whole = cut.whole.layers().get(layer).attention();
    List<ModelTensors.Attention> parts = cut.all(part -> part.layers().get(layer).attention());
    assertRows(whole.query(), parts.stream().map(ModelTensors.Attention::query).toList());
    int repeats = Math.max(1, parts.size() / config.kvHeads());
    List<ModelTensors.Attention> firsts = new ArrayList<>();
    for (int rank = 0; rank < parts.size(); rank++) {
      ModelTensors.Attention first = parts.get(rank / repeats * repeats);
      assertThat(parts.get(rank).key().matrix().floats())
          .containsExactly(first.key().matrix().floats());
      if (rank % repeats == 0) {
        firsts.add(first);
      }
    }
    assertRows(whole.key(), firsts.stream().map(ModelTensors.Attention::key).toList());
    assertRows(whole.value(), firsts.stream().map(ModelTensors.Attention::value).toList());
    assertSum(whole.output(), parts.stream().map(ModelTensors.Attention::output).toList());
    Tensor sinks = whole.sinks();
    if (sinks != null) {
      assertThat(joined(parts.stream().map(ModelTensors.Attention::sinks).toList()))
          .containsExactly(sinks.floats());
    }
    if (config.attention().queryKeyNorm() == QueryKeyNorm.WHOLE) {
      assertScales(whole.queryNorm(), parts.stream().map(ModelTensors.Attention::queryNorm));
      assertScales(whole.keyNorm(), firsts.stream().map(ModelTensors.Attention::keyNorm));
    } else {
      assertThat(parts)
          .allSatisfy(part -> assertThat(part.queryNorm()).isSameAs(whole.queryNorm()))
          .allSatisfy(part -> assertThat(part.keyNorm()).isSameAs(whole.keyNorm()));
    }
  }

  /** Norms over all heads have the scales of each part's heads. */
  private static void assertScales(ModelTensors.Norm whole, Stream<ModelTensors.Norm> parts) {
    assertThat(joined(parts.map(ModelTensors.Norm::weight).toList()))
        .containsExactly(whole.scale());
  }

  private static void assertExpert(Expert whole, List<Expert> parts) {
    Linear gate = whole.gate();
    if (gate != null) {
      assertRows(gate, parts.stream().map(Expert::gate).toList());
    }
    assertRows(whole.up(), parts.stream().map(Expert::up).toList());
    assertSum(whole.down(), parts.stream().map(Expert::down).toList());
  }

  /** The rows and biases of the parts, one after another, are those of the whole. */
  private static void assertRows(Linear whole, List<Linear> parts) {
    assertThat(parts.stream().mapToInt(Linear::out).sum()).isEqualTo(whole.out());
    assertThat(joined(parts.stream().map(Linear::matrix).toList()))
        .containsExactly(whole.matrix().floats());
    Tensor bias = whole.bias();
    if (bias != null) {
      assertThat(joined(parts.stream().map(Linear::bias).toList())).containsExactly(bias.floats());
    }
  }

  /** The products of the parts with their columns of the input add up to the whole's. */
  private static void assertSum(Linear whole, List<Linear> parts) {
    assertThat(parts.stream().mapToInt(Linear::in).sum()).isEqualTo(whole.in());
    double[] input = new Random(9).doubles(whole.in(), -1, 1).toArray();
    double[] sum = new double[whole.out()];
    int from = 0;
    for (Linear part : parts) {
      assertThat(part.bias()).isSameAs(part == parts.get(0) ? whole.bias() : null);
      addProduct(part, input, from, sum);
      from += part.in();
    }
    double[] expected = new double[whole.out()];
    addProduct(whole, input, 0, expected);
    assertThat(sum).containsExactly(expected, within(1e-12));
  }

  private static void addProduct(Linear linear, double[] input, int from, double[] to) {
    float[] matrix = linear.matrix().floats();
    float[] bias = linear.biasFloats();
    for (int row = 0; row < linear.out(); row++) {
      to[row] += bias == null ? 0 : bias[row];
      for (int i = 0; i < linear.in(); i++) {
        to[row] += matrix[row * linear.in() + i] * input[from + i];
      }
    }
  }

  private static float[] joined(List<Tensor> parts) {
    int count = (int) parts.stream().mapToLong(Tensor::elements).sum();
    float[] all = new float[count];
    int at = 0;
    for (Tensor part : parts) {
      float[] own = part.floats();
      System.arraycopy(own, 0, all, at, own.length);
      at += own.length;
    }
    return all;
  }

  @Test
  void configurationOfAPart_hasItsShare() {
    ModelConfig config = ModelShapes.of("gpt-j-6b");
    ModelShard second = ModelShard.of(config, 2).get(1);
    assertThat(second.config().heads()).isEqualTo(8);
    assertThat(second.config().kvHeads()).isEqualTo(8);
    assertThat(second.config().headSize()).isEqualTo(256);
    assertThat(second.config().hiddenSize()).isEqualTo(4096);
    assertThat(second.config().layers().get(27).feedForward().size()).isEqualTo(8192);
    assertThat(second.firstToken()).isEqualTo(196 * 128);
    assertThat(second.config().vocabularySize()).isEqualTo(50_400 - 196 * 128);
    assertThat(second.model()).isSameAs(config);
  }

  @Test
  void onePart_isTheModelItself() {
    ModelConfig config = sizes(100, 4, 2, 96);
    ModelShard only = ModelShard.of(config, 1).get(0);
    assertThat(only.config()).isSameAs(config);
    ModelTensors tensors = ModelTensors.of(config, new RandomTensors(config, 7));
    assertThat(only.tensors(tensors)).isSameAs(tensors);
  }

  @Test
  void partsOfRandomSizes_haveAllTokensInOrder() {
    Random random = new Random(11);
    for (int i = 0; i < 500; i++) {
      int count = 1 + random.nextInt(8);
      int tokens = count + random.nextInt(random.nextBoolean() ? 200 : 200_000);
      List<ModelShard> shards =
          ModelShard.of(sizes(tokens, 8 * count, 8 * count, 8 * count), count);
      int next = 0;
      for (ModelShard shard : shards) {
        assertThat(shard.firstToken()).isEqualTo(next);
        assertThat(shard.config().vocabularySize()).isPositive();
        assertThat(next % 128 == 0 || tokens < 128 * count).isTrue();
        next += shard.config().vocabularySize();
      }
      assertThat(next).isEqualTo(tokens);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "9 | 3 | 96 | 100 | 2 | num_attention_heads is 9, which cannot be cut into 2 equal parts",
        "6 | 3 | 96 | 100 | 2 | num_key_value_heads is 3, which cannot be cut into 2 equal parts",
        "12 | 3 | 96 | 100 | 4 | num_key_value_heads is 3, which cannot be cut into 4 equal parts",
        "4 | 2 | 99 | 100 | 2 | intermediate_size is 99, which cannot be cut into 2 equal parts",
        "8 | 8 | 96 | 7 | 8 | vocab_size is 7, which is too few for 8 parts",
        "8 | 8 | 96 | 100 | 0 | the number of parts must be at least 1, but is 0"
      })
  void numberThatDoesNotDivide_isRefused(
      int heads, int kvHeads, int inner, int tokens, int count, String message) {
    ModelConfig config = sizes(tokens, heads, kvHeads, inner);
    assertThatThrownBy(() -> ModelShard.of(config, count))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  private static ModelConfig sizes(int tokens, int heads, int kvHeads, int inner) {
    return new ModelShapes.Sizes(tokens, 32, 1, heads, kvHeads, 8, inner, 64).llama(true);
  }

  @Test
  void columnsInsideAGroup_areRefusedWithTheTensor() {
    ModelConfig config = sizes(100, 4, 2, 96);
    ModelTensors whole = ModelTensors.of(config, new RandomTensors(config, 7));
    ModelTensors.Layer layer = whole.layers().get(0);
    Expert expert = layer.feedForward().experts().get(0);
    Tensor blocks = new Tensor("down", ElementType.Q8_0, 32 * 96, (first, count) -> null);
    Expert coded = new Expert(expert.gate(), expert.up(), new Linear(32, 96, blocks, null));
    ModelTensors quantised =
        new ModelTensors(
            whole.embedding(),
            List.of(
                new ModelTensors.Layer(
                    layer.norms(),
                    layer.attention(),
                    new ModelTensors.Experts(null, List.of(coded)))),
            whole.finalNorm(),
            whole.output());
    assertThatThrownBy(() -> ModelShard.of(config, 2).get(1).tensors(quantised))
        .isInstanceOf(ModelFormatException.class)
        .hasMessage(
            "down: columns 48 to 96 of 96 would cut a group of 32 elements that share a scale");
  }
}
