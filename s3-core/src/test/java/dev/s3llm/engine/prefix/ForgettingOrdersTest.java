package dev.s3llm.engine.prefix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ForgettingOrdersTest {
  private static final long SECOND = 1_000_000_000L;

  private static final Comparator<KeptLeaf> LEAST_RECENT =
      Comparator.comparingLong((KeptLeaf leaf) -> leaf.use().endNanos())
          .thenComparing(Comparator.comparingInt(KeptLeaf::depthTokens).reversed())
          .thenComparingLong(KeptLeaf::key);

  static List<Supplier<ForgettingOrder>> orders() {
    return List.of(
        LeastRecentlyUsed::new,
        ExpectedValue::new,
        () -> new Clairvoyant(new Clairvoyant.Future()));
  }

  /** Without knowledge of any return, every order forgets by least recent use. */
  @Property(tries = 50)
  void leaves_leaveByLeastRecentUse(@ForAll @LongRange(min = 0, max = 1 << 20) long seed) {
    for (Supplier<ForgettingOrder> each : orders()) {
      SplittableRandom random = new SplittableRandom(seed);
      ForgettingOrder order = each.get();
      List<KeptLeaf> reference = new ArrayList<>();
      long now = 0;
      for (int i = 0; i < 300; i++) {
        now += random.nextInt(20) * SECOND;
        if (reference.isEmpty() || random.nextInt(3) > 0) {
          long end = now - random.nextInt(100) * SECOND;
          KeptLeaf leaf = new TestLeaf(i, 16 * (1 + random.nextInt(50)), PrefixUse.at(end));
          order.add(leaf, now);
          reference.add(leaf);
        } else {
          boolean first = random.nextBoolean();
          KeptLeaf leaf = first ? order.next(now) : reference.get(random.nextInt(reference.size()));
          if (first) {
            assertThat(leaf).isSameAs(reference.stream().min(LEAST_RECENT).orElseThrow());
          }
          order.remove(leaf);
          reference.remove(leaf);
        }
        assertThat(order.size()).isEqualTo(reference.size());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("orders")
  void emptyOrder_hasNoNextLeaf(Supplier<ForgettingOrder> order) {
    assertThat(order.get().next(5)).isNull();
    assertThat(order.get().size()).isZero();
  }

  @ParameterizedTest
  @MethodSource("orders")
  void leafThatIsNotInTheOrder_isRefused(Supplier<ForgettingOrder> each) {
    ForgettingOrder order = each.get();
    KeptLeaf leaf = new TestLeaf(7, 16, PrefixUse.at(0));
    order.add(leaf, 0);
    order.remove(leaf);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> order.remove(leaf))
        .withMessageContaining("leaf 7 is not in the order");
  }

  @Test
  void clairvoyant_forgetsWhatIsUsedLast() {
    Clairvoyant.Future future = new Clairvoyant.Future();
    for (int i = 9999; i >= 0; i--) {
      future.addFirst(i % 5000, i); // 0 to 4999, and again
    }
    Clairvoyant order = new Clairvoyant(future);
    order.began(new Blocks(3, 4), 1);
    KeptLeaf usedAgain = new TestLeaf(3, 16, PrefixUse.at(1));
    KeptLeaf usedLater = new TestLeaf(4, 16, PrefixUse.at(1));
    order.add(usedAgain, 1);
    order.add(usedLater, 1);
    order.add(new TestLeaf(2, 16, PrefixUse.at(1)), 1); // its first use is still to come

    assertThat(order.next(1)).isSameAs(usedLater);
    order.remove(usedLater);
    assertThat(order.next(1)).isSameAs(usedAgain);
  }

  @Test
  void history_knowsWhatWasUsedBefore() {
    ReturnHistory history = new ReturnHistory(new ReturnCounts(), 1024);
    Blocks first = new Blocks(1, 2, 3);
    Blocks second = new Blocks(1, 2, 3, 4, 5);
    history.ended(history.began(first, 0), first, 0);
    PrefixUse.Facts facts = history.began(second, SECOND);

    assertThat(facts.seenTokens()[0]).isEqualTo(3 * 512);
    assertThat(facts.seenTokens()[1]).isZero();
    assertThat(Traits.level(Traits.at(facts, 3 * 512), Traits.SEEN)).isEqualTo(1);
    assertThat(Traits.level(Traits.at(facts, 4 * 512), Traits.SEEN)).isZero();
    assertThat(Traits.level(facts.traits(), Traits.GAP)).isEqualTo(1);

    history.ended(facts, second, SECOND);
    assertThat(history.began(second, 2 * SECOND).seenTokens()).containsExactly(2560, 1536, 0, 0, 0);
  }

  @Test
  void history_observesReturnsAndTheTimeBefore() {
    ReturnCounts counts = new ReturnCounts();
    ReturnHistory history = new ReturnHistory(counts, 1024);
    Blocks chain = new Blocks(1);
    history.ended(history.began(chain, 0), chain, 0);
    long age = 7 * SECOND;
    history.began(chain, age);
    history.began(chain, 2 * age); // the first return counts

    int row = counts.row(0);
    assertThat(counts.returns(row)[Ages.bin(age)]).isEqualTo(1);
    double seconds = 0;
    for (double each : counts.seconds(row)) {
      seconds += each;
    }
    assertThat(seconds).isEqualTo(7.0);
  }

  @Test
  void history_forgetsWhatEndedFirst() {
    ReturnHistory history = new ReturnHistory(new ReturnCounts(), 2048);
    for (int i = 0; i < 10_000; i++) {
      Blocks chain = new Blocks(i);
      history.ended(history.began(chain, i * SECOND), chain, i * SECOND);
    }

    for (int i = 0; i < 10_000; i++) {
      int seen = history.began(new Blocks(i), 10_000 * SECOND).seenTokens()[0];
      assertThat(seen).as("block %s", i).isEqualTo(i < 10_000 - 2048 ? 0 : 512);
    }
  }

  /** A chain of blocks of 512 tokens. */
  private record Blocks(long... keys) implements PrefixChain {
    @Override
    public int blocks() {
      return keys.length;
    }

    @Override
    public long key(int index) {
      return keys[index];
    }

    @Override
    public int blockTokens() {
      return 512;
    }

    @Override
    public int promptTokens() {
      return 512 * keys.length;
    }

    @Override
    public int tenant() {
      return 0;
    }
  }
}
