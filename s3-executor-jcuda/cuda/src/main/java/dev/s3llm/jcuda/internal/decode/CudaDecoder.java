package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.batch.BatchFormat;
import dev.s3llm.jcuda.internal.batch.DeviceBatch;
import dev.s3llm.jcuda.internal.batch.StepShape;
import dev.s3llm.jcuda.internal.decode.MatrixProduct.Output;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.NormPlacement;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.RoundedInput;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of a stage's layers on its device, over the layouts of {@code
 * src/main/cuda/README.md}; {@code CpuDecoder} of s3-executor-cpu is its reference. Puts a step
 * into a stream and returns at once. The result of a row is bitwise independent of other rows.
 */
final class CudaDecoder implements AutoCloseable {
  private final ModelConfig config;
  private final LayerRange range;
  private final CudaWeights weights;
  private final StageKernels kernels;
  private final DeviceMemory pool;
  private final DeviceBatch batch;
  private final Workspace work;
  private final @Nullable PersistentDecode whole;
  private final int featureLayer;
  private final int vocabulary;
  private final @Nullable Cards cards;

  /**
   * What a decoder needs to run one part of every layer.
   *
   * @param kernels meetings with the other cards
   * @param firstToken token of the first row of this card's output
   * @param logits where the card that samples has its logits; null on that card
   * @param steps what steps of one launch need; null where no step is
   */
  record Cards(
      CardKernels kernels,
      int firstToken,
      @Nullable DeviceMemory logits,
      @Nullable StepCards steps) {}

  /**
   * Allocates the buffers between the kernels.
   *
   * @param pool KV blocks of the stage
   * @param batch inputs of the step
   * @param stream receives the copies of tables
   * @param featureLayer number of the layer whose results are kept, from 1; 0 for none
   * @param samples whether the stage draws tokens
   * @param cards the other cards; null where the layers are whole
   * @param step runs all layers of small steps in one launch; null for a launch for each part
   */
  CudaDecoder(
      Device device,
      DeviceStream stream,
      StageKernels kernels,
      ModelConfig config,
      LayerRange range,
      CudaWeights weights,
      DeviceMemory pool,
      DeviceBatch batch,
      BatchFormat format,
      int featureLayer,
      boolean samples,
      @Nullable Cards cards,
      @Nullable StepKernels step) {
    this.config = config;
    this.range = range;
    this.weights = weights;
    this.kernels = kernels;
    this.pool = pool;
    this.batch = batch;
    Workspace.Inputs inputs =
        new Workspace.Inputs(weights.orderedColumns(), kernels.rounded() != null);
    this.work =
        new Workspace(device::allocate, config, range, format, featureLayer, samples, inputs);
    this.featureLayer = featureLayer;
    this.vocabulary = format.vocabulary();
    this.cards = cards;
    try {
      this.whole =
          step == null
              ? null
              : new PersistentDecode(
                  device,
                  stream,
                  step,
                  config,
                  range,
                  weights,
                  work,
                  pool,
                  batch,
                  format,
                  cards == null ? null : cards.steps);
    } catch (RuntimeException e) {
      work.close();
      throw e;
    }
  }

  /** Returns the residual stream, {@code [row][hidden]} of float, which stages pass on. */
  DeviceMemory residual() {
    return work.residual;
  }

  /**
   * Returns the residual stream after the layer of the features, {@code [row][hidden]} of float;
   * null where that layer is not in this stage.
   */
  @Nullable DeviceMemory features() {
    return work.features;
  }

  /**
   * Returns drawn tokens, then failures, {@code maxSequences} each; null where the stage does not
   * sample.
   */
  @Nullable DeviceMemory drawn() {
    return work.drawn;
  }

  /** Returns the log probabilities of the sampled rows; null where the stage does not sample. */
  @Nullable DeviceMemory logs() {
    return work.logs;
  }

  /**
   * Returns the logits of the sampled rows, {@code [row][vocabulary]} of float; null where the
   * stage does not sample.
   */
  @Nullable DeviceMemory logits() {
    return work.logits;
  }

  /** Returns what runs all layers in one launch; null where no step does. */
  @Nullable PersistentDecode whole() {
    return whole;
  }

