package dev.s3llm.model.family;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.Activation;
import dev.s3llm.model.ModelConfig.Experts;
import dev.s3llm.model.ModelConfig.FeedForward;
import dev.s3llm.model.ModelConfig.NormKind;
import dev.s3llm.model.ModelConfig.NormPlacement;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelConfig.Scales;
import dev.s3llm.model.RotaryEmbedding;
import dev.s3llm.model.family.DecoderReader.ModelFacts;
import java.util.HashSet;
import java.util.Set;

/** What is each family's own, one method for each; defaults are those of transformers. */
final class Readers {
  private static final String SILU = "silu";

  private Readers() {}

  /** Llama 1 to 3.3 (Touvron et al. 2023). */
  static ModelConfig llama(ModelFacts facts) {
    return llamaLike(facts).build();
  }

  private static DecoderReader llamaLike(ModelFacts facts) {
    DecoderReader reader = DecoderReader.llama(facts, 0);
    ConfigFields fields = reader.fields();
    fields.require("hidden_act", SILU);
    boolean bias = fields.flag("attention_bias", false);
    return reader
        .biases(bias, bias)
        .gated(Activation.SILU, fields.flag("mlp_bias", false))
        .ropes(reader.rope(false).read());
  }

  /** Mistral (Jiang et al. 2023): Llama, with a window on all layers in its first version. */
  static ModelConfig mistral(ModelFacts facts) {
    DecoderReader reader = DecoderReader.llama(facts, 0);
    reader.fields().require("hidden_act", SILU);
    int window = Layers.window(reader.fields(), 4096);
    return reader
        .gated(Activation.SILU, false)
        .ropes(reader.rope(false).read())
        .windows(layer -> window)
        .build();
  }

  /** Qwen2 and 2.5: Llama with biases on queries, keys and values. */
  static ModelConfig qwen2(ModelFacts facts) {
    DecoderReader reader = DecoderReader.llama(facts, 0);
    reader.fields().require("hidden_act", SILU);
    return qwenWindows(reader)
        .biases(true, false)
        .gated(Activation.SILU, false)
        .ropes(reader.rope(false).read())
        .build();
  }

  /** Qwen3: norms on queries and keys instead of biases. */
  static ModelConfig qwen3(ModelFacts facts) {
    return qwen3Attention(facts).gated(Activation.SILU, false).build();
  }

  private static DecoderReader qwen3Attention(ModelFacts facts) {
    DecoderReader reader = DecoderReader.llama(facts, facts.family().equals("qwen3") ? 128 : 0);
    reader.fields().require("hidden_act", SILU);
    boolean bias = reader.fields().flag("attention_bias", false);
    return qwenWindows(reader)
        .biases(bias, bias)
        .queryKeyNorm(QueryKeyNorm.HEAD)
        .ropes(reader.rope(false).read());
  }

  private static DecoderReader qwenWindows(DecoderReader reader) {
    ConfigFields fields = reader.fields();
    boolean used = fields.flag("use_sliding_window", false);
    int first = (int) fields.number("max_window_layers", 28);
    int window = Layers.window(fields, 4096);
    return reader.windows(Layers.windows(reader, used ? window : 0, layer -> layer >= first));
  }

  /** Qwen3-MoE: Qwen3 with experts in some or all layers. */
  static ModelConfig qwen3Moe(ModelFacts facts) {
    DecoderReader reader = qwen3Attention(facts);
    ConfigFields fields = reader.fields();
    boolean windowed = fields.flag("use_sliding_window", false);
    int window = windowed ? Layers.window(fields, 4096) : 0; // on all layers, unlike Qwen3's
    Experts experts =
        new Experts(
            fields.dimension("num_experts", fields.dimension("num_local_experts", 128)),
            fields.dimension("num_experts_per_tok", 8),
            fields.flag("norm_topk_prob", false),
            false);
    FeedForward dense =
        new FeedForward(
            Activation.SILU, true, fields.dimension("intermediate_size", 6144), false, null);
    FeedForward sparse =
        new FeedForward(
            Activation.SILU, true, fields.dimension("moe_intermediate_size", 768), false, experts);
    int step = fields.dimension("decoder_sparse_step", 1);
    Set<Integer> denseLayers = new HashSet<>();
    for (JsonNode layer : fields.node("mlp_only_layers")) {
      denseLayers.add(layer.asInt());
    }
    return reader
        .feedForwards(
            layer -> denseLayers.contains(layer) || (layer + 1) % step != 0 ? dense : sparse)
        .windows(layer -> window)
        .build();
  }

