package dev.s3llm.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PerExecutorTest {
  private final List<String> log = new ArrayList<>();
  private final PerExecutor<String, Thing> all = new PerExecutor<>(Thing::new);

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
  void discardedThing_isClosedByItsLastUser_andMadeAnew() {
    PerExecutor<String, Thing>.Lease first = all.lease("a");
    PerExecutor<String, Thing>.Lease second = all.lease("a");
    first.discard();
    first.close();
    assertThat(log).containsExactly("open a");

    PerExecutor<String, Thing>.Lease anew = all.lease("a");
    second.close();
    second.close();

    assertThat(anew.thing()).isNotSameAs(first.thing());
    assertThat(log).containsExactly("open a", "open a", "close a");
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
      log.add("close " + name);
    }
  }
}
