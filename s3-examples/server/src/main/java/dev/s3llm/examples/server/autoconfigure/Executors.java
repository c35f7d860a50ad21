package dev.s3llm.examples.server.autoconfigure;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.JCudaExecutor;
import java.nio.file.Path;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Loads a model onto the device that the properties name. */
final class Executors {
  private static final Logger log = LoggerFactory.getLogger(Executors.class);
  private static final long HOST_KV_BYTES = 256L << 20;
  private static final String NUMBERED = "cuda:";

  private Executors() {}

  static Executor load(Path model, S3Properties properties) {
    String device = properties.device();
    if (device.equals("host")) {
      return host(model, properties);
    }
    if (!device.equals("auto")) {
      return cuda(model, properties, numbers(device));
    }
    try {
      return cuda(model, properties, 0);
    } catch (IllegalStateException | IllegalArgumentException e) {
      log.info("no GPU runs the model, so the host does: {}", e.getMessage());
      return host(model, properties);
    }
  }

  private static int[] numbers(String device) {
    String list = device.startsWith(NUMBERED) ? device.substring(NUMBERED.length()) : "0";
    return Arrays.stream(list.split(",", -1)).mapToInt(Integer::parseInt).toArray();
  }

  private static Executor host(Path model, S3Properties properties) {
    CpuExecutor.Builder builder =
        CpuExecutor.builder(model)
            .kvBytes(
                properties.kvMemory() == null ? HOST_KV_BYTES : properties.kvMemory().toBytes());
    if (properties.threads() > 0) {
      builder.threads(properties.threads());
    }
    return builder.build();
  }

  private static Executor cuda(Path model, S3Properties properties, int... devices) {
    JCudaExecutor.Builder builder = JCudaExecutor.builder(model).devices(devices);
    if (properties.kvMemory() != null) {
      builder.kvBytes(properties.kvMemory().toBytes());
    }
    return builder.build();
  }
}