  /** Mixtral (Jiang et al. 2024): Mistral with experts. */
  static ModelConfig mixtral(ModelFacts facts) {
    DecoderReader reader = DecoderReader.llama(facts, 0);
    ConfigFields fields = reader.fields();
    fields.require("hidden_act", SILU);
    int window = Layers.window(fields, 0);
    Experts experts =
        new Experts(
            fields.dimension("num_local_experts", 8),
            fields.dimension("num_experts_per_tok", 2),
            true,
            false);
    FeedForward all =
        new FeedForward(
            Activation.SILU, true, fields.dimension("intermediate_size"), false, experts);
    return reader
        .feedForwards(layer -> all)
        .ropes(reader.rope(false).defaultTheta(1e6).read())
        .windows(layer -> window)
        .build();
  }

  /** gpt-oss (OpenAI 2025): experts with a clamped gate, sinks, a window on every second layer. */
  static ModelConfig gptOss(ModelFacts facts) {
    DecoderReader reader = DecoderReader.llama(facts, 64);
    ConfigFields fields = reader.fields();
    fields.require("hidden_act", SILU);
    if (fields.number("swiglu_limit", 7) != 7) {
      throw fields.bad("swiglu_limit", fields.node("swiglu_limit").toString(), "7.0");
    }
    boolean bias = fields.flag("attention_bias", true);
    int perToken = fields.dimension("num_experts_per_tok", 4);
    fields.node("experts_per_token"); // the same number under another name
    Experts experts = new Experts(fields.dimension("num_local_experts", 128), perToken, true, true);
    FeedForward all =
        new FeedForward(
            Activation.CLAMPED_SWIGLU, true, fields.dimension("intermediate_size"), true, experts);
    return reader
        .norms(NormKind.RMS, NormPlacement.BEFORE, 1e-5)
        .scores(1 / Math.sqrt(reader.headSize()), 0, true)
        .biases(bias, bias)
        .feedForwards(layer -> all)
        .ropes(reader.rope(false).defaultTheta(150_000).read())
        .windows(Layers.windows(reader, Layers.window(fields, 128), layer -> layer % 2 == 0))
        .build();
  }

  /** SmolLM3: Llama without positions in every fourth layer. */
  static ModelConfig smolLm3(ModelFacts facts) {
    DecoderReader reader = DecoderReader.llama(facts, 0);
    ConfigFields fields = reader.fields();
    fields.require("hidden_act", SILU);
    boolean bias = fields.flag("attention_bias", false);
    RotaryEmbedding rope = reader.rope(false).defaultTheta(2e6).read();
    boolean[] turned = turnedLayers(reader);
    boolean used = fields.flag("use_sliding_window", false);
    int window = Layers.window(fields, 0);
    return reader
        .tiedByDefault()
        .biases(bias, bias)
        .gated(Activation.SILU, fields.flag("mlp_bias", false))
        .ropes(layer -> turned[layer] ? rope : null)
        .windows(Layers.windows(reader, used ? window : 0, layer -> !turned[layer]))
        .build();
  }

  private static boolean[] turnedLayers(DecoderReader reader) {
    ConfigFields fields = reader.fields();
    int interval = fields.dimension("no_rope_layer_interval", 4);
    JsonNode list = fields.node("no_rope_layers"); // 1 for a layer with rotary embedding
    boolean[] turned = new boolean[reader.layers()];
    if (!list.isMissingNode() && list.size() != turned.length) {
      throw fields.bad("no_rope_layers", list.toString(), turned.length + " numbers");
    }
    for (int i = 0; i < turned.length; i++) {
      turned[i] = list.isMissingNode() ? (i + 1) % interval != 0 : list.get(i).asInt() != 0;
    }
    return turned;
  }

  /** OLMo 2: norms after each part, and over all queries and all keys. */
  static ModelConfig olmo2(ModelFacts facts) {
    DecoderReader reader = DecoderReader.llama(facts, 0);
    ConfigFields fields = reader.fields();
    fields.require("hidden_act", SILU);
    boolean bias = fields.flag("attention_bias", false);
    return reader
        .norms(NormKind.RMS, NormPlacement.AFTER, 1e-5)
        .queryKeyNorm(QueryKeyNorm.WHOLE)
        .biases(bias, bias)
        .gated(Activation.SILU, false)
        .ropes(reader.rope(false).read())
        .build();
  }

