package dev.s3llm.examples.server.live;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Keeps the latest answers and the latest notable events of an engine. Thread-safe. */
public final class LiveEvents implements EngineListener {
  static final int MOST_ANSWERS = 300;
  static final int MOST_HAPPENINGS = 12;
  private static final int LONGEST_TEXT = 300;

  private final LongSupplier millis;
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Answer> answers = new ArrayDeque<>();
  private final Deque<Happening> happenings = new ArrayDeque<>();
  private boolean drifting;

  /**
   * An answer with at least one token.
   *
   * @param predictedP50 median of its predicted length, in tokens
   * @param predictedP90 90th percentile of its predicted length, in tokens
   * @param actual its length, in tokens
   * @param firstTokenNanos nanoseconds from submission to the first token
   * @param whole whether the model ended it, so that its length compares with the prediction
   */
  record Answer(
      int predictedP50, int predictedP90, int actual, long firstTokenNanos, boolean whole) {}

  /**
   * A notable event.
   *
   * @param millis time in milliseconds since 1970
   * @param kind kind of the event, in a word or two
   * @param request id of the request; empty if it concerns no single request
   * @param text description
   */
  public record Happening(long millis, String kind, String request, String text) {}

  /** What is kept, oldest first. */
  record Memory(List<Answer> answers, List<Happening> happenings, boolean drifting) {}

  /** Creates an empty memory. */
  public LiveEvents() {
    this(System::currentTimeMillis);
  }

  LiveEvents(LongSupplier millis) {
    this.millis = millis;
  }

  @Override
  public void onEvent(EngineEvent event) {
    if (event instanceof EngineEvent.Ended ended) {
      onEnd(ended);
      return;
    }
    Happening happening = happening(event);
    if (happening == null) {
      return;
    }
    lock.lock();
    try {
      if (event instanceof EngineEvent.PredictionDrift drift) {
        drifting = drift.drifting();
      }
      keep(happenings, happening, MOST_HAPPENINGS);
    } finally {
      lock.unlock();
    }
  }

  Memory memory() {
    lock.lock();
    try {
      return new Memory(new ArrayList<>(answers), new ArrayList<>(happenings), drifting);
    } finally {
      lock.unlock();
    }
  }

  private void onEnd(EngineEvent.Ended ended) {
    LengthPrediction prediction = ended.prediction();
    if (prediction == null || ended.firstTokenNanos() < 0) {
      return;
    }
    Answer answer =
        new Answer(
            prediction.quantile(0.5),
            prediction.quantile(0.9),
            ended.outputTokens(),
            ended.firstTokenNanos(),
            ended.reason() == FinishReason.STOP);
    lock.lock();
    try {
      keep(answers, answer, MOST_ANSWERS);
    } finally {
      lock.unlock();
    }
  }

  private static <T> void keep(Deque<T> kept, T one, int most) {
    if (kept.size() == most) {
      kept.removeFirst();
    }
    kept.addLast(one);
  }

  private @Nullable Happening happening(EngineEvent event) {
    if (event instanceof EngineEvent.Preempted lost) {
      String text =
          "lost %d tokens of KV (%s): %s"
              .formatted(
                  lost.kvTokens(), lost.mode().name().toLowerCase(Locale.ROOT), lost.reason());
      return happening("preempted", lost.requestId(), text);
    }
    if (event instanceof EngineEvent.PredictionDrift drift) {
      String text =
          "%s: %.0f %% of recent answers within their 90th percentile"
              .formatted(
                  drift.drifting() ? "begin to miss" : "hold again", 100 * drift.recentCoverage());
      return happening("predictions", "", text);
    }
    if (event instanceof EngineEvent.StepFailed failed) {
      return happening("step failed", "", String.valueOf(failed.cause()));
    }
    if (event instanceof EngineEvent.EngineStuck stuck) {
      return happening("stuck", "", stuck.reason());
    }
    if (event instanceof EngineEvent.EngineRecovered) {
      return happening("recovered", "", "the engine works again");
    }
    if (event instanceof EngineEvent.EngineLost lost) {
      return happening("lost", "", String.valueOf(lost.cause()));
    }
    return null;
  }

  private Happening happening(String kind, String request, String text) {
    String shown = text.length() > LONGEST_TEXT ? text.substring(0, LONGEST_TEXT) + "…" : text;
    return new Happening(millis.getAsLong(), kind, request, shown);
  }
}
