package dev.s3llm.stream;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;

/**
 * Tests back-pressure under interleavings of the loop, which appends and ends, and a subscriber
 * that requests and cancels on other threads. A delivery runs on the thread that causes it.
 */
public class TokenBufferConcurrencyTest {
  private final AtomicInteger cancels = new AtomicInteger();
  private final TokenBuffer buffer =
      new TokenBuffer(Runnable::run, () -> cancels.incrementAndGet(), e -> {});
  private final Reader reader = new Reader();
  private final AtomicInteger demand = new AtomicInteger();
  private int appended;
  private boolean ended;
  private volatile boolean cancelled;

  public TokenBufferConcurrencyTest() {
    buffer.subscribe(reader);
  }

  @Operation(nonParallelGroup = "loop")
  public void append() {
    for (int i = 0; i < 2 && !ended; i++) {
      buffer.append(appended++);
    }
  }

  @Operation(nonParallelGroup = "loop")
  public int end() {
    if (ended) {
      return -1;
    }
    ended = true;
    buffer.end(null);
    int missing = buffer.tokens().length - appended;
    buffer.deliver();
    return missing;
  }

  @Operation
  public void request() {
    demand.incrementAndGet();
    reader.subscription.request(1);
  }

  /** Cancels, but only sometimes: most scenarios must deliver all tokens. */
  @Operation
  public void cancel(@Param(gen = IntGen.class, conf = "0:11") int dice) {
    if (dice == 0) {
      cancelled = true;
      reader.subscription.cancel();
    }
  }

  /**
   * Checks, after all threads, that the requested tokens have come once, in order, then the end.
   */
  @Validate
  public void everything_isDelivered() {
    int due = Math.min(appended, demand.get());
    int got = reader.tokens.size();
    require(cancelled ? got <= due : got == due, got + " tokens of " + due);
    for (int i = 0; i < got; i++) {
      require(reader.tokens.get(i) == i, "order: " + reader.tokens);
    }
    int ends = ended && due == appended ? 1 : 0;
    require(
        cancelled ? reader.ends <= ends : reader.ends == ends, reader.ends + " ends of " + ends);
    require(!reader.overlapped, "two deliveries at once");
    require((cancels.get() > 0) == cancelled, "cancellations");
  }

  @Test
  void interleavingsThatAreChosen_deliverOnceInOrder() {
    new ModelCheckingOptions()
        .minimizeFailedScenario(false)
        .threads(2)
        .actorsPerThread(2)
        .actorsBefore(1)
        .actorsAfter(0)
        .iterations(4)
        .invocationsPerIteration(60)
        .check(TokenBufferConcurrencyTest.class);
  }

  @Test
  void interleavingsThatHappen_deliverOnceInOrder() {
    new StressOptions()
        .minimizeFailedScenario(false)
        .threads(2)
        .actorsPerThread(3)
        .actorsBefore(2)
        .actorsAfter(0)
        .iterations(6)
        .invocationsPerIteration(400)
        .check(TokenBufferConcurrencyTest.class);
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }

  /** Records deliveries in plain fields: deliveries must not overlap, and must see each other. */
  private static final class Reader implements Flow.Subscriber<Integer> {
    private final List<Integer> tokens = new ArrayList<>();
    private final AtomicInteger inside = new AtomicInteger();
    private volatile boolean overlapped;
    private Flow.Subscription subscription;
    private int ends;

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
    }

    @Override
    public void onNext(Integer token) {
      enter();
      tokens.add(token);
      inside.decrementAndGet();
    }

    @Override
    public void onError(Throwable error) {
      throw new AssertionError(error);
    }

    @Override
    public void onComplete() {
      enter();
      ends++;
      inside.decrementAndGet();
    }

    private void enter() {
      if (inside.incrementAndGet() > 1) {
        overlapped = true;
      }
    }
  }
}