  /**
   * Returns the failure of a step that is over, where its one launch waited too long; null
   * otherwise. Later steps are a launch for each part.
   */
  @Nullable IllegalStateException failure(DeviceStream stream) {
    IllegalStateException failure = whole == null ? null : whole.failure();
    if (failure != null) {
      stream.fill(work.counters, 0, 0, work.counters.bytes()); // its blocks did not wait for others
    }
    return failure;
  }

  /**
   * Returns the shape whose launches run a step: the padded one, of any context if all layers are
   * one launch.
   *
   * @param step the step
   * @param padded the same with the rows that pad it
   */
  StepShape launched(StepShape step, StepShape padded) {
    boolean one =
        whole != null && padded.decodesOnly() && whole.serves(padded.rows(), step.longestDecode());
    return one ? padded.ofAnyContext() : padded;
  }

  /**
   * Puts a step into a stream.
   *
   * @param shape its launches, see {@link #launched}
   */
  void launch(DeviceStream stream, StepShape shape) {
    new Pass(stream, shape).run();
  }

  /** The launches of one step. */
  private final class Pass {
    private final DeviceStream stream;
    private final StepShape shape;
    private final int rows;

    /** Whether the cards' parts of a sum lie ready that is not in the residual stream yet. */
    private boolean pending;

    /** Whether the input of the next product lies rounded. */
    private boolean rounded;

    Pass(DeviceStream stream, StepShape shape) {
      this.stream = stream;
      this.shape = shape;
      this.rows = shape.rows();
    }

    void run() {
      if (cards != null) {
        cards.kernels.beginStep();
      }
      embed();
      if (whole != null && shape.anyContext()) {
        whole.launch(stream, rows);
      } else {
        layers();
      }
      addPending();
      CudaWeights.Norm norm = weights.finalNorm;
      CudaWeights.Matrix output = weights.output;
      if (norm != null && output != null && shape.sampled() > 0) {
        sample(norm, output);
      }
      if (cards != null) {
        cards.kernels.endStep(stream);
      }
    }

    private void embed() {
      DeviceMemory embedding = weights.embedding;
      if (cards != null) {
        cards.kernels.lookUp(stream, rows, batch.tokens, work.residual);
      } else if (embedding != null) {
        kernels.norms().embed(stream, rows, embedding, batch.tokens, work.residual);
      }
    }

    private void layers() {
      for (int i = 0; i < range.count(); i++) {
        layer(i, weights.layers.get(i));
        if (work.features != null && range.from() + i + 1 == featureLayer) {
          addPending();
          long bytes = (long) Float.BYTES * rows * config.hiddenSize();
          stream.copy(work.residual, work.features, 0, bytes); // a node of the graph, too
        }
      }
    }

    private void layer(int i, CudaWeights.Layer layer) {
      CudaWeights.Norms norms = layer.norms();
      input(norms.beforeAttention(), layer.queryKeyValue());
      attention(i, layer);
      CudaWeights.Norm after = norms.afterAttention();
      add(layer.attentionOutput(), work.attended, after);
      if (config.norms().placement() != NormPlacement.SHARED) {
        CudaWeights.Matrix router = layer.router();
        input(norms.beforeFeedForward(), List.of(router == null ? layer.up() : router));
      }
      ModelConfig.FeedForward part = config.layers().get(range.from() + i).feedForward();
      ModelConfig.Experts experts = part.experts();
      if (experts != null) {
        experts(layer, part, experts);
      } else if (work.activated != null) {
        Output activated = Output.activated(part);
        multiply(layer.up(), work.normed, work.activated, rows, work.groups, activated);
        add(layer.down(), work.activated, norms.afterFeedForward());
      }
    }

