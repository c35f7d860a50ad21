package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.model.Codes;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.Activation;
import dev.s3llm.model.ModelConfig.FeedForward;
import dev.s3llm.model.ModelConfig.NormKind;
import dev.s3llm.model.ModelConfig.NormPlacement;
import dev.s3llm.model.ModelConfig.Norms;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.ModelShard;
import dev.s3llm.model.RoundedInput;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PersistentDecodeTest {
  private static final ModelConfig CONFIG = ModelShapes.of("llama-13b");
  private static final LayerRange ALL = new LayerRange(0, 40);
  private static final List<CudaWeights.Layer> NONE = List.of();
  private static final CudaWeights.Matrix INT4 = matrix(format(Codes.Kind.UNSIGNED_4), null);

  private static boolean fits(ModelConfig config) {
    return PersistentDecode.fits(config, ALL, KvPrecision.FULL, NONE, 0);
  }

  private static ModelConfig with(Norms norms, List<ModelConfig.Layer> layers) {
    return new ModelConfig(
        CONFIG.family(),
        CONFIG.vocabulary(),
        CONFIG.hiddenSize(),
        CONFIG.maxContextTokens(),
        norms,
        CONFIG.attention(),
        CONFIG.scales(),
        layers);
  }

  @Test
  void llama_isOneLaunch() {
    assertThat(fits(CONFIG)).isTrue();
    assertThat(PersistentDecode.fits(CONFIG, ALL, KvPrecision.INT8, NONE, 0)).isFalse();
  }

  @Test
  void featuresOfALayer_needTheStreamBetweenLayers() {
    assertThat(PersistentDecode.fits(CONFIG, ALL, KvPrecision.FULL, NONE, 7)).isFalse();
    assertThat(PersistentDecode.fits(CONFIG, new LayerRange(7, 40), KvPrecision.FULL, NONE, 7))
        .isTrue();
  }

  @Test
  void otherNorms_windowsAndTurns_areALaunchForEachPart() {
    Norms layer = new Norms(NormKind.LAYER, NormPlacement.SHARED, 1e-5f);
    assertThat(fits(with(layer, CONFIG.layers()))).isFalse();
    ModelConfig.Layer first = CONFIG.layers().get(0);
    ModelConfig.Layer windowed = new ModelConfig.Layer(first.rope(), 100, first.feedForward());
    ModelConfig.Layer unturned = new ModelConfig.Layer(null, 0, first.feedForward());
    LayerRange two = new LayerRange(0, 2);
    for (ModelConfig.Layer other : List.of(windowed, unturned)) {
      ModelConfig config = with(CONFIG.norms(), List.of(first, other));
      assertThat(PersistentDecode.fits(config, two, KvPrecision.FULL, NONE, 0)).isFalse();
    }
  }

  @Test
  void weightsOfOneFormat_areOneLaunch() {
    for (Codes.Kind kind : List.of(Codes.Kind.UNSIGNED_4, Codes.Kind.SIGNED_8, Codes.Kind.E4M3)) {
      CudaWeights.Matrix coded = matrix(format(kind), null);
      assertThat(fits(CONFIG, coded, coded)).isTrue();
      assertThat(fits(CONFIG, matrix(null, null), coded)).isFalse();
      assertThat(fits(CONFIG, coded, matrix(null, null))).isFalse();
    }
    assertThat(fits(CONFIG, INT4, matrix(format(Codes.Kind.SIGNED_8), null))).isFalse();
  }

  @Test
  void codesThatTheKernelDoesNotRead_andOtherOrders_areALaunchForEachPart() {
    CudaWeights.Matrix e2m1 = matrix(format(Codes.Kind.E2M1), null);
    assertThat(fits(CONFIG, e2m1, e2m1)).isFalse();
    Codes.Format e4m3 = new Codes.Format(Codes.Kind.E4M3, 128, Codes.Second.NONE);
    CudaWeights.Matrix rounded = matrix(new CodeFormat(e4m3, RoundedInput.ROW), null);
    assertThat(fits(CONFIG, rounded, rounded)).isFalse();
    CudaWeights.Matrix ordered = matrix(format(Codes.Kind.UNSIGNED_4), new DeviceAddress(null, 0));
    assertThat(fits(CONFIG, INT4, ordered)).isFalse();
  }

  @Test
  void codes_fillTilesOf128Columns() {
    FeedForward part = new FeedForward(Activation.SILU, true, 13_888, false, null);
    ModelConfig.Layer own = CONFIG.layers().get(0);
    ModelConfig.Layer layer = new ModelConfig.Layer(own.rope(), 0, part);
    ModelConfig config = with(CONFIG.norms(), Collections.nCopies(40, layer));
    assertThat(fits(config, matrix(null, null), matrix(null, null))).isTrue();
    assertThat(fits(config, INT4, INT4)).isFalse();
  }

  private static CodeFormat format(Codes.Kind kind) {
    return new CodeFormat(new Codes.Format(kind, 32, Codes.Second.NONE));
  }

  private static CudaWeights.Matrix matrix(
      @Nullable CodeFormat format, @Nullable DeviceAddress order) {
    return new CudaWeights.Matrix(null, 128, 128, format, order, null);
  }

  /** Whether a model fits whose down matrices are other ones than the rest. */
  private static boolean fits(
      ModelConfig config, CudaWeights.Matrix matrix, CudaWeights.Matrix down) {
    return PersistentDecode.fits(config, ALL, KvPrecision.FULL, layers(matrix, down), 0);
  }

  /** A layer whose down matrix is another one than the rest. */
  private static List<CudaWeights.Layer> layers(
      CudaWeights.Matrix matrix, CudaWeights.Matrix down) {
    CudaWeights.Norms norms = new CudaWeights.Norms(null, null, null, null);
    return List.of(new CudaWeights.Layer(norms, List.of(matrix), null, matrix, null, matrix, down));
  }

  private static StepLimits limits(
      String shape, CudaWeights.@Nullable Matrix matrix, boolean ofCards) {
    ModelConfig config = ModelShapes.of(shape);
    ModelConfig own = ofCards ? ModelShard.of(config, 2).get(0).config() : config;
    List<CudaWeights.Layer> layers = matrix == null ? NONE : layers(matrix, matrix);
    return PersistentDecode.limits(own, new LayerRange(0, 1), layers, ofCards, 132);
  }

  /** Rows at a context of 512 up to which a step is one launch. */
  private static int mostRows(String shape, CudaWeights.@Nullable Matrix matrix, boolean ofCards) {
    StepLimits limits = limits(shape, matrix, ofCards);
    return IntStream.rangeClosed(0, 16).filter(rows -> limits.allow(rows, 512)).max().orElseThrow();
  }

  @Test
  void steps_areOneLaunchWhereThatWasFaster() {
    CudaWeights.Matrix fp8 = matrix(format(Codes.Kind.E4M3), null);
    CudaWeights.Matrix int8 = matrix(format(Codes.Kind.SIGNED_8), null);
    assertThat(mostRows("llama-13b", null, false)).isEqualTo(13);
    assertThat(mostRows("llama-70b", null, false)).isEqualTo(16);
    assertThat(mostRows("llama-1b", INT4, false)).isEqualTo(16);
    assertThat(mostRows("llama-13b", INT4, false)).isEqualTo(8);
    assertThat(mostRows("llama-70b", INT4, false)).isZero();
    assertThat(mostRows("llama-1b", fp8, false)).isEqualTo(8);
    assertThat(mostRows("llama-13b", fp8, false)).isZero();
    assertThat(mostRows("llama-1b", int8, false)).isEqualTo(16);
    assertThat(mostRows("llama-13b", int8, false)).isZero();
    assertThat(mostRows("llama-33b", null, true)).isEqualTo(4);
    assertThat(mostRows("llama-33b", INT4, true)).isEqualTo(4);
    assertThat(mostRows("llama-33b", fp8, true)).isEqualTo(1);
    assertThat(mostRows("llama-33b", int8, true)).isZero();
  }

  @Test
  void cards_haveRoomForTheSumsOfEachCard() {
    int hidden = CONFIG.hiddenSize();
    int arrivals = 32 + 8192 / 16; // kWritten in decode_step.cuh, and a number for each 16 columns
    assertThat(CardSums.bytes(hidden, 2)).isEqualTo(2 * 2 * 16 * hidden * 4 + arrivals * 4);
  }
}
