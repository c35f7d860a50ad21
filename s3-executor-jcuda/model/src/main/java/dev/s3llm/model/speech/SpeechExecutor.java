package dev.s3llm.model.speech;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Decodes recordings on canvases, over the arithmetic of any device.
 *
 * <p>A request has a {@link SpeechInput} and {@link SpeechConfig#endId} as its stop token. With
 * strategy {@link Decoding.Strategy#LEFT_TO_RIGHT} it also has that id as its one prompt token;
 * otherwise it has no prompt token. Its output limit is at least the number of characters plus 1;
 * it also bounds the canvas. The answer is the text's ids and the end.
 *
 * <p>The first step of a sequence runs the encoder and the CTC branch. Each later step is a pass of
 * the decoder over the canvas. If no end falls on the canvas, it is doubled, up to the output
 * limit; a text that fills the largest canvas has no end. A recording without CTC characters has an
 * empty text, without a pass.
 *
 * <p>A request with a wrong input fails alone. Steps run one after another on a thread of the
 * executor.
 */
public final class SpeechExecutor implements Executor {
  private final SpeechDevice device;
  private final SpeechState state;
  private final ExecutorService steps;
  private final AtomicBoolean closing = new AtomicBoolean();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();
  private volatile @Nullable Thread stepThread;

  /**
   * Creates the executor.
   *
   * @param device does the arithmetic; closed with the executor
   * @param threads makes the thread that runs steps
   * @throws IllegalArgumentException if the profile of the device does not take inputs or has
   *     another growth than {@code FIXED_CANVAS}
   * @throws NullPointerException if an argument is null
   */
  public SpeechExecutor(SpeechDevice device, ThreadFactory threads) {
    this.device = Objects.requireNonNull(device, "device must not be null");
    Objects.requireNonNull(threads, "threads must not be null");
    ExecutorProfile profile = device.profile();
    if (!profile.takesInputs() || profile.growth() != KvGrowth.FIXED_CANVAS) {
      throw new IllegalArgumentException(
          "the device's profile must take inputs and have growth FIXED_CANVAS, but takesInputs is %s and growth is %s"
              .formatted(profile.takesInputs(), profile.growth()));
    }
    this.state = new SpeechState(device);
    this.steps = Executors.newSingleThreadExecutor(threads);
  }

  /** Returns the shape of the model. */
  public SpeechConfig config() {
    return state.config;
  }

  @Override
  public ExecutorProfile profile() {
    return device.profile();
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    return CompletableFuture.supplyAsync(() -> run(batch), steps);
  }

  private StepResult run(StepBatch batch) {
    stepThread = Thread.currentThread();
    return new SpeechStep(state, batch).run();
  }

  @Override
  public void released(long sequenceId) {
    state.utterances.remove(sequenceId);
  }

  /** Returns the number of sequences whose canvas is kept. */
  int canvases() {
    return state.utterances.size();
  }

  @Override
  public Optional<Thread> stepThread() {
    return Optional.ofNullable(stepThread);
  }

  /** Waits for the step that runs, closes the device, and ends the thread. Idempotent. */
  @Override
  public void close() {
    if (closing.compareAndSet(false, true)) {
      steps.execute(this::release);
      steps.shutdown();
    }
    closed.join();
  }

  private void release() {
    try {
      device.close(); // no step uses it any more
    } finally {
      closed.complete(null);
    }
  }
}
