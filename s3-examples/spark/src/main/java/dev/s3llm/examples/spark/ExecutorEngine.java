package dev.s3llm.examples.spark;

import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;

/**
 * The engine of this executor's JVM. Tasks that run side by side share it and so fill one batch.
 * Runs on the GPUs that Spark's resource scheduling gives the task, and on the host without any.
 */
final class ExecutorEngine implements AutoCloseable {
  private static final String GPU = "gpu";

  /** Static because that is what "one for each JVM" is: Spark makes new task objects each time. */
  private static final PerExecutor<Key, ExecutorEngine> ALL =
      PerExecutor.untilShutdown(ExecutorEngine::open);

  private final TextGenerator generator;
  private final TrackedExecutor executor;

  /**
   * Makes one from its parts, which it owns.
   *
   * @param executor the generator's
   */
  ExecutorEngine(TextGenerator generator, TrackedExecutor executor) {
    this.generator = generator;
    this.executor = executor;
  }

  private static ExecutorEngine open(Key key) {
    Path folder = key.settings.model().open();
    TextModel model = TextModel.load(folder);
    try {
      TrackedExecutor executor = new TrackedExecutor(executor(folder, key));
      // Tasks bound what is in flight, so the engine's own bound must never bite. The lengths come
      // as hints with the requests, which the engine's default predictor calibrates.
      S3Engine engine = S3Engine.builder(executor).maxLiveRequests(Integer.MAX_VALUE).build();
      return new ExecutorEngine(TextGenerator.of(engine, model), executor);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  private static Executor executor(Path folder, Key key) {
    EngineSettings settings = key.settings;
    if (key.gpus.isEmpty()) {
      CpuExecutor.Builder host = CpuExecutor.builder(folder);
      if (settings.threads() > 0) {
        host.threads(settings.threads());
      }
      if (settings.kvBytes() > 0) {
        host.kvBytes(settings.kvBytes());
      }
      return host.build();
    }
    JCudaExecutor.Builder cuda =
        JCudaExecutor.builder(folder)
            .devices(key.gpus.stream().mapToInt(Integer::intValue).toArray());
    return (settings.kvBytes() > 0 ? cuda.kvBytes(settings.kvBytes()) : cuda).build();
  }

  /**
   * A share of the engine on the task's device. Waits for a broken one to be closed.
   *
   * @throws IllegalArgumentException if a GPU's address is no number
   * @throws IllegalStateException if the memory of a broken one is not released
   */
  static PerExecutor<Key, ExecutorEngine>.Lease lease(EngineSettings settings, TaskContext task) {
    return ALL.lease(new Key(settings, gpus(task)));
  }

  /** Closes the executor's engine if no task uses it. */
  static void closeIdle() {
    ALL.closeIdle();
  }

  static List<Integer> gpus(TaskContext task) {
    ResourceInformation gpus = task.resourcesJMap().get(GPU);
    return gpus == null
        ? List.of()
        : List.of(gpus.addresses()).stream().map(Integer::valueOf).toList();
  }

  TextGenerator generator() {
    return generator;
  }

  /**
   * Closes at once: tasks wait for their rows or do not want them any more. The second time it only
   * says whether the memory is released by now.
   *
   * @throws IllegalStateException if a step does not end or the executor takes longer than the
   *     engine's close timeout to close, so that the memory is not released
   */
  @Override
  public void close() {
    boolean interrupted = Thread.interrupted(); // an engine closed in a hurry waits for no step
    try {
      generator.engine().closeNow();
      generator.close();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    if (!executor.closed()) {
      throw new IllegalStateException("the executor has not closed, so its memory stays in use");
    }
  }

  /**
   * What an engine is made from.
   *
   * @param gpus device numbers, one for each stage; none for the host
   */
  record Key(EngineSettings settings, List<Integer> gpus) {}
}
