package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.CardAddresses;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShard;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * What one card's decoder does together with the other cards: launches of {@code cards.cu}. All
 * cards of a model launch the same meetings in the same order, from {@link #beginStep} to {@link
 * #endStep}, so a meeting is known by its number.
 */
final class CardKernels {
  /** Nanoseconds for which a card waits at a meeting before it gives the step up. */
  static final long PATIENCE_NANOS = 10_000_000_000L;

  private static final int THREADS = 256;

  /** {@code kRowThreads} of the kernels; a norm's sum depends on it. */
  private static final int ROW_THREADS = 512;

  private static final int WARP = 32;
  private static final String EXCHANGE = "exchange";
  private static final String RMS = "_rms";
  private static final String LAYER = "_layer";
  private static final String LOOKUP = "lookup_cards";
  private static final String SQUARE_HEADS = "square_heads";
  private static final String NORM_HEADS = "norm_heads";
  private static final String MEET = "meet_cards";
  private static final String ADVANCE = "advance_meetings";

  private final KernelLauncher launcher;
  private final ModelConfig config;
  private final ModelShard shard;
  private final CardMemory own;
  private final String suffix;
  private final int mostBlocks;
  private final int tokensEach;
  private final CardAddresses arrivals;
  private final CardAddresses embeddings;
  private final List<CardAddresses> parts;
  private int meeting;

  /**
   * Connects a card with the others.
   *
   * @param launcher kernels of {@code cards.cu} on this card
   * @param shard this card's part of the model
   * @param type number type of activations
   * @param multiprocessors of the card
   * @param cards memory of all cards, this one's too, in the order of the parts
   */
  CardKernels(
      KernelLauncher launcher,
      ModelShard shard,
      ElementType type,
      int multiprocessors,
      List<CardMemory> cards) {
    this.launcher = launcher;
    this.config = shard.config();
    this.shard = shard;
    this.own = cards.get(shard.rank());
    this.suffix = "_" + type.suffix();
    this.mostBlocks = multiprocessors;
    this.tokensEach = ModelShard.of(shard.model(), shard.count()).get(1).firstToken();
    this.arrivals = each(cards, CardMemory::arrivals);
    this.embeddings = each(cards, CardMemory::embedding);
    this.parts = List.of(each(cards, CardMemory::even), each(cards, CardMemory::odd));
  }

  private static CardAddresses each(
      List<CardMemory> cards, Function<CardMemory, DeviceMemory> part) {
    return new CardAddresses(
        cards.stream().map(card -> new DeviceAddress(part.apply(card), 0)).toList());
  }

  /** Brings all kernels to the device. */
  void load() {
    Stream.of(EXCHANGE + RMS, EXCHANGE + LAYER, LOOKUP, SQUARE_HEADS, NORM_HEADS)
        .forEach(kernel -> launcher.load(kernel + suffix));
    Stream.of(EXCHANGE, MEET, ADVANCE).forEach(launcher::load);
  }

  /** Starts a step: the next meeting is the first. */
  void beginStep() {
    meeting = 0;
  }

  /** Ends a step. */
  void endStep(DeviceStream stream) {
    launcher.launch(stream, ADVANCE, Grid.of(1), 1, 0, own.state(), meeting);
  }

  /** Returns where this card's part of the next sum belongs, {@code [row][hidden]} of float. */
  DeviceMemory part() {
    return own.part(meeting);
  }

  /** Writes the embedding of each token, times a factor, to its row of the residual stream. */
  void lookUp(DeviceStream stream, int rows, DeviceAddress tokens, DeviceMemory residual) {
    launcher.launch(
        stream,
        LOOKUP + suffix,
        Grid.of(rows),
        THREADS,
        0,
        embeddings,
        tokens,
        residual,
        tokensEach,
        shard.count(),
        config.hiddenSize(),
        config.scales().embedding());
  }

  /** Adds the sum of all parts, times the factor of the residual stream, to its rows. */
  void add(DeviceStream stream, int rows, DeviceMemory residual) {
    exchange(stream, rows, "", residual, config.scales().residual(), 1);
  }

  /** Puts the sum of all parts to rows of float. */
  void sum(DeviceStream stream, int rows, DeviceMemory to) {
    exchange(stream, rows, "", to, 1f, 0);
  }

  /**
   * Does the same as {@link #add}, and norms the rows into tiles.
   *
   * @param groups groups of eight rows that the tiles have room for
   */
  void addAndNorm(
      DeviceStream stream,
      int rows,
      DeviceMemory residual,
      CudaWeights.Norm norm,
      DeviceMemory tiles,
      int groups) {
    float factor = config.scales().residual();
    float epsilon = config.normEpsilon();
    DeviceMemory bias = norm.bias();
    if (bias == null) {
      exchange(stream, rows, RMS + suffix, residual, factor, norm.weight(), tiles, groups, epsilon);
    } else {
      exchange(
          stream,
          rows,
          LAYER + suffix,
          residual,
          factor,
          norm.weight(),
          bias,
          tiles,
          groups,
          epsilon);
    }
  }

  /**
   * Norms this card's queries and keys in place, over the heads of all cards.
   *
   * @param qkv queries, keys and values, in rows
   * @param heads what belongs to this card's heads
   */
  void normHeads(DeviceStream stream, int rows, DeviceMemory qkv, CudaWeights.Heads heads) {
    int queries = config.querySize();
    int keys = config.kvSize();
    launcher.launch(
        stream,
        SQUARE_HEADS + suffix,
        Grid.of(rows),
        ROW_THREADS,
        0,
        qkv,
        own.part(meeting),
        queries,
        keys);
    List<Object> arguments = new ArrayList<>(List.of(arrivals, parts.get(meeting % 2)));
    addPlace(arguments);
    Collections.addAll(arguments, qkv, rows, queries, keys);
    Collections.addAll(arguments, heads.queryNorm(), heads.keyNorm(), config.normEpsilon());
    launcher.launch(
        stream,
        NORM_HEADS + suffix,
        Grid.of(Math.min(rows, mostBlocks)),
        ROW_THREADS,
        0,
        arguments.toArray());
    meeting++;
  }

  /** The grid never changes a result. */
  private void exchange(
      DeviceStream stream, int rows, String kind, DeviceMemory to, float factor, Object... rest) {
    List<Object> arguments = new ArrayList<>(List.of(arrivals, parts.get(meeting % 2)));
    addPlace(arguments);
    Collections.addAll(arguments, to, rows, config.hiddenSize(), factor);
    Collections.addAll(arguments, rest);
    launcher.launch(
        stream,
        EXCHANGE + kind,
        Grid.of(Math.min(rows, mostBlocks)),
        ROW_THREADS,
        0,
        arguments.toArray());
    meeting++;
  }

  private void addPlace(List<Object> arguments) {
    Collections.addAll(
        arguments, own.state(), shard.rank(), shard.count(), meeting, PATIENCE_NANOS);
  }

  /**
   * Lets the first card wait for all others, whose earlier work is then visible to it; the others
   * do not wait.
   */
  void gather(DeviceStream stream) {
    List<Object> arguments = new ArrayList<>(List.of(arrivals));
    addPlace(arguments);
    arguments.add(shard.rank() == 0 ? 1 : 0);
    launcher.launch(stream, MEET, Grid.of(1), WARP, 0, arguments.toArray());
    meeting++;
  }
}
