package dev.s3llm.examples.server.live;

import dev.s3llm.observe.EngineInspection;
import dev.s3llm.observe.EngineSnapshot;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the page shows: requests by id, tenant and lengths, and no word of what they say. Its size
 * is bounded, whatever the engine's is. Its fields are the page's protocol.
 *
 * @param millis when, in milliseconds since 1970
 * @param reason what is wrong if it is not healthy
 * @param inspectedMillis when the loop told who holds what; 0 before the first time
 * @param preemptions since the start
 * @param map null before the loop has told
 * @param happenings what happened lately, oldest first
 */
public record Picture(
    long millis,
    boolean healthy,
    String reason,
    long inspectedMillis,
    int runningCount,
    int waitingCount,
    int predictingCount,
    int capacityBlocks,
    int heldBlocks,
    int reservedBlocks,
    int blockTokens,
    long ended,
    long failed,
    long preemptions,
    List<RunningRow> running,
    List<WaitingRow> waiting,
    @Nullable BlockMap map,
    List<LiveSeries.Sample> series,
    FirstTokens firstTokens,
    Predictions predictions,
    List<LiveEvents.Happening> happenings) {
  static final int MOST_RUNNING = 256;
  static final int MOST_WAITING = 12;

  /**
   * Who holds memory.
   *
   * @param waited in milliseconds
   */
  public record RunningRow(
      String id,
      String tenant,
      long waited,
      int prompt,
      int output,
      int limit,
      int p50,
      int p90,
      int held,
      int reserved,
      int preemptions) {}

  /**
   * Who waits for memory.
   *
   * @param waiting in milliseconds
   */
  public record WaitingRow(
      String id,
      String tenant,
      long waiting,
      int prompt,
      int output,
      int p50,
      int p90,
      int preemptions,
      String reason) {}

  /**
   * Seconds to the first token over the latest answers; null before the first.
   *
   * @param count how many answers
   */
  public record FirstTokens(@Nullable Double p50, @Nullable Double p99, int count) {}

  /**
   * The latest answers that ended by themselves.
   *
   * @param within how many were no longer than their predicted 90th percentile
   * @param drifting whether the engine says that predictions miss
   * @param points predicted median, predicted 90th percentile, and length of each
   */
  public record Predictions(int within, int count, boolean drifting, List<List<Integer>> points) {}

  /** Puts one together. */
  static Picture of(
      EngineSnapshot now,
      @Nullable Inspected inspected,
      LiveEvents.Memory memory,
      List<LiveSeries.Sample> series,
      long millis) {
    EngineInspection seen = inspected == null ? null : inspected.seen();
    return new Picture(
        millis,
        now.healthy(),
        now.health().reason(),
        inspected == null ? 0 : inspected.millis(),
        now.running(),
        now.waiting(),
        now.predicting(),
        now.capacityBlocks(),
        now.allocatedBlocks(),
        now.reservedBlocks(),
        seen == null ? 0 : seen.blockTokens(),
        now.ended(),
        now.failed(),
        now.preemptions(),
        seen == null
            ? List.of()
            : seen.running().stream().limit(MOST_RUNNING).map(Picture::row).toList(),
        seen == null
            ? List.of()
            : seen.waiting().stream().limit(MOST_WAITING).map(Picture::row).toList(),
        seen == null ? null : BlockMap.of(seen, MOST_RUNNING),
        series,
        firstTokens(memory.answers()),
        predictions(memory),
        memory.happenings());
  }

  /**
   * What the loop told.
   *
   * @param millis when, in milliseconds since 1970
   */
  record Inspected(EngineInspection seen, long millis) {}

  private static RunningRow row(EngineInspection.Running running) {
    return new RunningRow(
        running.requestId(),
        running.tenant(),
        running.waitedNanos() / 1_000_000,
        running.promptTokens(),
        running.outputTokens(),
        running.maxNewTokens(),
        running.prediction().quantile(0.5),
        running.prediction().quantile(0.9),
        running.blocks().size(),
        running.reservedBlocks(),
        running.preemptions());
  }

  private static WaitingRow row(EngineInspection.Waiting waiting) {
    return new WaitingRow(
        waiting.requestId(),
        waiting.tenant(),
        waiting.waitingNanos() / 1_000_000,
        waiting.promptTokens(),
        waiting.outputTokens(),
        waiting.prediction().quantile(0.5),
        waiting.prediction().quantile(0.9),
        waiting.preemptions(),
        waiting.reason());
  }

  private static FirstTokens firstTokens(List<LiveEvents.Answer> answers) {
    long[] nanos =
        answers.stream().mapToLong(LiveEvents.Answer::firstTokenNanos).sorted().toArray();
    return new FirstTokens(seconds(nanos, 0.5), seconds(nanos, 0.99), nanos.length);
  }

  private static @Nullable Double seconds(long[] ascending, double share) {
    int index = (int) Math.ceil(share * ascending.length) - 1;
    return ascending.length == 0 ? null : Math.round(ascending[Math.max(0, index)] / 1e6) / 1e3;
  }

  private static Predictions predictions(LiveEvents.Memory memory) {
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
