package dev.s3llm.cpu;

import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import java.util.Arrays;
import java.util.List;

/**
 * Computes the log-probabilities of given tokens. Runs some positions at a time, with keys and
 * values of its own, so that it does not touch the blocks of the engine.
 */
final class TokenScores {
  /** Positions of one pass: their logits are in memory at the same time. */
  private static final int CHUNK = 32;

  private final ModelConfig config;
  private final CpuDecoder decoder;
  private final int[] tokens;
  private final int[] blocks;

  TokenScores(List<CpuShard> shards, KvPrecision kvPrecision, WorkerPool workers, int... tokens) {
    this.config = shards.get(0).shard().model();
    this.tokens = tokens;
    this.blocks = new int[(tokens.length + CHUNK - 1) / CHUNK];
    Arrays.setAll(blocks, block -> block);
    List<CpuKvCache> caches =
        shards.stream()
            .map(shard -> CpuKvCache.of(shard.config(), kvPrecision, CHUNK, blocks.length, 0))
            .toList();
    this.decoder = new CpuDecoder(shards, caches, workers, 0);
  }

  /** Returns the natural logarithm of the probability of each token but the first. */
  double[] compute() {
    double[] scores = new double[tokens.length - 1];
    for (int start = 0; start < scores.length; start += CHUNK) {
      int count = Math.min(CHUNK, scores.length - start);
      float[] logits = decoder.forward(BatchLayout.ofAllPositions(tokens, start, count, blocks));
      for (int i = 0; i < count; i++) {
        scores[start + i] = logProbability(logits, i, tokens[start + i + 1]);
      }
    }
    return scores;
  }

  /** The logarithm of a softmax, summed in double precision. */
  private double logProbability(float[] logits, int row, int token) {
    int from = row * config.vocabularySize();
    int to = from + config.vocabularySize();
    float largest = logits[from];
    for (int i = from; i < to; i++) {
      largest = Math.max(largest, logits[i]);
    }
    double sum = 0;
    for (int i = from; i < to; i++) {
      sum += Math.exp((double) logits[i] - largest);
    }
    return (double) logits[from + token] - largest - Math.log(sum);
  }
}
