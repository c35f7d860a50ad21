package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.model.Codes;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.ModelTensors.Expert;
import dev.s3llm.model.ModelTensors.Linear;
import dev.s3llm.model.RoundedInput;
import dev.s3llm.model.WeightFormat;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the format of each matrix on the device. Matrices that are joined have one format; query,
 * key and value are joined where theirs are the same, gate and up always. Codes whose groups are
 * not consecutive columns are kept in dense parts, where matrices that are joined have one order.
 *
 * @param stored whether matrices keep the format of the files where the kernels read it
 * @param rounded format to which the matrices of layers are rounded; null for none
 */
public record WeightPlan(boolean stored, Codes.@Nullable Format rounded) {
  /** Every matrix with 16 bits. */
  static final WeightPlan WIDE = new WeightPlan(false, null);

  /** The codes of products whose input is rounded, too. */
  private static final Codes.Format FP8 = WeightFormat.FP8.rounded().orElseThrow();

  /**
   * How a matrix is stored: equal if the bits of two matrices mean the same.
   *
   * @param order column of each code of a row; empty where it is their order
   */
  private record Stored(Codes.Format format, Optional<IntBuffer> order) {
    Stored(Codes codes) {
      this(codes.format(), codes.order().map(IntBuffer::wrap));
    }
  }

  /** Returns codes with the rounding of the input, where all parts have the same. */
  private static CodeFormat format(Codes.Format codes, List<Linear> parts) {
    List<Optional<RoundedInput>> inputs =
        parts.stream().map(part -> Optional.ofNullable(part.input())).distinct().toList();
    boolean rounds = codes.equals(FP8) && inputs.size() == 1;
    return new CodeFormat(codes, rounds ? inputs.get(0).orElse(null) : null);
  }

  /** Returns whether a stage has matrices whose input is rounded. */
  boolean rounds(ModelConfig config, LayerRange range, ModelTensors tensors) {
    return IntStream.range(range.from(), range.to())
            .mapToObj(i -> tensors.layers().get(i))
            .flatMap(this::formats)
            .anyMatch(WeightPlan::rounds)
        || (range.last(config) && rounds(output(tensors.output()).format));
  }

  private Stream<@Nullable CodeFormat> formats(ModelTensors.Layer layer) {
    ModelTensors.Attention attention = layer.attention();
    List<Expert> experts = layer.feedForward().experts();
    Stream<@Nullable CodeFormat> joined =
        layer(List.of(attention.query(), attention.key(), attention.value())).stream()
            .map(Joined::format);
    return Stream.concat(
        joined, Stream.of(layer(attention.output()).format, up(experts), down(experts)));
  }

  private static boolean rounds(@Nullable CodeFormat format) {
    return format != null && format.input() != null;
  }

  /**
   * Matrices with the same input, which are one matrix on the device.
   *
   * @param format their format; null for 16 bits
   * @param parts the matrices, one above the other
   */
  record Joined(@Nullable CodeFormat format, List<Linear> parts) {
    int out() {
      return parts.stream().mapToInt(Linear::out).sum();
    }

    int in() {
      return parts.get(0).in();
    }

    long bytes() {
      return WeightPlan.bytes(format, out(), in());
    }
  }

  /** Returns a dense matrix of a layer, in its format. */
  Joined layer(Linear matrix) {
    Codes.Format given = rounded;
    List<Linear> own = List.of(matrix);
    return given == null ? output(matrix) : new Joined(format(given, own), own);
  }

  /** Returns a matrix that is not rounded, such as the output, in its format. */
  Joined output(Linear matrix) {
    return new Joined(dense(List.of(matrix)), List.of(matrix));
  }

  /**
   * Returns the column of each code of a row of a matrix on the device; empty where codes have the
   * order of the columns, and for matrices that are not coded as they are stored.
   *
   * @param format format of the matrix on the device
   */
  Optional<int[]> order(@Nullable CodeFormat format, Linear matrix) {
    return format == null || rounded != null
        ? Optional.empty()
        : matrix.matrix().codes().flatMap(Codes::order);
  }