    /**
     * Puts the input of a part into tiles; rounded where a single product reads it, and so.
     *
     * @param readers the matrices of the part that read it, but for experts' the router alone
     */
    private void input(CudaWeights.@Nullable Norm norm, List<CudaWeights.Matrix> readers) {
      if (pending && cards != null && norm != null) {
        pending = false;
        cards.kernels.addAndNorm(stream, rows, work.residual, norm, work.normed, work.groups);
        return;
      }
      addPending();
      RoundedInput input = readers.size() == 1 ? rounding(readers.get(0)) : null;
      Fp8Kernels own = kernels.rounded();
      RoundedRows to = work.rounded;
      boolean shared = config.norms().placement() == NormPlacement.SHARED;
      if (norm == null) {
        kernels.norms().tile(stream, rows, work.residual, work.normed, work.groups);
      } else if (input != null && own != null && to != null && !shared) {
        float epsilon = config.normEpsilon();
        int width = config.hiddenSize();
        own.norm(stream, rows, work.residual, norm, epsilon, input, to, width, work.groups);
        rounded = true;
      } else {
        norm(null, norm, rows);
      }
    }

    private void attention(int i, CudaWeights.Layer layer) {
      AttentionKernels attention = kernels.attention();
      CudaWeights.Heads heads = layer.heads();
      queryKeyValue(layer.queryKeyValue());
      QueryKeyNorm norm = config.attention().queryKeyNorm();
      if (cards != null && norm == QueryKeyNorm.WHOLE) {
        cards.kernels.normHeads(stream, rows, work.qkv, heads);
        norm = QueryKeyNorm.NONE;
      }
      attention.rotateAndStore(stream, rows, work.qkv, pool, batch, heads, i, norm);
      if (shape.decodes() > 0) {
        attention.decode(stream, shape, work, pool, batch, heads, i);
      }
      if (shape.chunks() > 0) {
        attention.prefill(stream, shape, work, pool, batch, heads, i);
      }
    }

    /** Each matrix has some columns of the rows. */
    private void queryKeyValue(List<CudaWeights.Matrix> matrices) {
      int stride = config.querySize() + 2 * config.kvSize();
      int column = 0;
      for (CudaWeights.Matrix matrix : matrices) {
        DeviceAddress to = new DeviceAddress(work.qkv, (long) Layouts.NUMBER_BYTES * column);
        multiply(matrix, work.normed, to, rows, stride, Output.ROWS);
        column += matrix.out();
      }
    }

    private void experts(
        CudaWeights.Layer layer, ModelConfig.FeedForward part, ModelConfig.Experts experts) {
      ExpertSpace space = work.experts;
      CudaWeights.Matrix router = layer.router();
      if (space == null || router == null) {
        return; // both exist where the configuration has experts
      }
      ExpertKernels own = kernels.experts();
      Output rowsOfFloat = Output.FLOAT_ROWS;
      int hidden = config.hiddenSize();
      int groups = space.groups;
      multiply(router, work.normed, space.logits, rows, experts.count(), rowsOfFloat);
      boolean coded = layer.up().format() != null || layer.down().format() != null;
      own.route(stream, rows, space, batch, experts, coded);
      own.multiply(
          stream,
          rows,
          space,
          experts,
          coded,
          layer.up(),
          work.normed,
          work.groups,
          true,
          space.activated,
          groups,
          Output.activated(part));
      own.multiply(
          stream,
          rows,
          space,
          experts,
          coded,
          layer.down(),
          space.activated,
          groups,
          false,
          space.results,
          hidden,
          rowsOfFloat);
      CudaWeights.Norm after = layer.norms().afterFeedForward();
      DeviceMemory to = target(after);
      float factor = to == work.residual ? config.scales().residual() : 1;
      boolean added = to == work.residual || pending;
      own.combine(stream, rows, space, batch, experts, to, hidden, factor, added);
      finish(after);
    }

    /** Adds a part's last product to the residual stream, normed where the part has such a norm. */
    private void add(CudaWeights.Matrix matrix, DeviceMemory x, CudaWeights.@Nullable Norm after) {
      DeviceMemory to = target(after);
      Output output = Output.FLOAT_ROWS;
      if (to == work.residual) {
        output = Output.added(config.scales().residual());
      } else if (pending) {
        output = Output.added(1); // one sum of both parts
      }
      multiply(matrix, x, to, rows, config.hiddenSize(), output);
      finish(after);
    }

    /** Returns where a part's result belongs before it is summed over cards, and normed. */
    private DeviceMemory target(CudaWeights.@Nullable Norm after) {
      if (cards != null) {
        return cards.kernels.part();
      }
      return after == null || work.part == null ? work.residual : work.part;
    }

