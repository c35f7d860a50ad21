package dev.s3llm.examples.server.live;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.s3llm.observe.EngineInspection;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.predict.LengthPrediction;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The data that the page shows: requests by id, tenant and lengths, without any of their text. Its
 * size is bounded. As JSON, which is the page's protocol, the fields of {@link JsonUnwrapped} parts
 * stand beside the others.
 *
 * @param millis time in milliseconds since 1970
 * @param engine state of the engine
 * @param counts counts of requests
 * @param memory KV memory
 * @param requests the requests in the engine
 * @param history the latest minutes and answers
 */
public record Picture(
    long millis,
    @JsonUnwrapped EngineState engine,
    @JsonUnwrapped Counts counts,
    @JsonUnwrapped KvMemory memory,
    @JsonUnwrapped Requests requests,
    @JsonUnwrapped History history) {
  static final int MOST_RUNNING = 256;
  static final int MOST_WAITING = 12;

  /**
   * The state of the engine.
   *
   * @param healthy whether it takes requests
   * @param reason the reason if it is not healthy
   * @param inspectedMillis time of the last inspection of the loop, in milliseconds since 1970; 0
   *     before the first one
   */
  public record EngineState(boolean healthy, String reason, long inspectedMillis) {
    static EngineState of(EngineSnapshot now, @Nullable Inspected inspected) {
      return new EngineState(
          now.healthy(), now.health().reason(), inspected == null ? 0 : inspected.millis());
    }
  }

  /**
   * Counts of requests.
   *
   * @param runningCount requests that run now
   * @param waitingCount requests that wait now
   * @param predictingCount requests without a prediction yet
   * @param ended requests that have ended since the start
   * @param failed requests that have failed since the start
   * @param preemptions preemptions since the start
   */
  public record Counts(
      int runningCount,
      int waitingCount,
      int predictingCount,
      long ended,
      long failed,
      long preemptions) {
    static Counts of(EngineSnapshot now) {
      return new Counts(
          now.requests().running(),
          now.requests().waiting(),
          now.requests().predicting(),
          now.requests().ended().total(),
          now.requests().ended().failed(),
          now.work().preemptions());
    }
  }

  /**
   * KV memory, in blocks.
   *
   * @param capacityBlocks all blocks
   * @param heldBlocks blocks that hold tokens
   * @param reservedBlocks reserved blocks
   * @param blockTokens tokens in a block; 0 before the first inspection
   * @param map owners of the blocks; null before the first inspection
   */
  public record KvMemory(
      int capacityBlocks,
      int heldBlocks,
      int reservedBlocks,
      int blockTokens,
      @Nullable BlockMap map) {
    static KvMemory of(EngineSnapshot now, @Nullable EngineInspection seen) {
      return new KvMemory(
          now.memory().capacityBlocks(),
          now.memory().allocatedBlocks(),
          now.memory().reservedBlocks(),
          seen == null ? 0 : seen.blockTokens(),
          seen == null ? null : BlockMap.of(seen, MOST_RUNNING));
    }
  }

  /** The requests in the engine, up to a limit; empty before the first inspection. */
  public record Requests(List<RunningRow> running, List<WaitingRow> waiting) {
    static Requests of(@Nullable EngineInspection seen) {
      return seen == null
          ? new Requests(List.of(), List.of())
          : new Requests(
              seen.running().stream().limit(MOST_RUNNING).map(RunningRow::of).toList(),
              seen.waiting().stream().limit(MOST_WAITING).map(WaitingRow::of).toList());
    }
  }

  /**
   * The latest minutes and answers.
   *
   * @param series samples of the last minutes
   * @param firstTokens times to the first token of the latest answers
   * @param predictions predictions of the latest answers
   * @param happenings notable events, oldest first
   */
  public record History(
      List<LiveSeries.Sample> series,
      FirstTokens firstTokens,
      Predictions predictions,
      List<LiveEvents.Happening> happenings) {
    static History of(LiveEvents.Memory memory, List<LiveSeries.Sample> series) {
      return new History(
          series, FirstTokens.of(memory.answers()), Predictions.of(memory), memory.happenings());
    }
  }

  /** Lengths of a request so far, in tokens. */
  public record Tokens(int prompt, int output) {}

  /** Median and 90th percentile of the predicted answer length, in tokens. */
  public record Predicted(int p50, int p90) {
    static Predicted of(LengthPrediction prediction) {
      return new Predicted(prediction.quantile(0.5), prediction.quantile(0.9));
    }
  }

  /** KV blocks of a request. */
  public record Blocks(int held, int reserved) {}

  /**
   * A request that holds memory.
   *
   * @param waited milliseconds from its submission to its start
   * @param limit most output tokens
   */
  public record RunningRow(
      String id,
      String tenant,
      long waited,
      @JsonUnwrapped Tokens tokens,
      int limit,
      @JsonUnwrapped Predicted predicted,
      @JsonUnwrapped Blocks blocks,
      int preemptions) {
    static RunningRow of(EngineInspection.Running running) {
      return new RunningRow(
          running.request().requestId(),
          running.request().tenant(),
          running.waitedNanos() / 1_000_000,
          new Tokens(running.request().promptTokens(), running.request().outputTokens()),
          running.request().maxNewTokens(),
          Predicted.of(running.request().prediction()),
          new Blocks(running.blocks().size(), running.reservedBlocks()),
          running.request().preemptions());
    }
  }

  /**
   * A request that waits for memory.
   *
   * @param waiting milliseconds since its submission
   */
  public record WaitingRow(
      String id,
      String tenant,
      long waiting,
      @JsonUnwrapped Tokens tokens,
      @JsonUnwrapped Predicted predicted,
      int preemptions,
      String reason) {
    static WaitingRow of(EngineInspection.Waiting waiting) {
      return new WaitingRow(
          waiting.request().requestId(),
          waiting.request().tenant(),
          waiting.waitingNanos() / 1_000_000,
          new Tokens(waiting.request().promptTokens(), waiting.request().outputTokens()),
          Predicted.of(waiting.request().prediction()),
          waiting.request().preemptions(),
          waiting.reason());
    }
  }

  /**
   * Seconds to the first token over the latest answers; null before the first answer.
   *
   * @param count number of answers
   */
  public record FirstTokens(@Nullable Double p50, @Nullable Double p99, int count) {
    static FirstTokens of(List<LiveEvents.Answer> answers) {
      long[] nanos =
          answers.stream().mapToLong(LiveEvents.Answer::firstTokenNanos).sorted().toArray();
      return new FirstTokens(seconds(nanos, 0.5), seconds(nanos, 0.99), nanos.length);
    }

    private static @Nullable Double seconds(long[] ascending, double share) {
      int index = (int) Math.ceil(share * ascending.length) - 1;
      return ascending.length == 0 ? null : Math.round(ascending[Math.max(0, index)] / 1e6) / 1e3;
    }
  }

  /**
   * Predictions of the latest answers that the model ended.
   *
   * @param within number of answers no longer than their predicted 90th percentile
   * @param count number of answers
   * @param drifting whether the engine reports that predictions are often wrong
   * @param points predicted median, predicted 90th percentile, and length of each answer
   */
  public record Predictions(int within, int count, boolean drifting, List<List<Integer>> points) {
    static Predictions of(LiveEvents.Memory memory) {
      List<LiveEvents.Answer> whole =
          memory.answers().stream().filter(LiveEvents.Answer::whole).toList();
      long within = whole.stream().filter(a -> a.actual() <= a.predictedP90()).count();
      return new Predictions(
          Math.toIntExact(within),
          whole.size(),
          memory.drifting(),
          whole.stream()
              .map(a -> Arrays.asList(a.predictedP50(), a.predictedP90(), a.actual()))
              .toList());
    }
  }

  /**
   * An inspection of the loop.
   *
   * @param seen the loop's state
   * @param millis time of the inspection, in milliseconds since 1970
   */
  record Inspected(EngineInspection seen, long millis) {}

  /** Creates a picture. */
  static Picture of(
      EngineSnapshot now,
      @Nullable Inspected inspected,
      LiveEvents.Memory memory,
      List<LiveSeries.Sample> series,
      long millis) {
    EngineInspection seen = inspected == null ? null : inspected.seen();
    return new Picture(
        millis,
        EngineState.of(now, inspected),
        Counts.of(now),
        KvMemory.of(now, seen),
        Requests.of(seen),
        History.of(memory, series));
  }
}
