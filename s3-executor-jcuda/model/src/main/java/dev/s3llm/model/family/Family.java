package dev.s3llm.model.family;

import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.Experts;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.family.DecoderReader.ModelFacts;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * The table of model families. Each row has the {@code model_type} of {@code config.json}, the
 * architecture that generates text, the names of its tensors, and the method that reads its
 * configuration.
 */
@SuppressWarnings("ImmutableEnumChecker") // names and readers have no state
public enum Family {
  LLAMA("llama", "LlamaForCausalLM", TensorNames.LLAMA, Readers::llama),
  MISTRAL("mistral", "MistralForCausalLM", TensorNames.LLAMA, Readers::mistral),
  MIXTRAL("mixtral", "MixtralForCausalLM", TensorNames.MIXTRAL, Readers::mixtral),
  QWEN2("qwen2", "Qwen2ForCausalLM", TensorNames.LLAMA, Readers::qwen2),
  QWEN3("qwen3", "Qwen3ForCausalLM", TensorNames.QWEN3, Readers::qwen3),
  QWEN3_MOE("qwen3_moe", "Qwen3MoeForCausalLM", TensorNames.QWEN3, Readers::qwen3Moe),
  GEMMA2("gemma2", "Gemma2ForCausalLM", TensorNames.GEMMA, Readers::gemma2),
  GEMMA3("gemma3_text", "Gemma3ForCausalLM", TensorNames.GEMMA, Readers::gemma3),
  PHI3("phi3", "Phi3ForCausalLM", TensorNames.PHI3, Readers::phi3),
  SMOLLM3("smollm3", "SmolLM3ForCausalLM", TensorNames.LLAMA, Readers::smolLm3),
  OLMO2("olmo2", "Olmo2ForCausalLM", TensorNames.OLMO2, Readers::olmo2),
  GRANITE("granite", "GraniteForCausalLM", TensorNames.LLAMA, Readers::granite),
  GPT_J("gptj", "GPTJForCausalLM", TensorNames.GPT_J, DecoderReader::gptJ),
  GPT_OSS("gpt_oss", "GptOssForCausalLM", TensorNames.GPT_OSS, Readers::gptOss);

  private final String modelType;
  private final String architecture;
  private final TensorNames names;
  private final Function<ModelFacts, ModelConfig> reader;

  Family(
      String modelType,
      String architecture,
      TensorNames names,
      Function<ModelFacts, ModelConfig> reader) {
    this.modelType = modelType;
    this.architecture = architecture;
    this.names = names;
    this.reader = reader;
  }

  /**
   * Returns the family of a {@code model_type}.
   *
   * @param modelType the type, as in {@code config.json}
   */
  public static Optional<Family> of(String modelType) {
    return Arrays.stream(values()).filter(row -> row.modelType.equals(modelType)).findFirst();
  }

  /**
   * Returns the family of a configuration.
   *
   * @param config a configuration that this table's reader made, or one with the name of a row
   * @throws IllegalArgumentException if there is no row of the name
   */
  public static Family of(ModelConfig config) {
    return of(config.family())
        .orElseThrow(() -> new IllegalArgumentException("no model family " + config.family()));
  }

  /** Returns the {@code model_type} of all families, sorted. */
  public static List<String> modelTypes() {
    return Arrays.stream(values()).map(row -> row.modelType).sorted().toList();
  }

  /** Returns the {@code model_type}, which is also the name of the family. */
  public String modelType() {
    return modelType;
  }

  /**
   * Returns whether an architecture is this family's, with a language model's head.
   *
   * @param name name as in {@code architectures}
   */
  public boolean isArchitecture(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return lower.equals(architecture.toLowerCase(Locale.ROOT));
  }

  /** Returns the architecture that generates text. */
  public String architecture() {
    return architecture;
  }

  /** Returns the names of the tensors. */
  public TensorNames names() {
    return names;
  }

  /**
   * Returns the tensors as the names of this family say.
   *
   * @param config configuration of the model
   * @param source tensors as stored
   */
  public TensorSource adapted(ModelConfig config, TensorSource source) {
    TensorSource alone = RenamedTensors.of(names.embedding(), source);
    Experts experts = config.layers().get(0).feedForward().experts();
    return this == GPT_OSS && experts != null ? new StackedExperts(alone, experts.count()) : alone;
  }

  ModelConfig read(ModelFacts facts) {
    return reader.apply(facts);
  }
}
