package dev.s3llm.model.family;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The matrices of gpt-oss's experts, one by one and as {@code [out][in]}. In the files, all experts
 * of a layer are one tensor: {@code gate_up_proj} is {@code [expert][in][2 * out]} with gate and up
 * in turns, {@code down_proj} is {@code [expert][in][out]}.
 */
final class StackedExperts implements TensorSource {
  private static final Pattern EXPERT =
      Pattern.compile("(.*\\.mlp\\.experts\\.)(\\d+)\\.(gate|up|down)_proj\\.(weight|bias)");
  private static final Pattern STACKED =
      Pattern.compile("(.*\\.mlp\\.experts)\\.(gate_up|down)_proj(_bias)?");

  private final TensorSource source;
  private final int experts;
  private @Nullable Transposed latest;

  /**
   * Creates the view.
   *
   * @param source tensors as stored
   * @param experts number of experts of a layer
   */
  StackedExperts(TensorSource source, int experts) {
    this.source = source;
    this.experts = experts;
  }

  /** An expert's matrix of a stack, as floats, {@code [in][width]}. */
  @SuppressWarnings("ArrayRecordComponent") // cached, never compared
  private record Transposed(String stack, int expert, float[] values) {}

  @Override
  public boolean contains(String name) {
    Matcher expert = EXPERT.matcher(name);
    return source.contains(name) || (expert.matches() && source.contains(stack(expert)));
  }

  private static String stack(Matcher expert) {
    String part = expert.group(3).equals("down") ? "down_proj" : "gate_up_proj";
    return expert.group(1) + part + (expert.group(4).equals("bias") ? "_bias" : "");
  }

  /** Leaves the stacks out: each is read through its parts. */
  @Override
  public Set<String> names() {
    return source.names().stream()
        .filter(name -> !STACKED.matcher(name).matches())
        .collect(Collectors.toSet());
  }

  @Override
  public Tensor tensor(String name, long... shape) {
    Matcher expert = EXPERT.matcher(name);
    if (!expert.matches() || source.contains(name)) { // GGUF and MXFP4 have the experts apart
      return source.tensor(name, shape);
    }
    String stack = stack(expert);
    int number = Integer.parseInt(expert.group(2));
    boolean down = expert.group(3).equals("down");
    int step = down ? 1 : 2;
    int offset = expert.group(3).equals("up") ? 1 : 0;
    int rows = (int) shape[0];
    int in = shape.length == 1 ? 1 : (int) shape[1];
    Strided strided = new Strided(stack, number, in, rows * step, step, offset);
    long elements = (long) rows * in;
    return new Tensor(
        name, ElementType.F32, elements, (first, count) -> read(strided, first, count));
  }

  /**
   * Where an expert's elements are: row {@code r} of column {@code c} at {@code c * width + ...}.
   */
  private record Strided(String stack, int expert, int in, int width, int step, int offset) {}

  private ByteBuffer read(Strided strided, long first, int count) {
    float[] values = values(strided);
    ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * count).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      int row = (int) ((first + i) / strided.in);
      int column = (int) ((first + i) % strided.in);
      int at = column * strided.width + row * strided.step + strided.offset;
      bytes.putFloat(Float.BYTES * i, values[at]);
    }
    return bytes;
  }

  /** Reads an expert once, also where several threads need it at a time. */
  private synchronized float[] values(Strided strided) {
    Transposed cached = latest;
    if (cached == null || cached.expert != strided.expert || !cached.stack.equals(strided.stack)) {
      int size = strided.in * strided.width;
      Tensor whole = source.tensor(strided.stack, shape(strided));
      float[] values =
          whole.part("expert " + strided.expert, (long) strided.expert * size, size).floats();
      cached = new Transposed(strided.stack, strided.expert, values);
      latest = cached;
    }
    return cached.values;
  }

  private long[] shape(Strided strided) {
    return strided.stack.endsWith("_bias")
        ? new long[] {experts, strided.width}
        : new long[] {experts, strided.in, strided.width};
  }

  @Override
  public void close() {
    source.close();
  }
}
