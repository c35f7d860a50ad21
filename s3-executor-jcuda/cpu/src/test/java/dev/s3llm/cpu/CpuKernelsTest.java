package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.Tensor;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The products and the elementwise kernels. The build runs this class twice: with the vector API
 * and without it.
 */
class CpuKernelsTest {
  private final WorkerPool three = new WorkerPool(3, CpuKernelsTest::thread);
  private final WorkerPool one = new WorkerPool(1, CpuKernelsTest::thread);

  private static Thread thread(Runnable run) {
    Thread thread = new Thread(run);
    thread.setDaemon(true);
    return thread;
  }

  @AfterEach
  void endThreads() {
    three.close();
  }

  @Test
  void vectors_areUsedWhereTheirModuleIsAdded() {
    assertThat(VectorSupport.arithmetic().getClass().getSimpleName())
        .isEqualTo(Boolean.getBoolean("vectors") ? "VectorArithmetic" : "PlainArithmetic");
  }

  @ParameterizedTest
  @EnumSource(ElementType.class)
  void products_areThoseOfTheDecodedWeights(ElementType type) {
    for (int out : new int[] {1, 32, 75, 843}) {
      for (int in : type.plain() ? new int[] {1, 61, 259} : blocks(type)) {
        compareWithDoubles(Matrices.random(type, out, in, out + in), out, in, 1);
        compareWithDoubles(Matrices.random(type, out, in, out + in), out, in, 7);
      }
    }
  }

  private static int[] blocks(ElementType type) {
    return new int[] {type.blockElements(), 3 * type.blockElements()};
  }

  private void compareWithDoubles(Tensor tensor, int out, int in, int rows) {
    float[] bias = Matrices.floats(out, 5);
    float[] x = Matrices.floats(rows * in, 6);
    float[] y = new float[rows * out];
    kernels(three).multiply(CpuMatrix.of(tensor, out, in, bias), x, rows, y);
    float[] w = tensor.floats();
    for (int r = 0; r < rows; r++) {
      for (int o = 0; o < out; o++) {
        double sum = bias[o];
        double size = Math.abs(sum);
        for (int c = 0; c < in; c++) {
          double product = (double) w[o * in + c] * x[r * in + c];
          sum += product;
          size += Math.abs(product);
        }
        assertThat((double) y[r * out + o])
            .as("%s, %d x %d, row %d, output %d", tensor.type(), out, in, r, o)
            .isCloseTo(sum, org.assertj.core.data.Offset.offset(size * 1e-6));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(ElementType.class)
  void row_isBitwiseTheSameInAnyBatchOnAnyNumberOfThreads(ElementType type) {
    int out = 843;
    int in = type.plain() ? 301 : Math.max(288, 2 * type.blockElements());
    int most = 150;
    CpuMatrix matrix = CpuMatrix.of(Matrices.random(type, out, in, 7), out, in, null);
    float[] x = Matrices.floats(most * in, 8);
    float[] all = new float[most * out];
    kernels(three).multiply(matrix, x, most, all);
    for (int rows : new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 131}) {
      int first = most - rows;
      float[] part = Arrays.copyOfRange(x, first * in, most * in);
      for (WorkerPool pool : new WorkerPool[] {one, three}) {
        float[] some = new float[rows * out];
        kernels(pool).multiply(matrix, part, rows, some);
        assertThat(some)
            .as("%d rows, %d threads", rows, pool.threads())
            .isEqualTo(Arrays.copyOfRange(all, first * out, most * out));
      }
    }
  }

  /** The first products run before the JIT compiler, the last ones after it. */
  @ParameterizedTest
  @EnumSource(ElementType.class)
  void products_areTheSameBeforeAndAfterTheyAreCompiled(ElementType type) {
    int in = Math.max(64, type.blockElements());
    Tensor tensor = Matrices.random(type, 32, in, 14);
    CpuMatrix matrix = CpuMatrix.of(tensor, 32, in, null);
    CpuKernels kernels = kernels(one);
    for (int rows : new int[] {1, 2}) {
      float[] x = Matrices.floats(rows * in, 15);
      float[] first = new float[rows * 32];
      kernels.multiply(matrix, x, rows, first);
      float[] next = new float[rows * 32];
      for (int i = 0; i < 4_000; i++) {
        kernels.multiply(matrix, x, rows, next);
        if (!Arrays.equals(next, first)) {
          assertThat(next).as("%d rows, product %d", rows, i).isEqualTo(first);
        }
      }
      compareWithDoubles(tensor, 32, in, rows);
    }
  }

  @Test
  void exponential_isExactToTwoUnits() {
    Random random = new Random(9);
    float[] x = new float[10_001];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextFloat() * 175 - 87;
    }
    float[] y = x.clone();
    VectorSupport.arithmetic().exp(y, 0, y.length);
    for (int i = 0; i < x.length; i++) {
      double expected = Math.exp(x[i]);
      assertThat(Math.abs(y[i] - expected)).isLessThan(2 * Math.ulp((float) expected));
    }
  }

  @Test
  void elementwiseKernels_areTheirFormulas() {
    int count = 9_001;
    float[] gate = Matrices.floats(count, 10);
    gate[0] = -200;
    gate[1] = 200;
    float[] up = Matrices.floats(count, 11);
    float[] silu = gate.clone();
    float[] gelu = gate.clone();
    float[] gated = gate.clone();
    kernels(three).gatedSilu(silu, up, count);
    kernels(three).gelu(gelu, count);
    kernels(three).gatedGelu(gated, up, count);
    float[] plain = gate.clone();
    kernels(three).silu(plain, count);
    for (int i = 0; i < count; i++) {
      assertClose(plain[i], gate[i] / (1 + Math.exp(-gate[i])));
      double g = gate[i];
      double expected = g / (1 + Math.exp(-g)) * up[i];
      double tanh = Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g * g * g));
      double expectedGelu = 0.5 * g * (1 + tanh);
      assertClose(silu[i], expected);
      assertClose(gelu[i], expectedGelu);
      assertClose(gated[i], expectedGelu * up[i]);
    }
  }

  @Test
  void glu_gatesTheFirstHalfOfARowByTheSecond() {
    int rows = 70;
    int width = 61;
    float[] in = Matrices.floats(rows * 2 * width, 12);
    float[] out = new float[rows * width];
    kernels(three).glu(in, rows, width, out);
    for (int i = 0; i < out.length; i++) {
      int at = i / width * 2 * width + i % width;
      assertClose(out[i], in[at] / (1 + Math.exp(-in[at + width])));
    }
  }

  @Test
  void norms_areTheirFormulasAtAnyWidth() {
    for (int width : new int[] {1, 7, 64}) {
      int rows = 200;
      float[] in = Matrices.floats(rows * width, 12);
      float[] weight = Matrices.floats(width, 13);
      float[] out = in.clone();
      kernels(three).rmsNorm(out, weight, 1e-6f, rows, out); // in place
      for (int r = 0; r < rows; r++) {
        double squares = 0;
        for (int i = 0; i < width; i++) {
          squares += (double) in[r * width + i] * in[r * width + i];
        }
        for (int i = 0; i < width; i++) {
          double scale = 1 / Math.sqrt(squares / width + 1e-6);
          assertClose(out[r * width + i], in[r * width + i] * scale * weight[i]);
        }
      }
    }
  }

  private static void assertClose(float actual, double expected) {
    assertThat(Math.abs(actual - expected)).isLessThan(1e-6 * Math.abs(expected) + 1e-7);
  }

  private static CpuKernels kernels(WorkerPool pool) {
    return new CpuKernels(AttentionTest.cache(16), pool);
  }
}
