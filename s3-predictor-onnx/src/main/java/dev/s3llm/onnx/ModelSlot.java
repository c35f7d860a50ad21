package dev.s3llm.onnx;

import dev.s3llm.predict.LengthPrediction;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;

/** The model in force and its online head, swapped together. Thread-safe. */
final class ModelSlot implements AutoCloseable {
  private final ReentrantLock headLock = new ReentrantLock();
  private volatile Loaded loaded;

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
   * Begins a use of the model in force; {@link LengthModel#end} must follow.
   *
   * @throws IllegalStateException if it is closed
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

  /** Puts a model in force and releases the one before, once nobody uses it. */
  void swap(LengthModel model) {
    LengthModel old;
    headLock.lock();
    try {
      old = loaded.model;
      loaded = Loaded.of(model);
    } finally {
      headLock.unlock();
    }
    old.close();
  }

  /** What the head in force makes of a model's scores. */
  LengthPrediction interpret(LengthModel model, Scores scores) {
    Loaded now = loaded;
    double[] probabilities =
        now.model == model ? now.head.apply(scores) : OnlineHead.softmax(scores.logits());
    return LengthPrediction.of(model.buckets(), probabilities);
  }

  /** Teaches the head, if the scores are of the model in force. */
  void learn(LengthModel model, Scores scores, int actualTokens, boolean censored) {
    headLock.lock();
    try {
      if (loaded.model == model) {
        loaded.head.learn(scores, actualTokens, censored);
      }
    } finally {
      headLock.unlock();
    }
  }

  void saveHead(Path file) throws IOException {
    headLock.lock();
    try {
      loaded.head.save(file);
    } finally {
      headLock.unlock();
    }
  }

  void restoreHead(Path file) throws IOException {
    headLock.lock();
    try {
      loaded.head.restore(file);
    } finally {
      headLock.unlock();
    }
  }

  @Override
  public void close() {
    loaded.model.close();
  }

  private record Loaded(LengthModel model, OnlineHead head) {
    static Loaded of(LengthModel model) {
      return new Loaded(
          model, new OnlineHead(model.buckets(), model.embeddingSize(), model.checksum()));
    }
  }
}
