package dev.s3llm.jcuda.internal.batch;

import dev.s3llm.execute.ExecutorProfile;
import java.nio.ByteBuffer;

/** The layout of a sampled row's log probabilities, as {@code sampling.cuh} declares it. */
public final class LogProbabilityFormat {
  private static final int VALUES = 1 + ExecutorProfile.MOST_LOG_PROBABILITIES;

  /** Bytes of a row: values, tokens, and a number that the kernels keep for themselves. */
  public static final int ROW_BYTES = 2 * Integer.BYTES * VALUES + Double.BYTES;

  private LogProbabilityFormat() {}

  /**
   * Returns a value of a row.
   *
   * @param rows the rows
   * @param row number of the row
   * @param i 0 for the drawn token, then 1 to 20 for the most probable ones
   */
  public static float value(ByteBuffer rows, int row, int i) {
    return rows.getFloat(ROW_BYTES * row + Float.BYTES * i);
  }

  /**
   * Returns the token that a value belongs to.
   *
   * @param rows the rows
   * @param row number of the row
   * @param i 0 for the drawn token, then 1 to 20 for the most probable ones
   */
  public static int token(ByteBuffer rows, int row, int i) {
    return rows.getInt(ROW_BYTES * row + Float.BYTES * VALUES + Integer.BYTES * i);
  }
}
