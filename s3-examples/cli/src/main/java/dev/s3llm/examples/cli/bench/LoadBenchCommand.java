package dev.s3llm.examples.cli.bench;

import dev.s3llm.examples.cli.options.JsonOption;
import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.StoredWeights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures how fast a GPU gets a model's weights. */
@Command(
    name = "load",
    mixinStandardHelpOptions = true,
    description = {
      "Loads a model's weights onto a GPU, several times, and prints the bytes of its files over the",
      "seconds until the executor is ready. The first time may wait for the disk; later ones read",
      "what the operating system keeps."
    })
public final class LoadBenchCommand implements Callable<Integer> {
  private static final long SMALL_KV_BYTES = 64L << 20;
  private static final double GB = 1e9;

  @Parameters(paramLabel = "MODEL", description = "a model folder or a .gguf file")
  private Path model = Path.of("");

  @Option(
      names = "--times",
      paramLabel = "N",
      description = "how often it is loaded (default: ${DEFAULT-VALUE})",
      defaultValue = "3")
  private int times;

  @Mixin private GpuOptions gpu = new GpuOptions();
  @Mixin private JsonOption json = new JsonOption();

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  LoadBenchCommand() {}

  /**
   * The figures of one time.
   *
   * @param fileBytes bytes of all tensors in the files
   * @param deviceBytes bytes of weights on the device
   * @param seconds from the first byte read until the executor was ready
   * @param gigabytesPerSecond bytes of the files over the seconds, in units of 1e9
   */
  record Row(long fileBytes, long deviceBytes, double seconds, double gigabytesPerSecond) {}

  @Override
  public Integer call() {
    json.check();
    Numbers.requireAtLeast("--times", 1, times);
    List<Row> rows = new ArrayList<>();
    try {
      long bytes = StoredWeights.read(model).bytes();
      for (int i = 0; i < times; i++) {
        rows.add(print(row(bytes)));
      }
    } catch (ModelFormatException e) {
      throw new UsageException("MODEL: " + e.getMessage());
    }
    json.write(rows);
    return 0;
  }

  private Row row(long bytes) {
    AtomicLong onDevice = new AtomicLong();
    long start = System.nanoTime();
    JCudaExecutor.Builder builder =
        gpu.apply(JCudaExecutor.builder(model))
            .kvBytes(SMALL_KV_BYTES)
            .swapBytes(0)
            .progress((loaded, total) -> onDevice.set(total));
    JCudaExecutor ready = builder.build();
    double seconds = (System.nanoTime() - start) / (double) TimeUnit.SECONDS.toNanos(1);
    ready.close();
    return new Row(bytes, onDevice.get(), seconds, bytes / GB / seconds);
  }

  private Row print(Row row) {
    spec.commandLine()
        .getOut()
        .printf(
            Locale.ROOT,
            "%.2f GB of files, %.2f GB on the device, %.2f s: %.2f GB/s%n",
            row.fileBytes / GB,
            row.deviceBytes / GB,
            row.seconds,
            row.gigabytesPerSecond)
        .flush();
    return row;
  }
}
