package dev.s3llm.cpu;

import dev.s3llm.model.ActivationFormat;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.ModelShard;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.WeightFormat;
import java.util.List;

/**
 * A part of a model in the heap.
 *
 * @param shard its share of the model
 * @param weights its weights
 */
record CpuShard(ModelShard shard, CpuWeights weights) {

  /** How matrices are kept, and in which format they read their input. */
  record Formats(WeightFormat weights, ActivationFormat activations) {}

  /**
   * Reads all weights of a model.
   *
   * @param shards the parts of the model
   * @param source tensors of the model; stays open
   * @param formats how matrices are kept and read their input
   * @throws ModelFormatException if a tensor is missing or damaged, or would be cut inside a block
   */
  static List<CpuShard> read(List<ModelShard> shards, TensorSource source, Formats formats) {
    ModelTensors whole =
        ModelTensors.of(shards.get(0).model(), source)
            .rounding(formats.activations, formats.weights)
            .in(formats.weights);
    return shards.stream()
        .map(shard -> new CpuShard(shard, CpuWeights.read(shard.config(), cut(shard, whole))))
        .toList();
  }

  private static ModelTensors cut(ModelShard shard, ModelTensors whole) {
    try {
      return shard.tensors(whole);
    } catch (ModelFormatException e) {
      throw new ModelFormatException(
          "shards is %d, but %s".formatted(shard.count(), e.getMessage()), e);
    }
  }

  /** Returns the configuration of this part. */
  ModelConfig config() {
    return shard.config();
  }

  /** Returns whether this part has the embedding and the logit of a token. */
  boolean has(int token) {
    return token >= shard.firstToken() && token < shard.firstToken() + config().vocabularySize();
  }
}
