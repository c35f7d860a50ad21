package dev.s3llm.engine.loop;

import dev.s3llm.engine.plan.Candidates;
import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.observe.EngineInspection;
import dev.s3llm.support.Guard;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.RandomAccess;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Lets other threads look at what only the loop's thread may read: it takes the picture between two
 * commands of its inbox. One question is under way at a time, and whoever asks meanwhile gets the
 * same answer; so a loop that hangs collects none. Thread-safe.
 */
final class Inspections {
  private final EngineState state;
  private final Inbox inbox;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable CompletableFuture<EngineInspection> asked;
  private @Nullable Throwable ended;

  Inspections(EngineState state, Inbox inbox) {
    this.state = state;
    this.inbox = inbox;
  }

  /** Asks for a picture; fails if nobody is left to take it. */
  CompletableFuture<EngineInspection> ask() {
    CompletableFuture<EngineInspection> question;
    lock.lock();
    try {
      if (ended != null) {
        return CompletableFuture.failedFuture(ended);
      }
      if (asked != null) {
        return asked.copy();
      }
      question = new CompletableFuture<>();
      asked = question;
    } finally {
      lock.unlock();
    }
    CompletableFuture<EngineInspection> answer = question.copy();
    inbox.add(now -> answer(question, now));
    return answer;
  }

  /** Fails the question under way and all later ones. */
  void end(Throwable cause) {
    CompletableFuture<EngineInspection> open;
    lock.lock();
    try {
      if (ended != null) {
        return;
      }
      ended = cause;
      open = asked;
      asked = null;
    } finally {
      lock.unlock();
    }
    if (open != null) {
      complete(() -> open.completeExceptionally(cause));
    }
  }

  private void answer(CompletableFuture<EngineInspection> question, long now) {
    lock.lock();
    try {
      if (asked == question) {
        asked = null;
      }
    } finally {
      lock.unlock();
    }
    Throwable thrown =
        Guard.run(
            () -> {
              EngineInspection inspection = inspect(now);
              complete(() -> question.complete(inspection));
            });
    if (thrown != null) { // an inspection must not end the engine
      complete(() -> question.completeExceptionally(thrown));
    }
  }

  /** Dependents of the future are user code, which must not run on the loop's thread. */
  private void complete(Runnable completion) {
    state.callbacks.submitOrRun(completion);
  }

  private EngineInspection inspect(long now) {
    List<EngineInspection.Running> running = new ArrayList<>();
    for (Sequence sequence : state.running) {
      if (running.size() == EngineInspection.MOST_LISTED) {
        break;
      }
      running.add(running(sequence));
    }
    return new EngineInspection(
        now,
        state.profile.blockTokens(),
        state.device.capacity(),
        state.device.allocated(),
        running,
        waiting(now));
  }

  private static EngineInspection.Running running(Sequence sequence) {
    return new EngineInspection.Running(
        sequence.requestId(),
        sequence.tenant(),
        sequence.history().admittedNanos() - sequence.spec().times().arrivalNanos(),
        sequence.promptTokens(),
        sequence.generatedForSure(),
        sequence.maxNewTokens(),
        sequence.prediction(),
        sequence.reservedBlocks(),
        blocks(sequence.device()),
        sequence.preemptions());
  }

  private static List<Integer> blocks(KvBlockPool.Lease lease) {
    int[] blocks = new int[lease.allocated()];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = lease.block(i);
    }
    return new BlockNumbers(blocks);
  }

  private List<EngineInspection.Waiting> waiting(long now) {
    List<EngineInspection.Waiting> waiting = new ArrayList<>();
    Candidates<Sequence> candidates = state.waiting.everybody();
    Sequence next;
    while (waiting.size() < EngineInspection.MOST_LISTED && (next = candidates.next()) != null) {
      waiting.add(waiting(next, now));
      candidates.admitted();
    }
    return waiting;
  }

  private static EngineInspection.Waiting waiting(Sequence sequence, long now) {
    return new EngineInspection.Waiting(
        sequence.requestId(),
        sequence.tenant(),
        now - sequence.history().waitingSinceNanos(),
        sequence.promptTokens(),
        sequence.generatedForSure(),
        sequence.maxNewTokens(),
        sequence.prediction(),
        sequence.preemptions(),
        sequence.history().waitsFor());
  }

  /** Numbers that become objects when somebody reads them, which is not on the loop's thread. */
  private static final class BlockNumbers extends AbstractList<Integer> implements RandomAccess {
    private final int[] blocks;

    BlockNumbers(int[] blocks) {
      this.blocks = blocks;
    }

    @Override
    public Integer get(int index) {
      return blocks[index];
    }

    @Override
    public int size() {
      return blocks.length;
    }
  }
}
