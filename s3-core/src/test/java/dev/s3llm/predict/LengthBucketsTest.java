package dev.s3llm.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

final class LengthBucketsTest {
  @Test
  void edges_areAsGiven() {
    LengthBuckets buckets = LengthBuckets.of(1, 4, 10);

    assertThat(buckets.count()).isEqualTo(3);
    assertThat(buckets.lowerEdge(0)).isZero();
    assertThat(buckets.lowerEdge(2)).isEqualTo(4);
    assertThat(buckets.upperEdge(2)).isEqualTo(10);
    assertThat(buckets.maxTokens()).isEqualTo(10);
  }

  @Test
  void equalWidth_isThePapersPartition() {
    assertThat(LengthBuckets.equalWidth(2048, 10))
        .isEqualTo(LengthBuckets.of(204, 409, 614, 819, 1024, 1228, 1433, 1638, 1843, 2048));
    assertThat(LengthBuckets.equalWidth(Integer.MAX_VALUE, 2).maxTokens())
        .isEqualTo(Integer.MAX_VALUE);
  }

  @Property(tries = 300)
  void bucketOf_isTheBucketThatHoldsTheLength(
      @ForAll @IntRange(min = 1, max = 40) int count,
      @ForAll @IntRange(min = 0, max = 3000) int more,
      @ForAll boolean logSpaced) {
    int max = count + more;
    LengthBuckets buckets =
        logSpaced ? LengthBuckets.logSpaced(max, count) : LengthBuckets.equalWidth(max, count);

    assertThat(buckets.count()).isEqualTo(count);
    assertThat(buckets.maxTokens()).isEqualTo(max);
    for (int tokens = 1; tokens <= max; tokens++) {
      int i = buckets.bucketOf(tokens);
      assertThat(tokens > buckets.lowerEdge(i) && tokens <= buckets.upperEdge(i)).isTrue();
    }
    assertThat(buckets.bucketOf(-5)).isZero();
    assertThat(buckets.bucketOf(Integer.MAX_VALUE)).isEqualTo(count - 1);
  }

  @Property(tries = 300)
  void logSpacedWidths_neverShrinkByMoreThanRounding(
      @ForAll @IntRange(min = 1, max = 64) int count,
      @ForAll @IntRange(min = 1000, max = 1 << 20) int max) {
    LengthBuckets buckets = LengthBuckets.logSpaced(max, count);
    for (int i = 1; i < count; i++) {
      int before = buckets.upperEdge(i - 1) - buckets.lowerEdge(i - 1);
      assertThat(buckets.upperEdge(i) - buckets.lowerEdge(i)).isGreaterThanOrEqualTo(before - 1);
    }
  }

  @Test
  void badEdges_areNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(LengthBuckets::of)
        .withMessage("upperEdges must not be empty");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LengthBuckets.of(0, 1))
        .withMessageContaining("0 follows 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LengthBuckets.of(3, 3))
        .withMessageContaining("3 follows 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LengthBuckets.equalWidth(9, 10))
        .withMessage("count must be from 1 to maxTokens, but is 10 of 9");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LengthBuckets.logSpaced(9, 0))
        .withMessageContaining("but is 0 of 9");
  }

  @Test
  void givenArray_isCopied() {
    int[] edges = {2, 5};
    LengthBuckets buckets = LengthBuckets.of(edges);
    edges[1] = 1;

    assertThat(buckets).isEqualTo(LengthBuckets.of(2, 5)).hasSameHashCodeAs(LengthBuckets.of(2, 5));
  }
}
