package dev.s3llm.engine.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;

/**
 * The way into the loop, under the interleavings of callers and the loop's thread that Lincheck
 * chooses: a queue, from which nothing is lost and over which nobody sleeps.
 */
public class InboxConcurrencyTest {
  private final AtomicBoolean permit = new AtomicBoolean(); // as of LockSupport.unpark
  private final Inbox inbox = new Inbox(() -> permit.set(true));
  private final List<Integer> taken = new ArrayList<>();

  @Operation
  public void add(@Param(gen = IntGen.class) int value) {
    inbox.add(now -> taken.add(value));
  }

  /** One pass of the loop, which the permit has woken. */
  @Operation(nonParallelGroup = "loop")
  public String takeIn() {
    permit.set(false);
    taken.clear();
    int work = inbox.runAll(0);
    return work + " " + taken;
  }

  @Operation(nonParallelGroup = "loop")
  public boolean isEmpty() {
    return inbox.isEmpty();
  }

  /** A loop that parks now would park over work without a permit. */
  @Validate
  public void whatWaits_wakesTheLoop() {
    if (!inbox.isEmpty() && !permit.get()) {
      throw new AssertionError("work waits, and nobody wakes the loop");
    }
  }

  @Test
  void interleavingsThatAreChosen_makeItAQueue() {
    new ModelCheckingOptions()
        .minimizeFailedScenario(false)
        .threads(2)
        .actorsPerThread(3)
        .actorsBefore(1)
        .actorsAfter(1)
        .iterations(8)
        .invocationsPerIteration(60)
        .check(InboxConcurrencyTest.class);
  }
}
