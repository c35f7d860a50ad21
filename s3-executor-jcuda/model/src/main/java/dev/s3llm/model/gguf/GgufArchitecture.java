package dev.s3llm.model.gguf;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The architectures of GGUF files that are translated: what their tensors are called in Hugging
 * Face's files, and what llama.cpp's converter does to them. A row of this table and, for keys of
 * its own, a method of {@link GgufConfig} make an architecture.
 */
enum GgufArchitecture {
  /** Llama and what is like it; Mixtral if there are experts. */
  LLAMA("llama", "llama", "LlamaForCausalLM", Rows.PAIRED, Norms.BEFORE, Experts.MIXTRAL),
  MISTRAL3("mistral3", "mistral", "MistralForCausalLM", Rows.PAIRED, Norms.BEFORE, Experts.NONE),
  QWEN2("qwen2", "qwen2", "Qwen2ForCausalLM", Rows.AS_STORED, Norms.BEFORE, Experts.NONE),
  QWEN3("qwen3", "qwen3", "Qwen3ForCausalLM", Rows.AS_STORED, Norms.BEFORE, Experts.NONE),
  QWEN3MOE(
      "qwen3moe", "qwen3_moe", "Qwen3MoeForCausalLM", Rows.AS_STORED, Norms.BEFORE, Experts.QWEN3),
  GEMMA2("gemma2", "gemma2", "Gemma2ForCausalLM", Rows.AS_STORED, Norms.AROUND, Experts.NONE),
  GEMMA3("gemma3", "gemma3_text", "Gemma3ForCausalLM", Rows.AS_STORED, Norms.AROUND, Experts.NONE),
  PHI3("phi3", "phi3", "Phi3ForCausalLM", Rows.AS_STORED, Norms.BEFORE, Experts.NONE),
  SMOLLM3("smollm3", "smollm3", "SmolLM3ForCausalLM", Rows.PAIRED, Norms.BEFORE, Experts.NONE),
  OLMO2("olmo2", "olmo2", "Olmo2ForCausalLM", Rows.AS_STORED, Norms.AROUND, Experts.NONE),
  GRANITE("granite", "granite", "GraniteForCausalLM", Rows.PAIRED, Norms.BEFORE, Experts.NONE),
  GPT_OSS("gpt-oss", "gpt_oss", "GptOssForCausalLM", Rows.AS_STORED, Norms.BEFORE, Experts.GPT_OSS);

  /** In which order the rows of queries and keys are stored. */
  private enum Rows {
    /** As in Hugging Face's files. */
    AS_STORED,
    /** The two rows that a rotation turns together follow each other. */
    PAIRED
  }

  /** Where the norms of a layer are. */
  private enum Norms {
    BEFORE,
    /** Before and after each part, or only after. */
    AROUND
  }

  /** What the parts of experts are called. */
  enum Experts {
    NONE("", "", "", "", ""),
    MIXTRAL("block_sparse_moe.gate", "block_sparse_moe.experts.", "w1", "w3", "w2"),
    QWEN3("mlp.gate", "mlp.experts.", "gate_proj", "up_proj", "down_proj"),
    GPT_OSS("mlp.router", "mlp.experts.", "gate_proj", "up_proj", "down_proj");

    private final String router;
    private final String prefix;
    private final String gate;
    private final String up;
    private final String down;

    Experts(String router, String prefix, String gate, String up, String down) {
      this.router = router;
      this.prefix = prefix;
      this.gate = gate;
      this.up = up;
      this.down = down;
    }

    /** Returns the prefix of an expert, before its number. */
    String prefix() {
      return prefix;
    }

    /** Returns the modules of an expert by the stacked tensor that they are in. */
    Map<String, String> stacked() {
      return Map.of("ffn_gate_exps", gate, "ffn_up_exps", up, "ffn_down_exps", down);
    }
  }

  private final String id;
  private final String modelType;
  private final String className;
  private final Rows rows;
  private final Norms norms;
  private final Experts experts;

  GgufArchitecture(
      String id, String modelType, String className, Rows rows, Norms norms, Experts experts) {
    this.id = id;
    this.modelType = modelType;
    this.className = className;
    this.rows = rows;
    this.norms = norms;
    this.experts = experts;
  }

  /** Returns the architecture of a name in {@code general.architecture}. */
  static Optional<GgufArchitecture> of(String id) {
    return Arrays.stream(values()).filter(each -> each.id.equals(id)).findFirst();
  }

  /** Returns the names of all architectures, sorted. */
  static String supported() {
    return Arrays.stream(values()).map(each -> each.id).sorted().collect(Collectors.joining(", "));
  }

  /** Returns the name in GGUF files, which is also the prefix of the metadata's keys. */
  String id() {
    return id;
  }

  /** Returns the {@code model_type} of a configuration without experts. */
  String modelType() {
    return modelType;
  }

  /** Returns the class in {@code architectures} of a configuration without experts. */
  String className() {
    return className;
  }

  /** Returns whether the converter moved the rows of queries and keys next to their partners. */
  boolean pairedRows() {
    return rows == Rows.PAIRED;
  }

  /** Returns whether the converter added 1 to the scales of norms. */
  boolean shiftedNorms() {
    return this == GEMMA2 || this == GEMMA3;
  }

  Experts experts() {
    return experts;
  }

  /** Returns the modules of a layer: GGUF's names to Hugging Face's. */
  Map<String, String> modules() {
    Map<String, String> modules = new LinkedHashMap<>();
    modules.put("attn_norm", "input_layernorm");
    modules.put("attn_q", "self_attn.q_proj");
    modules.put("attn_k", "self_attn.k_proj");
    modules.put("attn_v", "self_attn.v_proj");
    modules.put("attn_output", "self_attn.o_proj");
    modules.put("attn_q_norm", "self_attn.q_norm");
    modules.put("attn_k_norm", "self_attn.k_norm");
    modules.put("ffn_gate", "mlp.gate_proj");
    modules.put("ffn_up", "mlp.up_proj");
    modules.put("ffn_down", "mlp.down_proj");
    modules.put("post_attention_norm", "post_attention_layernorm");
    if (norms == Norms.AROUND) {
      modules.put("ffn_norm", "pre_feedforward_layernorm");
      modules.put("post_ffw_norm", "post_feedforward_layernorm");
    } else {
      modules.put("ffn_norm", "post_attention_layernorm");
    }
    if (this == PHI3) {
      modules.put("attn_qkv", "self_attn.qkv_proj");
      modules.put("ffn_up", "mlp.gate_up_proj");
    }
    if (experts != Experts.NONE) {
      modules.put("ffn_gate_inp", experts.router);
    }
    return modules;
  }
}
