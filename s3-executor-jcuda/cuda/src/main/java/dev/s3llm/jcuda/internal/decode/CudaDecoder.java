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

  /**
   * Allocates the buffers between the kernels.
   *
   * @param pool KV blocks of the stage
   * @param batch inputs of the step
   */
  CudaDecoder(
      Device device,
      StageKernels kernels,
      ModelConfig config,
      LayerRange range,
      CudaWeights weights,
      DeviceMemory pool,
      DeviceBatch batch,
      BatchFormat format) {
    this.config = config;
    this.range = range;
    this.weights = weights;
    this.kernels = kernels;
    this.pool = pool;
    this.batch = batch;
    this.work = new Workspace(device::allocate, config, range, format);
  }

  /** Returns the residual stream, {@code [row][hidden]} of float, which stages pass on. */
  DeviceMemory residual() {
    return work.residual;
  }

  /** Returns drawn tokens, then failures, {@code maxSequences} each; null before the last stage. */
  @Nullable DeviceMemory drawn() {
    return work.drawn;
  }

  /**
   * Returns the logits of the sampled rows, {@code [row][vocabulary]} of float; null before the
   * last stage.
   */
  @Nullable DeviceMemory logits() {
    return work.logits;
  }

  /** Puts a step into a stream. */
  void launch(DeviceStream stream, StepShape shape) {
    new Pass(stream, shape).run();
  }

  /** The launches of one step. */
  private final class Pass {
    private final DeviceStream stream;
    private final StepShape shape;
    private final int rows;

    Pass(DeviceStream stream, StepShape shape) {
      this.stream = stream;
      this.shape = shape;
      this.rows = shape.rows();
    }

    void run() {
      DeviceMemory embedding = weights.embedding;
      if (embedding != null) {
        kernels.decoder().embed(stream, rows, embedding, batch.tokens, work.residual);
      }
      for (int i = 0; i < range.count(); i++) {
        layer(i, weights.layers.get(i));
      }
      CudaWeights.Norm norm = weights.finalNorm;
      CudaWeights.Matrix output = weights.output;
      if (norm != null && output != null && work.logits != null && work.drawn != null) {
        if (shape.sampled() > 0) {
          sample(norm, output, work.logits, work.drawn);
        }
      }
    }

    private void layer(int i, CudaWeights.Layer layer) {
      norm(null, layer.attentionNorm(), rows);
      attention(i, layer);
      int hidden = config.hiddenSize();
      multiply(layer.attentionOutput(), work.attended, work.residual, rows, hidden, Output.ADDED);
      CudaWeights.Norm norm = layer.feedForwardNorm();
      if (norm != null) {
        norm(null, norm, rows);
      }
      Output activation = norm == null ? Output.GELU_TILES : Output.GATED_TILES;
      multiply(layer.up(), work.normed, work.activated, rows, work.groups, activation);
      multiply(layer.down(), work.activated, work.residual, rows, hidden, Output.ADDED);
    }

    private void attention(int i, CudaWeights.Layer layer) {
      int qkvSize = config.querySize() + 2 * config.kvSize();
      multiply(layer.queryKeyValue(), work.normed, work.qkv, rows, qkvSize, Output.ROWS);
      kernels.decoder().rotateAndStore(stream, rows, work.qkv, pool, batch, weights.frequencies, i);
      if (shape.decodes() > 0) {
        kernels.decoder().decodeAttention(stream, shape, work, pool, batch, i);
      }
      if (shape.chunks() > 0) {
        kernels.decoder().prefillAttention(stream, shape, work, pool, batch, i);
      }
    }

    private void norm(@Nullable DeviceAddress picked, CudaWeights.Norm norm, int count) {
      DeviceMemory weight = norm.weight();
      DeviceMemory bias = norm.bias();
      DecoderKernels decoder = kernels.decoder();
      if (bias == null) {
        decoder.rmsNorm(stream, count, work.residual, picked, weight, work.normed, work.groups);
      } else {
        decoder.layerNorm(
            stream, count, work.residual, picked, weight, bias, work.normed, work.groups);
      }
    }

    private void multiply(
        CudaWeights.Matrix matrix,
        DeviceMemory x,
        DeviceMemory y,
        int count,
        int stride,
        Output output) {
      kernels
          .products()
          .launch(
              stream,
              matrix.tiles(),
              x,
              y,
              matrix.bias(),
              count,
              matrix.out(),
              matrix.in(),
              work.groups,
              stride,
              output);
    }

    private void sample(
        CudaWeights.Norm norm, CudaWeights.Matrix output, DeviceMemory logits, DeviceMemory drawn) {
      int sampled = shape.sampled();
      norm(batch.sampledRows, norm, sampled);
      multiply(output, work.normed, logits, sampled, config.vocabularySize(), Output.FLOAT_ROWS);
      kernels.decoder().sample(stream, sampled, logits, batch, drawn, work.maxSequences);
    }
  }

  @Override
  public void close() {
    work.close();
  }
}
