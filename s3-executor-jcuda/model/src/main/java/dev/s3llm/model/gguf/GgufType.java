package dev.s3llm.model.gguf;

import dev.s3llm.model.ElementType;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The number formats that GGUF files name, with their numbers and sizes from {@code ggml.h}.
 * Formats without an {@link ElementType} are known by size only, so that files are checked whole
 * and the format is named where a tensor of it is read.
 */
enum GgufType {
  F32(0, ElementType.F32),
  F16(1, ElementType.F16),
  Q4_0(2, ElementType.Q4_0),
  Q4_1(3, ElementType.Q4_1),
  Q5_0(6, ElementType.Q5_0),
  Q5_1(7, ElementType.Q5_1),
  Q8_0(8, ElementType.Q8_0),
  Q8_1(9, 32, 36),
  Q2_K(10, 256, 84),
  Q3_K(11, 256, 110),
  Q4_K(12, ElementType.Q4_K),
  Q5_K(13, ElementType.Q5_K),
  Q6_K(14, ElementType.Q6_K),
  Q8_K(15, 256, 292),
  IQ2_XXS(16, 256, 66),
  IQ2_XS(17, 256, 74),
  IQ3_XXS(18, 256, 98),
  IQ1_S(19, 256, 50),
  IQ4_NL(20, 32, 18),
  IQ3_S(21, 256, 110),
  IQ2_S(22, 256, 82),
  IQ4_XS(23, 256, 136),
  I8(24, 1, 1),
  I16(25, 1, 2),
  I32(26, 1, 4),
  I64(27, 1, 8),
  F64(28, 1, 8),
  IQ1_M(29, 256, 56),
  BF16(30, ElementType.BF16),
  TQ1_0(34, 256, 54),
  TQ2_0(35, 256, 66),
  MXFP4(39, ElementType.MXFP4),
  NVFP4(40, 64, 36),
  Q1_0(41, 128, 18);

  private static final Map<Integer, GgufType> BY_ID =
      Stream.of(values()).collect(Collectors.toMap(type -> type.id, Function.identity()));

  private final int id;
  private final @Nullable ElementType element;
  private final int blockElements;
  private final int blockBytes;

  GgufType(int id, ElementType element) {
    this.id = id;
    this.element = element;
    this.blockElements = element.blockElements();
    this.blockBytes = element.blockBytes();
  }

  GgufType(int id, int blockElements, int blockBytes) {
    this.id = id;
    this.element = null;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** Returns the format of a number in a file; empty if the number is unknown. */
  static Optional<GgufType> of(int id) {
    return Optional.ofNullable(BY_ID.get(id));
  }

  /** Returns the names of the formats whose elements can be read. */
  static String readable() {
    return Arrays.stream(values())
        .filter(type -> type.element != null)
        .map(GgufType::name)
        .collect(Collectors.joining(", "));
  }

  Optional<ElementType> element() {
    return Optional.ofNullable(element);
  }

  int blockElements() {
    return blockElements;
  }

  /** Returns the bytes of some whole blocks; throws ArithmeticException beyond a long. */
  long bytes(long elements) {
    return Math.multiplyExact(elements / blockElements, (long) blockBytes);
  }
}
