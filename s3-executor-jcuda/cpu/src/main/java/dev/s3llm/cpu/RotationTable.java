package dev.s3llm.cpu;

import dev.s3llm.model.RotaryEmbedding;

/** Sines and cosines of a rotary embedding at the positions of one step. */
final class RotationTable {
  private final int[] positions;
  private final RotaryEmbedding rope;
  private final float[] cos;
  private final float[] sin;

  RotationTable(int[] positions, RotaryEmbedding rope) {
    this.positions = positions;
    this.rope = rope;
    float[] frequencies = rope.frequencies();
    float factor = rope.magnitude();
    this.cos = new float[positions.length * frequencies.length];
    this.sin = new float[cos.length];
    for (int r = 0; r < positions.length; r++) {
      for (int i = 0; i < frequencies.length; i++) {
        float angle = positions[r] * frequencies[i];
        cos[r * frequencies.length + i] = (float) Math.cos(angle) * factor;
        sin[r * frequencies.length + i] = (float) Math.sin(angle) * factor;
      }
    }
  }

  /** Returns whether this table is of a step, by the identity of its array. */
  boolean isFor(int[] otherPositions) {
    return positions == otherPositions;
  }

  /** Returns whether this table is of a step and an embedding, by the identity of their arrays. */
  boolean isFor(int[] otherPositions, RotaryEmbedding otherRope) {
    return isFor(otherPositions) && rope.equals(otherRope);
  }

  /** Rotates each head of a row. */
  void rotate(float[] heads, int row, int headCount, int headSize) {
    int pairs = rope.frequencies().length;
    int step = rope.interleaved() ? 2 : 1;
    int apart = rope.interleaved() ? 1 : pairs;
    for (int h = 0; h < headCount; h++) {
      int head = (row * headCount + h) * headSize;
      for (int i = 0; i < pairs; i++) {
        int at = head + step * i;
        float c = cos[row * pairs + i];
        float s = sin[row * pairs + i];
        float first = heads[at];
        float second = heads[at + apart];
        heads[at] = first * c - second * s;
        heads[at + apart] = second * c + first * s;
      }
    }
  }
}
