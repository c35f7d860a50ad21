package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.model.Codes;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.NormKind;
import dev.s3llm.model.ModelConfig.NormPlacement;
import dev.s3llm.model.ModelConfig.Norms;
import dev.s3llm.model.ModelShapes;
import java.util.List;
import org.junit.jupiter.api.Test;

class PersistentDecodeTest {
  private static final ModelConfig CONFIG = ModelShapes.of("llama-13b");
  private static final LayerRange ALL = new LayerRange(0, 40);
  private static final List<CudaWeights.Layer> NONE = List.of();

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
  void codedWeights_areALaunchForEachPart() {
    CodeFormat format =
        new CodeFormat(new Codes.Format(Codes.Kind.UNSIGNED_4, 128, Codes.Second.NONE));
    CudaWeights.Matrix plain = new CudaWeights.Matrix(null, 64, 64, null, null, null);
    CudaWeights.Matrix coded = new CudaWeights.Matrix(null, 64, 64, format, null, null);
    CudaWeights.Norms norms = new CudaWeights.Norms(null, null, null, null);
    CudaWeights.Layer layer =
        new CudaWeights.Layer(norms, List.of(plain), null, plain, null, plain, coded);
    assertThat(PersistentDecode.fits(CONFIG, ALL, KvPrecision.FULL, List.of(layer), 0)).isFalse();
  }

  @Test
  void moreRowsOrLongerContexts_areALaunchForEachPart() {
    int h200 = 132;
    assertThat(PersistentDecode.wins(1, 512, 40, h200)).isTrue();
    assertThat(PersistentDecode.wins(8, 512, 40, h200)).isTrue();
    assertThat(PersistentDecode.wins(8, 1024, 40, h200)).isFalse();
    assertThat(PersistentDecode.wins(4, 2048, 40, h200)).isFalse();
    assertThat(PersistentDecode.wins(4, 4096, 8, h200)).isTrue();
    assertThat(PersistentDecode.wins(16, 1024, 8, h200)).isTrue();
    assertThat(PersistentDecode.wins(16, 2048, 8, h200)).isTrue();
    assertThat(PersistentDecode.wins(16, 4096, 8, h200)).isFalse();
    assertThat(PersistentDecode.wins(16, 512, 40, h200)).isFalse();
    assertThat(PersistentDecode.wins(17, 1, 1, h200)).isFalse();
  }

  @Test
  void failure_namesPhaseLayerAndBlock() {
    int phase = 3 * 8 + 2; // attention of the fourth layer
    assertThat(PersistentDecode.message(1 + (phase << 16 | 17)))
        .contains("2 s", "block 17 in attention of layer 4");
  }
}
