package dev.s3llm.model;

import dev.s3llm.model.ModelConfig.Attention;
import dev.s3llm.model.ModelConfig.Experts;
import dev.s3llm.model.ModelConfig.FeedForward;
import dev.s3llm.model.ModelConfig.NormKind;
import dev.s3llm.model.ModelConfig.NormPlacement;
import dev.s3llm.model.ModelConfig.Vocabulary;

/** Counts the weights of a model from its configuration alone. */
final class ParameterCount {
  private ParameterCount() {}

  /** Counts all weights; a tied output does not count. */
  static long of(ModelConfig config) {
    return count(config, config.vocabulary().tiedOutput() ? 1 : 2, false);
  }

  /** Counts the weights that one token is multiplied by: of experts, those that serve a token. */
  static long active(ModelConfig config) {
    return count(config, 1, true);
  }

  private static long count(ModelConfig config, int tables, boolean active) {
    Vocabulary vocabulary = config.vocabulary();
    long hidden = config.hiddenSize();
    long count = hidden * vocabulary.size() * tables + norm(config);
    count += vocabulary.outputBias() ? vocabulary.size() : 0;
    for (ModelConfig.Layer layer : config.layers()) {
      count += norms(config) + attention(config) + feedForward(layer.feedForward(), hidden, active);
    }
    return count;
  }

  private static long norm(ModelConfig config) {
    return config.norms().kind() == NormKind.LAYER ? 2L * config.hiddenSize() : config.hiddenSize();
  }

  private static long norms(ModelConfig config) {
    NormPlacement placement = config.norms().placement();
    int number = placement == NormPlacement.SHARED ? 1 : placement == NormPlacement.AROUND ? 4 : 2;
    return number * norm(config);
  }

  private static long attention(ModelConfig config) {
    Attention attention = config.attention();
    long query = config.querySize();
    long kv = config.kvSize();
    long hidden = config.hiddenSize();
    long count = 2 * hidden * (query + kv);
    count += attention.inputBias() ? query + 2 * kv : 0;
    count += attention.outputBias() ? hidden : 0;
    count += attention.scores().sinks() ? attention.heads() : 0;
    return count
        + switch (attention.queryKeyNorm()) {
          case NONE -> 0;
          case HEAD -> 2L * attention.headSize();
          case WHOLE -> query + kv;
        };
  }

  private static long feedForward(FeedForward part, long hidden, boolean active) {
    int matrices = part.gated() ? 3 : 2;
    long one = matrices * hidden * part.size();
    one += part.bias() ? (matrices - 1L) * part.size() + hidden : 0;
    Experts experts = part.experts();
    if (experts == null) {
      return one;
    }
    long router = experts.count() * hidden + (experts.routerBias() ? experts.count() : 0);
    return (active ? experts.perToken() : experts.count()) * one + router;
  }
}
