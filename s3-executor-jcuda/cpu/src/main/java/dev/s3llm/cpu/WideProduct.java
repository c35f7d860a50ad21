package dev.s3llm.cpu;

import java.util.Arrays;

/**
 * Products of matrices in plain Java, in loops that the JVM's compiler turns into vector
 * instructions.
 *
 * <p>The compiler (C2 of JDK 17) vectorises a loop over arrays of floats if all of them are read at
 * the loop's index and the body is small; it vectorises neither conversions from integers nor a sum
 * in one variable. Therefore a loop runs over the outputs of some tiles: {@link BlockDecoder}
 * decodes 32 columns once for a part of the batch, each column to an array of its own, and each row
 * adds four columns at a time to its sums. A single row reads tables instead, see {@link OneRow}.
 *
 * <p>Quantised integers are multiplied as they are, and the sum of a block is scaled once. The
 * order of additions depends on the matrix alone, so that results are bitwise the same in any batch
 * and on any number of threads.
 */
final class WideProduct implements MatrixProduct {
  private static final int TILE = CpuMatrix.TILE;
  private static final int BLOCK = BlockDecoder.BLOCK;

  /** Distance of the two columns whose products are added first. */
  private static final int HALF = BLOCK / 2;

  /** Most tiles of a run: decoded weights of a block then take 32 KB. */
  private static final int TILES = 8;

  /** Rows of a batch that share decoded weights. */
  private static final int ROWS_PER_PART = 128;

  private final WorkerPool workers;
  private final OneRow oneRow;
  private final Scratch[] scratch;

  WideProduct(WorkerPool workers) {
    this.workers = workers;
    this.oneRow = new OneRow(workers);
    this.scratch = new Scratch[workers.threads()];
    Arrays.setAll(scratch, thread -> new Scratch());
  }

  /** Rows {@code from} to {@code to} of a batch, times consecutive tiles of a matrix. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Share(CpuMatrix matrix, int tile, int tiles, float[] in, int from, int to) {
    int outputs() {
      return tiles * TILE;
    }
  }

  @Override
  public void multiply(CpuMatrix matrix, float[] in, int rows, float[] out) {
    boolean worthSharing = (long) rows * matrix.in() * matrix.out() >= WORTH_SHARING;
    boolean single = rows == 1 && OneRow.handles(matrix.packing);
    if (single) {
      oneRow.prepare(matrix, in, worthSharing);
    }
    int parts = (rows + ROWS_PER_PART - 1) / ROWS_PER_PART;
    int run = tilesPerRun(matrix.tiles());
    int runs = (matrix.tiles() + run - 1) / run;
    workers.forEach(
        Math.multiplyExact(runs, parts),
        worthSharing,
        (thread, item) -> {
          int tile = item / parts * run;
          int tiles = Math.min(run, matrix.tiles() - tile);
          int from = item % parts * ROWS_PER_PART;
          int to = Math.min(rows, from + ROWS_PER_PART);
          Share share = new Share(matrix, tile, tiles, in, from, to);
          multiply(share, single, out, scratch[thread]);
        });
  }

  /** Returns the number of tiles that gives each thread about the same number of runs. */
  private int tilesPerRun(int tiles) {
    int threads = workers.threads();
    int rounds = (tiles + TILES * threads - 1) / (TILES * threads);
    return (tiles + rounds * threads - 1) / (rounds * threads);
  }

  private void multiply(Share share, boolean single, float[] out, Scratch scratch) {
    CpuMatrix matrix = share.matrix;
    int first = share.tile * TILE;
    int width = Math.min(share.outputs(), matrix.out() - first);
    for (int r = share.from; r < share.to; r++) {
      float[] sums = scratch.sums(r - share.from);
      Arrays.fill(sums, 0, share.outputs(), 0);
      if (matrix.bias != null) {
        System.arraycopy(matrix.bias, first, sums, 0, width);
      }
    }
    for (int column = 0; column < matrix.in(); column += BLOCK) {
      if (single) {
        addBlockOfSingle(share, column, scratch);
      } else {
        addBlock(share, column, scratch);
      }
    }
    for (int r = share.from; r < share.to; r++) {
      System.arraycopy(scratch.sums(r - share.from), 0, out, r * matrix.out() + first, width);
    }
  }

  private void addBlockOfSingle(Share share, int column, Scratch scratch) {
    BlockDecoder block = scratch.block;
    block.decodeScales(share.matrix, share.tile, share.tiles, column);
    float[] own = scratch.own;
    Arrays.fill(own, 0, share.outputs(), 0);
    oneRow.addBlock(share.matrix, share.tile, share.tiles, column, share.in, own);
    float all = sum(share.in, column);
    addScaled(scratch.sums(0), own, block.scales, block.minima, all, share.outputs());
  }

  private static void addBlock(Share share, int column, Scratch scratch) {
    CpuMatrix matrix = share.matrix;
    BlockDecoder block = scratch.block;
    block.decode(matrix, share.tile, share.tiles, column);
    int outputs = share.outputs();
    float[] x = scratch.inputs;
    float[] own = scratch.own;
    int columns = Math.min(BLOCK, matrix.in() - column);
    Arrays.fill(x, columns, BLOCK, 0);
    for (int r = share.from; r < share.to; r++) {
      System.arraycopy(share.in, r * matrix.in() + column, x, 0, columns);
      Arrays.fill(own, 0, outputs, 0);
      for (int c = 0; c < HALF; c += 2) {
        addFour(own, x, block.weights, c, outputs);
      }
      float[] sums = scratch.sums(r - share.from);
      if (matrix.packing.scaledByBlock()) {
        addScaled(sums, own, block.scales, block.minima, sum(x, 0), outputs);
      } else {
        add(sums, own, outputs);
      }
    }
  }

  /** Returns the sum of a block's inputs. */
  private static float sum(float[] in, int at) {
    float even = 0;
    float odd = 0;
    for (int c = 0; c < BLOCK; c += 2) {
      even += in[at + c];
      odd += in[at + c + 1];
    }
    return even + odd;
  }

  /** Adds four columns: the loop of eight is not vectorised, that of two takes more time. */
  private static void addFour(float[] to, float[] x, float[][] weights, int column, int outputs) {
    float[] a = weights[column];
    float[] b = weights[column + HALF];
    float[] c = weights[column + 1];
    float[] d = weights[column + HALF + 1];
    float xa = x[column];
    float xb = x[column + HALF];
    float xc = x[column + 1];
    float xd = x[column + HALF + 1];
    for (int i = 0; i < outputs; i++) {
      to[i] += (xa * a[i] + xb * b[i]) + (xc * c[i] + xd * d[i]);
    }
  }

  private static void addScaled(
      float[] to, float[] own, float[] scales, float[] minima, float all, int outputs) {
    for (int i = 0; i < outputs; i++) {
      to[i] += scales[i] * own[i] + minima[i] * all;
    }
  }

  private static void add(float[] to, float[] own, int outputs) {
    for (int i = 0; i < outputs; i++) {
      to[i] += own[i];
    }
  }

  /** Memory of one thread. */
  private static final class Scratch {
    final BlockDecoder block = new BlockDecoder(TILES * TILE);

    /** A row's inputs of a block. */
    final float[] inputs = new float[BLOCK];

    /** A row's sums of a block, before its scale. */
    final float[] own = new float[TILES * TILE];

    private final float[][] sums = new float[ROWS_PER_PART][];

    /** Returns the sums of a row of the part. */
    float[] sums(int row) {
      if (sums[row] == null) {
        sums[row] = new float[TILES * TILE];
      }
      return sums[row];
    }
  }
}
