package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.batch.BatchFormat;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.model.ModelConfig;
import java.util.function.LongFunction;

/**
 * The buffers between the kernels of a stage's experts, at addresses that never change. A pair is a
 * row and one of its experts, numbered {@code row * perToken + i}.
 */
final class ExpertSpace {
  private static final int TILE_BYTES = 16;

  /** Groups of eight pairs of {@link #activated}. */
  final int groups;

  /** The router's results, {@code [row][expert]} of float. */
  final DeviceMemory logits;

  /** The expert of each pair. */
  final DeviceMemory picked;

  /** The weight of each pair's result. */
  final DeviceMemory probabilities;

  /** The pairs of one expert each that blocks take. */
  final DeviceMemory tiles;

  /** The pairs, sorted by expert. */
  final DeviceMemory pairs;

  /** Result of the activation of each pair, in tiles. */
  final DeviceMemory activated;

  /** Result of each pair, {@code [pair][hidden]} of float. */
  final DeviceMemory results;

  /** Sizes of the buffers in bytes; all 0 for a stage without experts. */
  record Sizes(int groups, long logits, long picked, long tiles, long activated, long results) {

    static Sizes of(ModelConfig config, LayerRange range, BatchFormat format) {
      int experts = 0;
      int perToken = 0;
      int width = 0;
      for (ModelConfig.Layer layer : range.of(config)) {
        ModelConfig.Experts own = layer.feedForward().experts();
        if (own != null) {
          experts = Math.max(experts, own.count());
          perToken = Math.max(perToken, own.perToken());
          width = Math.max(width, layer.feedForward().size());
        }
      }
      int pairs = Math.multiplyExact(format.maxTokens(), perToken);
      int groups = Layouts.groups(pairs);
      return new Sizes(
          groups,
          (long) Float.BYTES * format.maxTokens() * experts,
          (long) Integer.BYTES * pairs,
          experts == 0 ? 0 : TILE_BYTES * (1L + Math.min(pairs, pairs / 16 + experts)),
          Layouts.activationBytes(groups, width),
          (long) Float.BYTES * pairs * config.hiddenSize());
    }

    boolean none() {
      return picked == 0;
    }

    long total() {
      return logits + 3 * picked + tiles + activated + results;
    }
  }

  /**
   * Allocates the buffers.
   *
   * @param allocator allocates bytes of device memory, and closes it later
   */
  ExpertSpace(LongFunction<DeviceMemory> allocator, Sizes sizes) {
    this.groups = sizes.groups;
    this.logits = allocator.apply(sizes.logits);
    this.picked = allocator.apply(sizes.picked);
    this.probabilities = allocator.apply(sizes.picked);
    this.tiles = allocator.apply(sizes.tiles);
    this.pairs = allocator.apply(sizes.picked);
    this.activated = allocator.apply(sizes.activated);
    this.results = allocator.apply(sizes.results);
  }
}
