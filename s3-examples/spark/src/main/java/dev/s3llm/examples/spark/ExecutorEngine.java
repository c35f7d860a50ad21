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
 * The engine of this executor's JVM. Concurrent tasks share it, so that their rows are in one
 * batch. It runs on the GPUs that Spark's resource scheduling assigns to the task, and on the CPU
 * without any.
 */
final class ExecutorEngine implements AutoCloseable {
  private static final String GPU = "gpu";

  /** Static because there is one for each JVM: Spark creates new task objects each time. */
  private static final PerExecutor<Key, ExecutorEngine> ALL =
      PerExecutor.untilShutdown(ExecutorEngine::open);

  private final TextGenerator generator;
  private final TrackedExecutor executor;

  /**
   * Creates an engine from its parts, which it owns.
   *
   * @param generator the generator
   * @param executor the executor of the generator's engine
   */
  ExecutorEngine(TextGenerator generator, TrackedExecutor executor) {
    this.generator = generator;
    this.executor = executor;
  }

  private static ExecutorEngine open(Key key) {
    Path path = key.settings.model().open();
    TextModel model = TextModel.load(path);
    try {
      TrackedExecutor executor = new TrackedExecutor(executor(path, key));
      // Tasks bound the rows in flight, so the engine needs no bound of its own. Predicted lengths
      // are hints of the requests, which the engine's default predictor calibrates.
      S3Engine engine = S3Engine.builder(executor).maxLiveRequests(Integer.MAX_VALUE).build();
      return new ExecutorEngine(TextGenerator.of(engine, model), executor);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  private static Executor executor(Path path, Key key) {
    EngineSettings settings = key.settings;
    if (key.gpus.isEmpty()) {
      CpuExecutor.Builder host = CpuExecutor.builder(path);
      if (settings.threads() > 0) {
        host.threads(settings.threads());
      }
      if (settings.kvBytes() > 0) {
        host.kvBytes(settings.kvBytes());
      }
      return host.build();
    }
    JCudaExecutor.Builder cuda =
        JCudaExecutor.builder(path)
            .devices(key.gpus.stream().mapToInt(Integer::intValue).toArray());
    return (settings.kvBytes() > 0 ? cuda.kvBytes(settings.kvBytes()) : cuda).build();
  }

  /**
   * Returns a share of the engine on the task's device. Waits until a broken engine is closed.
   *
   * @param settings the settings of the engine
   * @param task the task, which names its GPUs
   * @throws IllegalArgumentException if a GPU's address is no number
   * @throws IllegalStateException if the memory of a broken engine is not released
   */
  static PerExecutor<Key, ExecutorEngine>.Lease lease(EngineSettings settings, TaskContext task) {
    return ALL.lease(new Key(settings, gpus(task)));
  }

  /** Closes the engines of this executor that no task uses. */
  static void closeIdle() {
    ALL.closeIdle();
  }

  /** Returns the numbers of the GPUs that Spark assigned to a task. */
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
   * Closes at once, because no task needs further rows. A second call only checks whether the
   * memory has been released since.
   *
   * @throws IllegalStateException if the memory is not released, because a step does not end or the
   *     executor takes longer than the engine's close timeout
   */
  @Override
  public void close() {
    boolean interrupted = Thread.interrupted(); // else the engine would not wait for its step
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
   * Identifies an engine.
   *
   * @param settings the settings
   * @param gpus device numbers, one for each stage; empty for the CPU
   */
  record Key(EngineSettings settings, List<Integer> gpus) {}
}
