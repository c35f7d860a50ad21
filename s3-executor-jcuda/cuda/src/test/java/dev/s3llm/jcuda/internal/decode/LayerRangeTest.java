package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class LayerRangeTest {

  @Property
  void stages_coverEveryLayerOnceAndEvenly(
      @ForAll @IntRange(min = 1, max = 100) int layers,
      @ForAll @IntRange(min = 1, max = 16) int most) {
    int parts = Math.min(layers, most);
    List<LayerRange> ranges = LayerRange.split(layers, parts);
    assertThat(ranges).hasSize(parts);
    int next = 0;
    for (LayerRange range : ranges) {
      assertThat(range.from()).isEqualTo(next);
      assertThat(range.count()).isBetween(layers / parts, layers / parts + 1);
      next = range.to();
    }
    assertThat(next).isEqualTo(layers);
  }
}