  /** Granite 3: Llama with four constant factors. */
  static ModelConfig granite(ModelFacts facts) {
    DecoderReader reader = llamaLike(facts);
    ConfigFields fields = reader.fields();
    return reader
        .scores(fields.positive("attention_multiplier", 1), 0, false)
        .scales(
            new Scales(
                (float) fields.positive("embedding_multiplier", 1),
                (float) fields.positive("residual_multiplier", 1),
                (float) (1 / fields.positive("logits_scaling", 1)),
                0))
        .build();
  }

  /** Phi-3 and Phi-4-mini: joined projections, rotary embedding over a part of each head. */
  static ModelConfig phi3(ModelFacts facts) {
    DecoderReader reader = DecoderReader.llama(facts, 0);
    ConfigFields fields = reader.fields();
    fields.require("hidden_act", SILU);
    int window = Layers.window(fields, 0);
    return reader
        .norms(NormKind.RMS, NormPlacement.BEFORE, 1e-5)
        .gated(Activation.SILU, false)
        .ropes(reader.rope(true).read())
        .windows(layer -> window)
        .build();
  }

  /** Gemma 2: norms around each part, capped scores and logits, a window on every second layer. */
  static ModelConfig gemma2(ModelFacts facts) {
    DecoderReader reader = gemma(facts);
    ConfigFields fields = reader.fields();
    int window = Layers.window(fields, 4096);
    return reader
        .scores(gemmaScale(fields), softcap(fields, "attn_logit_softcapping", 50), false)
        .scales(gemmaScales(reader, softcap(fields, "final_logit_softcapping", 30)))
        .ropes(reader.rope(false).read())
        .windows(Layers.windows(reader, window, layer -> layer % 2 == 0))
        .build();
  }

  /** Gemma 3, text: norms on queries and keys, five windowed layers with a base of their own. */
  static ModelConfig gemma3(ModelFacts facts) {
    DecoderReader reader = gemma(facts);
    ConfigFields fields = reader.fields();
    int window = Layers.window(fields, 4096);
    int pattern =
        fields.dimension("sliding_window_pattern", fields.dimension("_sliding_window_pattern", 6));
    RotaryEmbedding far =
        reader.rope(false).defaultTheta(1e6).read("full_attention", "rope_theta", true);
    RotaryEmbedding near =
        reader
            .rope(false)
            .defaultTheta(10_000)
            .read("sliding_attention", "rope_local_base_freq", false);
    var sliding = Layers.sliding(reader, layer -> (layer + 1) % pattern != 0);
    return reader
        .queryKeyNorm(QueryKeyNorm.HEAD)
        .scores(gemmaScale(fields), softcap(fields, "attn_logit_softcapping", 0), false)
        .scales(gemmaScales(reader, softcap(fields, "final_logit_softcapping", 0)))
        .ropes(layer -> sliding.test(layer) ? near : far)
        .windows(layer -> sliding.test(layer) ? window : 0)
        .build();
  }

  private static DecoderReader gemma(ModelFacts facts) {
    DecoderReader reader = DecoderReader.llama(facts, 256);
    ConfigFields fields = reader.fields();
    fields.node("hidden_act"); // ignored where hidden_activation stands, as in transformers
    fields.require("hidden_activation", "gelu_pytorch_tanh");
    fields.require("use_bidirectional_attention", false);
    boolean bias = fields.flag("attention_bias", false);
    return reader
        .tiedByDefault()
        .norms(NormKind.RMS_ONE_PLUS, NormPlacement.AROUND, 1e-6)
        .biases(bias, bias)
        .gated(Activation.GELU_TANH, false);
  }

  private static double gemmaScale(ConfigFields fields) {
    return 1 / Math.sqrt(fields.positive("query_pre_attn_scalar", 256));
  }

  private static Scales gemmaScales(DecoderReader reader, double softcap) {
    return new Scales((float) Math.sqrt(reader.hidden()), 1, 1, (float) softcap);
  }

  /** Returns a cap: 0 where the configuration says null, the default where it says nothing. */
  private static double softcap(ConfigFields fields, String name, double byDefault) {
    boolean none = fields.names().contains(name) && !fields.has(name);
    return none ? 0 : fields.number(name, byDefault);
  }
}
