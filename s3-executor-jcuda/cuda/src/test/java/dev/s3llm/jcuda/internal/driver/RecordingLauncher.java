package dev.s3llm.jcuda.internal.driver;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Notes launches; no device is needed. */
public final class RecordingLauncher implements KernelLauncher {
  public final List<Launch> launches = new ArrayList<>();
  public final List<String> loaded = new ArrayList<>();

  /** Kernels whose blocks run at once. */
  public final List<String> together = new ArrayList<>();

  /** A launch. */
  public record Launch(String kernel, Grid grid, int block, int shared, List<Object> arguments) {}

  @Override
  public void launch(
      DeviceStream stream,
      String kernel,
      Grid grid,
      int block,
      int sharedBytes,
      Object... arguments) {
    launches.add(new Launch(kernel, grid, block, sharedBytes, Arrays.asList(arguments)));
  }

  @Override
  public void launchTogether(
      DeviceStream stream,
      String kernel,
      Grid grid,
      int block,
      int sharedBytes,
      Object... arguments) {
    together.add(kernel);
    launch(stream, kernel, grid, block, sharedBytes, arguments);
  }

  @Override
  public void load(String kernel) {
    loaded.add(kernel);
  }

  /** Returns the latest launch. */
  public Launch last() {
    return launches.get(launches.size() - 1);
  }
}
