package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.execute.StepBatch;
import dev.s3llm.model.KvPrecision;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class CodedKvCacheTest {
  private static final int HEADS = 2;
  private static final int SIZE = 24;
  private static final int SLOTS = 5;
  private static final int WIDTH = HEADS * SIZE;

  private final CpuKernels.Scratch memory = new CpuKernels.Scratch(VectorSupport.arithmetic());

  private static CpuKvCache cache() {
    return new CodedKvCache(2, HEADS, SIZE, SLOTS, 3, 1);
  }

  private static float[] row(long seed) {
    return Matrices.floats(WIDTH, seed);
  }

  /** Returns what is read of a vector: of the keys, or of the values. */
  private float[] read(CpuKvCache cache, boolean keys, int block, int layer, int head, int slot) {
    float[] vector = new float[SIZE];
    float[] all =
        keys ? cache.keys(block, layer, head, memory) : cache.values(block, layer, head, memory);
    for (int d = 0; d < SIZE; d++) {
      int at = keys ? d * SLOTS + slot : slot * SIZE + d;
      vector[d] = all[cache.offset(layer, head) + at];
    }
    return vector;
  }

  @Test
  void everyNumber_isWithinHalfAStep() {
    for (int seed = 0; seed < 200; seed++) {
      CpuKvCache cache = cache();
      float[] keys = scaled(row(seed), seed);
      float[] values = scaled(row(1000 + seed), -seed);
      int slot = seed % SLOTS;
      cache.store(1, 2, slot, keys, values, 0);
      for (int head = 0; head < HEADS; head++) {
        requireNear(keys, head, read(cache, true, 2, 1, head, slot));
        requireNear(values, head, read(cache, false, 2, 1, head, slot));
      }
    }
  }

  /** Multiplies by a power of two, for magnitudes from 1e-6 to 1e6. */
  private static float[] scaled(float[] row, int seed) {
    float factor = Math.scalb(1f, seed / 10);
    for (int i = 0; i < row.length; i++) {
      row[i] *= factor;
    }
    return row;
  }

  private static void requireNear(float[] row, int head, float[] read) {
    float[] vector = Arrays.copyOfRange(row, head * SIZE, (head + 1) * SIZE);
    float largest = 0;
    for (float v : vector) {
      largest = Math.max(largest, Math.abs(v));
    }
    for (int d = 0; d < SIZE; d++) {
      assertThat(read[d]).isCloseTo(vector[d], within(largest * (0.50001f / 127)));
    }
  }

  @Test
  void vectors_doNotDependOnTheirNeighbours() {
    CpuKvCache alone = cache();
    alone.store(0, 1, 3, row(1), row(2), 0);
    CpuKvCache full = cache();
    for (int slot = 0; slot < SLOTS; slot++) {
      full.store(0, 1, slot, row(10 + slot), row(20 + slot), 0);
      full.store(1, 1, slot, row(30 + slot), row(40 + slot), 0);
    }
    full.store(0, 1, 3, row(1), row(2), 0);
    for (boolean keys : new boolean[] {true, false}) {
      for (int head = 0; head < HEADS; head++) {
        assertThat(read(full, keys, 1, 0, head, 3)).isEqualTo(read(alone, keys, 1, 0, head, 3));
      }
      requireNear(row(keys ? 14 : 24), 1, read(full, keys, 1, 0, 1, 4));
      requireNear(row(keys ? 32 : 42), 0, read(full, keys, 1, 1, 0, 2));
    }
  }

  @Test
  void swappedBlock_comesBackAsItWas() {
    CpuKvCache cache = cache();
    cache.store(1, 0, 4, row(1), row(2), 0);
    float[] keys = read(cache, true, 0, 1, 1, 4);
    float[] values = read(cache, false, 0, 1, 1, 4);
    StepBatch.BlockCopy out = new StepBatch.BlockCopy(7, 0, 0);
    cache.copy(new StepBatch(0, List.of(), List.of(out), List.of()));
    cache.store(1, 0, 4, row(3), row(4), 0);
    cache.copy(new StepBatch(0, List.of(), List.of(), List.of(new StepBatch.BlockCopy(7, 2, 0))));
    assertThat(read(cache, true, 2, 1, 1, 4)).isEqualTo(keys);
    assertThat(read(cache, false, 2, 1, 1, 4)).isEqualTo(values);
    assertThat(read(cache, true, 0, 1, 1, 4)).isNotEqualTo(keys);
  }

  @Test
  void zeros_stayZeros_andNumbersThatAreNoneStayNone() {
    CpuKvCache cache = cache();
    float[] keys = new float[WIDTH];
    float[] values = row(5);
    values[3] = Float.NaN;
    values[SIZE] = Float.NEGATIVE_INFINITY;
    cache.store(0, 0, 0, keys, values, 0);
    assertThat(read(cache, true, 0, 0, 1, 0)).containsOnly(0);
    assertThat(read(cache, false, 0, 0, 0, 0)).containsOnly(Float.NaN);
    for (float v : read(cache, false, 0, 0, 1, 0)) {
      assertThat(Float.isFinite(v)).isFalse();
    }
  }

  @Test
  void bothArithmetics_widenAlike() {
    byte[] codes = new byte[70];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (i * 37 - 127);
    }
    float[] scales = Matrices.floats(70, 8);
    for (int count : new int[] {5, 16, 24, 61}) {
      float[][] results = new float[4][70];
      Arithmetic plain = new PlainArithmetic();
      Arithmetic own = VectorSupport.arithmetic();
      plain.widen(codes, 3, count, 0.3f, results[0], 2);
      own.widen(codes, 3, count, 0.3f, results[1], 2);
      plain.widen(codes, 3, count, scales, 4, results[2], 2);
      own.widen(codes, 3, count, scales, 4, results[3], 2);
      assertThat(results[1]).isEqualTo(results[0]);
      assertThat(results[3]).isEqualTo(results[2]);
      assertThat(results[2][2 + count - 1]).isEqualTo(codes[2 + count] * scales[3 + count]);
    }
  }

  @Test
  void bytes_areThoseOfCodesAndScales() {
    assertThat(KvPrecision.INT8.vectorBytes(64, Float.BYTES)).isEqualTo(68);
    assertThat(KvPrecision.FULL.vectorBytes(64, Float.BYTES)).isEqualTo(256);
    assertThat(KvPrecision.FULL.vectorBytes(64, Short.BYTES)).isEqualTo(128);
  }
}
