package dev.s3llm.spring.autoconfigure;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.spring.S3StartException;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.ClassUtils;

/** Loads a model onto the device that the properties name. */
final class ModelExecutors {
  private static final Logger log = LoggerFactory.getLogger(ModelExecutors.class);
  private static final long HOST_KV_BYTES = 256L << 20;
  private static final String NUMBERED = "cuda:";
  private static final String CUDA = "dev.s3llm.jcuda.JCudaExecutor";

  private final S3ModelProperties properties;
  private final int featureLayer;

  /**
   * Creates a loader.
   *
   * @param properties the device and its memory
   * @param featureLayer layer whose hidden states the executor returns; 0 for none
   */
  ModelExecutors(S3ModelProperties properties, int featureLayer) {
    this.properties = properties;
    this.featureLayer = featureLayer;
  }

  /**
   * Loads a model.
   *
   * @param classes the CUDA module is used if this class loader has it
   */
  Executor load(Path model, @Nullable ClassLoader classes) {
    String device = properties.device();
    if (device.equals("host")) {
      return host(model);
    }
    boolean cudaAvailable = ClassUtils.isPresent(CUDA, classes);
    if (!device.equals("auto")) {
      if (!cudaAvailable) {
        throw new S3StartException(
            "s3llm.device=" + device + " needs the module s3-executor-jcuda",
            "Add the dependency dev.s3llm:s3-executor-jcuda, or set s3llm.device=host.");
      }
      return Cuda.load(model, this, device.contains("+"), numbers(device));
    }
    return cudaAvailable ? firstGpuOrHost(model) : host(model);
  }

  private Executor firstGpuOrHost(Path model) {
    try {
      return Cuda.load(model, this, false, 0);
    } catch (IllegalStateException | IllegalArgumentException e) {
      log.info("no GPU can run the model, the CPU runs it: {}", e.getMessage());
      return host(model);
    }
  }

  private static int[] numbers(String device) {
    String list = device.startsWith(NUMBERED) ? device.substring(NUMBERED.length()) : "0";
    return Arrays.stream(list.split("[,+]", -1)).mapToInt(Integer::parseInt).toArray();
  }

  private Executor host(Path model) {
    CpuExecutor.Builder builder =
        CpuExecutor.builder(model)
            .kvBytes(
                properties.kvMemory() == null ? HOST_KV_BYTES : properties.kvMemory().toBytes())
            .kvPrecision(properties.kvPrecision())
            .weights(properties.weights())
            .activations(properties.activations());
    if (properties.threads() > 0) {
      builder.threads(properties.threads());
    }
    if (featureLayer > 0) {
      builder.featureLayer(featureLayer);
    }
    return builder.build();
  }

  /** Apart, so that the class is loaded only where the CUDA module is there. */
  private static final class Cuda {
    static Executor load(Path model, ModelExecutors settings, boolean together, int... gpus) {
      JCudaExecutor.Builder builder =
          JCudaExecutor.builder(model)
              .kvPrecision(settings.properties.kvPrecision())
              .weights(settings.properties.weights())
              .activations(settings.properties.activations());
      if (together) {
        builder.cards(gpus);
      } else {
        builder.devices(gpus);
      }
      if (settings.properties.kvMemory() != null) {
        builder.kvBytes(settings.properties.kvMemory().toBytes());
      }
      if (settings.featureLayer > 0) {
        builder.featureLayer(settings.featureLayer);
      }
      return builder.build();
    }
  }
}
