package dev.s3llm.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.json.JsonFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A safetensors file: eight bytes of header length, a JSON header, and the tensors' bytes, which
 * must fill the rest of the file without holes or overlaps. Tensors are mapped piece by piece as
 * they are read.
 *
 * <p>Not thread-safe.
 */
public final class SafetensorsFile implements AutoCloseable {
  private static final long MAX_HEADER_BYTES = 100_000_000;
  private static final int LENGTH_BYTES = 8;

  private final Path path;
  private final FileChannel channel;
  private final Map<String, Entry> tensors;

  private SafetensorsFile(Path path, FileChannel channel, Map<String, Entry> tensors) {
    this.path = path;
    this.channel = channel;
    this.tensors = tensors;
  }

  /**
   * One tensor's place.
   *
   * @param offset of its first byte in the file
   */
  private record Entry(String dtype, List<Long> shape, long elements, long offset, long bytes) {}

  /**
   * Opens a file and checks its header whole.
   *
   * @throws ModelFormatException naming the file, the tensor and what is wrong
   */
  public static SafetensorsFile open(Path path) {
    FileChannel channel;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
    } catch (IOException e) {
      throw new ModelFormatException(path + " cannot be opened: " + e.getMessage(), e);
    }
    try {
      return new SafetensorsFile(path, channel, readHeader(path, channel));
    } catch (IOException | RuntimeException e) {
      try {
        channel.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e instanceof ModelFormatException known
          ? known
          : new ModelFormatException(path + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Names of the tensors. */
  public Iterable<String> names() {
    return tensors.keySet();
  }

  /** Whether there is a tensor of this name. */
  public boolean contains(String name) {
    return tensors.containsKey(name);
  }

  /**
   * A tensor of fp32, fp16 or bf16; its pieces are mapped when they are read.
   *
   * @param shape what it must be
   * @throws ModelFormatException if it is missing, or of another shape or type
   */
  public Tensor tensor(String name, long... shape) {
    Entry entry = tensors.get(name);
    if (entry == null) {
      throw new ModelFormatException(path + " has no tensor " + name);
    }
    requireShape(name, entry, shape);
    ElementType type =
        switch (entry.dtype) {
          case "F32" -> ElementType.F32;
          case "F16" -> ElementType.F16;
          case "BF16" -> ElementType.BF16;
          default ->
              throw bad(name, "is of type " + entry.dtype + ", readable are F32, F16 and BF16");
        };
    String label = path + ": tensor " + name;
    return new Tensor(
        label, type, entry.elements, (first, count) -> map(label, entry, type, first, count));
  }

  private ByteBuffer map(String label, Entry entry, ElementType type, long first, int count) {
    Objects.checkFromIndexSize(first, count, entry.elements);
    try {
      return channel
          .map(
              FileChannel.MapMode.READ_ONLY,
              entry.offset + first * type.bytes(),
              (long) count * type.bytes())
          .order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new ModelFormatException(label + " cannot be read", e);
    }
  }

  private void requireShape(String name, Entry tensor, long[] shape) {
    boolean same = tensor.shape.size() == shape.length;
    for (int i = 0; same && i < shape.length; i++) {
      same = tensor.shape.get(i) == shape[i];
    }
    if (!same) {
      throw bad(
          name,
          "has shape %s, but the configuration asks for %s"
              .formatted(tensor.shape, Arrays.toString(shape)));
    }
  }

  private ModelFormatException bad(String name, String what) {
    return new ModelFormatException(path + ": tensor " + name + " " + what);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new ModelFormatException(path + " cannot be closed", e);
    }
  }

  // ---- header

  private static Map<String, Entry> readHeader(Path path, FileChannel channel) throws IOException {
    long fileSize = channel.size();
    if (fileSize < LENGTH_BYTES) {
      throw new ModelFormatException(path + " has " + fileSize + " bytes, too few for a header");
    }
    long length = readFully(path, channel, 0, LENGTH_BYTES).getLong(0);
    if (length < 2 || length > MAX_HEADER_BYTES || length > fileSize - LENGTH_BYTES) {
      throw new ModelFormatException(
          "%s: header length is %s, but must be from 2 to %d"
              .formatted(
                  path,
                  Long.toUnsignedString(length),
                  Math.min(MAX_HEADER_BYTES, fileSize - LENGTH_BYTES)));
    }
    byte[] json = readFully(path, channel, LENGTH_BYTES, (int) length).array();
    return parseTensors(
        path, JsonFile.parse(path + " header", json), LENGTH_BYTES + length, fileSize);
  }

  private static ByteBuffer readFully(Path path, FileChannel channel, long at, int count)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, at + buffer.position()) < 0) {
        throw new ModelFormatException(path + " ends within its header");
      }
    }
    return buffer;
  }

  private static Map<String, Entry> parseTensors(
      Path path, JsonNode header, long dataStart, long fileSize) {
    Map<String, Entry> tensors = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : header.properties()) {
      String name = entry.getKey();
      if (!name.equals("__metadata__")) {
        tensors.put(name, parseTensor(path, name, entry.getValue(), dataStart));
      }
    }
    requireContiguous(path, tensors, dataStart, fileSize);
    return tensors;
  }

  private static Entry parseTensor(Path path, String name, JsonNode json, long dataStart) {
    String where = path + ": tensor " + name;
    JsonNode offsets = json.path("data_offsets");
    JsonNode dims = json.path("shape");
    String dtype = json.path("dtype").asText("");
    boolean wellFormed =
        offsets.isArray() && offsets.size() == 2 && dims.isArray() && !dtype.isEmpty();
    if (!wellFormed || !offsets.get(0).canConvertToLong() || !offsets.get(1).canConvertToLong()) {
      throw new ModelFormatException(where + " needs dtype, shape and two data_offsets");
    }
    long begin = offsets.get(0).asLong();
    long end = offsets.get(1).asLong();
    if (begin < 0 || end < begin) {
      throw new ModelFormatException("%s has data_offsets [%d, %d]".formatted(where, begin, end));
    }
    List<Long> shape = new ArrayList<>();
    long elements = 1;
    for (JsonNode dim : dims) {
      if (!dim.canConvertToLong() || !dim.isIntegralNumber() || dim.asLong() < 0) {
        throw new ModelFormatException(where + " has a dimension of " + dim);
      }
      shape.add(dim.asLong());
      elements = multiply(where, elements, dim.asLong());
    }
    Integer size = elementBytes(dtype);
    if (size != null && multiply(where, elements, size) != end - begin) {
      throw new ModelFormatException(
          "%s of shape %s and type %s needs %d bytes, but has %d"
              .formatted(where, shape, dtype, elements * size, end - begin));
    }
    if (begin > Long.MAX_VALUE - dataStart) {
      throw new ModelFormatException(where + " begins at " + begin + ", beyond any file");
    }
    return new Entry(dtype, List.copyOf(shape), elements, dataStart + begin, end - begin);
  }

  private static long multiply(String where, long a, long b) {
    try {
      return Math.multiplyExact(a, b);
    } catch (ArithmeticException e) {
      throw new ModelFormatException(where + " has more than 2^63 bytes", e);
    }
  }

  private static @Nullable Integer elementBytes(String dtype) {
    return switch (dtype) {
      case "F64", "I64", "U64" -> 8;
      case "F32", "I32", "U32" -> 4;
      case "F16", "BF16", "I16", "U16" -> 2;
      case "BOOL", "I8", "U8", "F8_E4M3", "F8_E5M2" -> 1;
      default -> null; // refused when read
    };
  }

  private static void requireContiguous(
      Path path, Map<String, Entry> tensors, long dataStart, long fileSize) {
    List<Map.Entry<String, Entry>> inOrder = new ArrayList<>(tensors.entrySet());
    inOrder.sort(
        Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().offset)
            .thenComparingLong(e -> e.getValue().bytes));
    long expected = dataStart;
    for (Map.Entry<String, Entry> entry : inOrder) {
      Entry tensor = entry.getValue();
      if (tensor.offset != expected) {
        throw new ModelFormatException(
            "%s: tensor %s begins at byte %d, but the one before ends at %d"
                .formatted(path, entry.getKey(), tensor.offset, expected));
      }
      if (tensor.bytes > fileSize - tensor.offset) {
        throw new ModelFormatException(
            "%s: tensor %s ends beyond the file".formatted(path, entry.getKey()));
      }
      expected = tensor.offset + tensor.bytes;
    }
    if (expected != fileSize) {
      throw new ModelFormatException(
          "%s has %d bytes, but its tensors end at %d".formatted(path, fileSize, expected));
    }
  }
}
