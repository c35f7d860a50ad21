package dev.s3llm.examples.cli.devices;

import dev.s3llm.jcuda.CudaDevice;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Lists the host and the GPUs that a model can run on. */
@Command(
    name = "devices",
    mixinStandardHelpOptions = true,
    description = "Lists the GPUs, or prints why there are none.")
public final class DevicesCommand implements Callable<Integer> {
  private static final int OLDEST_CAPABILITY = 80;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  DevicesCommand() {}

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    out.printf("host: %d processors, --device cpu%n", Runtime.getRuntime().availableProcessors());
    try {
      List<CudaDevice> devices = CudaDevice.list();
      devices.forEach(device -> print(out, device));
      if (devices.isEmpty()) {
        out.println("no GPU: the CUDA driver found no device");
      }
    } catch (IllegalStateException e) {
      out.println("no GPU: " + e.getMessage());
    }
    out.flush();
    return 0;
  }

  private static void print(PrintWriter out, CudaDevice device) {
    out.printf(
        "cuda %d: %s, compute capability %d.%d, %.1f GiB%s%n",
        device.ordinal(),
        device.name(),
        device.computeCapability() / 10,
        device.computeCapability() % 10,
        device.memoryBytes() / (double) (1L << 30),
        device.computeCapability() < OLDEST_CAPABILITY ? " (too old: 8.0 is needed)" : "");
  }
}
