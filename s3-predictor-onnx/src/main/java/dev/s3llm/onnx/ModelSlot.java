package dev.s3llm.onnx;

import dev.s3llm.predict.LengthPrediction;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;

/** The current model and its online head, which are replaced together. Thread-safe. */
final class ModelSlot implements AutoCloseable {
  private final ReentrantLock lock = new ReentrantLock();
  private volatile Loaded loaded;
  private boolean closed;

  ModelSlot(LengthModel model) {
    this.loaded = Loaded.of(model);
  }

  LengthModel current() {
    return loaded.model;
  }

  boolean headActive() {
    return loaded.head.active();
  }

  /**
   * Begins a use of the current model; {@link LengthModel#end} must follow.
   *
   * @throws IllegalStateException if this is closed
   */
  LengthModel acquire() {
    while (true) {
      LengthModel model = loaded.model;
      if (model.begin()) {
        return model;
      }
      if (model == loaded.model) {
        throw new IllegalStateException("the length predictor is closed");
      }
    }
  }

  /**
   * Replaces the current model, and releases the earlier one when its last use has ended.
   *
   * @param model the new model, which is owned from now on
   * @throws IllegalStateException if this is closed; then the new model is released
   */
  void swap(LengthModel model) {
    LengthModel unused = model;
    lock.lock();
    try {
      if (!closed) {
        unused = loaded.model;
        loaded = Loaded.of(model);
      }
    } finally {
      lock.unlock();
    }
    unused.close();
    if (unused == model) {
      throw new IllegalStateException("the length predictor is closed");
    }
  }

  /** Returns the prediction for a model's scores, by the online head if it is active. */
  LengthPrediction interpret(LengthModel model, Scores scores) {
    Loaded now = loaded;
    double[] probabilities =
        now.model == model ? now.head.apply(scores) : OnlineHead.softmax(scores.logits());
    return LengthPrediction.of(model.buckets(), probabilities);
  }

  /** Updates the online head, if the scores are of the current model. */
  void learn(LengthModel model, Scores scores, int actualTokens, boolean censored) {
    lock.lock();
    try {
      if (loaded.model == model) {
        loaded.head.learn(scores, actualTokens, censored);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Saves the online head; it can be updated while the file is written. */
  void saveHead(Path file) throws IOException {
    OnlineHeadState state;
    lock.lock();
    try {
      state = loaded.head.state();
    } finally {
      lock.unlock();
    }
    state.write(file);
  }

  void restoreHead(Path file) throws IOException {
    lock.lock();
    try {
      OnlineHead head = loaded.head;
      head.restore(OnlineHeadState.read(file, head.state()));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    LengthModel last;
    lock.lock();
    try {
      closed = true;
      last = loaded.model;
    } finally {
      lock.unlock();
    }
    last.close();
  }

  private record Loaded(LengthModel model, OnlineHead head) {
    static Loaded of(LengthModel model) {
      return new Loaded(
          model, new OnlineHead(model.buckets(), model.embeddingSize(), model.checksum()));
    }
  }
}
