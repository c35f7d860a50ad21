package dev.s3llm.model.family;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.Activation;
import dev.s3llm.model.ModelConfig.Attention;
import dev.s3llm.model.ModelConfig.FeedForward;
import dev.s3llm.model.ModelConfig.Layer;
import dev.s3llm.model.ModelConfig.NormKind;
import dev.s3llm.model.ModelConfig.NormPlacement;
import dev.s3llm.model.ModelConfig.Norms;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelConfig.Scales;
import dev.s3llm.model.ModelConfig.Scores;
import dev.s3llm.model.ModelConfig.Vocabulary;
import dev.s3llm.model.RotaryEmbedding;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * Builds a model's configuration from what most families share, Llama's way: a family changes what
 * is its own before {@link #build}. Reads each key as Hugging Face transformers does, defaults
 * included.
 */
final class DecoderReader {
  /** The rotary embedding takes memory for every dimension of a head. */
  private static final int MAX_HEAD_SIZE = 1 << 16;

  private final ModelFacts facts;
  private final ConfigFields fields;
  private final int hidden;
  private final int layers;
  private final int heads;
  private final int kvHeads;
  private final int headSize;
  private final int positions;
  private final int served;
  private boolean tiedByDefault;
  private boolean vocabularyBias;
  private Norms norms;
  private Scores scores;
  private QueryKeyNorm queryKeyNorm = QueryKeyNorm.NONE;
  private boolean inputBias;
  private boolean outputBias;
  private Scales scales = Scales.NONE;
  private IntUnaryOperator windows = layer -> 0;
  private IntFunction<@Nullable RotaryEmbedding> ropes = layer -> null;
  private IntFunction<FeedForward> feedForwards;

  /**
   * What a family's reader gets.
   *
   * @param family name of the family
   * @param fields the configuration
   * @param stop end tokens, from the generation's settings where there are some
   * @param contextTokens positions to serve; 0 for those that the model was made for
   */
  record ModelFacts(String family, ConfigFields fields, JsonNode stop, int contextTokens) {}

  private DecoderReader(
      ModelFacts facts,
      String positionsKey,
      int hidden,
      int layers,
      int heads,
      int kvHeads,
      int headSize) {
    this.facts = facts;
    this.fields = facts.fields;
    this.hidden = hidden;
    this.layers = layers;
    this.heads = heads;
    this.kvHeads = kvHeads;
    this.headSize = headSize;
    this.positions = fields.dimension(positionsKey);
    this.served = facts.contextTokens > 0 ? facts.contextTokens : positions;
    this.norms = new Norms(NormKind.RMS, NormPlacement.BEFORE, 1e-6f);
    this.scores = new Scores((float) (1 / Math.sqrt(headSize)), 0, false);
    this.feedForwards = layer -> new FeedForward(Activation.SILU, true, 1, false, null);
  }

  /**
   * Reads the sizes, and what Llama has: RMS norms before each part, a gated SiLU, rotary embedding
   * in all layers.
   *
   * @param defaultHeadSize size of a head if the configuration has none; 0 for the hidden size
   *     divided by the heads
   */
  static DecoderReader llama(ModelFacts facts, int defaultHeadSize) {
    ConfigFields fields = facts.fields;
    int hidden = fields.dimension("hidden_size");
    int heads = fields.dimension("num_attention_heads");
    int size =
        boundedHead(
            fields,
            "head_dim",
            fields.dimension(
                "head_dim", defaultHeadSize > 0 ? defaultHeadSize : Math.max(1, hidden / heads)));
    DecoderReader reader =
        new DecoderReader(
            facts,
            "max_position_embeddings",
            hidden,
            fields.dimension("num_hidden_layers"),
            heads,
            fields.dimension("num_key_value_heads", heads),
            size);
    reader.norms(NormKind.RMS, NormPlacement.BEFORE, 1e-6);
    return reader;
  }

  private static int boundedHead(ConfigFields fields, String name, int size) {
    if (size > MAX_HEAD_SIZE) {
      throw fields.bad(name, String.valueOf(size), "at most " + MAX_HEAD_SIZE);
    }
    return size;
  }

  ConfigFields fields() {
    return fields;
  }

  int layers() {
    return layers;
  }

  int hidden() {
    return hidden;
  }

  int headSize() {
    return headSize;
  }

  /** Sets that the output is the embedding where the configuration does not say. */
  DecoderReader tiedByDefault() {
    tiedByDefault = true;
    return this;
  }

  /** Sets the norms; their epsilon is {@code rms_norm_eps}. */
  DecoderReader norms(NormKind kind, NormPlacement placement, double defaultEpsilon) {
    float epsilon = (float) fields.number("rms_norm_eps", defaultEpsilon);
    if (!(epsilon > 0 && epsilon < 1)) {
      throw fields.bad("rms_norm_eps", String.valueOf(epsilon), "in (0, 1)");
    }
    norms = new Norms(kind, placement, epsilon);
    return this;
  }

  /** Sets the norms on queries and keys. */
  DecoderReader queryKeyNorm(QueryKeyNorm norm) {
    queryKeyNorm = norm;
    return this;
  }

  /** Sets the scale of scores, their cap (0 for none), and whether there are sinks. */
  DecoderReader scores(double scale, double softcap, boolean sinks) {
    scores = new Scores((float) scale, (float) softcap, sinks);
    return this;
  }

  /** Sets whether the projections of the attention have biases. */
  DecoderReader biases(boolean input, boolean output) {
    inputBias = input;
    outputBias = output;
    return this;
  }

  /** Sets the constant factors. */
  DecoderReader scales(Scales own) {
    scales = own;
    return this;
  }

  /** Sets the window of each layer; 0 for none. */
  DecoderReader windows(IntUnaryOperator ofLayer) {
    windows = ofLayer;
    return this;
  }

  /** Creates a reader of rotary embeddings. */
  RopeReader rope(boolean partial) {
    return new RopeReader(fields, headSize, positions, served, partial);
  }

  /** Sets one rotary embedding for all layers. */
  DecoderReader ropes(RotaryEmbedding all) {
    ropes = layer -> all;
    return this;
  }

  /** Sets the rotary embedding of each layer; null for none. */
  DecoderReader ropes(IntFunction<@Nullable RotaryEmbedding> ofLayer) {
    ropes = ofLayer;
    return this;
  }

  /** Sets one feed-forward part for all layers, gated and dense. */
  DecoderReader gated(Activation activation, boolean bias) {
    FeedForward all =
        new FeedForward(activation, true, fields.dimension("intermediate_size"), bias, null);
    return feedForwards(layer -> all);
  }

  /** Sets the feed-forward part of each layer. */
  DecoderReader feedForwards(IntFunction<FeedForward> ofLayer) {
    feedForwards = ofLayer;
    return this;
  }

  /** Builds the configuration and refuses keys that were not read but change arithmetic. */
  ModelConfig build() {
    List<Layer> all = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      all.add(new Layer(ropes.apply(i), windows.applyAsInt(i), feedForwards.apply(i)));
    }
    ModelConfig config =
        new ModelConfig(
            facts.family,
            vocabulary(),
            hidden,
            served,
            norms,
            new Attention(heads, kvHeads, headSize, scores, queryKeyNorm, inputBias, outputBias),
            scales,
            all);
    fields.refuseUnread();
    return config;
  }

  private Vocabulary vocabulary() {
    boolean tied = fields.flag("tie_word_embeddings", tiedByDefault);
    int size = fields.dimension("vocab_size");
    return new Vocabulary(size, tied, vocabularyBias, stopTokens(size));
  }

  private int[] stopTokens(int vocabulary) {
    JsonNode stop = facts.stop;
    if (stop.isMissingNode() || stop.isNull()) {
      return new int[0];
    }
    if (!stop.isArray()) {
      return new int[] {stopToken(stop, vocabulary)};
    }
    return StreamSupport.stream(stop.spliterator(), false)
        .mapToInt(token -> stopToken(token, vocabulary))
        .sorted()
        .distinct()
        .toArray();
  }

  private int stopToken(JsonNode token, int vocabulary) {
    if (!token.isIntegralNumber()
        || !token.canConvertToInt()
        || token.intValue() < 0
        || token.intValue() >= vocabulary) {
      throw fields.bad(
          "eos_token_id", token.toString(), "a token id below vocab_size " + vocabulary);
    }
    return token.intValue();
  }

  /** Reads GPT-J's sizes, whose keys have other names (Wang and Komatsuzaki 2021). */
  static ModelConfig gptJ(ModelFacts facts) {
    ConfigFields fields = facts.fields;
    fields.require("activation_function", "gelu_new");
    fields.require("rotary", true);
    fields.require("scale_attn_weights", true);
    int width = fields.dimension("n_embd");
    int heads = fields.dimension("n_head");
    int size = boundedHead(fields, "n_embd / n_head", Math.max(1, width / heads));
    int turned = fields.dimension("rotary_dim", size);
    if (turned % 2 != 0 || turned > size) {
      throw fields.bad("rotary_dim", String.valueOf(turned), "even and at most " + size);
    }
    DecoderReader reader =
        new DecoderReader(
            facts, "n_positions", width, fields.dimension("n_layer"), heads, heads, size);
    return reader.gptJ(turned);
  }

  private ModelConfig gptJ(int turned) {
    float epsilon = (float) fields.number("layer_norm_epsilon", 1e-5);
    norms = new Norms(NormKind.LAYER, NormPlacement.SHARED, epsilon);
    vocabularyBias = true;
    ropes(RotaryEmbedding.interleaved(turned, 10_000));
    int inner = fields.dimension("n_inner", 4 * hidden);
    FeedForward all = new FeedForward(Activation.GELU_TANH, false, inner, true, null);
    return feedForwards(layer -> all).build();
  }
}
