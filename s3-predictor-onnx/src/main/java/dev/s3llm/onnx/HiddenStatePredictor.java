package dev.s3llm.onnx;

import com.google.common.hash.Hashing;
import com.google.common.io.MoreFiles;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.support.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A length predictor that reads hidden states of the served model while an answer grows. A small
 * network, the head, predicts what is left from the state after one layer and the number of tokens
 * so far. Another predictor predicts from the prompt, before there is a state.
 *
 * <pre>{@code
 * HiddenStatePredictor.Builder head = HiddenStatePredictor.builder(folder).requireModel(model);
 * Executor executor = CpuExecutor.builder(model).featureLayer(head.layer()).build();
 * S3Engine engine = S3Engine.builder(executor).predictor(head.build(ofPrompts)).build();
 * }</pre>
 *
 * <p>ONNX Runtime runs the head on a thread of the predictor; states that arrive during one run are
 * answered together in the next. Where the head cannot answer, because its result is not finite,
 * too many states wait or the predictor is closed, the earlier prediction stays. If the executor
 * returns features of another width, or none, the head is not used, and the other predictor
 * predicts alone.
 *
 * <p>Thread-safe if the other predictor is.
 */
public final class HiddenStatePredictor implements LengthPredictor {
  private static final Logger log = LoggerFactory.getLogger(HiddenStatePredictor.class);

  private final LengthPredictor ofPrompts;
  private final int width;
  private final int interval;
  private final RemainingWorker worker;
  private final AtomicBoolean closed = new AtomicBoolean();

