package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.jcuda.internal.batch.BatchFormat;
import dev.s3llm.jcuda.internal.batch.DeviceBatch;
import dev.s3llm.jcuda.internal.batch.StepShape;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelSignatures;
import dev.s3llm.jcuda.internal.driver.RecordingLauncher;
import dev.s3llm.model.Codes;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.ModelShard;
import dev.s3llm.model.RoundedInput;
import dev.s3llm.model.WeightFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The launches of an H200, which has 132 multiprocessors, for llama-13b: 40 heads of 128. */
class KernelLaunchTest {
  private static final int H200 = 132;
  private static final ModelConfig CONFIG = ModelShapes.of("llama-13b");
  private static final BatchFormat FORMAT = new BatchFormat(1024, 256, 2048, 16, 32_000);

  private static final CudaWeights.Matrix MATRIX =
      new CudaWeights.Matrix(null, 512, 512, null, null, null);
  private static final CodeFormat INT4 =
      new CodeFormat(new Codes.Format(Codes.Kind.UNSIGNED_4, 128, Codes.Second.NONE));
  private static final CudaWeights.Matrix CODED =
      new CudaWeights.Matrix(null, 512, 512, INT4, null, null);

  private static final DeviceAddress ORDER = new DeviceAddress(null, 0);

  private static final CodeFormat FP8 =
      new CodeFormat(WeightFormat.FP8.rounded().orElseThrow(), RoundedInput.ROW);
  private static final CudaWeights.Matrix ROUNDED =
      new CudaWeights.Matrix(null, 512, 512, FP8, null, null);

  private final RecordingLauncher recorder = new RecordingLauncher();
  private final AttentionKernels attention = attention(CONFIG);
  private final DeviceBatch batch = new DeviceBatch(bytes -> null, FORMAT, true);
  private final Workspace work =
      new Workspace(
          bytes -> null,
          CONFIG,
          new LayerRange(0, 40),
          FORMAT,
          0,
          true,
          Workspace.Inputs.AS_THEY_ARE);
  private final CudaWeights.Heads heads = new CudaWeights.Heads(null, null, null, null);

  private AttentionKernels attention(ModelConfig config) {
    return attention(config, KvPrecision.FULL);
  }

  private AttentionKernels attention(ModelConfig config, KvPrecision kv) {
    return attention(config, kv, true);
  }

  private AttentionKernels attention(ModelConfig config, KvPrecision kv, boolean hopper) {
    LayerRange all = new LayerRange(0, config.layerCount());
    return new AttentionKernels(recorder, config, ElementType.F16, kv, all, hopper, H200);
  }

