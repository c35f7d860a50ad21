package dev.s3llm.examples.spark;

import dev.s3llm.GenerationResult;
import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.NeverFitsException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.text.ChatTemplateException;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.TextResult;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.spark.TaskKilledException;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;

/**
 * Answers rows with an engine and returns them in the order in which they end. Holds at most as
 * many rows as may be in flight.
 *
 * <p>A row that cannot be answered is returned with the reason. A row whose failure is retriable is
 * submitted again first. The iterator throws only if the engine is lost or stuck, so that Spark
 * runs the task again elsewhere. Not thread-safe: only the task's thread uses it.
 */
final class GeneratedRows implements Iterator<Row>, AutoCloseable {
  private static final long KILL_CHECK_MILLIS = 100;

  /** Submissions of one row at most. A failed step fails all rows of its batch, not only one. */
  private static final int TRIES = 3;

  private final Iterator<Row> rows;
  private final TextGenerator generator;
  private final boolean chat;
  private final int jobLimit;
  private final int inFlight;
  private final int attempt;
  private final BooleanSupplier killed;

  private final Map<TextGeneration, Try> live = new HashMap<>();
  private final BlockingQueue<Ended> ended = new LinkedBlockingQueue<>();

  /** Output rows that {@link #next} returns. */
  private final Queue<Row> ready = new ArrayDeque<>();

  private boolean engineLost;

  /**
   * Creates the iterator. No row is submitted before the first call.
   *
   * @param rows the rows of the partition
   * @param generator the engine
   * @param chat whether the model's chat template frames the prompts
   * @param jobLimit output limit in tokens of rows without their own, at least 1
   * @param inFlight most rows to hold, at least 1
   * @param attempt the attempt of the task, from 1
   * @param killed returns whether Spark has killed the task
   */
  GeneratedRows(
      Iterator<Row> rows,
      TextGenerator generator,
      boolean chat,
      int jobLimit,
      int inFlight,
      int attempt,
      BooleanSupplier killed) {
    this.rows = rows;
    this.generator = generator;
    this.chat = chat;
    this.jobLimit = jobLimit;
    this.inFlight = inFlight;
    this.attempt = attempt;
    this.killed = killed;
  }

  @Override
  public boolean hasNext() {
    return !ready.isEmpty() || !live.isEmpty() || rows.hasNext();
  }

  @Override
  public Row next() {
    while (true) {
      while (live.size() + ready.size() < inFlight && rows.hasNext()) {
        start(PlacedRow.of(rows.next()), 1);
      }
      Row row = ready.poll();
      if (row != null) {
        return row;
      }
      if (live.isEmpty()) {
        throw new NoSuchElementException();
      }
      finish(take());
    }
  }

  private void start(PlacedRow row, int tries) {
    String prompt = row.prompt();
    if (row.error() != null || prompt == null) {
      ready.add(row.failed(row.error() == null ? "refused: no prompt" : row.error(), attempt));
      return;
    }
    try {
      TextGeneration generation = generator.submit(request(row, prompt));
      live.put(generation, new Try(row, tries));
      CompletableFuture<TextResult> unused =
          generation
              .result()
              .whenComplete((result, failure) -> ended.add(new Ended(generation, result, failure)));
    } catch (NeverFitsException e) {
      String numbers =
          "too long: prompt and limit need %d tokens, but only %d are possible"
              .formatted(e.neededTokens(), e.limitTokens());
      ready.add(row.failed(numbers, attempt));
    } catch (RequestRefusedException e) {
      switch (e.reason()) {
        case ENGINE_CLOSED, ENGINE_UNHEALTHY -> throw lost(e);
        default -> ready.add(row.failed("refused: " + e.getMessage(), attempt));
      }
    } catch (ChatTemplateException | IllegalArgumentException e) {
      ready.add(row.failed("refused: " + e.getMessage(), attempt));
    }
  }

  private TextRequest request(PlacedRow row, String prompt) {
    long maxTokens = generator.engine().maxTokensPerRequest();
    TextRequest.Builder request =
        TextRequest.builder()
            .maxNewTokens(
                OutputLimit.of(row.maxNewTokens(), jobLimit, row.promptTokens(), maxTokens))
            .configure(tokens -> tokens.lengthHint(row.predictedTokens()));
    return chat
        ? request.messages(ModelChoice.conversation(prompt)).build()
        : request.prompt(prompt).build();
  }

  private Ended take() {
    try {
      Ended next = ended.poll(KILL_CHECK_MILLIS, TimeUnit.MILLISECONDS);
      while (next == null) {
        if (killed.getAsBoolean()) {
          throw new TaskKilledException("killed while rows were in flight");
        }
        next = ended.poll(KILL_CHECK_MILLIS, TimeUnit.MILLISECONDS);
      }
      return next;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TaskKilledException("interrupted while rows were in flight");
    }
  }

  private void finish(Ended end) {
    Try tried = live.remove(end.generation);
    TextResult result = end.result;
    if (tried == null || result == null) {
      throw lost(end.failure);
    }
    switch (result.finishReason()) {
      case STOP, LENGTH -> ready.add(answered(tried.row, result));
      case FAILED -> failed(tried, result.generation());
      case CANCELLED, TIMEOUT -> throw lost(null); // only a closing engine cancels here
    }
  }

  private Row answered(PlacedRow row, TextResult result) {
    return row.answered(
        result.text(),
        result.generation().outputTokens(),
        result.finishReason().name().toLowerCase(Locale.ROOT),
        attempt);
  }

  private void failed(Try tried, GenerationResult result) {
    Throwable failure = result.failure().orElse(null);
    if (failure instanceof GenerationFailedException failed && isEngineLost(failed.reason())) {
      throw lost(failure);
    }
    if (result.retriable() && tried.tries < TRIES) {
      start(tried.row, tried.tries + 1);
      return;
    }
    Throwable cause = failure == null || failure.getCause() == null ? failure : failure.getCause();
    ready.add(tried.row.failed("failed: " + cause, attempt));
  }

  private static boolean isEngineLost(GenerationFailedException.Reason reason) {
    return switch (reason) {
      case ENGINE_LOST, ENGINE_STUCK -> true;
      case STEP_FAILED, REQUEST_FAULT -> false;
    };
  }

  private IllegalStateException lost(@Nullable Throwable cause) {
    engineLost = true;
    return new IllegalStateException("the engine is gone", cause);
  }

  /** Returns whether the engine was lost. */
  boolean engineLost() {
    return engineLost;
  }

  /** Cancels the rows in flight. */
  @Override
  public void close() {
    live.keySet().forEach(TextGeneration::cancel);
    live.clear();
  }

  /**
   * A submitted row.
   *
   * @param row the row
   * @param tries how often it was submitted, including this time
   */
  private record Try(PlacedRow row, int tries) {}

  private record Ended(
      TextGeneration generation, @Nullable TextResult result, @Nullable Throwable failure) {}
}