    /** Adds a part's result to the residual stream; on several cards, with the next norm. */
    private void finish(CudaWeights.@Nullable Norm after) {
      if (after == null || work.part == null) {
        pending = cards != null;
        return;
      }
      if (cards != null) {
        cards.kernels.sum(stream, rows, work.part);
      }
      kernels.norms().normAndAdd(stream, rows, work.part, after, work.residual);
    }

    private void addPending() {
      if (pending && cards != null) {
        cards.kernels.add(stream, rows, work.residual);
      }
      pending = false;
    }

    private void norm(@Nullable DeviceAddress picked, CudaWeights.Norm norm, int count) {
      kernels.norms().norm(stream, count, work.residual, picked, norm, work.normed, work.groups);
    }

    private void multiply(
        CudaWeights.Matrix matrix,
        DeviceMemory x,
        DeviceMemory y,
        int count,
        int stride,
        Output output) {
      multiply(matrix, x, new DeviceAddress(y, 0), count, stride, output);
    }

    private void multiply(
        CudaWeights.Matrix matrix,
        DeviceMemory x,
        DeviceAddress y,
        int count,
        int stride,
        Output output) {
      RoundedInput input = rounding(matrix);
      Fp8Kernels own = kernels.rounded();
      RoundedRows to = work.rounded;
      int groups = work.groups;
      if (input != null && own != null && to != null) {
        if (!rounded) {
          own.round(stream, count, input, x, to, matrix.in(), groups);
        }
        rounded = false;
        own.launch(stream, matrix, input, to, y, count, groups, stride, output);
      } else {
        DeviceMemory ordered = ordered(matrix, x, count);
        kernels.products().launch(stream, matrix, ordered, y, count, groups, stride, output);
      }
    }

    /** Returns activations with their columns in the order of a matrix. */
    private DeviceMemory ordered(CudaWeights.Matrix matrix, DeviceMemory x, int count) {
      DeviceAddress order = matrix.order();
      DeviceMemory to = work.ordered;
      if (order == null || to == null) {
        return x;
      }
      kernels.products().gather(stream, order, x, to, count, matrix.in(), work.groups);
      return to;
    }

    private static @Nullable RoundedInput rounding(CudaWeights.Matrix matrix) {
      CodeFormat format = matrix.format();
      return format == null ? null : format.input();
    }

    private void sample(CudaWeights.Norm norm, CudaWeights.Matrix output) {
      DeviceMemory logits = work.logits == null && cards != null ? cards.logits : work.logits;
      if (logits == null) {
        return; // exist where a stage has the output
      }
      int sampled = shape.sampled();
      ModelConfig.Scales scales = config.scales();
      Output scaled = Output.scaledRows(scales.logits(), scales.logitSoftcap());
      norm(batch.sampledRows, norm, sampled);
      long first = cards == null ? 0 : cards.firstToken;
      DeviceAddress to = new DeviceAddress(logits, Float.BYTES * first);
      multiply(output, work.normed, to, sampled, vocabulary, scaled);
      if (cards != null) {
        cards.kernels.gather(stream);
      }
      if (work.logits != null && work.drawn != null) {
        draw(kernels.sample(), work.logits, work.drawn);
      }
    }

    /** What no row of the step uses is not launched: a shape of its own, so a graph of its own. */
    private void draw(SampleKernels own, DeviceMemory logits, DeviceMemory drawn) {
      int sampled = shape.sampled();
      int changed = work.changedLogits;
      DeviceMemory logs = shape.logs() ? work.logs : null;
      if (logs != null) {
        own.logProbabilities(stream, sampled, logits, batch, logs);
      }
      if (shape.shapes()) {
        own.shape(stream, sampled, logits, batch, work.sums, changed);
      }
      own.sample(stream, sampled, logits, batch, drawn, work.maxSequences);
      if (logs != null) {
        own.drawnLogProbabilities(stream, sampled, logits, batch, work.sums, changed, drawn, logs);
      }
    }
  }

  @Override
  public void close() {
    if (whole != null) {
      whole.close();
    }
    work.close();
  }
}
