package dev.s3llm.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class PerExecutorTest {
  private final List<String> log = Collections.synchronizedList(new ArrayList<>());
  private final AtomicReference<Runnable> whenClosing = new AtomicReference<>(() -> {});
  private final PerExecutor<String, Thing> all =
      new PerExecutor<>(Thing::new, Duration.ofMinutes(1));

  @Test
  void tasksWithEqualKeys_shareOneThing_thatOutlivesThem() {
    PerExecutor<String, Thing>.Lease first = all.lease("a");
    PerExecutor<String, Thing>.Lease second = all.lease("a");
    first.close();
    second.close();
    all.lease("a").close();

    assertThat(first.thing()).isSameAs(second.thing());
    assertThat(log).containsExactly("open a");
  }

  @Test
  void idleThing_isClosedBeforeAnotherIsMade_andAUsedOneIsNot() {
    all.lease("idle").close();
    PerExecutor<String, Thing>.Lease used = all.lease("used");
    all.lease("third").close();
    used.close();

    assertThat(log).containsExactly("open idle", "close idle", "open used", "open third");
  }

  @Test
  void discardedThing_isClosedByItsLastUser_beforeItIsMadeAnew() throws Exception {
    PerExecutor<String, Thing>.Lease first = all.lease("a");
    PerExecutor<String, Thing>.Lease second = all.lease("a");
    first.discard();
    first.close();
    FutureTask<PerExecutor<String, Thing>.Lease> anew = new FutureTask<>(() -> all.lease("a"));
    awaitWaiting(start(anew));
    assertThat(log).containsExactly("open a");

    second.close();
    second.close();

    assertThat(anew.get().thing()).isNotSameAs(first.thing());
    assertThat(log).containsExactly("open a", "close a", "open a");
  }

  @Test
  void discardedThingThatStaysInUse_isWaitedForOnlySoLong() {
    PerExecutor<String, Thing> hasty = new PerExecutor<>(Thing::new, Duration.ofMillis(20));
    hasty.lease("a").discard();

    assertThatThrownBy(() -> hasty.lease("a")).hasMessage("not closed within PT0.02S: [a]");
    assertThatThrownBy(() -> hasty.lease("b")).hasMessageContaining("not closed");
    assertThat(log).containsExactly("open a");
  }

  @Test
  void discardedThingThatCannotBeClosed_letsNothingBeMadeBesideIt() {
    PerExecutor<String, Thing>.Lease there = all.lease("there");
    PerExecutor<String, Thing>.Lease bad = all.lease("bad");
    bad.discard();
    bad.close();

    assertThatThrownBy(() -> all.lease("bad"))
        .hasMessage("cannot be closed, so nothing is made in its place: bad")
        .hasCauseInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> all.lease("other")).hasMessageContaining("cannot be closed");
    assertThat(all.lease("there").thing()).isSameAs(there.thing());
    assertThat(log).containsExactly("open there", "open bad");
  }

  @Test
  void thingThatCanBeClosedLater_makesRoomForTheNext() {
    PerExecutor<String, Thing>.Lease slow = all.lease("slow");
    whenClosing.set(
        () -> {
          throw new IllegalStateException("not yet");
        });
    slow.discard();
    slow.close();
    assertThatThrownBy(() -> all.lease("slow")).hasRootCauseMessage("not yet");
    whenClosing.set(() -> {});

    assertThat(all.lease("slow").thing()).isNotSameAs(slow.thing());
    assertThat(log).containsExactly("open slow", "close slow", "open slow");
  }

  @Test
  void closingThing_keepsNobodyFromTheOthers() {
    all.lease("other");
    PerExecutor<String, Thing>.Lease used = all.lease("used");
    whenClosing.set(
        () ->
            assertThat(CompletableFuture.supplyAsync(() -> all.lease("other")))
                .succeedsWithin(Duration.ofSeconds(10)));
    used.discard();
    used.close();

    assertThat(log).containsExactly("open other", "open used", "close used");
  }

  @Test
  void interruptedTask_doesNotWait() {
    all.lease("a").discard();
    Thread.currentThread().interrupt();

    assertThatThrownBy(() -> all.lease("a")).hasMessageContaining("interrupted");
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void endingExecutor_closesDiscardedThingsToo_andEndsTheWait() throws Exception {
    PerExecutor<String, Thing>.Lease used = all.lease("a");
    used.discard();
    FutureTask<PerExecutor<String, Thing>.Lease> anew = new FutureTask<>(() -> all.lease("a"));
    awaitWaiting(start(anew));
    all.closeAll();
    used.close();

    assertThatThrownBy(anew::get).hasMessageContaining("ends");
    assertThat(log).containsExactly("open a", "close a");
  }

  @Test
  void endingExecutor_closesEverythingOnce_andMakesNothing() {
    PerExecutor<String, Thing>.Lease used = all.lease("a");
    all.closeAll();
    used.close();

    assertThat(log).containsExactly("open a", "close a");
    assertThatThrownBy(() -> all.lease("a")).hasMessageContaining("ends");
  }

  @Test
  void thingThatCannotBeClosed_keepsNoOtherOpen() {
    all.lease("bad");
    all.lease("good");
    all.lease("fine");

    assertThatThrownBy(all::closeAll).hasMessageContaining("cannot be closed");

    assertThat(log).contains("close good", "close fine");
  }

  private static Thread start(Runnable task) {
    Thread thread = new Thread(task);
    thread.start();
    return thread;
  }

  private static void awaitWaiting(Thread thread) throws InterruptedException {
    while (thread.getState() != Thread.State.TIMED_WAITING) {
      assertThat(thread.isAlive()).isTrue();
      Thread.sleep(1);
    }
  }

  private final class Thing implements AutoCloseable {
    private final String name;

    Thing(String name) {
      this.name = name;
      log.add("open " + name);
    }

    @Override
    public void close() {
      if (name.equals("bad")) {
        throw new IllegalArgumentException(name);
      }
      whenClosing.get().run();
      log.add("close " + name);
    }
  }
}
