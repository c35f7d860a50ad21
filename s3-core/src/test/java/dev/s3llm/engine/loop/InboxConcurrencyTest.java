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
 * Tests the inbox under interleavings of callers and the loop's thread that Lincheck chooses: no
 * command is lost, and the loop does not sleep while a command waits.
 */
public class InboxConcurrencyTest {
  private final AtomicBoolean permit = new AtomicBoolean(); // the permit of LockSupport.unpark
  private final Inbox inbox = new Inbox(() -> permit.set(true));
  private final List<Integer> taken = new ArrayList<>();

  @Operation
  public void add(@Param(gen = IntGen.class) int value) {
    inbox.add(now -> taken.add(value));
  }

  /** Makes one pass of the loop, if the permit has woken it. */
  @Operation(nonParallelGroup = "loop")
  public String takeIn() {
    permit.set(false);
    taken.clear();
    int work = inbox.queued();
    inbox.run(work, 0);
    return work + " " + taken;
  }

  @Operation(nonParallelGroup = "loop")
  public boolean isEmpty() {
    return inbox.isEmpty();
  }

  /** Checks that the loop, if it parks now, has a permit or no command waits. */
  @Validate
  public void whatWaits_wakesTheLoop() {
    if (!inbox.isEmpty() && !permit.get()) {
      throw new AssertionError("a command waits, and nothing wakes the loop");
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
        .iterations(5)
        .invocationsPerIteration(60)
        .check(InboxConcurrencyTest.class);
  }
}
