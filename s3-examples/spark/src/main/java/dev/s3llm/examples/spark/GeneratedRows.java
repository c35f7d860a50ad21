package dev.s3llm.examples.spark;

import dev.s3llm.EngineClosedException;
import dev.s3llm.EngineLostException;
import dev.s3llm.EngineStuckException;
import dev.s3llm.EngineUnhealthyException;
import dev.s3llm.GenerationResult;
import dev.s3llm.NeverFitsException;
import dev.s3llm.RequestRefusedException;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.TextResult;
import dev.s3llm.text.template.ChatTemplateException;
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
 * Answers rows with an engine and hands them out in the order in which they end. Holds no more rows
 * than it may have in flight, however many there are.
 *
 * <p>A row that cannot be answered comes out with its reason; one that failed by no fault of its
 * own is tried again before. Only when the engine itself is gone or stuck the iterator throws, so
 * that Spark runs the task again elsewhere. Not thread-safe: for the task's thread.
 */
final class GeneratedRows implements Iterator<Row>, AutoCloseable {
  private static final long KILL_CHECK_MILLIS = 100;

  /** A step that fails takes its whole batch along, so its rows get more than one try. */
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

  /** Output rows to hand out. */
  private final Queue<Row> ready = new ArrayDeque<>();

  private boolean engineLost;

  /**
   * Creates the iterator; nothing runs before the first call.
   *
   * @param chat whether prompts are framed by the model's chat template
   * @param jobLimit output limit of rows without their own
   * @param inFlight rows to hold at most, at least 1
   * @param attempt which attempt of the task this is, from 1
   * @param killed whether the task is to end
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
    } catch (EngineClosedException | EngineUnhealthyException e) {
      throw lost(e);
    } catch (RequestRefusedException | ChatTemplateException | IllegalArgumentException e) {
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
      case CANCELLED, TIMEOUT -> throw lost(null); // nobody but a closing engine cancels
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
    if (failure instanceof EngineLostException || failure instanceof EngineStuckException) {
      throw lost(failure);
    }
    if (result.retriable() && tried.tries < TRIES) {
      start(tried.row, tried.tries + 1);
      return;
    }
    Throwable cause = failure == null || failure.getCause() == null ? failure : failure.getCause();
    ready.add(tried.row.failed("failed: " + cause, attempt));
  }

  private IllegalStateException lost(@Nullable Throwable cause) {
    engineLost = true;
    return new IllegalStateException("the engine is gone", cause);
  }

  /** Whether the engine could not go on. */
  boolean engineLost() {
    return engineLost;
  }

  /** Cancels what is in flight. */
  @Override
  public void close() {
    live.keySet().forEach(TextGeneration::cancel);
    live.clear();
  }

  /**
   * A row with the engine.
   *
   * @param tries how often it was submitted, this time included
   */
  private record Try(PlacedRow row, int tries) {}

  private record Ended(
      TextGeneration generation, @Nullable TextResult result, @Nullable Throwable failure) {}
}