  private HiddenStatePredictor(Builder builder, LengthPredictor ofPrompts) {
    this.ofPrompts = ofPrompts;
    this.width = builder.files.width();
    this.interval = builder.settings.get("everyTokens", builder.files::everyTokens);
    ThreadFactory threads =
        builder.settings.get("threadFactory", () -> HiddenStatePredictor::daemon);
    RemainingHead head = builder.open();
    try {
      this.worker = new RemainingWorker(head, width, threads);
    } catch (RuntimeException | Error e) { // the thread factory threw
      head.close();
      throw e;
    }
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "s3-remaining-length");
    thread.setDaemon(true);
    return thread;
  }

  /**
   * Reads the folder of a head.
   *
   * @param folder holds {@code remaining.onnx} and {@code remaining.json}
   * @throws NullPointerException if the folder is null
   * @throws LengthModelException if a file is missing or damaged, naming the file and the reason
   */
  public static Builder builder(Path folder) {
    return new Builder(Objects.requireNonNull(folder, "folder must not be null"));
  }

  /**
   * Returns whether a folder holds a head.
   *
   * @param folder any folder
   */
  public static boolean isHead(Path folder) {
    return Files.isRegularFile(folder.resolve(HeadFolder.DESCRIPTION));
  }

  @Override
  public CompletionStage<LengthPrediction> predict(LengthQuery query) {
    return ofPrompts.predict(query);
  }

  @Override
  public LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
    return ofPrompts.refresh(query, earlier);
  }

  @Override
  public int revisionInterval() {
    return ofPrompts.revisionInterval();
  }

  @Override
  public LengthPrediction revise(LengthQuery query, LengthPrediction earlier, int generatedTokens) {
    return ofPrompts.revise(query, earlier, generatedTokens);
  }

  @Override
  public int featureInterval(int executorWidth) {
    if (executorWidth != width) {
      log.warn(
          "the executor returns {} features, but the head reads {}: it is not used",
          executorWidth,
          width);
      return 0;
    }
    return interval;
  }

  @Override
  public CompletionStage<LengthPrediction> reviseFrom(
      LengthQuery query, LengthPrediction earlier, int generatedTokens, float[] features) {
    return worker.predict(query, earlier, generatedTokens, features);
  }

  @Override
  public void observe(LengthFeedback feedback) {
    ofPrompts.observe(feedback);
  }

  /** Returns a snapshot of the counts. */
  public Stats stats() {
    return new Stats(
        worker.revisions.sum(),
        worker.batches.sum(),
        worker.unusable.sum(),
        worker.failures.sum(),
        worker.busyNanos.sum());
  }

  /**
   * Releases the head, after the run in progress, and closes the other predictor. Earlier
   * predictions answer the states that wait, and all later ones. Idempotent.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      worker.close();
      ofPrompts.close();
    }
  }

  /**
   * Counts of a head's work. Immutable.
   *
   * @param revisions predictions that the head has made
   * @param batches runs of the head; each answers the states that waited
   * @param unusable states that the earlier prediction answered: of another width, too many at
   *     once, with a result that is not finite, or after closing
   * @param failures states whose run failed
   * @param busyNanos time of the runs, in nanoseconds
   */
  public record Stats(long revisions, long batches, long unusable, long failures, long busyNanos) {}

  /**
   * Builds a {@link HiddenStatePredictor}. Each setter checks its value at once, and refuses a
   * second call with an {@link IllegalStateException} that names the earlier value. Not
   * thread-safe.
   */
  public static final class Builder {
    private final Path folder;
    private final HeadFolder files;
    private final Settings settings = new Settings();

    private Builder(Path folder) {
      this.folder = folder;
      this.files = HeadFolder.read(folder);
    }

    /** Returns the head's name. */
    public String name() {
      return files.name();
    }

    /**
     * Returns the number of layers of the served model after which the head reads the hidden state,
     * at least 1: the executor's {@code featureLayer}.
     */
    public int layer() {
      return files.layer();
    }

    /** Returns the number of values of a hidden state, at least 1. */
    public int width() {
      return files.width();
    }

    /** Returns the SHA-256 of the weights file of the model that the head was made for, in hex. */
    public String modelSha256() {
      return files.modelSha256();
    }

    /**
     * Requires that the head was made for a served model. Reads the whole weights file.
     *
     * @param model a GGUF file, a safetensors file, or a folder with {@code model.safetensors}
     * @return this builder
     * @throws LengthModelException if the model has another SHA-256, or cannot be read
     */
    public Builder requireModel(Path model) {
      Path file = Files.isDirectory(model) ? model.resolve("model.safetensors") : model;
      String actual = sha256(file);
      if (!actual.equals(files.modelSha256())) {
        throw new LengthModelException(
            "%s: the head %s was made for the model with the SHA-256 %s, but %s has %s; train a head for this model, or serve without one"
                .formatted(folder, name(), files.modelSha256(), file, actual));
      }
      return this;
    }

    private static String sha256(Path file) {
      try {
        return MoreFiles.asByteSource(file).hash(Hashing.sha256()).toString();
      } catch (IOException e) {
        throw new LengthModelException(file + " cannot be read: " + e, e);
      }
    }

    /**
     * Sets after how many generated tokens the head predicts again; by default as in its training.
     *
     * @param tokens number of tokens, at least 1
     * @return this builder
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder everyTokens(int tokens) {
      settings.setAtLeast("everyTokens", tokens, 1);
      return this;
    }

    /**
     * Sets the factory of the predictor's thread; a daemon thread by default.
     *
     * @param factory makes one thread
     * @return this builder
     * @throws NullPointerException if the factory is null
     */
    public Builder threadFactory(ThreadFactory factory) {
      settings.set("threadFactory", factory);
      return this;
    }

    /**
     * Opens the head and starts the predictor's thread.
     *
     * @param ofPrompts predicts from the prompt; closed with this predictor, and receives all
     *     feedback
     * @throws NullPointerException if the predictor is null
     * @throws LengthModelException if the head cannot be used, naming the folder and the reason
     */
    public HiddenStatePredictor build(LengthPredictor ofPrompts) {
      return new HiddenStatePredictor(
          this, Objects.requireNonNull(ofPrompts, "ofPrompts must not be null"));
    }

    private RemainingHead open() {
      try {
        return new RemainingHead(files);
      } catch (RuntimeException e) {
        throw new LengthModelException(folder + ": " + e.getMessage(), e);
      }
    }
  }
}
