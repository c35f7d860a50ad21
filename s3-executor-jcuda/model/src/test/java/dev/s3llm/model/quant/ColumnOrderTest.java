package dev.s3llm.model.quant;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Columns in the order of their groups. */
class ColumnOrderTest {

  @Test
  void columns_areSortedByGroup_andKeepTheirOrderWithin() {
    ColumnOrder order = ColumnOrder.of(new int[] {1, 0, 1, 0, 2}, 2).orElseThrow();
    assertThat(order.columns().orElseThrow()).containsExactly(1, 3, 0, 2, 4);
    byte[] codes = {10, 11, 12, 13, 14, 20, 21, 22, 23, 24};
    order.sort(codes, 2);
    assertThat(codes).containsExactly(11, 13, 10, 12, 14, 21, 23, 20, 22, 24);
  }

  @Test
  void consecutiveGroups_areLeftAlone() {
    assertThat(ColumnOrder.of(new int[] {0, 0, 1, 1, 2}, 2).orElseThrow().columns()).isEmpty();
    assertThat(ColumnOrder.of(new int[] {0, 0, 0}, 0).orElseThrow().columns()).isEmpty();
  }

  @Test
  void groupsOfOtherSizes_haveNoOrder() {
    assertThat(ColumnOrder.of(new int[] {0, 1, 1, 1}, 2)).isEmpty();
    assertThat(ColumnOrder.of(new int[] {0, 2, 0, 2}, 2)).isEmpty();
    assertThat(ColumnOrder.of(new int[] {1, 1, 0}, 2)).isEmpty(); // the last group is the short one
  }
}
