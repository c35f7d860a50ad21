package dev.s3llm.cpu;

/**
 * The KV slots that each row of a batch attends to: from {@code from[row]} to the one before {@code
 * to[row]}, at least one. Within a sequence neither number falls from a row to the next.
 *
 * @param from first slot of each row
 * @param to slot after the last of each row
 */
@SuppressWarnings("ArrayRecordComponent") // shared, never compared
record SeenSlots(int[] from, int[] to) {

  /**
   * Returns the slots up to the one of the row itself, as far back as a rule says.
   *
   * @param batch the rows
   * @param rule the rule, which may have a window
   */
  static SeenSlots upToOwn(BatchLayout batch, AttentionRule rule) {
    int[] from = new int[batch.rows];
    int[] to = new int[batch.rows];
    for (int row = 0; row < batch.rows; row++) {
      from[row] = rule.first(batch.positions[row]);
      to[row] = batch.positions[row] + 1;
    }
    return new SeenSlots(from, to);
  }
}