  /** The same with a window, capped scores and norms over all heads. */
  private static ModelConfig bounded(int window) {
    ModelConfig.Attention own = CONFIG.attention();
    ModelConfig.Layer layer = CONFIG.layers().get(0);
    return new ModelConfig(
        CONFIG.family(),
        CONFIG.vocabulary(),
        CONFIG.hiddenSize(),
        CONFIG.maxContextTokens(),
        CONFIG.norms(),
        new ModelConfig.Attention(
            own.heads(),
            own.kvHeads(),
            own.headSize(),
            own.scores(),
            QueryKeyNorm.WHOLE,
            false,
            false),
        CONFIG.scales(),
        Collections.nCopies(40, new ModelConfig.Layer(layer.rope(), window, layer.feedForward())));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 512, 2", // 396 blocks at once are 9 for each of 40 heads, but the context has two parts
    "1, 2304, 9",
    "1, 100000, 98", // at most four of 391 parts for each
    "4, 2048, 2",
    "16, 1024, 1",
    "16, 2048, 2",
    "256, 4096, 4",
  })
  void decodeAttention_splitsPartsWhileTheDeviceHasRoom_andLongRowsAlways(
      int decodes, int longest, int z) {
    StepShape shape = new StepShape(decodes, decodes, longest, 0, 0, decodes);
    attention.decode(null, shape, work, null, batch, heads, 3);
    assertThat(recorder.last().grid()).isEqualTo(new Grid(40, decodes, z));
    assertThat(recorder.last().block()).isEqualTo(128);
    assertThat(recorder.last().shared()).isEqualTo(512 * 136 + 32 * 136 + 400);
    assertThat(recorder.last().arguments()).contains((longest + 255) / 256);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "256, 2", "257, 2", "258, 3", "1000, 5", "2048, 8"})
  void windowedDecodeAttention_hasThePartsThatAWindowMayTouch(int window, int parts) {
    attention(bounded(window))
        .decode(null, new StepShape(1, 1, 2048, 0, 0, 1), work, null, batch, heads, 3);
    assertThat(recorder.last().arguments().get(17)).isEqualTo(parts);
    assertThat(recorder.last().kernel().endsWith("_bounded")).isEqualTo(window < 2048);
  }

  @Test
  void normOverAllHeads_takesOneBlockARow() {
    AttentionKernels own = attention(bounded(0));
    own.rotateAndStore(null, 1, null, null, batch, heads, 0, QueryKeyNorm.WHOLE);
    assertThat(recorder.last().grid()).isEqualTo(Grid.of(1));
    assertThat(recorder.last().shared()).isEqualTo(4 * (128 + 80));
    own.rotateAndStore(null, 1, null, null, batch, heads, 0, QueryKeyNorm.NONE); // done by cards
    assertThat(recorder.last().grid()).isEqualTo(Grid.of(1, 16));
    assertThat(recorder.last().shared()).isEqualTo(4 * 128);
  }

  @Test
  void prefillAttention_hasABlockForSixtyFourRows() {
    attention(CONFIG, KvPrecision.FULL, false)
        .prefill(null, new StepShape(700, 0, 0, 2, 600, 2), work, null, batch, heads, 3);
    assertThat(recorder.last().kernel()).isEqualTo("attention_prefill_f16_d128");
    assertThat(recorder.last().grid()).isEqualTo(new Grid(10, 40, 2));
    assertThat(recorder.last().block()).isEqualTo(128);
    assertThat(recorder.last().shared()).isEqualTo(514 * 136 + 256 * 128);
  }

  /** A tile is 128 rows of a head, so 600 rows of 40 heads are 200 tiles. */
  @Test
  void prefillAttentionOnHopper_sharesTilesAmongTheMultiprocessors() {
    attention.prefill(null, new StepShape(700, 0, 0, 2, 600, 2), work, null, batch, heads, 3);
    assertThat(recorder.last().kernel()).isEqualTo("attention_prefill_f16_d128_wgmma");
    assertThat(recorder.last().grid()).isEqualTo(new Grid(132, 1, 2));
    assertThat(recorder.last().block()).isEqualTo(384);
    assertThat(recorder.last().shared()).isEqualTo((32 << 10) + 4 * (32 << 10) + 64 + 1024);
    attention.prefill(null, new StepShape(200, 0, 0, 1, 200, 2), work, null, batch, heads, 3);
    assertThat(recorder.last().grid()).isEqualTo(new Grid(80, 1, 1));
    attention(bounded(100))
        .prefill(null, new StepShape(700, 0, 0, 2, 600, 2), work, null, batch, heads, 3);
    assertThat(recorder.last().kernel()).isEqualTo("attention_prefill_f16_d128_bounded_wgmma");
  }

  @Test
  void prefillAttentionOnHopper_widensCodesInSharedMemory() {
    StepShape shape = new StepShape(700, 0, 0, 2, 600, 2);
    attention(CONFIG, KvPrecision.INT8).prefill(null, shape, work, null, batch, heads, 3);
    assertThat(recorder.last().kernel()).isEqualTo("attention_prefill_f16_kv8_d128_wgmma");
    assertThat(recorder.last().grid()).isEqualTo(new Grid(132, 1, 2));
    assertThat(recorder.last().block()).isEqualTo(384);
    assertThat(recorder.last().shared())
        .isEqualTo((160 << 10) + 4 * 512 + 2 * 128 * 132 + 128 + 1024);
    attention(bounded(100), KvPrecision.INT8)
        .prefill(null, shape, work, null, batch, heads, 3); // has windows, caps and sinks anyway
    assertThat(recorder.last().kernel()).isEqualTo("attention_prefill_f16_kv8_d128_wgmma");
    assertThat(recorder.last().arguments()).contains(100);
  }

  @Test
  void kvInEightBits_hasKernelsOfItsOwn_withLessSharedMemory() {
    AttentionKernels coded = attention(CONFIG, KvPrecision.INT8);
    coded.decode(null, new StepShape(1, 1, 512, 0, 0, 1), work, null, batch, heads, 3);
    assertThat(recorder.last().kernel()).isEqualTo("attention_decode_f16_kv8_d128");
    assertThat(recorder.last().shared()).isEqualTo(2 * (128 * 144 + 512) + 32 * 136 + 400);
    attention(CONFIG, KvPrecision.INT8, false)
        .prefill(null, new StepShape(700, 0, 0, 2, 600, 2), work, null, batch, heads, 3);
    assertThat(recorder.last().kernel()).isEqualTo("attention_prefill_f16_kv8_d128");
    assertThat(recorder.last().shared()).isEqualTo(2 * (128 * 144 + 512) + 2 * 136 + 256 * 128);
    coded.rotateAndStore(null, 9, null, null, batch, heads, 0, QueryKeyNorm.NONE);
    assertThat(recorder.last().kernel()).isEqualTo("rotate_and_store_f16_kv8");
    coded.decode(null, new StepShape(39, 39, 4096, 0, 0, 39), work, null, batch, heads, 3);
    assertThat(recorder.last().grid()).isEqualTo(new Grid(40, 39, 4));
    coded.decode(null, new StepShape(40, 40, 4096, 0, 0, 40), work, null, batch, heads, 3);
    assertThat(recorder.last().grid()).isEqualTo(new Grid(40, 40, 1)); // four waves
    attention(bounded(100), KvPrecision.INT8)
        .decode(null, new StepShape(1, 1, 512, 0, 0, 1), work, null, batch, heads, 3);
    assertThat(recorder.last().kernel()).isEqualTo("attention_decode_f16_kv8_d128");
    assertThat(recorder.last().arguments()).contains(100);
    for (int size : new int[] {16, 32, 64, 80, 96, 128, 256}) {
      assertThat(AttentionKernels.sharedBytes(size, KvPrecision.INT8))
          .isLessThan(AttentionKernels.sharedBytes(size, KvPrecision.FULL));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 16", "16, 16", "17, 15", "264, 1", "1024, 1"})
  void rotaryEmbedding_splitsHeadsWhileTheDeviceHasRoom(int rows, int blocks) {
    attention.rotateAndStore(null, rows, null, null, batch, heads, 0, QueryKeyNorm.NONE);
    assertThat(recorder.last().grid()).isEqualTo(Grid.of(rows, blocks));
    assertThat(recorder.last().shared()).isEqualTo(4 * 128);
  }

  /** Eight values a thread; 5120 are 640 threads. */
  @Test
  void norms_haveNoThreadsWithoutValues() {
    CudaWeights.Norm norm = new CudaWeights.Norm(null, null);
    new NormKernels(recorder, CONFIG, ElementType.F16).norm(null, 7, null, null, norm, null, 1);
    assertThat(recorder.last().kernel()).isEqualTo("rms_norm_f16");
    assertThat(recorder.last().grid()).isEqualTo(Grid.of(7));
    assertThat(recorder.last().block()).isEqualTo(640);
  }

  @Test
  void sampling_hasABlockForEachRow() {
    new SampleKernels(recorder, 32_000).sample(null, 7, null, batch, null, 256);
    assertThat(recorder.last().grid()).isEqualTo(Grid.of(7));
    assertThat(recorder.last().block()).isEqualTo(1024);
    assertThat(recorder.last().shared()).isZero();
  }

  /** Their number depends on the context, the sums of attention also on the heads. */
  @Test
  void changedLogits_haveRoomInTheSumsOfAttention() {
    ModelConfig small = new ModelShapes.Sizes(32_000, 32, 2, 4, 2, 8, 64, 256).llama(true, 3);
    for (ModelConfig config : List.of(small, CONFIG)) {
      for (int context : new int[] {64, 2048, 100_000}) {
        BatchFormat format = new BatchFormat(64, 64, context, 16, 32_000);
        List<Long> sizes = new ArrayList<>();
        LayerRange all = new LayerRange(0, config.layerCount());
        Workspace own =
            new Workspace(
                bytes -> noted(bytes, sizes),
                config,
                all,
                format,
                0,
                true,
                Workspace.Inputs.AS_THEY_ARE);
        assertThat(own.changedLogits).isEqualTo(Math.min(context, 32_000) + 1024);
        assertThat(sizes.get(5)).isGreaterThanOrEqualTo(4L * 64 * own.changedLogits);
      }
    }
  }

  private static DeviceMemory noted(long bytes, List<Long> sizes) {
    sizes.add(bytes);
    return null;
  }

  @Test
  void roundedInput_isSaidToAllKernels() {
    Fp8Kernels products = new Fp8Kernels(recorder, ElementType.BF16, new Fp8Shapes(H200));
    RoundedRows rows = new RoundedRows(null, null);
    MatrixProduct.Output output = MatrixProduct.Output.FLOAT_ROWS;
    CudaWeights.Norm norm = new CudaWeights.Norm(null, null);
    for (RoundedInput input :
        List.of(RoundedInput.ROW, RoundedInput.GROUP, RoundedInput.fixed(0.5f))) {
      products.round(null, 300, input, null, rows, 512, 128);
      int grouped = input.equals(RoundedInput.GROUP) ? 1 : 0;
      float given = input.value() == 0.5f ? 0.5f : 0f;
      assertThat(recorder.last().kernel()).isEqualTo("round_rows_bf16");
      assertThat(recorder.last().grid()).isEqualTo(Grid.of(300));
      assertThat(recorder.last().arguments().subList(3, 8))
          .containsExactly(512, 128, grouped, given, Float.POSITIVE_INFINITY);
      products.norm(null, 300, null, norm, 1e-5f, input, rows, 512, 128);
      assertThat(recorder.last().kernel()).isEqualTo("rms_norm_fp8_bf16");
      assertThat(recorder.last().shared()).isEqualTo(2 * 512);
      assertThat(recorder.last().arguments().subList(7, 10))
          .containsExactly(grouped, given, Float.POSITIVE_INFINITY);
      products.launch(null, ROUNDED, input, rows, null, 300, 128, 512, output);
      assertThat(recorder.last().kernel()).isEqualTo("fp8_gemm_bf16_n128_c1");
      assertThat(recorder.last().grid()).isEqualTo(new Grid(1, 3, 4));
      assertThat(recorder.last().arguments()).endsWith(grouped, 6);
    }
  }

  @Test
  void everyLaunch_passesAsManyArgumentsAsItsKernelTakes() throws IOException {
    launchEveryKernel();
    assertThat(recorder.launches).hasSize(49);
    for (RecordingLauncher.Launch launch : recorder.launches) {
      assertThat(launch.arguments())
          .as(launch.kernel())
          .hasSize(KernelSignatures.parametersOf(launch.kernel()));
    }
  }

  @Test
  void everyKernelOfAStep_isLoaded() {
    launchEveryKernel();
    attention.load();
    attention(bounded(100)).load();
    attention(CONFIG, KvPrecision.INT8).load();
    new NormKernels(recorder, CONFIG, ElementType.F16).load();
    new ExpertKernels(recorder, ElementType.F16).load(MATRIX, CODED);
    new SampleKernels(recorder, 32_000).load();
    cardKernels().load();
    stepKernels(null, false).load();
    stepKernels(null, true).load();
    stepKernels(INT4, false).load();
    stepKernels(INT4, true).load();
    MatrixProduct products =
        new MatrixProduct(recorder, ElementType.F16, new ProductShapes(true, H200));
    products.load(MATRIX);
    products.load(CODED);
    products.load(new CudaWeights.Matrix(null, 512, 512, INT4, ORDER, null));
    new Fp8Kernels(recorder, ElementType.F16, new Fp8Shapes(H200)).load(ROUNDED);
    assertThat(recorder.loaded)
        .containsAll(
            recorder.launches.stream()
                .map(RecordingLauncher.Launch::kernel)
                .filter(
                    kernel ->
                        !kernel.matches("(retile|convert|find_non_finite|quantize|tile|step)_.*"))
                .toList());
  }

  private void launchEveryKernel() {
    StepShape shape = new StepShape(9, 4, 100, 1, 5, 5);
    DeviceMemory none = null;
    AttentionKernels coded = attention(CONFIG, KvPrecision.INT8);
    for (AttentionKernels own : List.of(attention, attention(bounded(100)), coded)) {
      own.rotateAndStore(null, 9, none, none, batch, heads, 0, QueryKeyNorm.NONE);
      own.decode(null, shape, work, none, batch, heads, 0);
      own.prefill(null, shape, work, none, batch, heads, 0);
    }
    launchNorms();
    launchCards();
    launchExperts();
    launchStep();
    launchStepOfCards(null);
    launchStepOfCards(INT4);
    SampleKernels sample = new SampleKernels(recorder, 32_000);
    sample.logProbabilities(null, 5, none, batch, none);
    sample.shape(null, 5, none, batch, none, 9);
    sample.sample(null, 5, none, batch, none, 256);
    sample.drawnLogProbabilities(null, 5, none, batch, none, 9, none, none);
    MatrixProduct products =
        new MatrixProduct(recorder, ElementType.F16, new ProductShapes(true, H200));
    products.launch(null, MATRIX, none, null, 9, 128, 512, MatrixProduct.Output.ROWS);
    products.launch(null, CODED, none, null, 9, 128, 512, MatrixProduct.Output.ROWS);
    products.gather(null, ORDER, none, none, 9, 512, 128);
    Fp8Kernels rounded = new Fp8Kernels(recorder, ElementType.F16, new Fp8Shapes(H200));
    RoundedRows rows = new RoundedRows(none, none);
    RoundedInput input = RoundedInput.ROW;
    rounded.round(null, 9, input, none, rows, 512, 128);
    MatrixProduct.Output output = MatrixProduct.Output.ROWS;
    rounded.launch(null, ROUNDED, input, rows, null, 9, 128, 512, output);
    CudaWeights.Norm rms = new CudaWeights.Norm(none, null);
    rounded.norm(null, 9, none, rms, 1e-5f, input, rows, 512, 128);
    LoadKernels load = new LoadKernels(recorder, recorder, ElementType.F16);
    load.retile(null, ElementType.BF16, none, null, 64, 64, 0, 0);
    load.convert(null, ElementType.F32, none, null, 64);
    load.findNonFinite(null, null, 64, none);
    CodeUpload.Place place = new CodeUpload.Place(new WeightUpload.Tiles(null, 0), 0, 0);
    load.quantize(null, ElementType.BF16, INT4, none, null, null, 64, 64);
    load.tileCodes(null, INT4, null, place, 64, 64, none);
    load.tileScales(null, INT4, null, null, place, 64, 64, none);
    load.tileCodes(null, FP8, null, place, 64, 64, none);
    load.tileScales(null, FP8, null, null, place, 64, 64, none);
  }

  @ParameterizedTest
  @CsvSource({"1, 5120, 3", "9, 200, 2", "1024, 13824, 2048"})
  void orderedInput_hasAThreadForEightColumns(int rows, int columns, int blocks) {
    new MatrixProduct(recorder, ElementType.F16, new ProductShapes(true, H200))
        .gather(null, ORDER, null, null, rows, columns, 128);
    assertThat(recorder.last().kernel()).isEqualTo("gather_columns_f16");
    assertThat(recorder.last().grid()).isEqualTo(Grid.of(blocks));
    assertThat(recorder.last().block()).isEqualTo(256);
  }

  private StepKernels stepKernels(@Nullable CodeFormat format, boolean ofCards) {
    LayerRange range = new LayerRange(0, 40);
    return new StepKernels(recorder, CONFIG, range, ElementType.F16, format, ofCards);
  }

  private void launchStep() {
    StepKernels step = stepKernels(null, false);
    DeviceMemory none = null;
    CudaWeights.Norms norms = new CudaWeights.Norms(null, null, null, null);
    step.layer(
        null,
        none,
        3,
        new CudaWeights.Layer(norms, List.of(MATRIX), heads, MATRIX, null, MATRIX, MATRIX));
    PersistentDecode.Buffers own =
        new PersistentDecode.Buffers(none, none, none, none, null, none, none, none);
    step.plan(null, own, work, none, batch, new int[] {1, 4, 1, 4}, 8, 1_000L);
    step.decodeStep(null, none, 8, H200, null);
  }

  @Test
  void wholeStep_hasABlockForEachMultiprocessor_andFitsItsSharedMemory() throws IOException {
    launchStep();
    assertThat(recorder.last().kernel()).isEqualTo("decode_step_f16_d128_n8");
    assertThat(recorder.together).containsExactly("decode_step_f16_d128_n8");
    assertThat(recorder.last().grid()).isEqualTo(Grid.of(H200));
    assertThat(recorder.last().shared()).isEqualTo(231_328).isLessThanOrEqualTo(227 << 10);
    assertThat(StepKernels.sharedBytes(64, 1)).isEqualTo(216_256);
    assertThat(StepKernels.sharedBytes(128, 1)).isEqualTo(226_624);
    assertThat(StepKernels.sharedBytes(64, 2)).isEqualTo(226_336);
    assertThat(StepKernels.sharedBytes(64, 9)).isEqualTo(207_984);
    assertThat(StepKernels.sharedBytes(128, 16)).isEqualTo(215_024);
    assertThat(StepKernels.LAYER_BYTES)
        .isEqualTo(KernelSignatures.sizeOf("StepLayer", "decode_step.cuh"));
    assertThat(StepKernels.PLAN_BYTES)
        .isEqualTo(KernelSignatures.sizeOf("StepPlan", "decode_step.cuh"));
    assertThat(StepKernels.STATE_BYTES)
        .isEqualTo(KernelSignatures.sizeOf("StepState", "decode_step.cuh"));
  }

  @Test
  void wholeStep_ofMoreThanEightRows_hasItsOwnKernel() {
    StepKernels step = stepKernels(null, false);
    step.load();
    step.decodeStep(null, null, 9, H200, null);
    assertThat(recorder.last().kernel()).isEqualTo("decode_step_f16_d128_n16");
    assertThat(recorder.last().shared()).isEqualTo(StepKernels.sharedBytes(128, 16));
    assertThat(recorder.loaded).contains(recorder.last().kernel());
  }

  private void launchStepOfCards(@Nullable CodeFormat format) {
    StepKernels step = stepKernels(format, true);
    CardSums none = new CardSums(null, null);
    step.decodeStep(null, null, 1, H200, StepCards.of(List.of(none, none), 1, null));
  }

  @Test
  void wholeStepOfCards_knowsTheOthers() {
    launchStepOfCards(null);
    launchStepOfCards(INT4);
    assertThat(recorder.together)
        .containsExactly("decode_step_cards_f16_d128_n1", "decode_step_cards_f16_u4_d128_n1");
    assertThat(recorder.last().shared()).isEqualTo(StepKernels.sharedBytes(128, 1));
    assertThat(recorder.last().arguments().subList(5, 7)).containsExactly(1, 2);
  }

  @Test
  void wholeStep_ofWeightsWithCodes_hasKernelsOfItsOwn_inTheSameMemory() {
    StepKernels step = stepKernels(INT4, false);
    step.load();
    step.decodeStep(null, null, 1, H200, null);
    assertThat(recorder.last().kernel()).isEqualTo("decode_step_f16_u4_d128_n1");
    assertThat(recorder.last().shared()).isEqualTo(StepKernels.sharedBytes(128, 1));
    assertThat(recorder.loaded).contains(recorder.last().kernel());
  }

  private void launchNorms() {
    NormKernels norms = new NormKernels(recorder, CONFIG, ElementType.F16);
    DeviceMemory none = null;
    CudaWeights.Norm rms = new CudaWeights.Norm(none, null);
    norms.embed(null, 9, none, batch.tokens, none);
    norms.norm(null, 9, none, null, rms, none, work.groups);
    norms.tile(null, 9, none, none, work.groups);
    norms.normAndAdd(null, 9, none, rms, none);
  }

  private CardKernels cardKernels() {
    CardMemory none = new CardMemory(null, null, null, null, null, null);
    ModelShard shard = ModelShard.of(CONFIG, 2).get(1);
    return new CardKernels(recorder, shard, ElementType.F16, H200, List.of(none, none));
  }

  private void launchCards() {
    CardKernels kernels = cardKernels();
    DeviceMemory none = null;
    kernels.beginStep();
    kernels.lookUp(null, 9, batch.tokens, none);
    kernels.normHeads(null, 9, none, heads);
    kernels.addAndNorm(null, 9, none, new CudaWeights.Norm(none, null), none, work.groups);
    kernels.sum(null, 9, none);
    kernels.add(null, 9, none);
    kernels.gather(null);
    kernels.endStep(null);
  }

  @Test
  void meetings_areNumberedFromTheStepsBegin_inTurnsOfTwoBuffers() {
    CardKernels kernels = cardKernels();
    for (int step = 0; step < 2; step++) {
      recorder.launches.clear();
      kernels.beginStep();
      for (int meeting = 0; meeting < 3; meeting++) {
        kernels.add(null, 500, null);
        assertThat(recorder.last().arguments().subList(3, 6)).containsExactly(1, 2, meeting);
        assertThat(recorder.last().grid()).isEqualTo(Grid.of(H200));
      }
      kernels.endStep(null);
      assertThat(recorder.last().arguments()).containsExactly(null, 3);
    }
  }

  private void launchExperts() {
    ExpertKernels experts = new ExpertKernels(recorder, ElementType.F16);
    ModelConfig.Experts own = new ModelConfig.Experts(32, 4, true, false);
    ExpertSpace space = new ExpertSpace(bytes -> null, new ExpertSpace.Sizes(512, 1, 1, 1, 1, 1));
    experts.route(null, 9, space, batch, own, true);
    for (CudaWeights.Matrix matrix : List.of(MATRIX, CODED)) {
      multiply(experts, 9, space, own, matrix);
    }
    experts.combine(null, 9, space, batch, own, null, 256, 1, true);
  }

  @ParameterizedTest
  @CsvSource({"1, 16, 4", "100, 16, 57", "512, 64, 64", "4096, 128, 160"})
  void expertProducts_haveABlockForEveryTileThatMayBe(int rows, int tileRows, int tiles) {
    ExpertKernels experts = new ExpertKernels(recorder, ElementType.F16);
    ModelConfig.Experts own = new ModelConfig.Experts(32, 4, true, false);
    ExpertSpace space = new ExpertSpace(bytes -> null, new ExpertSpace.Sizes(512, 1, 1, 1, 1, 1));
    multiply(experts, rows, space, own, MATRIX);
    assertThat(recorder.last().kernel()).isEqualTo("experts_f16_n" + tileRows);
    assertThat(recorder.last().grid().y()).isEqualTo(tiles);
  }

  @ParameterizedTest
  @CsvSource({"1, 16, 4", "512, 64, 64", "4096, 64, 288"})
  void expertProductsWithCodes_takeAtMost64Pairs(int rows, int tileRows, int tiles) {
    ExpertKernels experts = new ExpertKernels(recorder, ElementType.F16);
    ModelConfig.Experts own = new ModelConfig.Experts(32, 4, true, false);
    ExpertSpace space = new ExpertSpace(bytes -> null, new ExpertSpace.Sizes(512, 1, 1, 1, 1, 1));
    multiply(experts, rows, space, own, CODED);
    assertThat(recorder.last().kernel()).isEqualTo("experts_f16_u4_n" + tileRows);
    assertThat(recorder.last().grid()).isEqualTo(new Grid(1, tiles, 4));
  }

  private static void multiply(
      ExpertKernels experts,
      int rows,
      ExpertSpace space,
      ModelConfig.Experts own,
      CudaWeights.Matrix matrix) {
    boolean coded = matrix.format() != null;
    MatrixProduct.Output output = MatrixProduct.Output.FLOAT_ROWS;
    experts.multiply(null, rows, space, own, coded, matrix, null, 8, true, null, 512, output);
  }
}
