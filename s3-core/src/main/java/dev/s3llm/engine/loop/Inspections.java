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
 * Inspections of the loop's state for other threads. Only the loop's thread may read that state, so
 * an inspection is a command in the loop's inbox. At most one is pending; further requests get its
 * result too, so that a loop that hangs collects no commands. Thread-safe.
 */
final class Inspections {
  private final EngineState state;
  private final Inbox inbox;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable CompletableFuture<EngineInspection> pending;
  private @Nullable Throwable failure;

  Inspections(EngineState state, Inbox inbox) {
    this.state = state;
    this.inbox = inbox;
  }

  /** Requests an inspection, or joins the pending one; fails after {@link #failAll}. */
  CompletableFuture<EngineInspection> request() {
    CompletableFuture<EngineInspection> requested;
    lock.lock();
    try {
      if (failure != null) {
        return CompletableFuture.failedFuture(failure);
      }
      if (pending != null) {
        return pending.copy();
      }
      requested = new CompletableFuture<>();
      pending = requested;
    } finally {
      lock.unlock();
    }
    CompletableFuture<EngineInspection> result = requested.copy();
    inbox.add(now -> run(requested, now));
    return result;
  }

  /** Fails the pending inspection and all later ones. */
  void failAll(Throwable cause) {
    CompletableFuture<EngineInspection> open;
    lock.lock();
    try {
      if (failure != null) {
        return;
      }
      failure = cause;
      open = pending;
      pending = null;
    } finally {
      lock.unlock();
    }
    if (open != null) {
      complete(() -> open.completeExceptionally(cause));
    }
  }

  private void run(CompletableFuture<EngineInspection> requested, long now) {
    lock.lock();
    try {
      if (pending == requested) {
        pending = null;
      }
    } finally {
      lock.unlock();
    }
    Throwable thrown =
        Guard.run(
            () -> {
              EngineInspection inspection = inspect(now);
              complete(() -> requested.complete(inspection));
            });
    if (thrown != null) { // the engine must not fail because an inspection does
      complete(() -> requested.completeExceptionally(thrown));
    }
  }

  /** Completes a future on the callback executor, because its dependents are user code. */
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
        request(sequence),
        sequence.history().admittedNanos() - sequence.spec().times().arrivalNanos(),
        sequence.reservedBlocks(),
        blocks(sequence.device()));
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
    Candidates<Sequence> candidates = state.waiting.candidates();
    Sequence next;
    while (waiting.size() < EngineInspection.MOST_LISTED && (next = candidates.next()) != null) {
      waiting.add(waiting(next, now));
      candidates.admitted();
    }
    return waiting;
  }

  private static EngineInspection.Waiting waiting(Sequence sequence, long now) {
    return new EngineInspection.Waiting(
        request(sequence),
        now - sequence.history().waitingSinceNanos(),
        sequence.history().waitsFor());
  }

  private static EngineInspection.Request request(Sequence sequence) {
    return new EngineInspection.Request(
        sequence.requestId(),
        sequence.tenant(),
        sequence.promptTokens(),
        sequence.committedTokens(),
        sequence.maxNewTokens(),
        sequence.prediction(),
        sequence.preemptions());
  }

  /** A list that boxes its numbers when it is read, so that the loop's thread does not. */
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
