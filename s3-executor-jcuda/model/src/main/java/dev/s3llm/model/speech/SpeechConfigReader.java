package dev.s3llm.model.speech;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.family.ConfigFields;
import dev.s3llm.model.json.JsonFile;
import java.nio.file.Path;

/**
 * Reads the {@code config.json} of a speech model. Each key is applied, required to have the one
 * supported value, known to have no effect, or refused.
 */
final class SpeechConfigReader {
  private static final String MODEL_TYPE = "s3_masked_speech";
  private static final String ARCHITECTURE = "MaskedSpeechModel";

  private final Path file;
  private final ConfigFields fields;

  private SpeechConfigReader(Path file) {
    this.file = file;
    this.fields = ConfigFields.of(file.toString(), JsonFile.read(file));
  }

  /**
   * Reads a configuration.
   *
   * @param file the file
   * @throws ModelFormatException if the file is damaged, or has a key or a value that is not
   *     supported
   */
  static SpeechConfig read(Path file) {
    SpeechConfigReader reader = new SpeechConfigReader(file);
    reader.requireKind();
    reader.requireArithmetic();
    SpeechConfig config = reader.config();
    reader.requireShape(config);
    reader.requireIds(config);
    reader.fields.refuseUnknown();
    return config;
  }

  private void requireKind() {
    String type = fields.text("model_type", "");
    if (!type.equals(MODEL_TYPE)) {
      throw fields.bad("model_type", type, MODEL_TYPE + "; other speech models are not supported");
    }
    JsonNode architectures = fields.node("architectures");
    if (!architectures.isMissingNode()
        && !(architectures.size() == 1 && architectures.path(0).asText().equals(ARCHITECTURE))) {
      throw fields.bad("architectures", architectures.toString(), "[\"" + ARCHITECTURE + "\"]");
    }
  }

  /** What a model may only have in one way; a missing key means that way. */
  private void requireArithmetic() {
    fields.require("hidden_act", "silu");
    fields.require("subsampling_act", "relu");
    requireNumber("subsampling_kernel", 3);
    requireNumber("subsampling_stride", 2);
    requireNumber("subsampling_layers", 2);
  }

  private void requireNumber(String name, int value) {
    int actual = fields.dimension(name, value);
    require(actual == value, name, actual, String.valueOf(value));
  }

  private SpeechConfig config() {
    int vocabulary = fields.dimension("vocab_size");
    return new SpeechConfig(
        fields.dimension("hidden_size"),
        fields.dimension("num_attention_heads"),
        fields.dimension("head_dim"),
        fields.dimension("intermediate_size"),
        fields.dimension("encoder_layers"),
        fields.dimension("decoder_layers"),
        fields.dimension("num_mel_bands"),
        fields.dimension("subsampling_channels"),
        fields.dimension("depthwise_kernel"),
        (float) fields.positive("layer_norm_eps", 0),
        fields.positive("rope_theta", 0),
        fields.positive("sinusoid_base", 0),
        vocabulary,
        fields.below("blank_token_id", vocabulary),
        fields.below("eos_token_id", vocabulary),
        fields.below("mask_token_id", vocabulary),
        fields.below("first_character_id", vocabulary),
        fields.dimension("max_target_positions"),
        fields.dimension("canvas_smallest"),
        fields.below("canvas_room", 1 << 16));
  }

  private void requireShape(SpeechConfig config) {
    require(
        config.headSize() % 2 == 0,
        "head_dim",
        config.headSize(),
        "even, as rotary positions turn pairs");
    require(
        (long) config.heads() * config.headSize() == config.hiddenSize(),
        "hidden_size",
        config.hiddenSize(),
        "num_attention_heads times head_dim, %d * %d".formatted(config.heads(), config.headSize()));
    require(
        config.melBands() % 4 == 0,
        "num_mel_bands",
        config.melBands(),
        "a multiple of 4, as the two convolutions take a quarter of the bands");
    require(config.depthwiseKernel() % 2 == 1, "depthwise_kernel", config.depthwiseKernel(), "odd");
  }

  private void requireIds(SpeechConfig config) {
    int start = fields.below("decoder_start_token_id", config.vocabularySize());
    require(
        start == config.endId(),
        "decoder_start_token_id",
        start,
        "eos_token_id, " + config.endId());
    int blank = config.blankId();
    int end = config.endId();
    int mask = config.maskId();
    boolean distinct = blank != end && blank != mask && end != mask;
    if (!distinct || Math.max(blank, Math.max(end, mask)) >= config.firstCharacterId()) {
      throw new ModelFormatException(
          "%s: blank_token_id %d, eos_token_id %d and mask_token_id %d must differ and be below first_character_id, %d"
              .formatted(file, blank, end, mask, config.firstCharacterId()));
    }
  }

  private void require(boolean holds, String name, int value, String expected) {
    if (!holds) {
      throw fields.bad(name, String.valueOf(value), expected);
    }
  }
}