  /**
   * Returns dense matrices of a layer that have the same input. Neighbours of one format and order
   * are joined, so that a product takes them all.
   */
  List<Joined> layer(List<Linear> matrices) {
    List<Joined> all = new ArrayList<>();
    for (Linear matrix : matrices) {
      Joined own = layer(matrix);
      Joined last = all.isEmpty() ? null : all.get(all.size() - 1);
      if (last == null || !alike(last, own)) {
        all.add(own);
      } else {
        List<Linear> parts = Stream.concat(last.parts.stream(), Stream.of(matrix)).toList();
        all.set(all.size() - 1, new Joined(own.format, parts));
      }
    }
    return all;
  }

  private boolean alike(Joined last, Joined own) {
    return Objects.equals(last.format, own.format)
        && order(last.format, last.parts.get(0))
            .map(IntBuffer::wrap)
            .equals(order(own.format, own.parts.get(0)).map(IntBuffer::wrap));
  }

  /** Returns the format of the up and gate matrices of a feed-forward part; null for 16 bits. */
  @Nullable CodeFormat up(List<Expert> experts) {
    List<Linear> all = new ArrayList<>();
    for (Expert expert : experts) {
      Linear gate = expert.gate();
      if (gate != null) {
        all.add(gate);
      }
      all.add(expert.up());
    }
    return part(all, experts.size());
  }

  /** Returns the format of the down matrices of a feed-forward part; null for 16 bits. */
  @Nullable CodeFormat down(List<Expert> experts) {
    return part(experts.stream().map(Expert::down).toList(), experts.size());
  }

  private @Nullable CodeFormat part(List<Linear> all, int experts) {
    Codes.Format given = rounded;
    if (given != null) {
      return format(given, all);
    }
    return experts == 1 ? dense(all) : common(all, false);
  }

  private @Nullable CodeFormat dense(List<Linear> parts) {
    CodeFormat format = common(parts, true);
    return format == null || !format.dense() ? null : format;
  }

  private @Nullable CodeFormat common(List<Linear> parts, boolean ordered) {
    if (!stored) {
      return null;
    }
    List<Optional<Stored>> all =
        parts.stream().map(part -> part.matrix().codes().map(Stored::new)).distinct().toList();
    return all.size() != 1
        ? null
        : all.get(0)
            .filter(own -> ordered || own.order.isEmpty())
            .flatMap(own -> CodeFormat.of(own.format))
            .map(own -> format(own.codes(), parts))
            .orElse(null);
  }

  /** Returns the bytes that a stage's weights take on its device. */
  long bytes(ModelConfig config, LayerRange range, ModelTensors tensors) {
    long bytes = 0;
    for (int i = range.from(); i < range.to(); i++) {
      bytes += bytes(tensors.layers().get(i));
    }
    if (range.first()) {
      bytes += Layouts.NUMBER_BYTES * tensors.embedding().elements();
    }
    if (range.last(config)) {
      bytes += output(tensors.output()).bytes();
    }
    return bytes;
  }

  private long bytes(ModelTensors.Layer layer) {
    ModelTensors.Attention attention = layer.attention();
    List<Linear> inputs = List.of(attention.query(), attention.key(), attention.value());
    List<Expert> experts = layer.feedForward().experts();
    Linear router = layer.feedForward().router();
    Expert one = experts.get(0);
    int upOut = (one.gate() == null ? 1 : 2) * one.up().out();
    long expert =
        bytes(up(experts), upOut, one.up().in())
            + bytes(down(experts), one.down().out(), one.down().in());
    return layer(inputs).stream().mapToLong(Joined::bytes).sum()
        + layer(attention.output()).bytes()
        + (router == null ? 0 : bytes(null, router.out(), router.in()))
        + experts.size() * expert;
  }

  /** Returns the bytes of a matrix {@code [out][in]}. */
  static long bytes(@Nullable CodeFormat format, int out, int in) {
    return format == null ? Layouts.weightBytes(out, in) : format.bytes(out, in);
  }
}
