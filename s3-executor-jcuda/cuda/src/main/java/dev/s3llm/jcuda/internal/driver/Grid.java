package dev.s3llm.jcuda.internal.driver;

/** The number of blocks of a launch in each dimension. */
public record Grid(int x, int y, int z) {

  /** Returns a grid of one dimension. */
  public static Grid of(int x) {
    return new Grid(x, 1, 1);
  }

  /** Returns a grid of two dimensions. */
  public static Grid of(int x, int y) {
    return new Grid(x, y, 1);
  }
}
